"""Reading recordings, cutting them into answers, resampling."""

from pathlib import Path

import av
import numpy as np
import soxr
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from core.audio import pcm

FRAME = 0.02  # seconds; what a browser or a phone sends in a packet
RATE_OUT = 24000  # Hz; what the Live API sends, so that nothing is resampled


class BadRecording(ValueError):
    """The file cannot be played as a caller; the message is one sentence."""


def read(path: Path) -> tuple[bytes, int]:
    """A file as 16-bit mono PCM, and its sample rate in Hz. Raises BadRecording."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise BadRecording(f"{path} has no sound in it.")
            stream = container.streams.audio[0]
            rate = stream.rate
            to_mono = AudioResampler(format="s16", layout="mono", rate=rate)
            frames = [part for frame in container.decode(stream) for part in to_mono.resample(frame)]
            frames += to_mono.resample(None)
    except (OSError, FFmpegError) as error:
        why = "there is no such file" if isinstance(error, FileNotFoundError) else "it is not audio that can be read"
        raise BadRecording(f"{path}: {why}.") from error
    audio = b"".join(frame.to_ndarray().tobytes() for frame in frames)
    if not audio:
        raise BadRecording(f"{path} is empty.")
    return audio, rate


def cut(audio: bytes, rate: int, silence: float) -> list[bytes]:
    """The parts of a recording between silences of at least `silence` seconds, with 0.2 s of margin."""
    size = pcm.size(FRAME, rate)
    levels = [pcm.level(audio[at : at + size]) for at in range(0, len(audio), size)]
    # Speech is far above the noise of its recording: a twentieth of the loudest frame lies between the two.
    threshold = max(levels, default=0.0) / 20
    loud = [n for n, level in enumerate(levels) if level > threshold and level > 0]
    parts: list[bytes] = []
    margin = round(0.2 / FRAME)
    start = None
    for n, following in zip(loud, [*loud[1:], None], strict=False):  # without a loud frame there is no part
        start = n if start is None else start
        if following is None or (following - n) * FRAME >= silence:
            parts.append(audio[max(0, start - margin) * size : (n + 1 + margin) * size])
            start = None
    return parts


def convert(audio: bytes, rate: int, to: int) -> bytes:
    """16-bit mono PCM resampled from `rate` to `to` Hz."""
    return soxr.resample(np.frombuffer(audio, np.int16), rate, to).astype(np.int16).tobytes()


def at_rate_out(audio: bytes, rate: int) -> bytes:
    """16-bit mono PCM at RATE_OUT."""
    return audio if rate == RATE_OUT else convert(audio, rate, RATE_OUT)
