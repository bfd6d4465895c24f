"""The echo of a caller without headphones: what is played gets into the microphone."""

from collections import deque

import numpy as np
import soxr
from pydantic import BaseModel, ConfigDict, Field

from core.audio import pcm

GAP = 1.0  # seconds; after a longer silence the resampler starts anew


class WavEcho(BaseModel):
    """The acoustic path from the caller's loudspeaker to its microphone, without an echo canceller."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    gain: float = Field(default=-12.0, ge=-60, le=0)
    """level of the echo in decibels, relative to what was played"""
    delay: float = Field(default=0.15, ge=0, le=2)
    """seconds from the loudspeaker to the microphone"""


class Room:
    """Mixes what is played into the caller's microphone."""

    def __init__(self, echo: WavEcho, rate: int, rate_out: int) -> None:
        """`rate` is the microphone's and `rate_out` the loudspeaker's, in Hz."""
        self._echo = echo
        self._rate, self._rate_out = rate, rate_out
        self._resampled: soxr.ResampleStream | None = None
        self._echoes: deque[tuple[float, np.ndarray]] = deque()  # when each begins in the microphone, and its samples
        self._played_until = 0.0
        self._next = 0.0  # when the next echo begins in the microphone

    def play(self, audio: bytes, at: float) -> None:
        """Add the examiner's audio, played from `at` on."""
        samples = np.frombuffer(audio, np.int16)
        gap = at - self._played_until
        if self._resampled is None or gap > GAP:
            self._resampled = soxr.ResampleStream(self._rate_out, self._rate, 1, dtype="int16")
            self._next = at + self._echo.delay
        elif gap > 0:  # playback jumped: the room is silent for as long
            samples = np.concatenate((np.zeros(round(gap * self._rate_out), np.int16), samples))
        self._played_until = at + pcm.seconds(audio, self._rate_out)
        echo = self._resampled.resample_chunk(samples)  # fewer at first: the filter holds some back
        self._echoes.append((self._next, echo * 10 ** (self._echo.gain / 20)))
        self._next += len(echo) / self._rate

    def mix(self, chunk: bytes, at: float) -> bytes:
        """The caller's audio from `at` on, with the echo of that time."""
        mixed = np.frombuffer(chunk, np.int16).astype(float)
        for start, samples in self._echoes:
            first = round((start - at) * self._rate)
            low, high = max(0, first), min(len(mixed), first + len(samples))
            if high > low:
                mixed[low:high] += samples[low - first : high - first]
        while self._echoes and self._echoes[0][0] + len(self._echoes[0][1]) / self._rate < at:
            self._echoes.popleft()
        return mixed.clip(-32768, 32767).astype(np.int16).tobytes()
