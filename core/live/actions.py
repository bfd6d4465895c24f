"""Actions of a Live conversation: what core/live/conversation answers, and the shell carries out in order."""

from dataclasses import dataclass
from typing import Any

from core.billing.usage import TokenCounts
from core.events import Event
from core.live.messages import Outgoing


@dataclass(frozen=True, slots=True)
class Dial:
    """Open connection `number`, counted from 1, resuming with `handle` if there is one.

    `attempt` counts from 1 since a connection last proved stable.
    """

    handle: str | None
    attempt: int
    number: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection that is open. A resume is refused while the old socket is open (aicc2025/sip-to-ai#14)."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt is made: end the call politely."""

    why: str


@dataclass(frozen=True, slots=True)
class ConnectionEnded:
    """The connection is gone: the reply and the function calls that were pending on it are orphaned.

    Inside core only: the conversation puts the actions of that clean-up in its place.
    """


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
    """Play the examiner's voice to the caller: 16-bit mono PCM at `rate` Hz."""

    pcm: bytes
    rate: int


@dataclass(frozen=True, slots=True)
class Caption:
    """The text of the audio that is played."""

    text: str


@dataclass(frozen=True, slots=True)
class EndSpeech:
    """No more audio of this reply comes."""


@dataclass(frozen=True, slots=True)
class CutSpeech:
    """Drop the audio that has not been played yet."""


@dataclass(frozen=True, slots=True)
class ReplyOver:
    """The examiner's turn is over; `played_share` is the share of its text, 0 to 1, that was played; None is all."""

    interrupted: bool
    played_share: float | None = None


@dataclass(frozen=True, slots=True)
class CallerFragment:
    """A fragment of the input transcription; `finished`, without text, when another transcription follows."""

    text: str
    finished: bool = False


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """An activity window of the caller's turn is over, though the turn goes on.

    `acknowledged`: its audio is not replayed on another connection, so its text does not come again.
    """

    acknowledged: bool = True


@dataclass(frozen=True, slots=True)
class AudioReplayed:
    """The caller's audio since the last acknowledged window, or since the turn began, is sent again.

    Its transcription comes again; `whole`: that of acknowledged windows, too.
    """

    whole: bool = False


@dataclass(frozen=True, slots=True)
class CallTool:
    """The model waits for the result of a function."""

    id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Charge:
    """Tokens for the bill; `audio_in` and `audio_out` are estimated tokens where the service left details out."""

    counts: TokenCounts
    audio_in: int
    audio_out: int


@dataclass(frozen=True, slots=True)
class Note:
    """An event for the session record."""

    event: Event


ConnectionAction = Dial | HangUp | GiveUp | Note | ConnectionEnded
Speech = BeginSpeech | Play | Caption | EndSpeech
Action = (
    Dial
    | HangUp
    | GiveUp
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
