"""One channel out of however many were decoded, and a report when no packets come."""

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from pipecat.frames.frames import Frame
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_transport import TransportParams

from transports.webrtc.microphone import MicrophoneInput, mono


def frame(*channels: list[int]) -> AudioFrame:
    layout = {1: "mono", 2: "stereo", 3: "2.1"}[len(channels)]
    interleaved = np.array(channels, np.int16).T.reshape(1, -1)
    made = AudioFrame.from_ndarray(interleaved, format="s16", layout=layout)
    made.sample_rate = 48_000
    return made


@pytest.mark.parametrize(
    ("channels", "mixed"),
    [
        ([[1, -2, 32767, -32768]], [1, -2, 32767, -32768]),
        ([[1, -2, 32767, -32768], [1, -2, 32767, -32768]], [1, -2, 32767, -32768]),
        ([[100, 0, -32768, 32767], [0, -100, -32768, -32767]], [50, -50, -32768, 0]),
        ([[300, -300], [0, 0], [0, 0]], [100, -100]),
    ],
    ids=["mono", "the same twice", "two voices", "three"],
)
def test_every_channel_counts_and_none_counts_more(channels: list[list[int]], mixed: list[int]) -> None:
    assert np.frombuffer(mono(frame(*channels)), np.int16).tolist() == mixed


class Track:
    """A microphone's track: what is put on it is received."""

    def __init__(self) -> None:
        self.packets: asyncio.Queue[AudioFrame | None] = asyncio.Queue()
        self.enabled = True

    def is_enabled(self) -> bool:
        return self.enabled

    async def recv(self) -> AudioFrame:
        received = await self.packets.get()
        if received is None:
            raise MediaStreamError
        return received

    async def speak(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.packets.put_nowait(frame([0] * 960))
            await asyncio.sleep(0.02)


class Input(MicrophoneInput):
    """Receives from a track without a connection, and keeps what it was given."""

    def __init__(self, track: Track) -> None:
        super().__init__(SimpleNamespace(), TransportParams(), on_packets_stopped=self.report)
        self._client: Any = SimpleNamespace(_audio_input_track=track)
        self.reports: list[float] = []
        self.frames = 0

    async def report(self, silent_for: float) -> None:
        self.reports.append(silent_for)

    async def push_frame(self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM) -> None:
        self.frames += 1


async def received(*, muted: bool = False, ends: bool = False, gap: float = 5.0) -> Input:
    """A second of audio, a gap, and another second."""
    track = Track()
    microphone = Input(track)
    receiving = asyncio.create_task(microphone._receive_audio())
    await asyncio.sleep(3)  # the first packet may take its time
    await track.speak(1)
    track.enabled = not muted
    if ends:
        track.packets.put_nowait(None)
    await asyncio.sleep(gap)
    if ends:
        microphone._client._audio_input_track = track
    await track.speak(1)
    receiving.cancel()
    await asyncio.gather(receiving, return_exceptions=True)
    return microphone


async def test_packets_that_stop_are_reported_once() -> None:
    microphone = await received()
    assert microphone.reports == [pytest.approx(0.5, abs=0.05)] and microphone.frames == 100


async def test_a_track_that_ends_is_reported_once() -> None:
    microphone = await received(ends=True)
    assert microphone.reports == [pytest.approx(0.5, abs=0.05)] and microphone.frames == 100


async def test_the_pauses_of_discontinuous_transmission_are_not_reported() -> None:
    assert (await received(gap=0.4)).reports == []


async def test_a_caller_who_is_muted_has_not_stopped() -> None:
    microphone = await received(muted=True)
    assert microphone.reports == [] and microphone.frames == 100
