"""Audio from the caller: frames that aiortc decoded, mixed to mono and pushed without a detour.

aiortc decodes every call as stereo. Pipecat's input mixes it with libav's resampler, waits for each packet in a task
made for it, and hands it through a queue to another such task: a tenth of a call's CPU time, for 960 sums.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from pipecat.frames.frames import InputAudioRawFrame
from pipecat.transports.smallwebrtc.transport import SmallWebRTCInputTransport

from core.audio import pcm
from core.turns.absence import REPORT_AFTER

# Seconds to wait for a frame before the track is looked up again: a renegotiation may have replaced it.
TRACK_TIMEOUT = 2.0
NO_TRACK_INTERVAL = 0.01  # seconds between two looks for a track that is not there


class MicrophoneInput(SmallWebRTCInputTransport):
    """Pipecat's SmallWebRTC input for mono audio, at the rate it is decoded at.

    `on_packets_stopped` is called, with the seconds since the last packet, when no more come and the caller's client
    has not said that the microphone is muted.
    """

    def __init__(self, *args: Any, on_packets_stopped: Callable[[float], Awaitable[None]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._on_packets_stopped = on_packets_stopped

    async def _receive_audio(self) -> None:
        client: Any = self._client
        clock = asyncio.get_running_loop().time
        report_at: float | None = None  # when no packet has come for so long; None until one comes
        while True:
            track = client._audio_input_track
            if track is None:
                if report_at is not None and clock() >= report_at:
                    report_at = None
                    await self._on_packets_stopped(REPORT_AFTER)
                await asyncio.sleep(NO_TRACK_INTERVAL)
                continue
            try:
                async with asyncio.timeout_at(report_at or clock() + TRACK_TIMEOUT):
                    frame = await track.recv()
            except TimeoutError:
                if report_at is not None and track.is_enabled():
                    await self._on_packets_stopped(clock() - report_at + REPORT_AFTER)
                report_at = None
                continue  # a caller who is muted sends nothing
            except MediaStreamError:
                client._audio_input_track = None  # ended; a renegotiation brings another
                continue
            report_at = clock() + REPORT_AFTER
            if isinstance(frame, AudioFrame) and not self._paused:
                audio = InputAudioRawFrame(mono(frame), frame.sample_rate, 1)
                audio.pts = frame.pts
                await self.push_frame(audio)


def mono(frame: AudioFrame) -> bytes:
    """A decoded 16-bit frame, its channels mixed into one."""
    samples = frame.to_ndarray().astype(np.int16, copy=False)
    return pcm.mono(samples, len(frame.layout.channels)).tobytes()
