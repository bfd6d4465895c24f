"""What a transcript is made of: fragments of text, spans of voice, finished utterances."""

from dataclasses import dataclass

from core.events import UtteranceSpoken


@dataclass(frozen=True, slots=True)
class Fragment:
    """A fragment of a transcription, and when it was received."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class VoiceSpan:
    """Voice from `started` to `ended`."""

    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class FinishedUtterance:
    """A finished utterance. The caller's has the fragments it was assembled from and the voice detected meanwhile; its
    text is empty when voice was detected and no word was transcribed. `alternative` is its text from before a replay,
    where that is not in it; `markers` are those that were removed from it.
    """

    utterance: UtteranceSpoken
    fragments: tuple[Fragment, ...] = ()
    voice: tuple[VoiceSpan, ...] = ()
    alternative: str = ""
    markers: tuple[str, ...] = ()
