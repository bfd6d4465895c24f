"""What somebody was saying when the process of a call died, from what was kept of it."""

from collections.abc import Sequence

from loguru import logger

from core.events import Event, TranscriptCheckpointed, UtteranceSpoken, from_record
from pipeline.record.models import LoggedEvent, Utterance
from pipeline.record.projection import utterance_row


def read(events: Sequence[LoggedEvent], *kinds: type[Event]) -> list[Event]:
    """The facts of these kinds; those of another version of this program are left out."""
    names = {kind.__name__ for kind in kinds}
    facts: list[Event] = []
    for logged in events:
        if logged.kind in names:
            try:
                facts.append(from_record(logged.kind, logged.data))
            except ValueError as error:
                logger.warning(f"Fact {logged.seq} ({logged.kind}) is of another version and is left out: {error}")
    return facts


def unfinished(events: Sequence[LoggedEvent]) -> list[UtteranceSpoken]:
    """What each side was saying when the process died, as far as it was kept; nothing of a call that was over."""
    if any(logged.kind == "CallEnded" for logged in events):
        return []
    latest: dict[str, UtteranceSpoken | TranscriptCheckpointed] = {}
    for fact in read(events, UtteranceSpoken, TranscriptCheckpointed):
        if isinstance(fact, UtteranceSpoken | TranscriptCheckpointed):
            before = latest.get(fact.speaker)
            # The utterance stands for its kept words, whichever came first.
            if before is None or _stands(fact) >= _stands(before):
                latest[fact.speaker] = fact
    return [
        UtteranceSpoken(kept.at, kept.speaker, kept.text, kept.started, kept.ended, partial=True)
        for kept in latest.values()
        if isinstance(kept, TranscriptCheckpointed)
    ]


def transcript(said: Sequence[Utterance], events: Sequence[LoggedEvent], *, over: bool) -> tuple[Utterance, ...]:
    """The utterances on record in the order in which they began; of a session that is over with those that were kept of
    a process that died, until a verdict puts them on record.
    """
    kept = unfinished(events) if over else []
    numbered = enumerate(kept, events[-1].seq + 1 if events else 1)
    more = [Utterance(**utterance_row(LoggedEvent.of(seq, spoken))) for seq, spoken in numbered]
    return tuple(sorted([*said, *more], key=lambda one: (one.started, one.seq)))


def _stands(fact: UtteranceSpoken | TranscriptCheckpointed) -> tuple[float, bool]:
    return fact.started, isinstance(fact, UtteranceSpoken)
