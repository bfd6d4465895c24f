"""Whole calls whose transcription stalls: the second transcriber supplies what the Live session did not transcribe.

The calls are held three at once, and each test looks at its own. With every commit there are two, one whose gap is
filled and one whose connection is given up; `tests/processors/shadow/test_recorded_speech.py` has the same speech on
imagined time.
"""

import asyncio
import wave
from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.events import (
    AlternativeTranscribed,
    ConnectionGivenUp,
    GapFound,
    GapRepaired,
    ProblemSeen,
    TranscriptMeasured,
    UsageReported,
    VerdictGiven,
)
from core.transcript.overlap import normalized, shared_words
from pipeline.record.models import Utterance
from support.calls import CallResult, Held, config, hold, hold_all
from support.clips import ANSWERS, RATE, READ, compose
from support.fault_cases import chosen, rules
from support.word_recall import lost

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(900), pytest.mark.xdist_group("second transcriber")]

# The examiner really listens, so that what is missing is missing from the text, and asks once.
EXAMINER = {
    "kind": "speaking",
    "opening": "Hello.",
    "questions": ["Tell me about yourself."],
    "acknowledgements": ["I see."],
    "closing": "That is the end.",
    "latency": 0.1,
}
STAGES = ("resampler", "manual_vad", "gemini_live", "transcript", "scoring")
STALL = {"transcription": {"stall_after": 9.0}}
SPOKEN = " ".join(clip.text for clip in (*ANSWERS, READ))


def stalled(
    folder: Path,
    *,
    live: str,
    examiner: dict[str, Any] = EXAMINER,
    faults: Sequence[dict[str, Any]] = (),
    silence: float = 2.5,
    **shadow: Any,
) -> Path:
    """An exam whose service stops to transcribe after 9 s of a window, never flushed, with this second transcriber."""
    file = config(
        folder,
        examiner,
        scenario=STALL | {"faults": [*faults]},
        manual_vad__flush="none",
        manual_vad__silence=silence,
        gemini_live__model=live,
        transcript__repair_wait=30,  # a machine that runs other tests too is no faster than that
    )
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    data["stages"] = [stage for stage in data["stages"] if stage["use"] in STAGES]
    if shadow:
        at = next(n for n, stage in enumerate(data["stages"]) if stage["use"] == "gemini_live")
        data["stages"].insert(at, {"use": "shadow", **shadow})
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return file


def monologue(folder: Path) -> Path:
    """Half a minute of one turn."""
    path = compose(folder / "monologue.wav", [ANSWERS[0], 0.5, ANSWERS[1], 0.5, ANSWERS[2], 0.5, READ])
    with wave.open(str(path)) as file:
        assert 26 < file.getnframes() / file.getframerate() < 32
    return path


def lost_words(call: CallResult) -> list[str]:
    """The words of the recordings that are not in the caller's transcript."""
    return lost(SPOKEN, call.said("caller"))


def timely(utterance: Utterance, behind: float) -> bool:
    """Whether each word of the recordings stands in a part whose times meet its recording's, or are so much later."""
    assert len(utterance.times) > 1
    begins = [one["offset"] for one in utterance.times]
    start, good = utterance.started, True
    for clip in (*ANSWERS, READ):
        for word in clip.words:
            if (place := utterance.text.lower().find(word.lower())) >= 0:
                part = utterance.times[bisect_right(begins, place) - 1]
                good &= part["ended"] > start - 1 and part["started"] < start + clip.seconds + behind
        start += clip.seconds + 0.5
    return good


def measured(call: CallResult) -> TranscriptMeasured:
    return call.of(TranscriptMeasured)[-1]


NEW, OLD = "gemini-3.8-live", "gemini-2.5-flash-native-audio-preview-12-2025"


AT_ONCE = 3
WITH_EVERY_COMMIT = {"gaps, old model", "key_invalid@later"}
WANTED: dict[str, dict[str, Any]] = {
    "none": {"live": OLD},
    "gaps, old model": {"live": OLD, "transcriber": "offline"},
    "gaps, new model": {"live": NEW, "transcriber": "offline"},
    "offline": {"live": OLD, "transcriber": "offline", "when": "always"},
    "live": {"live": OLD, "transcriber": "live", "when": "always", "model": NEW},
    "google": {"live": OLD, "transcriber": "google_stt", "when": "always"},
}


ASKED = {
    **EXAMINER,
    "kind": "scripted",
    "questions": ["Your name?", "The weather?"],
    "heard": [
        "My name is Bruce and I am located in Sackville in New Brunswick, which is a small university town in Canada.",
        "The weather here seems quite nice and the leaves are slowly departing from us.",
    ],
    "ending": {"speak": "none"},
}
# What the caller was saying when the connection was given up.
GIVEN_UP = {"key_invalid@later": {"weather", "seems"}, "bad_payload@answer": {"name", "bruce"}}


async def long_call(name: str, folder: Path) -> CallResult:
    """A call of half a minute of one turn, with this transcriber."""
    return await hold(stalled(folder, **WANTED[name]), [monologue(folder)])


async def broken_off(case: str, folder: Path) -> CallResult:
    """A call of two short answers whose connection is given up by this fault."""
    answers: list[Path] = []
    for n, clip in enumerate((ANSWERS[0], ANSWERS[2])):
        answers.append(folder / f"answer-{n}.wav")
        with wave.open(str(answers[-1]), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(clip.pcm[: 3 * 2 * RATE])
    faults = rules(chosen([case], quick=False)[0], "ours")
    if "turn" in faults[0]:
        faults[0]["message"] += 14  # 2 s into the second answer, when there is some audio of it
    file = stalled(folder, live=NEW, transcriber="offline", examiner=ASKED, faults=faults, silence=0.8)
    return await hold(file, answers)


@pytest.fixture(scope="module")
def calls(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Held[str]:
    """The calls that are asked for, by name."""
    ours = (item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path)
    wanted = [str(item.callspec.params["held"]) for item in ours]
    folder = tmp_path_factory.mktemp("transcribers")
    made = {}
    for name in wanted:
        (folder / name).mkdir()
        made[name] = partial(broken_off if name in GIVEN_UP else long_call, name, folder / name)
    return asyncio.run(hold_all(made, AT_ONCE))


@pytest.fixture
def call(held: str, calls: Held[str]) -> CallResult:
    """The call that a test is of."""
    return calls[held]


def of(*names: str) -> pytest.MarkDecorator:
    """The calls that a test looks at; those that are not held with every commit are in `make soak`."""
    marked = [
        pytest.param(name, marks=() if name in WITH_EVERY_COMMIT else pytest.mark.soak, id=name) for name in names
    ]
    return pytest.mark.parametrize("held", marked)


@of("none")
def test_without_a_second_transcriber_the_gap_is_recorded(call: CallResult) -> None:
    assert {"university", "weather", "leisure", "them"} <= {*lost_words(call)}
    assert call.of(GapFound) and call.of(GapRepaired) == []
    assert measured(call).completeness < 0.7 and measured(call).repaired == 0
    assert {one.source for one in call.record.utterances} == {"live"}
    [utterance] = [one for one in call.record.utterances if one.speaker == "caller" and one.times]
    assert timely(utterance, 4.0)


@of("gaps, old model", "gaps, new model")
def test_a_gap_is_retranscribed_offline_and_filled(call: CallResult) -> None:
    assert lost_words(call) == []
    assert call.of(GapRepaired)
    assert measured(call).completeness == 1.0 and call.record.completeness == 1.0
    [utterance] = [one for one in call.record.utterances if one.speaker == "caller" and one.source == "repaired"]
    [live_text] = call.of(AlternativeTranscribed)
    assert live_text.source == "live" and shared_words(live_text.text, utterance.text) > 0.8
    words = [normalized(word) for word in utterance.text.split()]
    assert all(words.count(once) == 1 for once in ("bruce", "university", "leisure")), "nothing stands twice"


@of("offline")
def test_an_offline_transcriber_of_every_turn_needs_no_repair(call: CallResult) -> None:
    assert lost_words(call) == []
    assert call.of(GapRepaired) == []
    [utterance] = [one for one in call.record.utterances if one.speaker == "caller" and one.source == "shadow"]
    assert len(utterance.text.split()) > 50
    assert timely(utterance, 1.0)
    assert {usage.model for usage in call.of(UsageReported)} == {OLD}, "it costs nothing"


@of("live")
def test_a_second_live_session_transcribes_every_turn_and_is_billed(call: CallResult) -> None:
    assert lost_words(call) == []
    assert "shadow" in {one.source for one in call.record.utterances}
    assert {usage.model for usage in call.of(UsageReported)} == {OLD, NEW}
    assert call.record.model == OLD


@of("google")
def test_googles_transcription_has_every_turn_beside_a_stalled_live_session(call: CallResult) -> None:
    assert lost_words(call) == []
    [utterance] = [one for one in call.record.utterances if one.speaker == "caller" and one.source == "shadow"]
    assert len(utterance.text.split()) > 50
    assert timely(utterance, 1.0)
    assert call.of(ProblemSeen) == []
    assert {usage.model for usage in call.of(UsageReported)} == {OLD}, "it reports no tokens, here as on the service"
    windows = [line["samples"] for line in call.truth if line["what"] == "window.closed" and line["rate"] == 16_000]
    assert len(windows) >= 4, "the Live session's turn, and the same in chunks"


@of(*GIVEN_UP)
def test_what_was_said_when_the_connection_was_given_up_is_in_the_transcript(call: CallResult, held: str) -> None:
    assert call.record.why == "connection given up" and call.of(ConnectionGivenUp)
    given_up = call.of(ConnectionGivenUp)[0].at
    [utterance] = [one for one in call.record.utterances if one.source == "repaired"]
    assert utterance.speaker == "caller" and utterance.partial and utterance.started < given_up
    assert GIVEN_UP[held] <= {normalized(word) for word in utterance.text.split()}
    assert call.record.completeness == 1.0 and measured(call).repaired == 1
    repaired = call.events.index(call.of(GapRepaired)[0])
    assert repaired < call.events.index(call.of(VerdictGiven)[0]), "the scores are read from the whole of it"
