"""A browser without a browser: an aiortc peer that offers a call, speaks a recording and keeps what it hears."""

import asyncio
import json
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

RATE = 48_000
STEP = RATE // 50


class _Microphone(MediaStreamTrack):
    kind = "audio"

    def __init__(self, pcm: bytes) -> None:
        super().__init__()
        self._pcm = pcm
        self._step = 0
        self._began: float | None = None
        self.flowing = asyncio.Event()
        self.flowing.set()

    def speak(self, pcm: bytes) -> None:
        """Say this from now on, in place of what is left."""
        self._pcm = pcm

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        await self.flowing.wait()
        self._began = loop.time() if self._began is None else self._began
        await asyncio.sleep(self._began + self._step * 0.02 - loop.time())  # a microphone's pace
        piece = self._pcm[: 2 * STEP].ljust(2 * STEP, b"\0")
        self._pcm = self._pcm[2 * STEP :]
        frame = AudioFrame.from_ndarray(np.frombuffer(piece, np.int16)[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._step * STEP, Fraction(1, RATE)
        self._step += 1
        return frame


class Peer:
    """The far end of one call. `speech` is 48 kHz mono 16-bit."""

    def __init__(self, speech: bytes = b"", *, video: bool = False, ping: float | None = 0.5) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.microphone = _Microphone(speech)
        self.pc.addTransceiver(self.microphone, direction="sendrecv")
        if video:
            self.pc.addTransceiver("video", direction="sendrecv")
            self.pc.addTransceiver("video", direction="sendrecv")
        self.channel: RTCDataChannel = self.pc.createDataChannel("chat", ordered=True)
        self.opened = asyncio.Event()
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.heard = bytearray()
        self._ping = ping
        self._tasks: set[asyncio.Task[None]] = set()

        @self.channel.on("open")
        def on_open() -> None:
            self.opened.set()
            if self._ping is not None:
                self._spawn(self._keep_alive(self._ping))

        @self.channel.on("message")
        def on_message(text: str) -> None:
            self.messages.put_nowait(json.loads(text))

        @self.pc.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            if track.kind == "audio":
                self._spawn(self._listen(track))

    async def offer(self) -> str:
        """The SDP of an offer, candidates included."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def accept(self, answer: dict[str, Any]) -> None:
        """Take the answer; returns when the data channel is open."""
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        async with asyncio.timeout(10):
            await self.opened.wait()

    def send(self, type: str, **data: Any) -> None:
        """An RTVI message."""
        self.channel.send(json.dumps({"label": "rtvi-ai", "type": type, "id": "1", "data": data}))

    def vanish(self) -> None:
        """Be gone as when a phone's network goes: nothing more is sent, not even a goodbye."""
        for task in self._tasks:
            task.cancel()
        for transport in {t.receiver.transport.transport for t in self.pc.getTransceivers()}:
            self._spawn(transport._connection.close())

    async def close(self) -> None:
        """Leave, saying so as a closing tab does."""
        for task in self._tasks:
            task.cancel()
        await self.pc.close()

    async def _keep_alive(self, ping: float) -> None:
        while self.channel.readyState == "open":
            self.channel.send("ping: 1")
            await asyncio.sleep(ping)  # a browser's pace

    async def _listen(self, track: MediaStreamTrack) -> None:
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            stereo = frame.to_ndarray().reshape(-1, 2)  # pyright: ignore[reportAttributeAccessIssue]
            self.heard += stereo[:, 0].astype(np.int16).tobytes()

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
