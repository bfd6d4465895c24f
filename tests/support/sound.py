"""Whether what was heard is what was said."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr


def at_rate(pcm: bytes, rate: int) -> bytes:
    """A 16 kHz clip at another rate."""
    return soxr.resample(np.frombuffer(pcm, np.int16), 16_000, rate).astype(np.int16).tobytes()


def likeness(said: bytes, heard: bytes) -> float:
    """The highest normalised cross-correlation of what was said with what was heard, both at 48 kHz."""
    a, b = (np.frombuffer(pcm, np.int16).astype(float)[::6] for pcm in (said, heard))
    if len(b) < len(a):
        return 0.0
    size = 1 << (len(a) + len(b)).bit_length()
    product = np.fft.irfft(np.fft.rfft(b, size) * np.conj(np.fft.rfft(a, size)), size)
    at = int(np.argmax(product[: len(b) - len(a) + 1]))
    window = b[at : at + len(a)]
    return float(np.dot(a, window) / (np.linalg.norm(a) * np.linalg.norm(window) + 1e-9))


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
