"""Echo path estimation: the delay from playback to the microphone, and the echo that an adaptive filter predicts.

All signals here are mono floats, -1 to 1, at 8 kHz: a telephone carries no more, and a voice can be recognised by that.
"""

import numpy as np
from numpy.typing import NDArray

RATE = 8000  # Hz
BLOCK = 256  # samples
# Blocks of the impulse response that is modelled: 160 ms, most of what a living room or a car sends back.
PARTITIONS = 5
# The transition factor of the state from block to block; below 1, the filter follows a moving head.
TRANSITION = 0.99

Samples = NDArray[np.float64]


def delay_of(microphone: Samples, played: Samples) -> tuple[int, float]:
    """Where `microphone` begins in `played` (samples from its start), and the prominence of that peak.

    Generalised cross-correlation with phase transform (Knapp and Carter, IEEE Trans. ASSP 24(4), 1976): every
    frequency counts alike, so that a room's colour, a telephone's band and two voices of one pitch matter little. The
    prominence is the peak over the standard deviation of the correlation.
    """
    size = 1 << (len(microphone) + len(played) - 1).bit_length()
    cross = np.fft.rfft(played, size) * np.fft.rfft(microphone, size).conj()
    strength = np.abs(cross)
    cross /= strength + 1e-3 * strength.mean() + 1e-12
    cross[: size * 200 // RATE] = 0.0  # hum, and what a telephone does not carry
    cross[size * 3500 // RATE :] = 0.0
    correlation = np.fft.irfft(cross, size)[: len(played) - len(microphone) + 1]
    at = int(np.argmax(np.abs(correlation)))
    return at, float(abs(correlation[at]) / (correlation.std() + 1e-12))


class EchoPath:
    """A model of the path from the loudspeaker to the microphone, adapted block by block.

    A partitioned-block frequency-domain Kalman filter (Enzner and Vary, Signal Processing 86(6), 2006; Kuech, Mabande
    and Enzner, ICASSP 2014): its step size follows from its uncertainty and from the power that it does not explain, so
    that double talk does not make it diverge.
    """

    def __init__(self, gain: float) -> None:
        """`gain` estimates the echo's amplitude as a share of what was played; the filter starts from it."""
        bins = BLOCK + 1
        self._gain = gain
        self._response = np.zeros((PARTITIONS, bins), complex)
        self._uncertainty = np.ones((PARTITIONS, bins))
        self._noise_power = np.zeros(bins)
        self.restart()

    def restart(self) -> None:
        """The next block does not follow the last one; the filter stays as adapted."""
        self._played = np.zeros((PARTITIONS, BLOCK + 1), complex)
        self._last = np.zeros(BLOCK)

    def add_played(self, played: Samples) -> None:
        """Add a block that was played, without adapting to it."""
        self._played[1:] = self._played[:-1]
        self._played[0] = np.fft.rfft(np.concatenate((self._last, played))) * self._gain
        self._last = played

    def echo_of(self, played: Samples, microphone: Samples) -> Samples:
        """The predicted echo of `played` in one block of the microphone; then the filter adapts to that block."""
        self.add_played(played)
        echo = np.fft.irfft((self._response * self._played).sum(axis=0))[BLOCK:]
        error = np.fft.rfft(np.concatenate((np.zeros(BLOCK), microphone - echo)))
        power = _power(self._played).sum(axis=0)
        self._noise_power = 0.5 * self._noise_power + 0.5 * _power(error)
        step = self._uncertainty / (0.5 * self._uncertainty * power + self._noise_power / PARTITIONS + 1e-10)
        strength = _power(self._response)
        self._uncertainty = TRANSITION * (1 - 0.5 * step * power) * self._uncertainty + (1 - TRANSITION) * strength
        response = np.fft.irfft(self._response + step * self._played.conj() * error, axis=1)
        response[:, BLOCK:] = 0.0
        self._response = np.fft.rfft(response, axis=1)
        return echo


def _power(spectrum: NDArray[np.complex128]) -> Samples:
    return spectrum.real**2 + spectrum.imag**2
