"""When the words of an utterance that is not finished are put on record, should the process die before it is.

A process can be killed while the examiner reads out the scores. What had been said by then must not be lost, and a
fact for every piece would be ten a second: words are kept some time after they came, all that there are by then.
"""

from collections.abc import Sequence

from core.events import Speaker, TranscriptCheckpointed

# Seconds after which new words are kept, and the share of an utterance's age where that is more: as each fact holds all
# the words so far, what is kept of a long answer stays within some ten times its length.
AFTER = 1.0
SHARE = 0.1


class CheckpointTimer:
    """Words that came in, facts that keep them out."""

    def __init__(self) -> None:
        self._due: float | None = None
        self._kept: dict[Speaker, tuple[str, float]] = {}

    def came(self, started: float, now: float) -> None:
        """A piece of text has come of an utterance that began then."""
        if self._due is None:
            self._due = now + max(AFTER, SHARE * (now - started))

    def deadline(self) -> float | None:
        """When words are to be kept; None while there are no new ones."""
        return self._due

    def tick(self, unfinished: Sequence[tuple[Speaker, str, float, float]], now: float) -> list[TranscriptCheckpointed]:
        """Keep what is new of those who have not finished: who, the words, when they began, when they ended."""
        if self._due is None or now < self._due:
            return []
        self._due = None
        facts: list[TranscriptCheckpointed] = []
        for speaker, text, started, ended in unfinished:
            if self._kept.get(speaker) != (text, started):
                self._kept[speaker] = (text, started)
                facts.append(TranscriptCheckpointed(now, speaker, text, started, ended))
        return facts
