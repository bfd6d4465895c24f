"""Whether what was heard is what was said."""

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
