"""Flushes: at which instant a long turn is cut, its activity window closed and the next one opened.

A flush ends one window and begins the next in mid-turn, because the input transcription of some models stalls in long
windows. The audio on the two sides of the cut is transcribed separately: a word that is cut is lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

# A gap this long between words is a breath or a full stop; shorter ones are inside words (stop consonants).
PAUSE = 0.12
# Seconds of audio that are held back to find the quietest place in them: two or three syllables, so that a stop
# consonant or the gap between two words is among them. They are late by as much, once a window, and only where the
# caller does not pause.
LOOK_AHEAD = 0.5
# Where a detector finds no voice there may be a breath, or the first consonant of the next word, which it is slow to
# detect. A window ends in a pause only where the audio is softer than this share of the voice's level (-8 dB).
SOFT = 0.4
# The voice's level is averaged over its last seconds: it drops towards the end of a sentence.
_LEVEL_WINDOW = 3.0
# Lengths are sums of chunk lengths that have no exact binary fraction.
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of the caller's audio: is it voice, its level (root mean square, 0 to 1), its length in seconds."""

    voice: bool
    level: float
    length: float


@dataclass(frozen=True, slots=True)
class Flush:
    """Close the window and open the next; the turn goes on.

    The last `carried_over` chunks, which were held back, belong to the next window; `at` is when the first of them
    began.
    """

    at: float
    why: Literal["timer", "pause", "ceiling"]
    carried_over: int = 0


class FlushStrategy(Protocol):
    """Decides, chunk by chunk, where a window ends. It is given the audio of turns and nothing else."""

    @property
    def holding(self) -> bool:
        """Whether chunks are held back, the last one included, until it is decided on which side of a cut they are."""
        ...

    def turn_opened(self, now: float) -> None:
        """A turn has begun, and with it a window."""
        ...

    def on_audio(self, chunk: Chunk, now: float) -> Flush | None:
        """A chunk that ends at `now`. After a flush the next window has begun at its `at`."""
        ...


class NoFlush:
    """A turn is one window, however long."""

    holding = False

    def turn_opened(self, now: float) -> None:
        """No state to reset."""

    def on_audio(self, chunk: Chunk, now: float) -> Flush | None:
        """None: never a flush."""
        return None


class TimerFlush:
    """Every `after` seconds, in mid-word too, as a timer in a client does."""

    holding = False

    def __init__(self, after: float) -> None:
        self._after = after
        self._since = 0.0

    def turn_opened(self, now: float) -> None:
        """The timer starts."""
        self._since = now

    def on_audio(self, chunk: Chunk, now: float) -> Flush | None:
        """A flush with the first chunk after the time is up."""
        if now - self._since < self._after:
            return None
        self._since = now
        return Flush(now, "timer")


class ValleyFlush:
    """In the first soft pause once a window is `after` seconds old; without one, where it is quietest before `ceiling`.

    `ceiling` is to exceed `after` by LOOK_AHEAD. The last LOOK_AHEAD seconds before it are held back, and the window
    is cut between the two chunks that are softest, rather outside a word than in one. A pause is held back as well, up
    to PAUSE of it: cut at its softest place, it leaves both windows some of the quiet that a recogniser needs around a
    word.
    """

    def __init__(self, after: float, ceiling: float) -> None:
        self._after = after
        self._hold_from = max(after, ceiling - LOOK_AHEAD)
        self._age = 0.0  # seconds of audio in the window: by the clock, a burst would move the cut
        self._power = 0.0  # mean power of the voice
        self._held: list[Chunk] = []
        self._quiet = 0  # how many of the newest chunks held back are without voice

    @property
    def holding(self) -> bool:
        """From half a second before the ceiling to the cut, and in every pause before."""
        return bool(self._held)

    def turn_opened(self, now: float) -> None:
        """A window begins; the level of the voice is unknown."""
        self._begin([])
        self._power = 0.0

    def on_audio(self, chunk: Chunk, now: float) -> Flush | None:
        """A flush in a soft pause, or once LOOK_AHEAD is held back before the ceiling."""
        if chunk.voice:
            self._power += (chunk.level**2 - self._power) * min(1.0, chunk.length / _LEVEL_WINDOW)
        self._age += chunk.length
        if self._age < self._after:
            return None
        self._quiet = 0 if chunk.voice else self._quiet + 1
        if self._age < self._hold_from and not self._quiet:
            self._held.clear()
            return None
        self._held.append(chunk)
        pause = self._held[len(self._held) - self._quiet :]
        if sum(quiet.length for quiet in pause) >= PAUSE - _EPSILON:
            at = len(self._held) - len(pause) + _softest(pause)
            if self._soft(at):
                return self._cut(at, "pause", now)
        if sum(held.length for held in self._held) < LOOK_AHEAD - _EPSILON:
            return None
        if self._age < self._hold_from:
            del self._held[0]  # a pause that is not soft
            return None
        return self._cut(self._quietest(), "ceiling", now)

    def _cut(self, at: int, why: Literal["pause", "ceiling"], now: float) -> Flush:
        carried_over = self._held[at:]
        self._begin(carried_over)
        return Flush(now - self._age, why, len(carried_over))

    def _begin(self, held: list[Chunk]) -> None:
        self._age = sum(chunk.length for chunk in held)
        self._held, self._quiet = [], 0

    def _quietest(self) -> int:
        """The chunk held back before which the cut does least harm: in a soft place, between words, the softest."""

        def loudness(n: int) -> tuple[bool, int, float]:
            one, other = self._held[n - 1], self._held[n]
            return not self._soft(n), one.voice + other.voice, one.level + other.level

        return min(range(1, len(self._held)), key=loudness, default=len(self._held))

    def _soft(self, at: int) -> bool:
        """Whether the chunks on both sides of a cut there are softer than the voice."""
        return max(chunk.level for chunk in self._held[at - 1 : at + 1]) <= SOFT * self._power**0.5


def _softest(pause: Sequence[Chunk]) -> int:
    """The chunk of a pause before which it is cut: between the two softest, of these the nearest to its middle."""
    middle = len(pause) / 2

    def loudness(n: int) -> tuple[float, float]:
        return round(pause[n - 1].level + pause[n].level, 3), abs(n - middle)

    return min(range(1, len(pause)), key=loudness, default=len(pause))
