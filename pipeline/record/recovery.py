"""The unfinished utterances of a process that died, from their checkpoints."""

from collections.abc import Sequence

from loguru import logger

from core.events import Event, TranscriptCheckpointed, UtteranceSpoken, from_record
from pipeline.record.models import LoggedEvent, Utterance
from pipeline.record.projection import utterance_row


def read_events(events: Sequence[LoggedEvent], *kinds: type[Event]) -> list[Event]:
    """The events of these kinds; one that this version of the program cannot read is left out with a warning."""
    names = {kind.__name__ for kind in kinds}
    found: list[Event] = []
    for logged in events:
        if logged.kind in names:
            try:
                found.append(from_record(logged.kind, logged.data))
            except ValueError as error:
                logger.warning(f"Event {logged.seq} ({logged.kind}) is of another version and is left out: {error}")
    return found


def unfinished(events: Sequence[LoggedEvent]) -> list[UtteranceSpoken]:
    """The utterance of each side that was going on when the process died; none of a call that has ended."""
    if any(logged.kind == "CallEnded" for logged in events):
        return []
    latest: dict[str, UtteranceSpoken | TranscriptCheckpointed] = {}
    for event in read_events(events, UtteranceSpoken, TranscriptCheckpointed):
        if isinstance(event, UtteranceSpoken | TranscriptCheckpointed):
            before = latest.get(event.speaker)
            if before is None or _precedence(event) >= _precedence(before):
                latest[event.speaker] = event
    return [
        UtteranceSpoken(last.at, last.speaker, last.text, last.started, last.ended, partial=True)
        for last in latest.values()
        if isinstance(last, TranscriptCheckpointed)
    ]


def transcript(utterances: Sequence[Utterance], events: Sequence[LoggedEvent], *, over: bool) -> tuple[Utterance, ...]:
    """The utterances in the order in which they began, and of a session that is over those that a dead process had only
    checkpointed; once late scoring has recorded these they are utterances like any other.
    """
    recovered = unfinished(events) if over else []
    numbered = enumerate(recovered, events[-1].seq + 1 if events else 1)
    more = [Utterance(**utterance_row(LoggedEvent.of(seq, event))) for seq, event in numbered]
    return tuple(sorted([*utterances, *more], key=lambda one: (one.started, one.seq)))


def _precedence(event: UtteranceSpoken | TranscriptCheckpointed) -> tuple[float, bool]:
    """A later utterance goes before an earlier one, and a finished one before its own checkpoints."""
    return event.started, isinstance(event, UtteranceSpoken)
