"""From what was played to what comes back of it: where in the microphone it is, and how much of the microphone it is.

All signals here are mono floats, -1 to 1, at 8 kHz: a telephone line carries no more, and a voice needs no more to be
known again.
"""

import numpy as np
from numpy.typing import NDArray

RATE = 8000
BLOCK = 256
# Blocks of the way that are modelled: 160 ms, most of what a living room or a car sends back.
PARTITIONS = 5
# How much of the model is kept from block to block; what is forgotten lets it follow a moving head.
KEEPS = 0.99

Samples = NDArray[np.float64]


def delay_of(heard: Samples, played: Samples) -> tuple[int, float]:
    """Where `heard` begins in `played` (samples from its start), and how far that stands out from everywhere else.

    Generalised cross-correlation with phase transform (Knapp and Carter, IEEE Trans. ASSP 24(4), 1976): every
    frequency counts alike, so that a room's colour, a telephone's band and two voices of one pitch matter little. The
    prominence is the peak over the standard deviation of the whole.
    """
    size = 1 << (len(heard) + len(played) - 1).bit_length()
    cross = np.fft.rfft(played, size) * np.fft.rfft(heard, size).conj()
    strength = np.abs(cross)
    cross /= strength + 1e-3 * strength.mean() + 1e-12
    cross[: size * 200 // RATE] = 0.0  # hum, and what a telephone does not carry
    cross[size * 3500 // RATE :] = 0.0
    found = np.fft.irfft(cross, size)[: len(played) - len(heard) + 1]
    at = int(np.argmax(np.abs(found)))
    return at, float(abs(found[at]) / (found.std() + 1e-12))


class EchoPath:
    """A model of the way from the loudspeaker to the microphone, learnt as it goes.

    A frequency-domain Kalman filter in partitions (Enzner and Vary, Signal Processing 86(6), 2006; Kuech, Mabande and
    Enzner, ICASSP 2014): its step follows from how uncertain it is and how much else there is to hear, so that the
    caller talking at the same time does not spoil it.
    """

    def __init__(self, gain: float) -> None:
        """`gain` is about what an echo's amplitude is of what was played; the filter starts from it."""
        bins = BLOCK + 1
        self._gain = gain
        self._way = np.zeros((PARTITIONS, bins), complex)
        self._doubt = np.ones((PARTITIONS, bins))
        self._other = np.zeros(bins)
        self.restart()

    def restart(self) -> None:
        """The next block does not follow the last one; what was learnt is kept."""
        self._played = np.zeros((PARTITIONS, BLOCK + 1), complex)
        self._last = np.zeros(BLOCK)

    def remember(self, played: Samples) -> None:
        """A block was played; nothing is to be learnt from it."""
        self._played[1:] = self._played[:-1]
        self._played[0] = np.fft.rfft(np.concatenate((self._last, played))) * self._gain
        self._last = played

    def echo_of(self, played: Samples, heard: Samples) -> Samples:
        """What of one block of the microphone the model takes for the echo of `played`; then it learns from it."""
        self.remember(played)
        echo = np.fft.irfft((self._way * self._played).sum(axis=0))[BLOCK:]
        error = np.fft.rfft(np.concatenate((np.zeros(BLOCK), heard - echo)))
        power = _power(self._played).sum(axis=0)
        self._other = 0.5 * self._other + 0.5 * _power(error)
        step = self._doubt / (0.5 * self._doubt * power + self._other / PARTITIONS + 1e-10)
        strength = _power(self._way)
        self._doubt = KEEPS * (1 - 0.5 * step * power) * self._doubt + (1 - KEEPS) * strength
        way = np.fft.irfft(self._way + step * self._played.conj() * error, axis=1)
        way[:, BLOCK:] = 0.0
        self._way = np.fft.rfft(way, axis=1)
        return echo


def _power(spectrum: NDArray[np.complex128]) -> Samples:
    return spectrum.real**2 + spectrum.imag**2
