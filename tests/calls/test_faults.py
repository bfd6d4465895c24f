"""Whole exams while the service fails: nothing said is lost, and every call ends in order.

On imagined time; in `make soak` some on the real clock too. `test_every_fault` has the whole catalogue.
"""

import asyncio
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from core.events import (
    CallEnded,
    ConnectionDialed,
    ConnectionLost,
    ConnectionOpened,
    GoAwayReceived,
    ModelLate,
    ScoreGiven,
    ToolAnswered,
    VerdictGiven,
)
from gemini_live_emulator.scenario import Scenario
from support import calls, in_process
from support.calls import Log
from support.clips import RATE
from support.virtual_time import VirtualTimeLoop

Clock = Literal["imagined", "real"]
SECONDS = 3  # of an answer

IMAGINED = pytest.mark.parametrize("clock", ["imagined"])
ALSO_REAL = pytest.mark.parametrize(
    "clock", ["imagined", pytest.param("real", marks=(pytest.mark.real_time, pytest.mark.soak))]
)

HEARD = [
    "My name is Bruce and I am located in Sackville in New Brunswick, which is a small university town in Canada.",
    "The weather here seems quite nice and the leaves are slowly departing from us.",
]
EXAMINER = {
    "kind": "scripted",
    "opening": "Hello.",
    "questions": ["Your name?", "The weather?"],
    "acknowledgements": ["I see."],
    "closing": "Done.",
    "heard": HEARD,
    "latency": 0.1,
    "ending": {"speak": "none"},
}
# Of 0.08 s each: setup, three for the opening, one for the start of the first answer, and 1.5 s of it.
MIDDLE = {"message": 24, "on": "audio", "connection": 1}
LOST = {"fault": "internal_error"} | MIDDLE


class Exam(Protocol):
    """Holds an exam of two answers under faults, with the Live stage set as it says."""

    def __call__(self, *faults: dict[str, Any], model: dict[str, Any] | None = None, **live: Any) -> Log: ...


@pytest.fixture
def exam(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exam:
    def hold(*faults: dict[str, Any], model: dict[str, Any] | None = None, **live: Any) -> Log:
        failing: dict[str, Any] = {"faults": list(faults), "model": model or {}}
        if clock == "real":
            settings = {f"gemini_live__{key}": value for key, value in live.items()}
            file = calls.config(tmp_path, EXAMINER, scenario=failing, **settings)
            return asyncio.run(calls.hold(file, calls.short_answers(tmp_path, SECONDS)))
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(
                in_process.hold(
                    Scenario.model_validate({"name": "test", "examiner": EXAMINER, **failing}),
                    monkeypatch,
                    plan=calls.plan_of(EXAMINER["questions"], tmp_path),
                    answers=(SECONDS, SECONDS),
                    chunk=0.08,
                    truth=tmp_path / "truth.jsonl",
                    live=live,
                )
            )

    return hold


def nothing_said_is_lost(told: Log) -> None:
    """Both answers are in the transcript, once, and the exam came to its scores and its end."""
    for heard in HEARD:
        assert told.said("caller").count(heard) == 1
    assert told.said("examiner").count("Hello.") == 1
    assert ending(told).why == "completed"
    assert [verdict.status for verdict in told.of(VerdictGiven)] == ["complete"]
    assert {given.source for given in told.of(ScoreGiven)} == {"call"}


def ending(told: Log) -> CallEnded:
    """The last that is on record, and the only one of its kind."""
    [ended] = told.of(CallEnded)
    assert told.events[-1] is ended
    return ended


def whole_windows(told: Log) -> list[tuple[int, int]]:
    """(connection, samples) of each window that the service heard to its end."""
    closed = (line for line in told.truth if line["what"] == "window.closed" and line["whole"])
    return [(line["connection"], line["samples"]) for line in closed if line["samples"]]


def heard_whole_on_the_next_connection(told: Log) -> None:
    """The first answer, from its first sample, and the second: nothing of them went to another connection."""
    nothing_said_is_lost(told)
    [(first, samples), (second, _)] = whole_windows(told)
    assert first == second > 1 and samples > SECONDS * RATE


def losses(told: Log) -> list[tuple[int, str]]:
    """The code of each lost connection, and what it asked for."""
    return [(lost.code, lost.action) for lost in told.of(ConnectionLost)]


def resumed(told: Log) -> list[bool]:
    """Of each attempt to connect, whether it brought a handle."""
    return [dial.resumed for dial in told.of(ConnectionDialed)]


@ALSO_REAL
def test_an_answer_cut_in_two_is_heard_whole_on_the_next_connection(exam: Exam) -> None:
    told = exam(LOST)
    heard_whole_on_the_next_connection(told)
    assert losses(told) == [(1011, "resume")] and resumed(told) == [False, True]
    assert [opened.gap >= 1.0 for opened in told.of(ConnectionOpened)] == [False, True], "the gap is on record"


@IMAGINED
def test_an_answer_cut_in_two_by_the_network_is_heard_whole_on_the_next_connection(exam: Exam) -> None:
    told = exam({"fault": "cut"} | MIDDLE)
    heard_whole_on_the_next_connection(told)
    assert losses(told) == [(1006, "resume")] and resumed(told) == [False, True]


@ALSO_REAL
def test_an_answer_cut_in_two_is_heard_whole_though_the_handle_is_refused(exam: Exam) -> None:
    told = exam(LOST, {"fault": "handle_invalid"})
    heard_whole_on_the_next_connection(told)
    assert losses(told) == [(1011, "resume"), (1007, "new session")]
    assert resumed(told) == [False, True, False], "a refused handle is not tried twice"


@ALSO_REAL
def test_a_connection_whose_end_is_announced_is_left_in_time(exam: Exam) -> None:
    life = {"lifetime": 14.0, "lifetime_compressed": 14.0, "lead": 8.0}
    told = exam(model=life, backoff=[30.0])
    nothing_said_is_lost(told)
    assert told.of(GoAwayReceived) and losses(told) == []
    gaps = [opened.gap for opened in told.of(ConnectionOpened)]
    assert len(gaps) > 1 and max(gaps) < 30.0, "a rotation waits for nothing"


@IMAGINED
def test_a_silent_model_is_nudged_and_then_left(exam: Exam) -> None:
    # A service that has frozen with its socket open says nothing, gives no handles and calls no functions.
    frozen = ({"fault": fault, "turn": 2, "connection": 1} for fault in ("mute", "handle_never", "call_lost"))
    told = exam(*frozen)
    nothing_said_is_lost(told)
    assert [late.action for late in told.of(ModelLate)] == ["nudge", "reconnect"]


@IMAGINED
def test_a_model_that_calls_again_is_answered_and_not_scored_again(exam: Exam) -> None:
    told = exam({"fault": "thread_cancelled_on_tool"})
    nothing_said_is_lost(told)
    answered = [answer.id for answer in told.of(ToolAnswered)]
    assert len(answered) == len(set(answered)) == 2
    given = [score.criterion for score in told.of(ScoreGiven)]
    assert len(given) == len(set(given))


@IMAGINED
def test_a_key_that_is_refused_ends_the_call(exam: Exam) -> None:
    told = exam(LOST, {"fault": "key_invalid", "connection": 2})
    assert ending(told).why == "connection given up" and "check the key" in ending(told).detail
    assert [action for _, action in losses(told)] == ["resume", "give up"]
    assert "Your name?" in told.said("examiner"), "what was said before is in the record"


@ALSO_REAL
def test_a_quota_is_waited_out(exam: Exam) -> None:
    told = exam({"fault": "quota"} | MIDDLE, long_wait=3.0)
    nothing_said_is_lost(told)
    assert [action for _, action in losses(told)] == ["wait"]
    assert told.of(ConnectionOpened)[1].gap >= 3.0
