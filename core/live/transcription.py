"""The service's transcriptions on their way in: without markers, and the examiner's with the blanks between fragments.

So whoever reads them (the page, the check of the context, the scores) reads words. The caller's blanks are added where
the turns and windows are known, in core/transcript.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from core.events import MarkersRemoved, Speaker
from core.live.messages import (
    GenerationComplete,
    Incoming,
    InputTranscribed,
    Interrupted,
    OutputTranscribed,
    TurnComplete,
)
from core.transcript.markers import MarkerFilter, markers_removed
from core.transcript.spacing import Spacing

# Characters before a fragment that decide how it is spaced.
_CONTEXT = 80


@dataclass
class TranscriptionReader:
    """Messages in; the same messages out, and an event for markers that were removed."""

    _input: MarkerFilter = field(default_factory=MarkerFilter)
    _output: MarkerFilter = field(default_factory=MarkerFilter)
    _spacing: Spacing = field(default_factory=Spacing)
    _said: str = ""  # the end of the reply's text so far

    def read(self, message: Incoming, now: float) -> Iterator[Incoming | MarkersRemoved]:
        """What a message says. A fragment that may be the beginning of a marker is held until more of it comes."""
        match message:
            case InputTranscribed(text, finished):
                yield from self._caller(*self._input.add(text), now)
                if finished:
                    yield from self._caller(*self._input.flush(), now)
                    yield InputTranscribed("", finished=True)
            case OutputTranscribed(text, finished):
                yield from self._examiner(*self._output.add(text), now)
                if finished:
                    yield from self._examiner(*self._output.flush(), now)
                    self._spacing.transcription_finished()
            case GenerationComplete() | TurnComplete() | Interrupted():
                yield from self._examiner(*self._output.flush(), now)
                yield from self._caller(*self._input.flush(), now)
                if not isinstance(message, GenerationComplete):
                    self._spacing.turn_started()
                    self._said = ""
                yield message
            case _:
                yield message

    def connection_ended(self, now: float) -> Iterator[Incoming | MarkersRemoved]:
        """What is held of the caller's text; the examiner's belongs to a reply that was lost."""
        yield from self._caller(*self._input.flush(), now)
        self._output, self._spacing, self._said = MarkerFilter(), Spacing(), ""

    def _caller(self, text: str, markers: tuple[str, ...], now: float) -> Iterator[Incoming | MarkersRemoved]:
        yield from self._removed(now, "caller", markers)
        if text:
            yield InputTranscribed(text)

    def _examiner(self, text: str, markers: tuple[str, ...], now: float) -> Iterator[Incoming | MarkersRemoved]:
        yield from self._removed(now, "examiner", markers)
        if text:
            spaced = self._spacing.spaced(self._said, text)
            self._said = (self._said + spaced)[-_CONTEXT:]
            yield OutputTranscribed(spaced)

    def _removed(self, now: float, speaker: Speaker, markers: tuple[str, ...]) -> Iterator[MarkersRemoved]:
        yield from markers_removed(now, speaker, markers)
