"""What a Live conversation wants done: the answers of core/live/conversation."""

from dataclasses import dataclass
from typing import Any

from core.billing.usage import TokenCounts
from core.events import Event
from core.live.messages import Outgoing


@dataclass(frozen=True, slots=True)
class Dial:
    """Open connection `number`; with the handle when there is one."""

    handle: str | None
    attempt: int
    number: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection that is open. A resume is refused while the old socket is open (aicc2025/sip-to-ai#14)."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt is made."""

    why: str


ConnectionAction = Dial | HangUp | GiveUp


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send these together: nothing comes between them."""

    items: tuple[Outgoing, ...]


@dataclass(frozen=True, slots=True)
class Seed:
    """Give a new session the conversation so far, as (role, text), without asking for a reply."""

    turns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BeginSpeech:
    """The examiner begins a reply."""


@dataclass(frozen=True, slots=True)
class Play:
    """Let the caller hear this."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class Caption:
    """The text of what the caller hears."""

    text: str


@dataclass(frozen=True, slots=True)
class EndSpeech:
    """No more audio of this reply comes."""


@dataclass(frozen=True, slots=True)
class CutSpeech:
    """Drop what has not been heard yet."""


@dataclass(frozen=True, slots=True)
class ReplyOver:
    """The examiner's turn is over; `heard` is the share of its text, 0 to 1, that was spoken; None is all of it."""

    interrupted: bool
    heard: float | None = None


@dataclass(frozen=True, slots=True)
class CallerFragment:
    """A piece of the text of what the caller said."""

    text: str


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """A window of the caller's turn is over, though the turn goes on; `safe` when it will not be heard again."""

    safe: bool = True


@dataclass(frozen=True, slots=True)
class AudioReplayed:
    """The caller's audio since the last safe window, or since the turn began, is sent again: its text comes again."""


@dataclass(frozen=True, slots=True)
class CallTool:
    """The model waits for the result of a function."""

    id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Charge:
    """Tokens for the bill; the estimates are used where the service left details out."""

    counts: TokenCounts
    audio_in: int
    audio_out: int


@dataclass(frozen=True, slots=True)
class Note:
    """A fact for the log."""

    event: Event


Speech = BeginSpeech | Play | Caption | EndSpeech
Action = (
    ConnectionAction
    | Transmit
    | Seed
    | Speech
    | CutSpeech
    | ReplyOver
    | CallerFragment
    | WindowClosed
    | AudioReplayed
    | CallTool
    | Charge
    | Note
)
