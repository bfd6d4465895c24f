"""When the caller's turn opens, is flushed and closes.

The model sees a turn as an activity window: everything said between activityStart and activityEnd. Long turns are cut
into several (core/turns/flush).
"""

from dataclasses import dataclass
from typing import Literal

from core.turns.flush import PAUSE, Chunk, Flush, Flushing, NoFlush

# A stretch of voice is told of at the latest after this many seconds.
STRETCH = 1.0
# Audio that is later than this is not on its way any more: the caller's line has gone silent.
STALLED = 0.5
# Lengths are sums of chunks that no binary fraction can tell exactly.
_EPSILON = 1e-6

Why = Literal["silence", "ended", "key", "longest"]


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """The caller has begun to speak."""

    at: float


@dataclass(frozen=True, slots=True)
class VoiceSpanEnded:
    """The caller was heard from `started` to `ended`, with no pause in it; such stretches never overlap."""

    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class CloseTurn:
    """The caller has finished; `spoke_until` is when the last voice was heard, `voiced` how many seconds of it."""

    at: float
    why: Why
    spoke_until: float
    voiced: float


Action = OpenTurn | Flush | VoiceSpanEnded | CloseTurn


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """Seconds of voice that open a turn, of quiet that close it, and after which one is closed in mid-speech."""

    minimum_speech: float = 0.2
    silence: float = 0.8
    longest: float | None = None


class TurnMachine:
    """Chunks of audio and time in, turn edges out.

    How long something lasted is counted in audio, which comes in bursts on a bad network: a pause is not longer for
    being heard late. Only where no audio comes any more, the clock says when the turn is over.
    """

    def __init__(self, policy: TurnPolicy, flushing: Flushing | None = None) -> None:
        self._policy = policy
        self._flushing = flushing or NoFlush()
        self._silence = policy.silence
        self._opened_at: float | None = None
        self._run = 0.0  # seconds of audio since voice began that has not opened a turn yet
        self._quiet = 0.0  # seconds of audio without voice up to now
        self._waits_for_pause = False  # the last turn was closed in mid-speech
        self._voice_at = 0.0  # when voice was heard last
        self._voiced = 0.0
        self._stretch_since: float | None = None
        self._told_until = 0.0  # of the voice heard

    @property
    def open(self) -> bool:
        """Whether the caller has the floor."""
        return self._opened_at is not None

    @property
    def holding(self) -> bool:
        """Whether audio of the open turn is held back, until a flush says on which side of it that audio is."""
        return self.open and self._flushing.holding

    def heard(self, chunk: Chunk, now: float) -> list[Action]:
        """A chunk of audio that ends at `now`, which never goes back."""
        self._quiet = 0.0 if chunk.voice else self._quiet + chunk.length
        if self._opened_at is None:
            return self._weigh(chunk, now)
        actions = self._measure(chunk, now)
        if closed := self.tick(now):
            return [*actions, *closed]
        flush = self._flushing.heard(chunk, now)
        return [*actions, flush] if flush else actions

    def expect(self, silence: float | None, now: float) -> list[Action]:
        """From here on it is `silence` seconds of quiet that end a turn; None is what the policy says."""
        self._silence = self._policy.silence if silence is None else silence
        return self.tick(now)

    def deadline(self) -> float | None:
        """When `tick` has something to say even if nothing more is heard."""
        if self._opened_at is None:
            return None
        quiet = self._voice_at + self._silence + STALLED
        return quiet if self._policy.longest is None else min(quiet, self._opened_at + self._policy.longest)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        if self._opened_at is None:
            return []
        if self._quiet >= self._silence - _EPSILON or now >= self._voice_at + self._silence + STALLED:
            return self.end(now, "silence")
        if self._policy.longest is not None and now >= self._opened_at + self._policy.longest:
            return self.end(now, "longest")
        return []

    def end(self, now: float, why: Why = "ended") -> list[Action]:
        """Whatever is open closes, because the call is over or the caller says so."""
        if self._opened_at is None:
            return []
        self._opened_at = None
        self._run = 0.0
        # Noise that was taken for speech would open the next turn at once.
        self._waits_for_pause = self._quiet < PAUSE - _EPSILON
        return [*self._tell(), CloseTurn(now, why, self._voice_at, self._voiced)]

    def _weigh(self, chunk: Chunk, now: float) -> list[Action]:
        """No turn is open: is this the beginning of one?"""
        if self._quiet >= PAUSE - _EPSILON:
            # A click is not speech: a run broken by a pause starts again.
            self._run, self._stretch_since, self._waits_for_pause = 0.0, None, False
        if self._waits_for_pause or not (chunk.voice or self._run):
            return []
        if not self._run:
            self._voiced = 0.0
        self._run += chunk.length
        self._measure(chunk, now, tell=False)
        if not chunk.voice or self._run < self._policy.minimum_speech - _EPSILON:
            return []
        self._opened_at, self._run = now, 0.0
        self._flushing.opened(now)
        return [OpenTurn(now)]

    def _measure(self, chunk: Chunk, now: float, *, tell: bool = True) -> list[Action]:
        """Count the voice, and tell of a stretch of it that is over."""
        if chunk.voice:
            self._voice_at = now
            self._voiced += chunk.length
            if self._stretch_since is None:
                self._stretch_since = max(self._told_until, now - chunk.length)
            over = now - self._stretch_since >= STRETCH
        else:
            over = self._quiet >= PAUSE - _EPSILON
        return self._tell() if over and tell else []

    def _tell(self) -> list[Action]:
        since, self._stretch_since = self._stretch_since, None
        if since is None or since >= self._voice_at:
            return []
        self._told_until = self._voice_at
        return [VoiceSpanEnded(since, self._voice_at)]
