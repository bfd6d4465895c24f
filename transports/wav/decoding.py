"""Decoding a recording with FFmpeg: whatever can be decoded of it, on one channel at one rate."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet

from transports.wav.header import without_obstacles

LONGEST = 3600.0  # seconds; an exam is far shorter, and the whole recording is held in memory
LOWEST_RATE, HIGHEST_RATE = 8000, 48000  # Hz; others are resampled
# After an error FFmpeg finds the next packet at the next attempt, or never.
ATTEMPTS = 100
# In files of these formats each packet begins where the last one ended, so what lies between was not understood.
SEAMLESS = frozenset(("aac", "mp3"))
TAIL = 0.25  # of the file; tags may stand at its end, but they are short
Samples: TypeAlias = "np.ndarray[tuple[int, ...], np.dtype[np.int16]]"


class BadRecording(ValueError):
    """The file cannot be played as a caller; the message is one sentence."""


@dataclass
class Decoded:
    """What a file holds: `samples` on one channel at `rate` Hz, and the share of its bytes (0 to 1) that was lost."""

    samples: Samples
    rate: int
    lost: float


def decode(path: Path) -> Decoded:
    """Everything that can be decoded of a file's first sound stream. Raises BadRecording, OSError and FFmpegError."""
    source = without_obstacles(path)
    with av.open(str(path) if source is None else source, mode="r") as container:
        if not container.streams.audio:
            raise BadRecording(f"{path} has no sound in it.")
        if container.streams.audio[0].codec_context is None:
            raise BadRecording(f"{path} is of a codec that cannot be decoded; convert it to WAV.")
        decoding = _Decoding(container, container.streams.audio[0])
        runs = list(_runs(decoding.frames(), path))
        # FLAC's head says how much there is; elsewhere the duration is an estimate.
        stated = (container.duration or 0) / av.time_base if container.format.name == "flac" else 0.0
    rate = runs[0][1] if runs else LOWEST_RATE
    samples = np.concatenate([one for one, _ in runs]) if runs else np.zeros(0, np.int16)
    missing = 1 - len(samples) / rate / stated if stated else 0.0
    return Decoded(samples, rate, max(missing, decoding.lost / max(1, decoding.total)))


class _Decoding:
    """The frames of a stream, past what is broken; counts the bytes of all packets, and of those that were lost."""

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self.total = self.lost = 0
        self._container, self._stream = container, stream
        self._seamless = container.format.name in SEAMLESS
        self._ended = 0  # where the last packet ended in the file, in bytes
        self._gave_up = False

    def frames(self) -> Iterator[AudioFrame]:
        for packet in self._packets():
            self._seam(packet)
            self.total += packet.size
            try:
                yield from self._stream.codec_context.decode(packet)
            except FFmpegError:
                self.lost += packet.size
        with suppress(FFmpegError):  # it was drained before, at the end of the file
            yield from self._stream.codec_context.decode(None)
        rest = self._container.size - self._ended
        if self._gave_up or (self._seamless and rest > TAIL * self._container.size):
            self._miss(max(0, rest))

    def _seam(self, packet: Packet) -> None:
        if packet.pos is None or packet.pos < 0:
            return
        if self._seamless and 0 < self._ended < packet.pos:
            self._miss(packet.pos - self._ended)
        self._ended = packet.pos + packet.size

    def _miss(self, size: int) -> None:
        self.total += size
        self.lost += size

    def _packets(self) -> Iterator[Packet]:
        failed = 0
        while failed < ATTEMPTS:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size:  # the last one is empty
                        failed = 0
                        yield packet
                break
            except FFmpegError:
                failed += 1
        self._gave_up = failed > 0


def _runs(frames: Iterator[AudioFrame], path: Path) -> Iterator[tuple[Samples, int]]:
    """The samples of each stretch of one format, on one channel, and the rate, which is the first frame's for all."""
    rate, length = 0, 0
    form: tuple[object, ...] = ()
    resampler: AudioResampler | None = None
    run: list[Samples] = []
    for frame in frames:
        rate = rate or min(HIGHEST_RATE, max(LOWEST_RATE, frame.sample_rate))
        length += frame.samples / max(1, frame.sample_rate)
        if length > LONGEST:
            raise BadRecording(
                f"{path} is longer than {LONGEST / 60:.0f} minutes; cut it, and name the part to be used."
            )
        if form != (now := (frame.sample_rate, frame.format.name, frame.layout.name)):
            if resampler is not None:
                yield _one_channel([*run, *_planes(resampler, None)]), rate
            form, run = now, []
            resampler = AudioResampler(format="s16", layout=frame.layout, rate=rate)
        assert resampler is not None
        frame.pts = None  # times that jump are no reason to fill or to drop anything
        run += _planes(resampler, frame)
    if resampler is not None:
        yield _one_channel([*run, *_planes(resampler, None)]), rate


def _planes(resampler: AudioResampler, frame: AudioFrame | None) -> list[Samples]:
    parts = resampler.resample(frame)
    return [one.to_ndarray().astype(np.int16, copy=False).reshape(-1, one.layout.nb_channels).T for one in parts]


def _one_channel(parts: list[Samples]) -> Samples:
    """The mean of the channels; where they cancel each other (one was connected the wrong way round), the loudest."""
    if not parts:
        return np.zeros(0, np.int16)
    channels = np.concatenate(parts, axis=1)
    mean = channels[0] if len(channels) == 1 else channels.mean(axis=0, dtype=np.float32).astype(np.int16)
    powers = [_power(channel) for channel in channels]
    loudest = int(np.argmax(powers))
    # One voice on one of two channels leaves a quarter of its power in the mean.
    return mean if _power(mean) > powers[loudest] / 8 else channels[loudest]


def _power(samples: Samples) -> float:
    return float(np.square(samples, dtype=np.float32).mean(dtype=np.float64)) if len(samples) else 0.0
