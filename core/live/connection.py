"""The life of the Live link: when to dial, with which handle, how long to wait, when to move, when to give up.

The machine knows nothing of sockets. It is told what happened, and answers what to do; `deadline` says when it wants
to be asked again. No state but LIVE, DEGRADED and CLOSED is without one, and in LIVE the watchdog keeps time. `state`
and `why` are what the log has of it: whoever asks after each step sees every state that lasts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.live.actions import ConnectionAction, Dial, GiveUp, HangUp
from core.live.close_codes import CloseAction


class ConnectionState(StrEnum):
    """Where the link is."""

    IDLE = "idle"
    DIALING = "dialing"
    LIVE = "live"
    DRAINING = "draining"  # live, but it will be left at the first quiet moment
    WAITING = "waiting"
    DEGRADED = "degraded"  # given up: the call is closed politely and scored from its transcript
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ConnectionPolicy:
    """Seconds before each further attempt, and the limits of every state.

    `backoff` is used up by consecutive failures; a connection that lived `stable` seconds refills it. `long_wait` is
    the delay after a verdict of WAIT. `margin` is how long before an announced end the link moves at the latest.
    A handle with which `distrust` attempts have failed one after the other is not used again, whatever the service
    said: a 1011 in answer to a resume is often lasting (kazunori279/adk-streaming-guide#11, yagudaev/voiceclaw#53).
    `lifetime` is how long a connection is known to live; from `lead` seconds before its end the link looks for a
    quiet moment to move, whether or not the service announces anything.
    """

    backoff: Sequence[float] = (1.0, 2.0, 4.0)
    dial_timeout: float = 8.0
    stable: float = 10.0
    long_wait: float = 15.0
    margin: float = 5.0
    resume: bool = True
    distrust: int = 2
    lifetime: float | None = None
    lead: float = 60.0


class LiveConnectionMachine:
    """What happened in, what to do out."""

    def __init__(self, policy: ConnectionPolicy) -> None:
        self.policy = policy
        self.state = ConnectionState.IDLE
        self.why = ""  # what brought the link into its state
        self._handle: str | None = None
        self._handle_is_current = False
        self._failures = 0
        self._refused = 0  # attempts with this handle, one after the other, that the service did not let through
        self._number = 0
        self._due: float | None = None
        self._live_since = 0.0

    @property
    def up(self) -> bool:
        """Whether there is a connection that takes what is sent."""
        return self.state in (ConnectionState.LIVE, ConnectionState.DRAINING)

    @property
    def number(self) -> int:
        """Which connection this is, counted from 1; what an older one says is out of date."""
        return self._number

    def start(self, now: float) -> list[ConnectionAction]:
        """The call begins."""
        return self._dial("The call begins.", now)

    def opened(self, now: float) -> list[ConnectionAction]:
        """The service has answered setup."""
        self.state, self.why, self._live_since, self._refused = (
            ConnectionState.LIVE,
            "The service answered setup.",
            now,
            0,
        )
        lifetime = self.policy.lifetime
        self._due = None if lifetime is None else now + max(0.0, lifetime - self.policy.lead)
        return []

    def handle(self, handle: str | None) -> None:
        """The service gave a resumption handle. None (not resumable just now) keeps the last good one."""
        # A handle is withdrawn while the model generates; resuming the older one loses only that reply,
        # which the unanswered turn brings about again.
        self._handle_is_current = handle is not None
        if handle and self.policy.resume:
            self._handle = handle

    def go_away(self, time_left: float, now: float) -> list[ConnectionAction]:
        """The service will end this connection."""
        if self.up:
            announced = now + max(0.0, time_left - self.policy.margin)
            earlier = self._due if self.state is ConnectionState.DRAINING and self._due is not None else announced
            self.state, self._due = ConnectionState.DRAINING, min(announced, earlier)
            self.why = "The service announced the end of the connection."
        return []

    def quiet(self, now: float) -> list[ConnectionAction]:
        """Nobody is speaking and nothing is pending: a good moment to move, once the handle is up to date."""
        if self.state is not ConnectionState.DRAINING or (self.policy.resume and not self._handle_is_current):
            return []
        return self._move("A quiet moment before the end of the connection.", now)

    def lost(self, verdict: CloseAction, why: str, now: float, *, reached: bool = True) -> list[ConnectionAction]:
        """The connection ended, or an attempt failed; `reached` when it came as far as the session."""
        if self.state in (ConnectionState.CLOSED, ConnectionState.DEGRADED):
            return []
        if self.up and now - self._live_since >= self.policy.stable:
            self._failures = 0
        if self.state is ConnectionState.DIALING and reached and verdict is CloseAction.RESUME:
            self._refused += 1
        self.state, self._due, self.why = ConnectionState.WAITING, None, why
        if verdict is CloseAction.GIVE_UP or self._failures >= len(self.policy.backoff):
            return self.give_up(why)
        if verdict is CloseAction.FRESH or self._refused >= self.policy.distrust:
            self._handle, self._refused = None, 0
        delay = self.policy.long_wait if verdict is CloseAction.WAIT else self.policy.backoff[self._failures]
        self._failures += 1
        self._due = now + delay
        return []

    def leave(self, why: str, now: float) -> list[ConnectionAction]:
        """The connection is open and of no use any more. The caller has waited long enough: the next one at once."""
        return self._move(why, now) if self.up else []

    def begin_afresh(self, why: str, now: float) -> list[ConnectionAction]:
        """The session behind the handle is of no use any more: another one, at once."""
        self._handle = None
        return self._move(why, now) if self.up else []

    def give_up(self, why: str) -> list[ConnectionAction]:
        """No further attempt would help."""
        if self.state in (ConnectionState.CLOSED, ConnectionState.DEGRADED):
            return []
        hang_up: list[ConnectionAction] = [HangUp()] if self.up else []
        self.state, self._due, self.why = ConnectionState.DEGRADED, None, why
        return [*hang_up, GiveUp(why)]

    def close(self, now: float) -> list[ConnectionAction]:
        """The call is over."""
        was, self.state, self._due = self.state, ConnectionState.CLOSED, None
        self.why = "The call is over."
        return [HangUp()] if was in (ConnectionState.DIALING, ConnectionState.LIVE, ConnectionState.DRAINING) else []

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        return self._due

    def tick(self, now: float) -> list[ConnectionAction]:
        """Time has passed."""
        if self._due is None or now < self._due:
            return []
        self._due = None
        match self.state:
            case ConnectionState.WAITING:
                return self._dial(self.why, now)
            case ConnectionState.LIVE:
                # The last moment is the margin before the end.
                self.state, self.why = ConnectionState.DRAINING, "The connection's known life is nearly over."
                lifetime = self.policy.lifetime or 0.0
                self._due = max(now, self._live_since + lifetime - self.policy.margin)
                return []
            case ConnectionState.DRAINING:
                return self._move("The end of the connection is near.", now)
            case _:  # dialing: setup was never answered
                return [HangUp(), *self.lost(CloseAction.RESUME, "The service did not answer setup in time.", now)]

    def _dial(self, why: str, now: float) -> list[ConnectionAction]:
        self._number += 1
        self.state, self.why, self._due = ConnectionState.DIALING, why, now + self.policy.dial_timeout
        self._handle_is_current = False
        return [Dial(self._handle, self._failures + 1, self._number)]

    def _move(self, why: str, now: float) -> list[ConnectionAction]:
        return [HangUp(), *self._dial(why, now)]
