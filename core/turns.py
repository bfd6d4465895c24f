"""When the caller's turn opens, is flushed and closes.

The model sees a turn as an activity window: everything said between activityStart and activityEnd. A flush ends one
window and starts the next in mid-turn, because the input transcription of some models stalls in long windows.
"""

from dataclasses import dataclass
from typing import Literal

# A gap this long between words is a breath or a full stop; shorter ones are inside words (stop consonants).
PAUSE = 0.12
# How much longer than `flush_after` a flush at a pause may wait for one, as a share of `flush_after`.
PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """The caller has begun to speak."""

    at: float


@dataclass(frozen=True, slots=True)
class Flush:
    """Close the window and open the next; the turn goes on."""

    at: float
    why: Literal["timer", "pause", "ceiling"]


@dataclass(frozen=True, slots=True)
class CloseTurn:
    """The caller has finished; `spoke_until` is when the last voice was heard."""

    at: float
    why: Literal["silence", "ended"]
    spoke_until: float
    voiced: float


Action = OpenTurn | Flush | CloseTurn


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """Seconds of voice that open a turn, of quiet that close it, and when a long turn is flushed.

    `flush_at` "timer" flushes `flush_after` seconds into the window; "pause" at the first pause after that, at the
    latest half as long again. `flush_after` None never flushes.
    """

    minimum_speech: float = 0.2
    silence: float = 0.8
    flush_after: float | None = 12.0
    flush_at: Literal["timer", "pause"] = "pause"


class TurnMachine:
    """Voice marks and time in, turn edges out."""

    def __init__(self, policy: TurnPolicy) -> None:
        self._policy = policy
        self._heard_at: float | None = None  # when the last mark came
        self._run_since: float | None = None  # start of the voice being weighed, before a turn
        self._voice_at = 0.0  # when voice was heard last
        self._window_since: float | None = None  # start of the open activity window
        self._voiced = 0.0

    @property
    def open(self) -> bool:
        """Whether the caller has the floor."""
        return self._window_since is not None

    @property
    def spoke_until(self) -> float:
        """When voice was heard last."""
        return self._voice_at

    def heard(self, voice: bool, now: float) -> list[Action]:
        """A chunk of audio that ends at `now` is voice, or is not."""
        since, self._heard_at = self._heard_at, now
        if voice:
            self._voice_at = now
        if self._window_since is not None:
            if voice and since is not None:
                self._voiced += max(0.0, now - since)
            return self.tick(now)
        if not voice:
            # A click is not speech: a run broken by a pause starts again.
            if self._run_since is not None and now - self._voice_at >= PAUSE:
                self._run_since = None
            return []
        if self._run_since is None:
            self._run_since = now if since is None else min(since, now)
        if now - self._run_since < self._policy.minimum_speech:
            return []
        self._window_since, self._voiced = now, now - self._run_since
        self._run_since = None
        return [OpenTurn(now)]

    def deadline(self) -> float | None:
        """When `tick` has something to say even if nothing more is heard."""
        if self._window_since is None:
            return None
        times = [self._voice_at + self._policy.silence]
        if (flush := self._flush_due()) is not None:
            times.append(flush)
        return min(times)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        if self._window_since is None:
            return []
        if now >= self._voice_at + self._policy.silence:
            return [self._close(now, "silence")]
        flush_after = self._policy.flush_after
        if flush_after is None or now < self._window_since + flush_after:
            return []
        if self._policy.flush_at == "timer":
            return self._flush(now, "timer")
        if now - self._voice_at >= PAUSE:
            return self._flush(now, "pause")
        if now >= self._window_since + flush_after * (1 + PATIENCE):
            return self._flush(now, "ceiling")
        return []

    def end(self, now: float) -> list[Action]:
        """The call is over: whatever is open closes."""
        return [self._close(now, "ended")] if self._window_since is not None else []

    def _flush_due(self) -> float | None:
        if self._policy.flush_after is None or self._window_since is None:
            return None
        due = self._window_since + self._policy.flush_after
        if self._policy.flush_at == "timer":
            return due
        ceiling = self._window_since + self._policy.flush_after * (1 + PATIENCE)
        return min(ceiling, max(due, self._voice_at + PAUSE))

    def _flush(self, now: float, why: Literal["timer", "pause", "ceiling"]) -> list[Action]:
        self._window_since = now
        return [Flush(now, why)]

    def _close(self, now: float, why: Literal["silence", "ended"]) -> CloseTurn:
        self._window_since = None
        self._run_since = None
        return CloseTurn(now, why, self._voice_at, self._voiced)
