"""What a transcript is made of."""

from dataclasses import dataclass

from core.events import UtteranceSpoken


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of text, and when it came."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class VoiceSpan:
    """Voice from `started` to `ended`."""

    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class FinishedUtterance:
    """A finished utterance. The caller's has the pieces it was made of and the voice that was heard meanwhile; its
    text is empty when there was voice and no word came.
    """

    spoken: UtteranceSpoken
    pieces: tuple[Fragment, ...] = ()
    voice: tuple[VoiceSpan, ...] = ()
