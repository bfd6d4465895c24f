"""What is said between us and the Live service, in our own words: no type of its SDK."""

from dataclasses import dataclass
from typing import Any

from core.billing.usage import TokenCounts

# --- to the service


@dataclass(frozen=True, slots=True)
class StartActivity:
    """The caller's activity window opens."""


@dataclass(frozen=True, slots=True)
class Audio:
    """16-bit mono PCM at `rate` Hz."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class EndActivity:
    """The caller's activity window closes; with `flush` only to be opened again at once, in mid-turn."""

    flush: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """Words nobody spoke; answered like a finished turn of the user."""

    text: str


@dataclass(frozen=True, slots=True)
class Aside:
    """Words nobody spoke, said into the caller's open window: they are answered together with it."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a function call."""

    id: str
    name: str
    result: dict[str, Any]


Outgoing = StartActivity | Audio | EndActivity | Text | Aside | ToolResult

# --- from the service


@dataclass(frozen=True, slots=True)
class AudioSpoken:
    """16-bit mono PCM at `rate` Hz of the model's voice."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class TextHeard:
    """A piece of what the caller said. Leading spaces count."""

    text: str


@dataclass(frozen=True, slots=True)
class TextSpoken:
    """A piece of what the model says. Leading spaces count."""

    text: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The model's reply was cut off by the caller's activity."""


@dataclass(frozen=True, slots=True)
class GenerationDone:
    """The model has produced its whole reply; playback may go on."""


@dataclass(frozen=True, slots=True)
class TurnDone:
    """The model's turn is over."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class ToolAsked:
    """The model called a function."""

    id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolsCancelled:
    """The model no longer waits for these calls."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoingAway:
    """The service will end this connection in `time_left` seconds."""

    time_left: float


@dataclass(frozen=True, slots=True)
class HandleGiven:
    """A resumption handle; None when the session cannot be resumed from here."""

    handle: str | None


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """The service reported tokens."""

    counts: TokenCounts


Incoming = (
    AudioSpoken
    | TextHeard
    | TextSpoken
    | Interrupted
    | GenerationDone
    | TurnDone
    | ToolAsked
    | ToolsCancelled
    | GoingAway
    | HandleGiven
    | UsageSeen
)
