"""Endpointing: when the caller's turn opens, and when it closes for silence or for its length.

The model receives a turn as an activity window: the audio between activityStart and activityEnd. Long turns are cut
into several windows (core/turns/flush).
"""

from dataclasses import dataclass
from typing import Literal

from core.turns.flush import PAUSE, Chunk, Flush, FlushStrategy, NoFlush

# A span of voice is reported after this many seconds at the latest.
LONGEST_SPAN = 1.0
# Audio that is this many seconds late will not come any more: the caller's end has stopped sending. A transport that
# knows has reported by then that packets are missing (core/turns/absence).
STALLED = 1.0
# Lengths are sums of chunk lengths that have no exact binary fraction.
_EPSILON = 1e-6

Why = Literal["silence", "ended", "key", "longest", "absence"]


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """The caller has begun to speak."""

    at: float


@dataclass(frozen=True, slots=True)
class VoiceSpanEnded:
    """The caller spoke from `started` to `ended` without a pause; spans never overlap."""

    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class CloseTurn:
    """The caller has finished; `spoke_until` is when the last voice ended, `voiced` how many seconds were voice."""

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

    Durations are counted in audio, which comes in bursts on a bad network: a pause that arrives late is no longer than
    it was. Only where no audio comes any more, the clock ends the turn; not where the transport has reported that no
    packets come, for what the caller says then is not known.
    """

    def __init__(self, policy: TurnPolicy, strategy: FlushStrategy | None = None) -> None:
        self._policy = policy
        self._strategy = strategy or NoFlush()
        self._silence = policy.silence
        self._opened_at: float | None = None
        self._onset = 0.0  # seconds of audio since voice began that has not opened a turn yet
        self._quiet = 0.0  # seconds of audio since the last voice
        self._resumed_at = 0.0  # the first audio after packets had stopped
        self._packets_stopped = False
        self._waits_for_pause = False  # the last turn was closed in mid-speech
        self._spoke_until = 0.0  # when the last voice ended
        self._voiced = 0.0
        self._span_started: float | None = None
        self._reported_until = 0.0  # the end of the last span reported

    @property
    def open(self) -> bool:
        """Whether the caller's turn is open."""
        return self._opened_at is not None

    @property
    def holding(self) -> bool:
        """Whether audio of the open turn is held back until it is decided on which side of a flush it is."""
        return self.open and self._strategy.holding

    def on_audio(self, chunk: Chunk, now: float) -> list[Action]:
        """A chunk of audio that ends at `now`, which never goes back."""
        if self._packets_stopped:
            self._packets_stopped, self._resumed_at = False, now
        self._quiet = 0.0 if chunk.voice else self._quiet + chunk.length
        if self._opened_at is None:
            return self._look_for_onset(chunk, now)
        actions = self._measure(chunk, now)
        if closed := self.tick(now):
            return [*actions, *closed]
        flush = self._strategy.on_audio(chunk, now)
        return [*actions, flush] if flush else actions

    def packets_stopped(self) -> None:
        """No packet comes, until the next chunk: a turn that is open stays open."""
        self._packets_stopped = True

    def caller_away(self) -> list[Action]:
        """Packets have stopped for so long that what was begun, voice or a pause, may have ended unheard."""
        self._quiet = 0.0
        if self._opened_at is not None:
            return [*self._end_span()]
        self._onset, self._span_started = 0.0, None
        return []

    def set_silence(self, silence: float | None, now: float) -> list[Action]:
        """From now on `silence` seconds of quiet end a turn; None is the policy's value."""
        self._silence = self._policy.silence if silence is None else silence
        return self.tick(now)

    def deadline(self) -> float | None:
        """When `tick` returns actions even if no more audio comes; None without an open turn, or without packets."""
        if self._opened_at is None or self._packets_stopped:
            return None
        silent = self._silent_by_clock
        return silent if self._policy.longest is None else min(silent, self._opened_at + self._policy.longest)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        if self._opened_at is None or self._packets_stopped:
            return []
        if self._quiet >= self._silence - _EPSILON or now >= self._silent_by_clock:
            return self.close_turn(now, "silence")
        if self._policy.longest is not None and now >= self._opened_at + self._policy.longest:
            return self.close_turn(now, "longest")
        return []

    @property
    def _silent_by_clock(self) -> float:
        """When the silence that ends a turn is over, though audio for it is missing."""
        return max(self._spoke_until, self._resumed_at) + self._silence + STALLED

    def close_turn(self, now: float, why: Why = "ended") -> list[Action]:
        """Close the turn, if one is open, because the call is over or the caller pressed a key."""
        if self._opened_at is None:
            return []
        self._opened_at = None
        self._onset = 0.0
        # Noise that was detected as speech would open the next turn at once.
        self._waits_for_pause = why != "absence" and self._quiet < PAUSE - _EPSILON
        return [*self._end_span(), CloseTurn(now, why, self._spoke_until, self._voiced)]

    def _look_for_onset(self, chunk: Chunk, now: float) -> list[Action]:
        """Open a turn if this chunk completes an onset."""
        if self._quiet >= PAUSE - _EPSILON:
            # A click is not speech: an onset that is broken by a pause starts anew.
            self._onset, self._span_started, self._waits_for_pause = 0.0, None, False
        if self._waits_for_pause or not (chunk.voice or self._onset):
            return []
        if not self._onset:
            self._voiced = 0.0
        self._onset += chunk.length
        self._measure(chunk, now, report=False)
        if not chunk.voice or self._onset < self._policy.minimum_speech - _EPSILON:
            return []
        self._opened_at, self._onset = now, 0.0
        self._strategy.turn_opened(now)
        return [OpenTurn(now)]

    def _measure(self, chunk: Chunk, now: float, *, report: bool = True) -> list[Action]:
        """Count voice; a span of it that is over is reported."""
        if chunk.voice:
            self._spoke_until = now
            self._voiced += chunk.length
            if self._span_started is None:
                self._span_started = max(self._reported_until, now - chunk.length)
            over = now - self._span_started >= LONGEST_SPAN
        else:
            over = self._quiet >= PAUSE - _EPSILON
        return self._end_span() if over and report else []

    def _end_span(self) -> list[Action]:
        started, self._span_started = self._span_started, None
        if started is None or started >= self._spoke_until:
            return []
        self._reported_until = self._spoke_until
        return [VoiceSpanEnded(started, self._spoke_until)]
