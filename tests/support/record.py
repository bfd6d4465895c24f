"""Sessions and events to put on record."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from core.events import (
    CallBilled,
    CallEnded,
    CallerConnected,
    CallMeasured,
    ConnectionLost,
    Event,
    GoAwayReceived,
    ScoreGiven,
    ScoreMissing,
    ScoreRefused,
    ToolCalled,
    UsageReported,
    UtteranceSpoken,
)
from pipeline.record.models import SessionOpening
from support.deadline import LONG, expecting

OPENED_AT = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)


def opening(session_id: str, **changes: Any) -> SessionOpening:
    """A session that begins, like any other but for the changes."""
    values: dict[str, Any] = {
        "id": session_id,
        "opened_at": OPENED_AT,
        "config_name": "offline",
        "config": {"stages": [{"use": "resampler", "rate": 16000}], "name": "Prüfung"},
        "transport": "wav",
        "caller": "anna",
        "model": "gemini-live",
    }
    return SessionOpening(**values | changes)


def numbered(events: Sequence[Event], first: int = 1) -> list[tuple[int, Event]]:
    """The events with their places in a session."""
    return list(enumerate(events, first))


def said(text: str, at: float = 1.0, speaker: Any = "caller") -> UtteranceSpoken:
    """An utterance of one second that ends at `at`."""
    return UtteranceSpoken(at, speaker, text, at - 1, at)


def used(usd: str, at: float = 1.0, *, estimated: bool = False) -> UsageReported:
    """A usage message of ten tokens in and five out."""
    return UsageReported(at, "gemini-live", {"text": 3, "audio": 7}, {"audio": 5}, 0, usd, estimated)


async def until(
    check: Callable[[], bool | Awaitable[bool]],
    timeout: float = LONG,
    every: float = 0.01,
    what: str = "what the test waits for",
) -> None:
    """Wait until a condition holds, looked at `every` so many seconds; fail with `what` after `timeout` seconds."""
    async with expecting(what, timeout):
        while True:
            holds = check()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(every)


# An exam in small, with everything that leaves a trace in a table.
EXAM: tuple[Event, ...] = (
    CallerConnected(0.0, "wav"),
    said("What is your name?", 2.0, "examiner"),
    said("My name is Anna.", 4.5),
    used("0.000123456789012", 4.6),
    GoAwayReceived(5.0, 50.0),
    ConnectionLost(6.0, 1011, "Internal error encountered.", "resume"),
    ScoreRefused(7.0, "fluency", "speech", "11 is not on the scale"),
    ScoreGiven(8.0, "fluency", 6.0, "speech", "I give you a six for fluency"),
    ScoreGiven(9.0, "fluency", 6.5, "call", '{"fluency": 6.5}'),
    ScoreMissing(9.0, "pronunciation", "too little was said"),
    used("0.000876543210988", 9.5, estimated=True),
    CallMeasured(10.0, 0.62, 0.91, 2, 0.05, 10.0),
    CallBilled(10.0, "0.001", 30, False),
    CallEnded(10.0, "completed"),
)

_texts = st.text(st.characters(), max_size=12)  # NUL and lone surrogates among them
_times = st.floats(0, 1000, allow_nan=False)
_counts = st.dictionaries(st.sampled_from(["text", "audio"]), st.integers(0, 10_000), max_size=2)
_amounts = st.decimals(0, 2, allow_nan=False, places=9).map(str) | st.sampled_from(["", "free", "NaN", "1e999"])
_criteria = st.sampled_from(["fluency", "grammar", "vocabulary"])

recorded_events: st.SearchStrategy[Event] = st.one_of(
    st.builds(UtteranceSpoken, _times, st.sampled_from(["caller", "examiner"]), _texts, _times, _times),
    st.builds(UsageReported, _times, _texts, _counts, _counts, st.integers(0, 99), _amounts, st.booleans()),
    st.builds(ScoreGiven, _times, _criteria, st.floats(0, 9), st.just("call"), _texts),
    st.builds(ScoreMissing, _times, _criteria, _texts),
    st.builds(ToolCalled, _times, _texts, _texts, st.dictionaries(_texts, _texts | st.floats() | st.none())),
    st.builds(CallMeasured, _times, st.none() | _times, st.floats(), st.integers(0, 99), _times, _times),
    st.builds(CallBilled, _times, _amounts, st.integers(0, 10**30), st.booleans()),
    st.builds(CallEnded, _times, _texts, _texts),
)
