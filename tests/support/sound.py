"""Whether what was heard is what was said."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr

STEP = 6  # one sample of so many: 8 kHz
PIECE = 0.4  # seconds
QUIET = 1e3


def at_rate(pcm: bytes, rate: int) -> bytes:
    """A 16 kHz clip at another rate."""
    return soxr.resample(np.frombuffer(pcm, np.int16), 16_000, rate).astype(np.int16).tobytes()


# As much of what was said has arrived. On a busy machine the jitter buffer of a peer lets go what comes in a burst;
# other sound, or the same at another rate, is not even half as like.
ARRIVED = 0.7


def likeness(said: bytes, heard: bytes) -> float:
    """How much of what was said is in what was heard, both at 48 kHz: 0 to 1, the loud counting more than the quiet.

    The correlation of each PIECE with where it is most like what was heard. A machine that stood still for a moment has
    moved what came after it, which costs the one piece in which it happened.
    """
    a, b = (np.frombuffer(pcm, np.int16).astype(float)[::STEP] for pcm in (said, heard))
    size = 48_000 // STEP * PIECE
    if len(b) < len(a):
        return 0.0
    length = 1 << (len(b) + round(size)).bit_length()
    spectrum = np.fft.rfft(b, length)
    power = np.concatenate([[0.0], np.cumsum(b**2)])
    found = weight = 0.0
    for start in range(0, len(a), round(size)):
        piece = a[start : start + round(size)]
        products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, length)), length)[: len(b) - len(piece) + 1]
        norms = np.sqrt(np.maximum(power[len(piece) :] - power[: len(products)], 0.0))
        loudness = float(np.dot(piece, piece))
        # Beside digital silence the noise of the transform would count for a likeness.
        found += loudness * float(np.max(products / (np.sqrt(loudness) * norms + QUIET)))
        weight += loudness
    return found / (weight + QUIET)


def at_files(paths: Sequence[Path], rate: int, folder: Path) -> list[Path]:
    """Copies of 16 kHz clips at another rate, in `folder`."""
    copies: list[Path] = []
    for path in paths:
        with wave.open(str(path)) as file:
            pcm = file.readframes(file.getnframes())
        copies.append(folder / path.name)
        with wave.open(str(copies[-1]), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(at_rate(pcm, rate))
    return copies
