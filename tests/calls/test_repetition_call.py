"""Whole exams with an examiner who asks the same again: noticed, cut off, told to go on."""

from pathlib import Path
from typing import Any

import pytest
from support.calls import SHORT, Told, config, hold
from support.clips import ANSWERS
from support.sound import at_files

from core.events import RepetitionNoticed, ReplySuppressed

pytestmark = pytest.mark.real_time

TOWN = "Could you tell me something about the town where you grew up?"
WEATHER = "What is the weather usually like at this time of the year?"
# Repeats itself before the candidate answers, as the scenario `report` does; the first time was heard to its end.
HASTY = SHORT | {"questions": [TOWN, WEATHER], "repeats": [1], "repeat_after": 6.0}
# Asks what the candidate has answered.
FORGETFUL = SHORT | {"questions": [TOWN, TOWN, WEATHER], "heard": [*SHORT["heard"], SHORT["heard"][0]]}


async def call(folder: Path, examiner: dict[str, Any], answers: int, rate: int, do: str) -> Told:
    file = config(folder, examiner, repetition__do=do)
    return await hold(
        file, at_files([a.path for a in ANSWERS[:answers]], rate, folder), think=9.0 if examiner is HASTY else 1.0
    )


def asked(told: Told, question: str) -> list[bool]:
    """For each time the question was put whether it was cut off."""
    start = question[:10]
    return [u.interrupted for u in told.record.utterances if u.speaker == "examiner" and start in u.text]


@pytest.mark.parametrize("rate", [48000, 8000])
async def test_a_repetition_is_flagged_while_it_is_being_spoken(rate: int, tmp_path: Path) -> None:
    told = await call(tmp_path, HASTY, 2, rate, "flag")
    [noticed] = told.of(RepetitionNoticed)
    again = [u for u in told.record.utterances if u.text.strip() == TOWN]
    assert again and noticed.similarity >= 0.8
    assert again[-1].started <= noticed.at < again[-1].ended
    assert told.record.scored == "complete" and told.of(ReplySuppressed) == []


@pytest.mark.parametrize("rate", [48000, 8000])
async def test_a_repetition_is_cut_off_and_the_exam_goes_on(rate: int, tmp_path: Path) -> None:
    told = await call(tmp_path, HASTY, 2, rate, "cut")
    assert len(told.of(RepetitionNoticed)) == 1
    [suppressed] = told.of(ReplySuppressed)
    assert suppressed.why == "repetition" and suppressed.seconds > 1.0
    assert "town" in suppressed.text
    assert asked(told, TOWN)[0] is False and not any(u.text == TOWN for u in told.record.utterances)
    assert told.record.scored == "complete" and told.record.why == "completed"


@pytest.mark.parametrize("rate", [48000, 8000])
async def test_a_model_that_asks_what_was_answered_is_told_to_go_on(rate: int, tmp_path: Path) -> None:
    told = await call(tmp_path, FORGETFUL, 2, rate, "nudge")
    assert len(told.of(RepetitionNoticed)) == 1
    [suppressed] = told.of(ReplySuppressed)
    assert suppressed.why == "repetition"
    assert WEATHER in told.said("examiner"), "the nudge led to the next question"
    assert told.record.scored == "complete" and told.record.why == "completed"


async def test_an_examiner_who_does_not_repeat_itself_is_left_alone(tmp_path: Path) -> None:
    told = await call(tmp_path, SHORT | {"questions": [TOWN, WEATHER]}, 2, 48000, "nudge")
    assert told.of(RepetitionNoticed) == [] and told.of(ReplySuppressed) == []
    assert told.record.scored == "complete"
