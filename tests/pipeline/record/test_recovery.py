"""What is made of the checkpoints of a process that died: each side's unfinished utterance, and nothing twice."""

import pytest

from core.events import CallEnded, Event, TranscriptCheckpointed, UtteranceSpoken
from pipeline.record.models import LoggedEvent
from pipeline.record.recovery import unfinished

QUESTION = UtteranceSpoken(5.0, "examiner", "Where do you live?", 2.0, 5.0)
FINISHED = UtteranceSpoken(12.0, "caller", "In Sackville.", 6.0, 9.0)


def checkpoint(text: str, started: float, at: float) -> TranscriptCheckpointed:
    """Of the caller."""
    return TranscriptCheckpointed(at, "caller", text, started, at)


def recovered(*events: Event) -> list[tuple[str, str]]:
    """The speaker and the text of what is recovered from these, in the order in which they were recorded."""
    found = unfinished([LoggedEvent.of(seq, event) for seq, event in enumerate(events, 1)])
    assert all(one.partial for one in found)
    return [(one.speaker, one.text) for one in found]


def test_the_last_checkpoint_of_an_unfinished_utterance_is_recovered() -> None:
    events = [QUESTION, checkpoint("In", 6.0, 7.0), checkpoint("In Sack", 6.0, 8.0)]
    assert recovered(*events) == [("caller", "In Sack")]


@pytest.mark.parametrize(
    "events",
    [
        [checkpoint("In", 6.0, 7.0), FINISHED],
        [FINISHED, checkpoint("In", 6.0, 7.0)],  # written by another process, from a file
        [checkpoint("Well", 1.0, 2.0), checkpoint("In", 6.0, 7.0), FINISHED],
    ],
)
def test_a_finished_utterance_is_not_recovered_from_its_checkpoints(events: list[Event]) -> None:
    assert recovered(QUESTION, *events) == []


def test_what_was_going_on_after_a_finished_utterance_is_recovered() -> None:
    assert recovered(FINISHED, checkpoint("And", 14.0, 15.0)) == [("caller", "And")]
    assert recovered(checkpoint("And", 14.0, 15.0), FINISHED) == [("caller", "And")]


def test_nothing_is_recovered_of_a_call_that_has_ended() -> None:
    assert recovered(checkpoint("In", 6.0, 7.0), CallEnded(20.0, "completed")) == []
