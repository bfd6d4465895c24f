"""Whole exams with an examiner who asks the same again: noticed, cut off, instructed to go on.

On imagined time; in `make soak` on the real clock too, at a studio's and a telephone's rate.
"""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from core.events import CallEnded, RepetitionNoticed, ReplySuppressed, UtteranceSpoken, VerdictGiven
from gemini_live_emulator.scenario import Scenario
from support import in_process
from support.calls import SHORT, Held, Log, config, hold, hold_all, plan_of
from support.clips import ANSWERS
from support.sound import at_files
from support.virtual_time import VirtualTimeLoop

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


@dataclass(frozen=True, slots=True)
class Call:
    """An exam: who examines, how many answers there are, what is done about repetitions, how long the caller thinks."""

    examiner: dict[str, Any]
    answers: int
    do: str
    think: float


CALLS = {
    "sound": Call(SOUND, 2, "instruct", 1.0),
    "flag": Call(FORGETFUL, 3, "flag", 1.0),
    "cut": Call(FORGETFUL, 3, "cut", 1.0),
    # An instructed model has to begin before the candidate answers what was played of the repetition.
    "instruct": Call(FORGETFUL, 2, "instruct", 2.0),
    "hasty": Call(HASTY, 2, "flag", 5.0),
}

Which = tuple[str, int | None]
Calls = Held[Which]


def on_both_clocks(name: str) -> pytest.MarkDecorator:
    """The call of this name on imagined time, and at each rate on the real clock."""
    real_clock = (
        *(pytest.mark.real_time, pytest.mark.soak, pytest.mark.timeout(900)),
        pytest.mark.xdist_group("repetition"),
    )
    rates = (pytest.param((name, rate), marks=real_clock, id=f"{rate} Hz") for rate in RATES)
    return pytest.mark.parametrize("which", [pytest.param((name, None), id="imagined"), *rates])


def real(name: str, rate: int, folder: Path) -> partial[Any]:
    """A call on the real clock, to be held."""
    folder.mkdir()
    call = CALLS[name]
    file = config(folder, call.examiner, repetition__do=call.do)
    plan_of([TOWN, WEATHER], folder)
    return partial(hold, file, at_files([ANSWERS[0].path], rate, folder) * call.answers, think=call.think)


def imagined(name: str, folder: Path, patch: pytest.MonkeyPatch) -> Log:
    """A call on imagined time."""
    call = CALLS[name]
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(
            in_process.hold(
                Scenario.model_validate({"name": "test", "examiner": call.examiner}),
                patch,
                plan=plan_of([TOWN, WEATHER], folder),
                answers=[6.0] * call.answers,
                think=call.think,
                repetition={"do": call.do},
                truth=folder / "truth.jsonl",
            )
        )


@pytest.fixture(scope="module")
def calls(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """The calls on the real clock that are asked for, held at once."""
    folder = tmp_path_factory.mktemp("repetition")
    ours = (item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path)
    wanted: dict[Which, partial[Any]] = {}
    for item in ours:
        which: Any = item.callspec.params["which"]
        name, rate = which
        if rate is not None:
            wanted[name, rate] = real(name, rate, folder / f"{name}-{rate}")
    return asyncio.run(hold_all(wanted, AT_ONCE))


@pytest.fixture
def result(request: pytest.FixtureRequest, which: Which, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    """The call, which came to its end."""
    name, rate = which
    held = imagined(name, tmp_path, monkeypatch) if rate is None else request.getfixturevalue("calls")[which]
    assert [ended.why for ended in held.of(CallEnded)] == ["completed"]
    assert [verdict.status for verdict in held.of(VerdictGiven)] == ["complete"]
    return held


def spoken(result: Log, speaker: str) -> list[UtteranceSpoken]:
    """The utterances of one side, in the order in which they began."""
    return sorted((u for u in result.of(UtteranceSpoken) if u.speaker == speaker), key=lambda u: u.started)


def asked(result: Log, question: str) -> list[bool]:
    """For each time the question was put whether it was cut off."""
    return [u.interrupted for u in spoken(result, "examiner") if question[:10] in u.text]


@on_both_clocks("flag")
def test_a_repetition_is_flagged_while_it_is_being_spoken(result: Log) -> None:
    [noticed] = result.of(RepetitionNoticed)
    assert noticed.similarity >= 0.8 and result.of(ReplySuppressed) == []
    assert asked(result, TOWN) == [False, False]
    _, again = [u for u in spoken(result, "examiner") if TOWN in u.text]
    assert again.started <= noticed.at < again.ended


@on_both_clocks("cut")
def test_a_repetition_is_cut_off_and_the_exam_goes_on(result: Log) -> None:
    assert len(result.of(RepetitionNoticed)) == 1
    [suppressed] = result.of(ReplySuppressed)
    assert suppressed.why == "repetition" and suppressed.seconds > 1.0 and TOWN in suppressed.text
    assert asked(result, TOWN) == [False, True] and asked(result, WEATHER) == [False]
    assert result.said("examiner").count(TOWN) == 1, "the second time was not played to its end"


@on_both_clocks("instruct")
def test_a_model_that_asks_what_was_answered_is_instructed_to_go_on(result: Log) -> None:
    assert len(result.of(RepetitionNoticed)) == 1
    [suppressed] = result.of(ReplySuppressed)
    assert suppressed.why == "repetition"
    town, cut, weather, *_ = spoken(result, "examiner")
    assert TOWN in town.text and cut.interrupted and WEATHER in weather.text
    between = [u for u in spoken(result, "caller") if cut.started < u.started < weather.started]
    assert between == [], "the instruction led to the next question, and no answer did"


@on_both_clocks("hasty")
def test_a_question_repeated_before_it_was_answered_is_never_played(result: Log) -> None:
    [suppressed] = result.of(ReplySuppressed)
    assert suppressed.why == "premature", "by the gate, which stands before this stage"
    assert [u for u in result.truth if u["what"] == "turn.ended"][1]["sent"]["text"].startswith("Could")
    assert result.of(RepetitionNoticed) == [] and asked(result, TOWN) == asked(result, WEATHER) == [False]


@on_both_clocks("sound")
def test_an_examiner_who_does_not_repeat_itself_is_left_alone(result: Log) -> None:
    assert result.of(RepetitionNoticed) == [] and result.of(ReplySuppressed) == []
