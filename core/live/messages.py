"""The messages to and from the Live service, as values: no type of its SDK."""

from dataclasses import dataclass
from typing import Any

from core.billing.usage import TokenCounts

# --- to the service


@dataclass(frozen=True, slots=True)
class StartActivity:
    """The caller's activity window opens (activityStart)."""


@dataclass(frozen=True, slots=True)
class Audio:
    """16-bit mono PCM at `rate` Hz."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class EndActivity:
    """The caller's activity window closes (activityEnd); `flush`: in mid-turn, another opens at once."""

    flush: bool = False


@dataclass(frozen=True, slots=True)
class TextTurn:
    """Text that nobody spoke; answered like a finished turn of the user."""

    text: str


@dataclass(frozen=True, slots=True)
class InTurnText:
    """Text that nobody spoke, sent into the caller's open window and answered together with it."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The result of a function call."""

    id: str
    name: str
    result: dict[str, Any]


Outgoing = StartActivity | Audio | EndActivity | TextTurn | InTurnText | ToolResult

# --- from the service


@dataclass(frozen=True, slots=True)
class ModelAudio:
    """The model's voice: 16-bit mono PCM at `rate` Hz."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class InputTranscribed:
    """A fragment of the input transcription. Leading spaces count. `finished`: what follows is of another one."""

    text: str
    finished: bool = False


@dataclass(frozen=True, slots=True)
class OutputTranscribed:
    """A fragment of the output transcription, as InputTranscribed."""

    text: str
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The model's reply was cut off by the caller's activity."""


@dataclass(frozen=True, slots=True)
class GenerationComplete:
    """The model has produced its whole reply; playback may go on."""


@dataclass(frozen=True, slots=True)
class TurnComplete:
    """The model's turn is over; `reason` is its turnCompleteReason, if there is one."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class ToolCallReceived:
    """The model called a function."""

    id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolsCancelled:
    """The model no longer waits for these calls."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoAway:
    """The service will end this connection in `time_left` seconds."""

    time_left: float


@dataclass(frozen=True, slots=True)
class HandleUpdated:
    """A resumption handle; None when the session cannot be resumed from here."""

    handle: str | None


@dataclass(frozen=True, slots=True)
class UsageReceived:
    """The service reported tokens (usageMetadata)."""

    counts: TokenCounts


Incoming = (
    ModelAudio
    | InputTranscribed
    | OutputTranscribed
    | Interrupted
    | GenerationComplete
    | TurnComplete
    | ToolCallReceived
    | ToolsCancelled
    | GoAway
    | HandleUpdated
    | UsageReceived
)
