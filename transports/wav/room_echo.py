"""A caller without headphones, played from a file: what is played gets into the microphone."""

from collections import deque

import numpy as np
import soxr
from pydantic import BaseModel, ConfigDict, Field

GAP = 1.0  # seconds; a longer silence between two pieces ends a sound


class WavEcho(BaseModel):
    """How the examiner's voice gets into the caller's microphone: a loudspeaker, and nothing that cancels it."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    gain: float = Field(default=-12.0, ge=-60, le=0)
    """decibels of the echo against what was played"""
    delay: float = Field(default=0.15, ge=0, le=2)
    """seconds from being played to being heard again"""


class Room:
    """Carries what is played to the caller's microphone."""

    def __init__(self, echo: WavEcho, rate: int, rate_out: int) -> None:
        """`rate` is the microphone's and `rate_out` the loudspeaker's, in Hz."""
        self._echo = echo
        self._rate, self._rate_out = rate, rate_out
        self._resampled: soxr.ResampleStream | None = None
        self._pieces: deque[tuple[float, np.ndarray]] = deque()  # when each is heard again, and its samples
        self._played_until = 0.0
        self._next = 0.0

    def play(self, audio: bytes, at: float) -> None:
        """The examiner's audio, played from `at` on."""
        samples = np.frombuffer(audio, np.int16)
        gap = at - self._played_until
        if self._resampled is None or gap > GAP:
            self._resampled = soxr.ResampleStream(self._rate_out, self._rate, 1, dtype="int16")
            self._next = at + self._echo.delay
        elif gap > 0:  # playback jumped: the room is silent for as long
            samples = np.concatenate((np.zeros(round(gap * self._rate_out), np.int16), samples))
        self._played_until = at + len(audio) / 2 / self._rate_out
        again = self._resampled.resample_chunk(samples)  # fewer at first: the filter holds some back
        self._pieces.append((self._next, again * 10 ** (self._echo.gain / 20)))
        self._next += len(again) / self._rate

    def heard(self, chunk: bytes, at: float) -> bytes:
        """The caller's audio from `at` on, with the echo that is in the room then."""
        line = np.frombuffer(chunk, np.int16).astype(float)
        for start, samples in self._pieces:
            first = round((start - at) * self._rate)
            low, high = max(0, first), min(len(line), first + len(samples))
            if high > low:
                line[low:high] += samples[low - first : high - first]
        while self._pieces and self._pieces[0][0] + len(self._pieces[0][1]) / self._rate < at:
            self._pieces.popleft()
        return line.clip(-32768, 32767).astype(np.int16).tobytes()
