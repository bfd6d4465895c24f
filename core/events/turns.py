"""The caller's turns, keys and echo."""

from dataclasses import dataclass

from core.events.base import Event


@dataclass(frozen=True, slots=True)
class TurnOpened(Event):
    """The caller began to speak."""


@dataclass(frozen=True, slots=True)
class TurnFlushed(Event):
    """The caller's activity window was closed and opened again without a gap."""

    why: str


@dataclass(frozen=True, slots=True)
class TurnClosed(Event):
    """The caller's turn ended; `voiced` is how many seconds of it were voice."""

    why: str
    voiced: float


@dataclass(frozen=True, slots=True)
class TurnSent(Event):
    """The caller's turn as it was sent to the service: how many samples, at `rate` Hz, in all its windows."""

    samples: int
    rate: int


@dataclass(frozen=True, slots=True)
class AudioStopped(Event):
    """No audio packet has come from the caller since `since`: what they say is not known."""

    since: float


@dataclass(frozen=True, slots=True)
class AudioResumed(Event):
    """Packets come again, after `lasted` seconds without any; `missing` seconds of the caller's audio never came.

    `in_turn` when that was in the middle of the caller's turn: words of it are lost.
    """

    lasted: float
    missing: float
    in_turn: bool


@dataclass(frozen=True, slots=True)
class KeyPressed(Event):
    """The caller pressed a key of the phone: 0 to 9, *, # or A to D."""

    key: str


@dataclass(frozen=True, slots=True)
class EchoDetected(Event):
    """The examiner's own voice came back in the caller's microphone, `delay` seconds after playback.

    `likeness` is the correlation with the predicted echo, 0 to 1. The echo opens no turn unless `mute` is off.
    """

    delay: float
    likeness: float
