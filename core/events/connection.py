"""Events of the Live connection: dialing, losses, handles, replay, a late or forgetful model."""

from dataclasses import dataclass

from core.events.base import Event


@dataclass(frozen=True, slots=True)
class ConnectionDialed(Event):
    """An attempt to connect began, the `attempt`-th in a row, from 1; `resumed` when it carries a resumption handle."""

    attempt: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class ConnectionOpened(Event):
    """The service answered setup after `took` seconds; `service_session` is its own name for the session, if given.

    `gap` is for how many seconds there was no connection before this one.
    """

    took: float
    service_session: str | None = None
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class ConnectionLost(Event):
    """The connection ended; `code` and `reason` as the client library gave them, `action` is the close action.

    `code` is an HTTP status for a refused upgrade, 0 for a failure of the client (core/live/close_codes).
    """

    code: int
    reason: str
    action: str


@dataclass(frozen=True, slots=True)
class ConnectionStateChanged(Event):
    """The state changed: dialing, live, draining, waiting, degraded or closed (core/live/connection)."""

    state: str
    why: str


@dataclass(frozen=True, slots=True)
class ConnectionGivenUp(Event):
    """No further attempt is made."""

    why: str


@dataclass(frozen=True, slots=True)
class GoAwayReceived(Event):
    """The service announced the end of this connection in `time_left` seconds."""

    time_left: float


@dataclass(frozen=True, slots=True)
class HandleReceived(Event):
    """A resumption handle arrived (`resumable`), or was withdrawn. The handle itself is a secret and not recorded."""

    resumable: bool


@dataclass(frozen=True, slots=True)
class TurnReplayed(Event):
    """Unanswered audio was sent again: the chunks of the call's audio from number `first` to `last`."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TurnSentAsText(Event):
    """A session was resumed from before the end of a turn and given its text.

    `first` and `last` are the numbers of the chunks of the call's audio that it stands for.
    """

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ModelLate(Event):
    """A reply was expected and the model was silent; `action` is nudge, repeat (the reply had no audio) or reconnect.

    Or both sides were silent, and `action` is prompt.
    """

    action: str


@dataclass(frozen=True, slots=True)
class ContextLost(Event):
    """After a reconnect the model had lost the context of the exam; `action` is reseed or degrade."""

    action: str
