"""When to dial a Live connection, with which handle, how long to wait, when to rotate, reconnect or give up.

Decides without a socket: what happened and the time go in, actions and events for the record come out, and `deadline`
says when `tick` has something to do. Every state but IDLE, LIVE, DEGRADED and CLOSED has a deadline; LIVE has one if
the lifetime is known, and the watchdog keeps time in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core import events
from core.live.actions import ConnectionAction, ConnectionEnded, Dial, GiveUp, HangUp, Note
from core.live.close_codes import TRANSIENT, CloseAction

# From here on a code is a WebSocket's (RFC 6455, section 7.4): the connection was open, and the service saw the handle.
FIRST_CLOSE_CODE = 1000

# Connections with a silent model that are left one after the other before the model is given up.
MAX_SILENT_CONNECTIONS = 3


class ConnectionState(StrEnum):
    """The state of the Live connection."""

    IDLE = "idle"
    DIALING = "dialing"
    LIVE = "live"
    DRAINING = "draining"  # live, and rotated at the first quiet moment
    WAITING = "waiting"  # for the next attempt
    DEGRADED = "degraded"  # given up: the call is closed politely and scored from its transcript
    CLOSED = "closed"


_ATTACHED = frozenset({ConnectionState.DIALING, ConnectionState.LIVE, ConnectionState.DRAINING})  # there is a socket
_FINAL = frozenset({ConnectionState.DEGRADED, ConnectionState.CLOSED})

# Every legal change of state.
TRANSITIONS: Mapping[ConnectionState, frozenset[ConnectionState]] = {
    ConnectionState.IDLE: frozenset({ConnectionState.DIALING, ConnectionState.CLOSED}),
    ConnectionState.DIALING: frozenset({ConnectionState.LIVE, ConnectionState.WAITING, *_FINAL}),
    ConnectionState.LIVE: frozenset(
        {ConnectionState.DRAINING, ConnectionState.DIALING, ConnectionState.WAITING, *_FINAL}
    ),
    ConnectionState.DRAINING: frozenset({ConnectionState.DIALING, ConnectionState.WAITING, *_FINAL}),
    ConnectionState.WAITING: frozenset({ConnectionState.DIALING, *_FINAL}),
    ConnectionState.DEGRADED: frozenset({ConnectionState.CLOSED}),
    ConnectionState.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class ConnectionPolicy:
    """Limits of every state and delays before each further attempt, in seconds.

    `backoff` is used up by consecutive failures; a connection that lived `stable` seconds refills it. `long_wait` is
    the delay after a close action of WAIT. `margin` is how long before an announced end the connection is rotated at
    the latest. A handle with which `handle_attempts` attempts have failed one after the other is not used again,
    whatever the service said: a 1011 in answer to a resume is often lasting (kazunori279/adk-streaming-guide#11,
    yagudaev/voiceclaw#53). `lifetime` is how long a connection is known to live; from `lead` seconds before its end it
    is rotated at the first quiet moment, whether or not the service announces anything.
    """

    backoff: Sequence[float] = (1.0, 2.0, 4.0)
    dial_timeout: float = 8.0
    stable: float = 10.0
    long_wait: float = 15.0
    margin: float = 5.0
    resume: bool = True
    handle_attempts: int = 2
    lifetime: float | None = None
    lead: float = 60.0


class LiveConnectionMachine:
    """Decides about the one Live connection of a call.

    Where it ends, a `ConnectionEnded` stands in the actions: what was under way on it is orphaned there.
    """

    def __init__(self, policy: ConnectionPolicy) -> None:
        self.policy = policy
        self._state = ConnectionState.IDLE
        self._why = ""  # what brought the connection into its state
        self._deadline: float | None = None
        self._number = 0
        self._handle: str | None = None
        self._handle_is_current = False
        self._resuming = False  # whether this connection was dialed with the handle
        self._resumable: bool | None = None  # as last recorded
        self._failures = 0
        self._refused = 0  # attempts with this handle, one after the other, that the service ended at once
        self._live_since = 0.0
        self._down_since: float | None = None
        self._silent_connections = 0  # left one after the other because the model was silent
        self._reseeded = False

    @property
    def state(self) -> ConnectionState:
        """The state; only `_enter` changes it."""
        return self._state

    @property
    def up(self) -> bool:
        """Whether there is a connection that takes what is sent."""
        return self._state in (ConnectionState.LIVE, ConnectionState.DRAINING)

    @property
    def number(self) -> int:
        """The number of this connection, counted from 1; messages of an older one are out of date."""
        return self._number

    def start(self, now: float) -> list[ConnectionAction]:
        """The call begins: dial."""
        return self._dial("The call begins.", now)

    def opened(self, took: float, service_session: str | None, now: float) -> list[Note]:
        """The service has answered setup after `took` seconds; nothing if the attempt has been abandoned meanwhile."""
        if self._state is not ConnectionState.DIALING:
            return []
        gap = now - self._down_since if self._down_since is not None else 0.0
        self._down_since, self._live_since = None, now
        lifetime = self.policy.lifetime
        deadline = None if lifetime is None else now + max(0.0, lifetime - self.policy.lead)
        opened = Note(events.ConnectionOpened(now, took, service_session, round(gap, 3)))
        return [opened, self._enter(ConnectionState.LIVE, "The service answered setup.", now, deadline)]

    def handle_updated(self, handle: str | None, now: float) -> list[Note]:
        """The service gave a resumption handle; None (not resumable just now) leaves the last good one in use."""
        # A handle is withdrawn while the model generates; resuming the older one loses only that reply,
        # and the replayed turn is answered once more.
        self._handle_is_current = handle is not None
        if handle and self.policy.resume:
            self._handle, self._refused = handle, 0
        resumable = handle is not None
        changed, self._resumable = resumable != self._resumable, resumable
        return [Note(events.HandleReceived(now, resumable))] if changed else []

    def go_away(self, time_left: float, now: float) -> list[Note]:
        """The service will end this connection in `time_left` seconds."""
        received = Note(events.GoAwayReceived(now, time_left))
        announced = now + max(0.0, time_left - self.policy.margin)
        match self._state:
            case ConnectionState.LIVE:
                why = "The service announced the end of the connection."
                return [received, self._enter(ConnectionState.DRAINING, why, now, announced)]
            case ConnectionState.DRAINING:
                self._deadline = announced if self._deadline is None else min(announced, self._deadline)
            case _:
                pass
        return [received]

    def lost(
        self, code: int, reason: str, action: CloseAction, meaning: str, number: int, now: float
    ) -> list[ConnectionAction]:
        """Connection `number` ended, or could not be opened: `action` is what close_codes says to do about it."""
        if number != self._number or self._state not in _ATTACHED:
            return []
        lost = Note(events.ConnectionLost(now, code, reason, action.value))
        reached = code >= FIRST_CLOSE_CODE and (not self.up or code not in TRANSIENT)
        return [lost, *self._ended(now), *self._failed(action, meaning, now, reached=reached)]

    def rotate(self, now: float) -> list[ConnectionAction]:
        """Nobody is speaking and nothing is pending: leave a draining connection, once the handle is up to date."""
        if self._state is not ConnectionState.DRAINING or (self.policy.resume and not self._handle_is_current):
            return []
        return self._redial("A quiet moment before the end of the connection.", now)

    def reconnect(self, now: float) -> list[ConnectionAction]:
        """The model is silent on an open connection. The caller has waited long enough: dial the next one at once."""
        self._silent_connections += 1
        if self._silent_connections > MAX_SILENT_CONNECTIONS:
            return self.give_up("The model does not answer.", now)
        late = Note(events.ModelLate(now, "reconnect"))
        return [late, *(self._redial("The model fell silent and the connection was left.", now) if self.up else [])]

    def model_answered(self) -> None:
        """The model is not silent."""
        self._silent_connections = 0

    def new_session(self, why: str, now: float) -> list[ConnectionAction]:
        """The session behind the handle is of no use any more: dial without it, at once if connected."""
        self._handle = None
        return self._redial(why, now) if self.up else []

    def context_lost(self, now: float) -> list[ConnectionAction]:
        """The session has lost the conversation: a new one is seeded with it, but only once in a call."""
        if self._reseeded:
            lost = Note(events.ContextLost(now, "degrade"))
            return [lost, *self.give_up("The model has lost the conversation twice.", now)]
        self._reseeded = True
        lost = Note(events.ContextLost(now, "reseed"))
        return [lost, *self.new_session("The model has lost the conversation.", now)]

    def give_up(self, why: str, now: float) -> list[ConnectionAction]:
        """No further attempt would help."""
        if self._state in _FINAL:
            return []
        return [*self._hang_up(now), *self._degrade(why, now)]

    def close(self, now: float) -> list[ConnectionAction]:
        """The call is over."""
        if self._state is ConnectionState.CLOSED:
            return []
        return [*self._hang_up(now), self._enter(ConnectionState.CLOSED, "The call is over.", now)]

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        return self._deadline

    def tick(self, now: float) -> list[ConnectionAction]:
        """Time has passed."""
        if self._deadline is None or now < self._deadline:
            return []
        match self._state:
            case ConnectionState.WAITING:
                return self._dial(self._why, now)
            case ConnectionState.LIVE:
                # The last moment is the margin before the end.
                end = self._live_since + (self.policy.lifetime or 0.0)
                last, why = max(now, end - self.policy.margin), "The connection's known life is nearly over."
                return [self._enter(ConnectionState.DRAINING, why, now, last)]
            case ConnectionState.DRAINING:
                return self._redial("The end of the connection is near.", now)
            case _:  # dialing
                why = "The service did not answer setup in time."
                return [*self._hang_up(now), *self._failed(CloseAction.RESUME, why, now, reached=True)]

    def _enter(self, state: ConnectionState, why: str, now: float, deadline: float | None = None) -> Note:
        """Change the state, and return the change as an event. Raises RuntimeError for one not in TRANSITIONS."""
        if state not in TRANSITIONS[self._state]:
            raise RuntimeError(f"a connection cannot come from {self._state} to {state} ({why})")
        self._state, self._why, self._deadline = state, why, deadline
        return Note(events.ConnectionStateChanged(now, state.value, why))

    def _dial(self, why: str, now: float) -> list[ConnectionAction]:
        self._number += 1
        self._handle_is_current = False
        dial = Dial(self._handle, self._failures + 1, self._number)
        self._resuming = self._handle is not None
        dialed = Note(events.ConnectionDialed(now, dial.attempt, dial.handle is not None))
        return [dialed, dial, self._enter(ConnectionState.DIALING, why, now, now + self.policy.dial_timeout)]

    def _redial(self, why: str, now: float) -> list[ConnectionAction]:
        return [*self._hang_up(now), *self._dial(why, now)]

    def _hang_up(self, now: float) -> list[ConnectionAction]:
        return [*self._ended(now), HangUp()] if self._state in _ATTACHED else []

    def _ended(self, now: float) -> list[ConnectionAction]:
        if self._down_since is None:
            self._down_since = now
        return [ConnectionEnded()]

    def _failed(self, action: CloseAction, why: str, now: float, *, reached: bool) -> list[ConnectionAction]:
        """Wait for the next attempt, or give up; `reached` when it may be the session that this one failed at."""
        if self.up and now - self._live_since >= self.policy.stable:
            self._failures = self._refused = 0
        elif reached and action is CloseAction.RESUME and self._resuming:
            self._refused += 1  # a session may also be refused just after setup was answered
        if action is CloseAction.GIVE_UP or self._failures >= len(self.policy.backoff):
            return self._degrade(why, now)
        if action is CloseAction.NEW_SESSION or self._refused >= self.policy.handle_attempts:
            self._handle, self._refused = None, 0
        delay = self.policy.long_wait if action is CloseAction.WAIT else self.policy.backoff[self._failures]
        self._failures += 1
        return [self._enter(ConnectionState.WAITING, why, now, now + delay)]

    def _degrade(self, why: str, now: float) -> list[ConnectionAction]:
        return [Note(events.ConnectionGivenUp(now, why)), GiveUp(why), self._enter(ConnectionState.DEGRADED, why, now)]
