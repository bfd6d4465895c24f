"""What happened in a call is told from its events, whatever they hold."""

from dataclasses import fields
from typing import Any, get_type_hints

import pytest

from core import events
from core.events import (
    ConnectionLost,
    ConnectionOpened,
    Event,
    ExamProgressed,
    GapFound,
    ModelLate,
    ProblemSeen,
    ReplySuppressed,
    ToolCalled,
    TurnOpened,
    UtteranceSpoken,
)
from pipeline.record.happenings import LISTED, happenings
from pipeline.record.models import LoggedEvent


def told(*given: Event) -> list[str]:
    """What happened, a line each."""
    logged = [LoggedEvent.of(seq, event) for seq, event in enumerate(given, 1)]
    return [f"{at:g} {what} ({', '.join(about)})" for at, what, about in happenings(logged)]


def test_a_bad_call_is_explained() -> None:
    assert told(
        ExamProgressed(1.0, 1, 3, "Interview", "Where do you live?"),
        ConnectionLost(4.0, 1011, "Internal error encountered.", "resume"),
        ConnectionOpened(5.5, 0.4, None, 1.5),
        ModelLate(20.0, "nudge"),
        GapFound(21.0, 12.0, 15.5, 0),
        ProblemSeen(22.0, "scoring", "gemini-x refused to answer (SAFETY)"),
        ToolCalled(23.0, "1", "report", {"fluency": 6}),
    ) == [
        "1 question asked (asked 1, questions 3, part Interview, question Where do you live?)",
        "4 lost (code 1011, reason Internal error encountered., action resume)",
        "5.5 opened (took 0.4, gap 1.5)",
        "20 the model is late (action nudge)",
        "21 gap in the transcript (started 12, ended 15.5, words 0, why missing)",
        "22 problem (where scoring, what gemini-x refused to answer (SAFETY))",
        "23 function called (id 1, name report, args fluency 6)",
    ]


def test_what_comes_with_every_good_turn_is_left_out() -> None:
    assert told(TurnOpened(1.0), UtteranceSpoken(2.0, "caller", "Hello", 1.0, 2.0), ExamProgressed(2.0, 0, 3)) == []


def test_a_late_event_stands_at_its_time_and_a_long_value_is_cut() -> None:
    first, second = told(ModelLate(9.0, "nudge"), ReplySuppressed(3.0, "early", "x" * 10_000, 2.0))
    assert first.startswith("3 reply suppressed (why early, text xxx") and len(first) < 500 and "…" in first
    assert second == "9 the model is late (action nudge)"


@pytest.mark.parametrize("kind", sorted(LISTED))
def test_every_kind_that_is_listed_is_an_event_and_can_be_told(kind: str) -> None:
    cls: Any = getattr(events, kind)
    hints = get_type_hints(cls)
    values = {one.name: hints[one.name]("1") for one in fields(cls) if hints[one.name] in (str, int, float)}
    values |= {one.name: True for one in fields(cls) if hints[one.name] is bool}
    values |= {one.name: ["a"] for one in fields(cls) if one.name == "missing" and kind == "ScoreAsked"}
    values |= {one.name: {"a": 1} for one in fields(cls) if one.name == "args"}
    values |= {one.name: "caller" for one in fields(cls) if one.name == "speaker"}
    [line] = told(cls(**values))
    assert line.startswith(f"1 {LISTED[kind]}")
