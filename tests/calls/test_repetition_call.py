"""Whole exams with an examiner who asks the same again: noticed, cut off, instructed to go on."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.events import RepetitionNoticed, ReplySuppressed
from support.calls import SHORT, CallResult, Held, config, hold, hold_all
from support.clips import ANSWERS
from support.sound import at_files

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(900), pytest.mark.xdist_group("repetition")]

TOWN = "Could you tell me something about the town where you grew up?"
WEATHER = "What is the weather usually like at this time of the year?"
RATES = (48000, 8000)
AT_ONCE = 5  # of nine: all of them would be more than one processor can do in time
# Gives its scores by the call alone: they take long to say.
SOUND = SHORT | {"questions": [TOWN, WEATHER], "ending": {"speak": "none"}}
# Asks what the candidate has answered. The plan holds the question once.
FORGETFUL = SOUND | {"questions": [TOWN, TOWN, WEATHER], "heard": [*SHORT["heard"], SHORT["heard"][0]]}
# Asks again before the candidate has said a word, as the scenario `report` does.
HASTY = SOUND | {"repeats": [1], "repeat_after": 1.0}

Calls = Held[tuple[str, int]]


def prepared(folder: Path, examiner: dict[str, Any], rate: int, answers: int, do: str) -> tuple[Path, list[Path]]:
    """The config of a call, and what the candidate says."""
    folder.mkdir()
    file = config(folder, examiner, repetition__do=do)
    plan = {"name": "test", "closing": "", "parts": [{"name": "test", "questions": [TOWN, WEATHER]}]}
    (folder / "plan.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    return file, at_files([ANSWERS[0].path], rate, folder) * answers


async def all_calls(folder: Path) -> Calls:
    """Each call by its name and rate."""
    wanted: dict[tuple[str, int], tuple[dict[str, Any], int, str, float]] = {
        ("sound", 48000): (SOUND, 2, "instruct", 1.0)
    }
    for rate in RATES:
        wanted["flag", rate] = FORGETFUL, 3, "flag", 1.0
        wanted["cut", rate] = FORGETFUL, 3, "cut", 1.0
        # An instructed model has to begin before the candidate answers what was played of the repetition.
        wanted["instruct", rate] = FORGETFUL, 2, "instruct", 2.0
        wanted["hasty", rate] = HASTY, 2, "flag", 5.0
    calls = {
        (name, rate): partial(hold, *prepared(folder / f"{name}-{rate}", examiner, rate, answers, do), think=think)
        for (name, rate), (examiner, answers, do, think) in wanted.items()
    }
    return await hold_all(calls, AT_ONCE)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Calls:
    return asyncio.run(all_calls(tmp_path_factory.mktemp("repetition")))


def held(calls: Calls, name: str, rate: int) -> CallResult:
    """The call of this name, which came to its end."""
    result = calls[name, rate]
    assert result.record.scored == "complete" and result.record.why == "completed"
    return result


def asked(result: CallResult, question: str) -> list[bool]:
    """For each time the question was put whether it was cut off."""
    start = question[:10]
    return [u.interrupted for u in result.record.utterances if u.speaker == "examiner" and start in u.text]


@pytest.mark.parametrize("rate", RATES)
def test_a_repetition_is_flagged_while_it_is_being_spoken(calls: Calls, rate: int) -> None:
    result = held(calls, "flag", rate)
    [noticed] = result.of(RepetitionNoticed)
    assert noticed.similarity >= 0.8 and result.of(ReplySuppressed) == []
    assert asked(result, TOWN) == [False, False]
    _, again = [u for u in result.record.utterances if TOWN in u.text]
    assert again.started <= noticed.at < again.ended


@pytest.mark.parametrize("rate", RATES)
def test_a_repetition_is_cut_off_and_the_exam_goes_on(calls: Calls, rate: int) -> None:
    result = held(calls, "cut", rate)
    assert len(result.of(RepetitionNoticed)) == 1
    [suppressed] = result.of(ReplySuppressed)
    assert suppressed.why == "repetition" and suppressed.seconds > 1.0 and TOWN in suppressed.text
    assert asked(result, TOWN) == [False, True] and asked(result, WEATHER) == [False]
    assert result.said("examiner").count(TOWN) == 1, "the second time was not played to its end"


@pytest.mark.parametrize("rate", RATES)
def test_a_model_that_asks_what_was_answered_is_instructed_to_go_on(calls: Calls, rate: int) -> None:
    result = held(calls, "instruct", rate)
    assert len(result.of(RepetitionNoticed)) == 1
    [suppressed] = result.of(ReplySuppressed)
    assert suppressed.why == "repetition"
    town, cut, weather, *_ = [u for u in result.record.utterances if u.speaker == "examiner"]
    assert TOWN in town.text and cut.interrupted and WEATHER in weather.text
    between = [
        u for u in result.record.utterances if u.speaker == "caller" and cut.started < u.started < weather.started
    ]
    assert between == [], "the instruction led to the next question, and no answer did"


@pytest.mark.parametrize("rate", RATES)
def test_a_question_repeated_before_it_was_answered_is_never_played(calls: Calls, rate: int) -> None:
    result = held(calls, "hasty", rate)
    [suppressed] = result.of(ReplySuppressed)
    assert suppressed.why == "premature", "by the gate, which stands before this stage"
    assert [u for u in result.truth if u["what"] == "turn.ended"][1]["sent"]["text"].startswith("Could")
    assert result.of(RepetitionNoticed) == [] and asked(result, TOWN) == asked(result, WEATHER) == [False]


def test_an_examiner_who_does_not_repeat_itself_is_left_alone(calls: Calls) -> None:
    result = held(calls, "sound", 48000)
    assert result.of(RepetitionNoticed) == [] and result.of(ReplySuppressed) == []
