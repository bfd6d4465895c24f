"""Whole exams in a room in which the caller's microphone hears the examiner, at a studio's and a telephone's rate."""

from pathlib import Path

import pytest
import yaml

from core.events import EchoDetected, Event, TurnOpened, UtteranceSpoken
from pipeline.runtime import Running
from support.calls import SHORT, CallResult, config, hold
from support.clips import ANSWERS
from support.sound import at_files

pytestmark = [pytest.mark.real_time, pytest.mark.soak]

FILES = [answer.path for answer in ANSWERS[:2]]
# An examiner with a voice: its echo is to be told from the caller's voice, which a tone would be too easily.
SPEAKING = SHORT | {
    "kind": "speaking",
    "ending": {"speak": "none"},  # to speak the scores would take a quarter of a minute
    "questions": [
        "Please tell me your name, and where you are located today?",
        "What kind of a town is it you live in?",
    ],
}


def without_echo(file: Path) -> Path:
    """The same config, with the stage taken out."""
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    data["stages"] = [stage for stage in data["stages"] if stage["use"] != "echo"]
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return file


def as_it_should_be(told: CallResult) -> None:
    assert told.record.scored == "complete" and told.record.why == "completed"
    assert [u.speaker for u in told.record.utterances[:4]] == ["examiner", "caller", "examiner", "caller"]
    assert not [u for u in told.record.utterances if u.interrupted]
    for answer in ANSWERS[:2]:
        assert all(word.lower() in told.said("caller").lower() for word in answer.words)
    assert len(told.of(TurnOpened)) == 2


@pytest.mark.parametrize("rate", [48000, 8000])
async def test_the_examiners_echo_opens_no_turn(rate: int, tmp_path: Path) -> None:
    told = await hold(config(tmp_path, SPEAKING), at_files(FILES, rate, tmp_path), echo={"gain": -10, "delay": 0.18})
    as_it_should_be(told)
    assert len(told.of(EchoDetected)) == 1


async def test_without_the_stage_the_same_room_interrupts_the_examiner(tmp_path: Path) -> None:
    def leave(there: Running, event: Event) -> None:
        if isinstance(event, UtteranceSpoken) and event.speaker == "examiner" and event.interrupted:
            for session in there.host.sessions:
                session.finish("caller left")

    file = without_echo(config(tmp_path, SPEAKING))
    recordings = at_files(FILES, 8000, tmp_path)
    told = await hold(file, recordings, echo={"gain": -10, "delay": 0.18}, hang_up_after=3.0, during=leave)
    assert [u for u in told.record.utterances if u.speaker == "examiner" and u.interrupted]


async def test_a_quiet_line_is_left_as_it_is(tmp_path: Path) -> None:
    told = await hold(config(tmp_path, SPEAKING), at_files(FILES, 8000, tmp_path))
    as_it_should_be(told)
    assert told.of(EchoDetected) == []
