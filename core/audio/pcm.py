"""Durations, levels and cuts of 16-bit mono PCM."""

import array
import sys

WIDTH = 2  # bytes a sample


def seconds(pcm: bytes, rate: int) -> float:
    """How long 16-bit mono PCM lasts at `rate` Hz."""
    return len(pcm) / (WIDTH * rate)


def size(duration: float, rate: int) -> int:
    """Bytes of 16-bit mono PCM in `duration` seconds at `rate` Hz: always whole samples."""
    return round(duration * rate) * WIDTH


def level(pcm: bytes) -> float:
    """Root mean square, 0 (silence) to 1 (full scale)."""
    samples = array.array("h", pcm[: len(pcm) - len(pcm) % WIDTH])
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples:
        return 0.0
    return (sum(sample * sample for sample in samples) / len(samples)) ** 0.5 / 32768
