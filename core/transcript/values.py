"""What a transcript is made of."""

from dataclasses import dataclass

from core.events import UtteranceSpoken


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text, and when it came."""

    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """Voice from `started` to `ended`."""

    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Said:
    """A finished utterance. The caller's has the pieces it was made of and the voice that was heard meanwhile; its
    text is empty when there was voice and no word came.
    """

    spoken: UtteranceSpoken
    pieces: tuple[Piece, ...] = ()
    voice: tuple[Stretch, ...] = ()
