"""The Live link."""

from dataclasses import dataclass

from core.events.base import Event


@dataclass(frozen=True, slots=True)
class ConnectionDialed(Event):
    """A connection was begun; `resumed` when it carries a resumption handle."""

    attempt: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class ConnectionOpened(Event):
    """The service answered setup after `took` seconds; `service_session` is its own name for the session, if given.

    `gap` is how long there was no connection before this one.
    """

    took: float
    service_session: str | None = None
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class ConnectionLost(Event):
    """The connection ended; `code` and `reason` as the client library gave them, `verdict` is what we do about it."""

    code: int
    reason: str
    verdict: str


@dataclass(frozen=True, slots=True)
class ConnectionStateChanged(Event):
    """The link came into another state: dialing, live, draining, waiting, degraded or closed (core/live/connection)."""

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
    """A resumption handle arrived (`resumable`), or was withdrawn. The handle itself is a secret and not kept."""

    resumable: bool


@dataclass(frozen=True, slots=True)
class TurnReplayed(Event):
    """What the model had not answered was sent again: the pieces of the call's audio from `first` to `last`."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TurnSentAsText(Event):
    """A session that was resumed from before the end of a turn is told in words what was said there, the pieces of
    the call's audio from `first` to `last`.
    """

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ModelLate(Event):
    """The model owed something and was silent; `done` is nudge, say again (its words had no sound) or reconnect. Or
    everybody was silent, and `done` is prompt.
    """

    done: str


@dataclass(frozen=True, slots=True)
class ContextLost(Event):
    """After a reconnect the model had forgotten the exam; `done` is reseed or degrade."""

    done: str
