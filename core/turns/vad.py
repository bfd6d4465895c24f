"""Voice activity: whether a chunk is voice, by a detector's likelihood and by its level over the noise floor."""

from collections import deque
from dataclasses import dataclass

# Speech falls to the level of the room between two words, so the quietest tenth of a second of the last four seconds is
# the room's noise (R. Martin, "Noise power spectral density estimation based on optimal smoothing and minimum
# statistics", IEEE Trans. Speech and Audio Processing 9(5), 2001).
BLOCK = 0.1
WINDOW = 4.0
# With less audio than this, a caller who speaks at once would be measured as the noise.
WARM_UP = 2.0


class NoiseFloor:
    """The level of the room's noise: root mean square, 0 to 1; 0 until it is known."""

    def __init__(self) -> None:
        self._blocks: deque[float] = deque(maxlen=round(WINDOW / BLOCK))  # mean power of each
        self._energy = 0.0
        self._length = 0.0
        self.level = 0.0

    def on_audio(self, level: float, length: float) -> None:
        """Add `length` seconds of audio of a level. Digital silence is skipped: the microphone is muted."""
        if level == 0.0:
            return
        self._energy += level * level * length
        self._length += length
        if self._length < BLOCK:
            return
        self._blocks.append(self._energy / self._length)
        self._energy = self._length = 0.0
        if len(self._blocks) >= WARM_UP / BLOCK:
            self.level = min(self._blocks) ** 0.5


@dataclass(frozen=True, slots=True)
class VoicePolicy:
    """The likelihood from which voice begins, and below which it ends; the level it has at least.

    `volume` is a level (root mean square, 0 to 1); `above_noise` is in decibels over the noise floor, 0 ignores it.
    """

    start: float = 0.5
    stop: float = 0.35
    volume: float = 0.0
    above_noise: float = 3.0


class VoiceMarker:
    """Likelihood and level in, voice or not out."""

    def __init__(self, policy: VoicePolicy) -> None:
        self._policy = policy
        self._ratio = 10 ** (policy.above_noise / 20) if policy.above_noise else 0.0
        self._noise = NoiseFloor()
        self._voice = False

    def mark(self, likelihood: float, level: float, length: float) -> bool:
        """Whether a chunk of `length` seconds is voice."""
        self._noise.on_audio(level, length)
        likely = likelihood >= (self._policy.stop if self._voice else self._policy.start)
        self._voice = likely and level >= max(self._policy.volume, self._noise.level * self._ratio)
        return self._voice
