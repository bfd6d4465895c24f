"""Whole exams on real sockets while the service fails: nothing said is lost, and every call ends in order.

The calls of a test are held at once; each has an emulator of its own.
"""

import asyncio
import os
import wave
from pathlib import Path
from typing import Any

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
)
from support.calls import CallResult, config, hold
from support.clips import ANSWERS, RATE

pytestmark = pytest.mark.real_time

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


async def exam(
    folder: Path, *faults: dict[str, Any], model: dict[str, Any] | None = None, **changes: Any
) -> CallResult:
    """An exam of two answers of three seconds."""
    os.makedirs(folder)
    answers = [folder / f"answer-{n}.wav" for n in range(2)]
    for path, clip in zip(answers, (ANSWERS[0], ANSWERS[2]), strict=True):
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(clip.pcm[: 3 * 2 * RATE])
    scenario: dict[str, Any] = {"faults": list(faults), "model": model or {}}
    return await hold(config(folder, EXAMINER, scenario=scenario, **changes), answers)


def nothing_said_is_lost(told: CallResult) -> None:
    """Both answers are in the transcript, once, and the exam came to its scores and its end."""
    for heard in HEARD:
        assert told.said("caller").count(heard) == 1
    assert told.said("examiner").count("Hello.") == 1
    assert told.record.why == "completed" and told.record.scored == "complete"
    assert {source for _, source in told.scores().values()} == {"call"}
    closed(told)


def closed(told: CallResult) -> None:
    """The record is complete."""
    assert told.record.state == "closed"
    assert isinstance(told.events[-1], CallEnded)


def whole_windows(told: CallResult) -> list[tuple[int, int]]:
    """(connection, samples) of each window that the service heard to its end."""
    closed = (line for line in told.truth if line["what"] == "window.closed" and line["whole"])
    return [(line["connection"], line["samples"]) for line in closed if line["samples"]]


def resumed(told: CallResult) -> list[bool]:
    """Of each attempt to connect, whether it brought a handle."""
    return [dial.resumed for dial in told.of(ConnectionDialed)]


async def test_an_answer_cut_in_two_is_heard_whole_on_the_next_connection(tmp_path: Path) -> None:
    failed, cut, refused = await asyncio.gather(
        exam(tmp_path / "failed", LOST),
        exam(tmp_path / "cut", {"fault": "cut"} | MIDDLE),
        exam(tmp_path / "refused", LOST, {"fault": "handle_invalid"}),
    )
    for told in (failed, cut, refused):
        nothing_said_is_lost(told)
        # The first answer, from its first sample, and the second: nothing of them went to another connection.
        [(first, samples), (second, _)] = whole_windows(told)
        assert first == second > 1 and samples > 3 * RATE
    assert [(lost.code, lost.action) for lost in failed.of(ConnectionLost)] == [(1011, "resume")]
    assert [(lost.code, lost.action) for lost in cut.of(ConnectionLost)] == [(1006, "resume")]
    assert [(lost.code, lost.action) for lost in refused.of(ConnectionLost)] == [
        (1011, "resume"),
        (1007, "new session"),
    ]
    assert resumed(failed) == resumed(cut) == [False, True]
    assert resumed(refused) == [False, True, False], "a refused handle is not tried twice"
    assert [opened.gap >= 1.0 for opened in failed.of(ConnectionOpened)] == [False, True], "the gap is on record"


# A service that has frozen with its socket open says nothing, gives no handles and calls no functions.
FROZEN = [{"fault": fault, "turn": 2, "connection": 1} for fault in ("mute", "handle_never", "call_lost")]


async def test_an_announced_end_and_a_silent_model_are_left_in_time(tmp_path: Path) -> None:
    life = {"lifetime": 14.0, "lifetime_compressed": 14.0, "lead": 8.0}
    told_to_go, mute, in_call = await asyncio.gather(
        exam(tmp_path / "goaway", model=life, gemini_live__backoff=[30.0]),
        exam(tmp_path / "mute", *FROZEN, gemini_live__reply_timeout=2.0),
        exam(tmp_path / "call", {"fault": "thread_cancelled_on_tool"}),
    )
    nothing_said_is_lost(told_to_go)
    assert told_to_go.of(GoAwayReceived) and told_to_go.of(ConnectionLost) == []
    assert max(opened.gap for opened in told_to_go.of(ConnectionOpened)) < 30.0, (
        "a move that was chosen waits for nothing"
    )
    nothing_said_is_lost(mute)
    assert [late.action for late in mute.of(ModelLate)] == ["nudge", "reconnect"]
    nothing_said_is_lost(in_call)
    assert len({answered.id for answered in in_call.of(ToolAnswered)}) == len(in_call.of(ToolAnswered))
    assert len(in_call.of(ScoreGiven)) == len(in_call.scores()), "the model calls again, and is not scored again"


async def test_a_key_that_is_refused_ends_the_call_and_a_quota_is_waited_out(tmp_path: Path) -> None:
    key, quota = await asyncio.gather(
        exam(tmp_path / "key", LOST, {"fault": "key_invalid", "connection": 2}),
        exam(tmp_path / "quota", {"fault": "quota"} | MIDDLE, gemini_live__long_wait=3.0),
    )
    nothing_said_is_lost(quota)
    assert [lost.action for lost in quota.of(ConnectionLost)] == ["wait"]
    assert quota.of(ConnectionOpened)[1].gap >= 3.0
    closed(key)
    assert key.record.why == "connection given up" and "check the key" in (key.record.detail or "")
    assert [lost.action for lost in key.of(ConnectionLost)] == ["resume", "give up"]
    assert "Your name?" in key.said("examiner"), "what was said before is in the record"
