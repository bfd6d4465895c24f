"""How long a connection lasts: its goAway, its close, and when it sends resumption handles."""

from __future__ import annotations

from dataclasses import dataclass

from gemini_live_emulator.protocol.outputs import Close, Output, Send
from gemini_live_emulator.scenario import Resumption
from gemini_live_emulator.session.setup import SessionConfig


@dataclass
class ConnectionLifetime:
    """Sends goAway before the end of a connection's time, then closes it."""

    config: SessionConfig
    opened: float
    session_began: float
    warned: bool = False
    ended: bool = False

    def ends_at(self) -> float | None:
        """Return when the connection's time is over, None for never."""
        model = self.config.model
        compressed = self.config.trigger is not None
        life = model.lifetime_compressed if compressed else model.lifetime
        ends = [] if life is None else [self.opened + life]
        if not compressed and model.session_limit is not None:
            # ai.google.dev live-api session-management: 15 minutes of audio without compression.
            # Which code the Gemini API closes with is not published; the usual one is taken.
            ends.append(self.session_began + model.session_limit)
        return min(ends, default=None)

    def deadline(self) -> float | None:
        """Say when there is something to do."""
        end = self.ends_at()
        if end is None or self.ended:
            return None
        model = self.config.model
        if not self.warned and model.lead > 0:
            return max(self.opened, end - model.lead)
        return end + model.overshoot

    def step(self, now: float) -> list[Output]:
        """Warn, or close."""
        out: list[Output] = []
        model = self.config.model
        while (at := self.deadline()) is not None and at <= now:
            end = self.ends_at() or at
            if not self.warned and model.lead > 0:
                self.warned = True
                out.append(Send({"goAway": {"timeLeft": duration(max(0.0, end - now))}}))
                continue
            self.ended = True
            if self.config.vertex:
                # pipecat-ai/pipecat 3112: Vertex ends a connection with 1000.
                out.append(Close(1000, "The operation was cancelled."))
            else:
                out.append(Close(model.end_code, model.end_reason))
        return out


def duration(seconds: float) -> str:
    """Write a protobuf Duration as JSON does."""
    return f"{round(seconds, 3):g}s"


@dataclass
class HandleSchedule:
    """Decides when a resumption update is due."""

    config: SessionConfig
    rules: Resumption
    next_at: float | None = None
    was_busy: bool = False

    def wanted(self, busy: bool, now: float) -> bool | None:
        """Say whether to send an update now: resumable, not resumable, or (None) nothing."""
        if not self.config.resumption:
            return None
        if busy != self.was_busy:
            self.was_busy = busy
            self._schedule_next(now)
            return not busy
        if self.next_at is not None and now >= self.next_at:
            self._schedule_next(now)
            return not busy
        return None

    def start(self, now: float) -> None:
        """Begin to count the time between updates."""
        self._schedule_next(now)

    def _schedule_next(self, now: float) -> None:
        self.next_at = None if self.rules.every is None else now + self.rules.every
