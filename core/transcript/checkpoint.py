"""When the text of an unfinished utterance is recorded, should the process die before the utterance is finished.

A process can be killed while the examiner reads out the scores. What had been said by then must not be lost, and an
event for every fragment would be ten a second: some time after a fragment, all the text there is by then is recorded.
"""

from collections.abc import Sequence

from core.events import Speaker, TranscriptCheckpointed

# Seconds from new text to the checkpoint, and the share of an utterance's age where that is more: as each event has all
# of the text so far, the checkpoints of a long answer together stay within some ten times its length.
DELAY = 1.0
DELAY_SHARE = 0.1


class CheckpointTimer:
    """Fragments of text in, checkpoints of unfinished utterances out."""

    def __init__(self) -> None:
        self._deadline: float | None = None
        self._last: dict[Speaker, tuple[str, float]] = {}

    def text_received(self, started: float, now: float) -> None:
        """A fragment was received of an utterance that began at `started`."""
        if self._deadline is None:
            self._deadline = now + max(DELAY, DELAY_SHARE * (now - started))

    def deadline(self) -> float | None:
        """When the next checkpoint is due; None while there is no new text."""
        return self._deadline

    def tick(self, unfinished: Sequence[tuple[Speaker, str, float, float]], now: float) -> list[TranscriptCheckpointed]:
        """Checkpoints of the unfinished utterances (speaker, text, start, end) that have changed since their last."""
        if self._deadline is None or now < self._deadline:
            return []
        self._deadline = None
        checkpoints: list[TranscriptCheckpointed] = []
        for speaker, text, started, ended in unfinished:
            if self._last.get(speaker) != (text, started):
                self._last[speaker] = (text, started)
                checkpoints.append(TranscriptCheckpointed(now, speaker, text, started, ended))
        return checkpoints
