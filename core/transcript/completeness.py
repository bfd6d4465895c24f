"""How much of the caller's voice has words in the transcript."""

from collections.abc import Iterable

from core.events import TranscriptMeasured, UtteranceSpoken
from core.text import split_text
from core.transcript.gaps import Gap

# Seconds by which late text, which has the end of its turn as its time, may be off.
_NEAR = 1.0


class Completeness:
    """Voice, its gaps and what fills them in; the share of voiced seconds that have words out."""

    def __init__(self, least_rate: float) -> None:
        """`least_rate` is that of GapPolicy."""
        self._least_rate = least_rate
        self._voiced = 0.0
        self._open: list[Gap] = []
        self._found = self._repaired = 0
        self._measured: tuple[float, int, int, int] | None = None

    def spoken(self, voiced: float, gaps: Iterable[Gap]) -> None:
        """An utterance of so many voiced seconds has these gaps."""
        found = [*gaps]
        self._voiced += voiced
        self._open += found
        self._found += len(found)

    def repaired(self, gaps: Iterable[Gap]) -> None:
        """These gaps have their words from the second transcriber."""
        for gap in gaps:
            if gap in self._open:
                self._open.remove(gap)
                self._repaired += 1

    def late_text(self, utterance: UtteranceSpoken) -> None:
        """Text arrived after its turn was recorded: the last gap before it has words, if they are enough for it."""
        near = [gap for gap in self._open if gap.started - _NEAR <= utterance.started <= gap.ended + _NEAR]
        words = len(split_text(utterance.text))
        if near and near[-1].words + words >= self._least_rate * near[-1].voiced:
            self._open.remove(near[-1])

    def measured(self, now: float) -> list[TranscriptMeasured]:
        """The measurement, where it is another than the last; none without voice."""
        state = (self._voiced, self._found, self._repaired, len(self._open))
        if not self._voiced or state == self._measured:
            return []
        self._measured = state
        missing = sum(gap.voiced for gap in self._open)
        completeness = round(1 - min(1.0, missing / self._voiced), 3)
        return [TranscriptMeasured(now, completeness, round(self._voiced, 3), self._found, self._repaired)]
