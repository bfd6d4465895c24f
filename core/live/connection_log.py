"""The link with its record: every change of connection is a fact, and each that goes is cleared up after."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import assert_never

from core import events
from core.live.actions import Action, ConnectionAction, Dial, GiveUp, HangUp, Note
from core.live.close_codes import CloseAction
from core.live.connection import ConnectionState, LiveConnectionMachine

# From here on a code is a WebSocket's (RFC 6455, section 7.4): the connection was open, and the service saw the handle.
CLOSE_CODES = 1000

# Silent connections that are left one after the other before the model is given up.
MOST_LEFT = 3


@dataclass
class Line:
    """LiveConnectionMachine in terms of a conversation. `dropped(now)` says what becomes of all that was under way."""

    link: LiveConnectionMachine
    dropped: Callable[[float], list[Action]]
    _down_since: float | None = None
    _resumable: bool | None = None
    _left: int = 0  # connections left one after the other because the model was silent
    _reseeded: bool = False
    _noted: ConnectionState = ConnectionState.IDLE

    def start(self, now: float) -> list[Action]:
        """The call begins."""
        return self._did(self.link.start(now), now)

    def close(self, now: float) -> list[Action]:
        """The call is over."""
        return self._did(self.link.close(now), now)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        return self._did(self.link.tick(now), now)

    def opened(self, took: float, service_session: str | None, now: float) -> list[Action]:
        """The service has answered setup after `took` seconds."""
        gap = now - self._down_since if self._down_since is not None else 0.0
        self._down_since = None
        opened = Note(events.ConnectionOpened(now, took, service_session, round(gap, 3)))
        return [opened, *self._did(self.link.opened(now), now)]

    def lost(self, code: int, reason: str, verdict: CloseAction, meaning: str, number: int, now: float) -> list[Action]:
        """Connection `number` ended, or could not be opened."""
        over = (ConnectionState.WAITING, ConnectionState.DEGRADED, ConnectionState.CLOSED)
        if number != self.link.number or self.link.state in over:
            return []
        noted = Note(events.ConnectionLost(now, code, reason, verdict.value))
        changed = self.link.lost(verdict, meaning, now, reached=code >= CLOSE_CODES)
        return [noted, *self._drop(now), *self._did(changed, now)]

    def going_away(self, time_left: float, now: float) -> list[Action]:
        """The service will end this connection."""
        return [Note(events.GoAwayReceived(now, time_left)), *self._did(self.link.go_away(time_left, now), now)]

    def quiet(self, now: float) -> list[Action]:
        """Nobody is speaking and nothing is pending."""
        return self._did(self.link.quiet(now), now)

    def handle(self, handle: str | None, now: float) -> list[Action]:
        """The service gave a resumption handle, or says that there is none just now."""
        self.link.handle(handle)
        resumable = handle is not None
        changed, self._resumable = resumable != self._resumable, resumable
        return [Note(events.HandleReceived(now, resumable))] if changed else []

    def leave(self, now: float) -> list[Action]:
        """The model is silent on a connection that is open."""
        self._left += 1
        if self._left > MOST_LEFT:
            return self.give_up("The model does not answer.", now)
        left = self.link.leave("The model fell silent and the connection was left.", now)
        return [Note(events.ModelLate(now, "reconnect")), *self._did(left, now)]

    def answered(self) -> None:
        """The model is not silent."""
        self._left = 0

    def begin_afresh(self, why: str, now: float) -> list[Action]:
        """The handle is of no use: another session."""
        return self._did(self.link.begin_afresh(why, now), now)

    def forgotten(self, now: float) -> list[Action]:
        """The session does not know the exam any more: another is told where it is, but only once."""
        if self._reseeded:
            gave_up = self.give_up("The model has lost the conversation twice.", now)
            return [Note(events.ContextLost(now, "degrade")), *gave_up]
        self._reseeded = True
        return [Note(events.ContextLost(now, "reseed")), *self.begin_afresh("The model has forgotten the exam.", now)]

    def give_up(self, why: str, now: float) -> list[Action]:
        """No further attempt would help."""
        return self._did(self.link.give_up(why), now)

    def _did(self, actions: list[ConnectionAction], now: float) -> list[Action]:
        done: list[Action] = []
        for action in actions:
            match action:
                case Dial(handle, attempt, _):
                    done.append(Note(events.ConnectionDialed(now, attempt, handle is not None)))
                case HangUp():
                    # A move: whatever was pending on the old connection is orphaned.
                    done += self._drop(now)
                case GiveUp(why):
                    done.append(Note(events.ConnectionGivenUp(now, why)))
                case _:
                    assert_never(action)
            done.append(action)
        if self.link.state is not self._noted:
            self._noted = self.link.state
            done.append(Note(events.ConnectionStateChanged(now, self._noted.value, self.link.why)))
        return done

    def _drop(self, now: float) -> list[Action]:
        if self._down_since is None:
            self._down_since = now
        return self.dropped(now)
