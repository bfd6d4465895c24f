"""Resampling of the caller's audio: any rate in, mono at the model's rate out, in even chunks."""

from typing import Literal

import numpy as np
import soxr
from pipecat.frames.frames import EndFrame, Frame, InputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection
from pydantic import Field

from core.audio import pcm
from core.ports import Session
from processors.stage import Stage, StageSettings

Quality = Literal["QQ", "LQ", "MQ", "HQ", "VHQ"]


class ResamplerSettings(StageSettings):
    """The audio that this stage passes on."""

    rate: int = Field(16000, ge=8000, le=48000, description="Hz of the audio passed on; the Live API's own is 16000")
    chunk: float = Field(
        0.032,
        ge=0.01,
        le=0.2,
        description="seconds of audio in a frame passed on; the voice detector runs on 32 ms at a time, so that shorter"
        " frames cost more and give it nothing sooner",
    )
    quality: Quality | None = Field(
        None,
        description="soxr recipe. By default HQ from 16 kHz up, and QQ for 8 kHz telephone audio, where a longer"
        " filter has nothing to preserve and adds delay",
    )


class Resampler(Stage[ResamplerSettings]):
    """Makes the caller's audio mono, 16-bit, of one rate and one length."""

    Settings = ResamplerSettings

    def __init__(self, settings: ResamplerSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._stream: soxr.ResampleStream | None = None
        self._rate_in = 0
        self._rest = bytearray()
        self._size = pcm.size(settings.chunk, settings.rate)

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, InputAudioRawFrame):
            samples = pcm.mono(np.frombuffer(frame.audio, np.int16), frame.num_channels)
            self._rest += self._resampled(samples, frame.sample_rate)
            while len(self._rest) >= self._size:
                await self._pass_on(bytes(self._rest[: self._size]), frame)
                del self._rest[: self._size]
            return
        if isinstance(frame, EndFrame):
            await self._flush()
        await self.push_frame(frame, direction)

    def _resampled(self, samples: np.ndarray, rate: int) -> bytes:
        if rate == self.settings.rate:
            return samples.tobytes()
        if self._stream is None or rate != self._rate_in:
            # A call changes its rate when its codec is renegotiated; the filter starts anew.
            quality = self.settings.quality or ("QQ" if rate <= 8000 else "HQ")
            self._stream = soxr.ResampleStream(rate, self.settings.rate, 1, dtype="int16", quality=quality)
            self._rate_in = rate
        return self._stream.resample_chunk(samples).tobytes()

    async def _flush(self) -> None:
        """Pass on the rest: what the filter holds, and the last chunk, padded with silence."""
        if self._stream is not None:
            self._rest += self._stream.resample_chunk(np.empty(0, np.int16), last=True).tobytes()
            self._stream = None
        if self._rest:
            audio = bytes(self._rest) + bytes(-len(self._rest) % self._size)
            self._rest.clear()
            for start in range(0, len(audio), self._size):
                await self._pass_on(audio[start : start + self._size], None)

    async def _pass_on(self, audio: bytes, source: InputAudioRawFrame | None) -> None:
        chunk = InputAudioRawFrame(audio, self.settings.rate, 1)
        if source is not None:
            chunk.pts, chunk.transport_source = source.pts, source.transport_source
        await self.push_frame(chunk)
