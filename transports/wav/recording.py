"""Reading recordings, cutting them into answers, resampling."""

from pathlib import Path

import numpy as np
import soxr
from av.error import FFmpegError
from loguru import logger

from core.audio import pcm
from transports.wav.decoding import BadRecording, Samples, decode
from transports.wav.voice import RATE as RATE_VOICE
from transports.wav.voice import voiced

__all__ = ["FRAME", "RATE_OUT", "BadRecording", "at_rate_out", "convert", "cut", "read"]

FRAME = 0.02  # seconds; what a browser or a phone sends in a packet
RATE_OUT = 24000  # Hz; what the Live API sends, so that nothing is resampled

MOSTLY = 0.5  # the share of a recording that may be lost
HARDLY = 0.001  # the share below which a loss is the rounding of the last packet
OFFSET = 0.005  # of full scale; a recording whose mean is further from zero has a constant in it
MARGIN = 0.2  # seconds left around an answer
LOUD = 0.2  # seconds that a recording is at least as loud as its loud parts; a click is shorter


def read(path: Path) -> tuple[bytes, int]:
    """A file as 16-bit mono PCM, and its sample rate in Hz. Raises BadRecording.

    What is broken in it is left out, with a warning that says how much; a constant in it (DC offset) is removed.
    """
    try:
        decoded = decode(path)
    except (OSError, FFmpegError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else "it is not audio that can be read"
        raise BadRecording(f"{path}: {why}.") from error
    if decoded.lost > MOSTLY:
        raise BadRecording(f"{path} is broken: {decoded.lost:.0%} of it cannot be decoded; record or export it anew.")
    if not len(decoded.samples):
        raise BadRecording(f"{path} is empty.")
    if decoded.lost > HARDLY:
        logger.warning(f"{path}: {decoded.lost:.1%} of it is broken and was left out.")
    return _without_offset(decoded.samples, decoded.rate).tobytes(), decoded.rate


def cut(audio: bytes, rate: int, silence: float) -> list[bytes]:
    """The parts of a recording between silences of at least `silence` seconds, with 0.2 s of margin.

    A recording in which nobody speaks (music, a test signal) is cut where it is quiet.
    """
    spans = voiced(convert(audio, rate, RATE_VOICE)) or _loud(audio, rate)
    answers: list[tuple[float, float]] = []
    for began, ended in spans:
        if answers and began - answers[-1][1] < silence:
            answers[-1] = answers[-1][0], ended
        else:
            answers.append((began, ended))
    return [
        audio[pcm.size(max(0.0, began - MARGIN), rate) : pcm.size(ended + MARGIN, rate)] for began, ended in answers
    ]


def _loud(audio: bytes, rate: int) -> list[tuple[float, float]]:
    """Begin and end in seconds of each frame that is not silence."""
    size = pcm.size(FRAME, rate)
    levels = [pcm.level(audio[at : at + size]) for at in range(0, len(audio), size)]
    # Sound is far above the noise of its recording: a twentieth of the loudest lies between the two.
    threshold = sorted(levels)[-min(len(levels), round(LOUD / FRAME)) :][0] / 20 if levels else 0.0
    return [(n * FRAME, (n + 1) * FRAME) for n, level in enumerate(levels) if level > threshold and level > 0]


def _without_offset(samples: Samples, rate: int) -> Samples:
    """The samples less their mean over a tenth of a second, where the mean of all is not zero."""
    if abs(float(samples.mean(dtype=np.float64))) < OFFSET * 32768:
        return samples
    width = min(len(samples), rate // 10)
    sums = np.concatenate(([0], np.cumsum(samples, dtype=np.int64)))
    middles = np.arange(len(samples))
    first = np.clip(middles - width // 2, 0, len(samples) - width)
    means = (sums[first + width] - sums[first]) / width
    return (samples - means).clip(-32768, 32767).astype(np.int16)


def convert(audio: bytes, rate: int, to: int) -> bytes:
    """16-bit mono PCM resampled from `rate` to `to` Hz."""
    return soxr.resample(np.frombuffer(audio, np.int16), rate, to).astype(np.int16).tobytes()


def at_rate_out(audio: bytes, rate: int) -> bytes:
    """16-bit mono PCM at RATE_OUT."""
    return audio if rate == RATE_OUT else convert(audio, rate, RATE_OUT)
