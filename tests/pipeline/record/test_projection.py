"""The columns of a session, derived from its events in whatever order the database returns them."""

from datetime import UTC, datetime
from itertools import permutations

from core.events import CallEnded, Event, ScoreGiven, ScoreMissing, TranscriptMeasured
from pipeline.record.models import LoggedEvent
from pipeline.record.projection import SessionState, score_rows, session_columns

KNOWN = SessionState(datetime(2026, 1, 1, tzinfo=UTC), "open", None, None, 9.0)
EVENTS: list[Event] = [
    TranscriptMeasured(5.0, 0.5, 12.0, 2, 0),
    ScoreMissing(6.0, "fluency", "not enough evidence"),
    ScoreGiven(8.0, "fluency", 6.0, "text", "you know"),
    TranscriptMeasured(8.5, 0.9, 12.0, 2, 2),
    CallEnded(9.0, "completed"),
]
LOGGED = [LoggedEvent.of(seq, event) for seq, event in enumerate(EVENTS, 1)]


def test_the_event_that_was_recorded_last_decides_in_whatever_order_they_are_read() -> None:
    for events in permutations(LOGGED):
        columns = session_columns(KNOWN, events)
        assert (columns["completeness"], columns["repaired"], columns["scored"]) == (0.9, 2, "complete")
        assert [(row["value"], row["source"]) for row in score_rows(events)] == [(6.0, "text")]
