"""Session resumption: the sessions of a server, their handles, and which connections they have."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from random import Random
from typing import Final

from gemini_live_emulator.protocol.wire import INVALID_ARGUMENT, Refused
from gemini_live_emulator.scenario import Resumption
from gemini_live_emulator.session.examiner import Progress
from gemini_live_emulator.session.fault_injector import Fired
from gemini_live_emulator.session.usage import Context

# HandleSchedule of one session that can still be used; a client keeps one.
MAX_HANDLES: Final = 100


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a conversation that a handle resumes."""

    session: str
    model: str
    progress: Progress
    context: Context


@dataclass
class _Session:
    rules: Resumption
    connections: dict[int, float] = field(default_factory=dict[int, float])
    spent: float = 0.0  # seconds of the connections that are gone
    ended: float | None = None
    handles: list[str] = field(default_factory=list[str])


class SessionStore:
    """All sessions of one server, with their handles until they expire."""

    def __init__(self, seed: int) -> None:
        self._dice = Random(f"handles {seed}")
        self._sessions: dict[str, _Session] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._connections = 0
        self.fired = Fired()

    def connect(self) -> int:
        """Number a new connection, from 1."""
        self._connections += 1
        return self._connections

    def begin(self, connection: int, now: float, rules: Resumption) -> str:
        """Start a session on a connection."""
        self._drop_expired(now)
        session = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        self._sessions[session] = _Session(rules, {connection: now})
        return session

    def resume(self, handle: str, model: str, connection: int, now: float, rules: Resumption) -> Snapshot:
        """Bring a session back, or refuse as the service does."""
        snapshot = self._snapshots.get(handle)
        session = self._sessions.get(snapshot.session) if snapshot else None
        if snapshot is None or session is None or self._expired(session, now):
            raise Refused(1007, "Invalid session handle")
        if session.connections and not rules.while_open:
            # aicc2025/sip-to-ai issue 14: close first, then resume.
            raise Refused(1011, rules.busy_reason)
        if snapshot.model != model:
            # ai.google.dev/api/live: the configuration may change, except the model.
            raise Refused(1007, INVALID_ARGUMENT)
        session.connections[connection] = now
        session.ended = None
        return snapshot

    def issue(self, snapshot: Snapshot) -> str:
        """Give a handle for a snapshot."""
        handle = str(uuid.UUID(int=self._dice.getrandbits(128), version=4))
        self._snapshots[handle] = snapshot
        handles = self._sessions[snapshot.session].handles
        handles.append(handle)
        if len(handles) > MAX_HANDLES:
            self._snapshots.pop(handles.pop(0), None)
        return handle

    def spent(self, session: str) -> float:
        """Say how many seconds earlier connections of a session lasted."""
        return self._sessions[session].spent

    def leave(self, session: str, connection: int, now: float) -> None:
        """Note that a connection of a session is gone."""
        known = self._sessions[session]
        known.spent += now - known.connections.pop(connection, now)
        if not known.connections:
            known.ended = now

    @property
    def open(self) -> int:
        """How many sessions are connected."""
        return sum(bool(session.connections) for session in self._sessions.values())

    def _expired(self, session: _Session, now: float) -> bool:
        return session.ended is not None and now - session.ended > session.rules.valid

    def _drop_expired(self, now: float) -> None:
        for name in [n for n, s in self._sessions.items() if self._expired(s, now)]:
            for handle in self._sessions.pop(name).handles:
                self._snapshots.pop(handle, None)
