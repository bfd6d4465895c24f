"""One caller: speaks a recording, waits for the answer, speaks again, and takes the times."""

import asyncio
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from av import CodecContext
from av.audio.codeccontext import AudioCodecContext
from av.packet import Packet

from bench.lateness import PACKET, RTP_RATE, Arrival

Kind = Literal["exam", "echo"]

# Of 16-bit samples: the echo of an encoded silence stays under it, the emulator's softest tone is far above.
AUDIBLE = 300
# Quiet that ends the other side's turn; its tones have none inside.
PAUSE = 0.5
# An answer that is not there by now will not come; the caller speaks on.
PATIENCE = 8.0
CONNECT_TIMEOUT = 30.0


class Microphone(MediaStreamTrack):
    """Opus packets at real time: what `say` was given, and silence. Encoded before, so that callers cost little."""

    kind = "audio"

    def __init__(self, silence: bytes) -> None:
        super().__init__()
        self._silence = silence
        self._unsent: deque[tuple[bytes, asyncio.Future[float] | None]] = deque()
        self._step = 0
        self._began: float | None = None

    async def say(self, packets: Sequence[bytes]) -> tuple[float, float]:
        """Speak; the times at which the first and the last of the sound had been spoken into the microphone."""
        loop = asyncio.get_running_loop()
        first, last = loop.create_future(), loop.create_future()
        self._unsent.extend((packet, None) for packet in packets)
        self._unsent[0] = (packets[0], first)
        self._unsent[-1] = (packets[-1], last)
        return await first, await last

    async def recv(self) -> Packet:
        """The next packet, when it is due."""
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        due = self._began + self._step * PACKET
        await asyncio.sleep(due - loop.time())
        payload, spoken = self._unsent.popleft() if self._unsent else (self._silence, None)
        if spoken is not None and not spoken.done():
            # A packet is sent when its sound is over, so this is the moment the sound ended.
            spoken.set_result(due)
        packet = Packet(payload)
        packet.pts = round(self._step * PACKET * RTP_RATE)
        packet.time_base = Fraction(1, RTP_RATE)
        self._step += 1
        return packet


class Caller:
    """The far end of one call, and what it noticed."""

    def __init__(self, kind: Kind, answer: Sequence[bytes], silence: bytes) -> None:
        self.kind: Kind = kind
        self.latencies: list[float] = []
        self.unanswered = 0
        self.arrivals: list[Arrival] = []
        self.heard_first = asyncio.Event()
        self._answer = answer
        self._microphone = Microphone(silence)
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._channel = self._peer.createDataChannel("chat", ordered=True)
        self._sound = asyncio.Event()
        self._sound_began = self._sound_at = float("-inf")
        self._decoder = _decoder()
        self._talking: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether the call is up."""
        return self._peer.connectionState == "connected"

    async def offer(self) -> str:
        """The SDP to send."""
        self._peer.addTransceiver(self._microphone, direction="sendrecv")
        receiver: Any = self._peer.getTransceivers()[0].receiver
        # aiortc gives a track decoded frames behind a jitter buffer; when a packet came is known only here.
        receiver._handle_rtp_packet = self._heard
        await self._peer.setLocalDescription(await self._peer.createOffer())
        return self._peer.localDescription.sdp

    async def accept(self, answer: dict[str, str]) -> None:
        """Take the answer, and talk as soon as the call is up."""
        up = asyncio.Event()

        @self._peer.on("connectionstatechange")
        def changed() -> None:
            if self.connected:
                up.set()

        await self._peer.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await up.wait()
        self._talking = asyncio.create_task(self._talk(), name="caller")

    def begin(self) -> None:
        """Forget what was noticed so far: the measuring begins."""
        self.latencies.clear()
        self.arrivals.clear()
        self.unanswered = 0

    async def close(self) -> None:
        """Hang up."""
        if self._talking is not None:
            self._talking.cancel()
            await asyncio.gather(self._talking, return_exceptions=True)
        await self._peer.close()

    async def _talk(self) -> None:
        keeping_alive = asyncio.create_task(self._keep_alive())
        try:
            if self.kind == "exam":  # the examiner greets first
                await self._quiet()
            while True:
                self._sound.clear()
                began, ended = await self._microphone.say(self._answer)
                if not await self._answered(PATIENCE):
                    self.unanswered += 1
                    continue
                # Nobody answers in an echo: its latency is that of the way there and back.
                latency = self._sound_began - (ended if self.kind == "exam" else began)
                if latency < 0:  # an examiner who did not wait for the end has not answered
                    self.unanswered += 1
                else:
                    self.latencies.append(latency)
                await self._quiet()
        finally:
            keeping_alive.cancel()

    async def _answered(self, patience: float) -> bool:
        try:
            async with asyncio.timeout(patience):
                await self._sound.wait()
        except TimeoutError:
            return False
        return True

    async def _quiet(self) -> None:
        """Wait until there has been a sound, and then a pause."""
        loop = asyncio.get_running_loop()
        await self._sound.wait()
        # The deadline moves with every packet that sounds.
        while (left := self._sound_at + PAUSE - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    async def _keep_alive(self) -> None:
        # As Pipecat's client does; SmallWebRTC takes a peer that pinged once and stops for gone.
        while True:
            if self._channel.readyState == "open":
                self._channel.send("ping: 1")
            await asyncio.sleep(1)

    async def _heard(self, packet: Any, arrival_time_ms: int) -> None:
        now = asyncio.get_running_loop().time()
        frames = self._decoder.decode(Packet(packet.payload)) if packet.payload else []
        sounds = any(np.abs(frame.to_ndarray()).max(initial=0) >= AUDIBLE for frame in frames)
        self.arrivals.append(Arrival(now, packet.timestamp, packet.sequence_number, sounds))
        if sounds:
            self._sound_at = now
            self.heard_first.set()
            if not self._sound.is_set():
                self._sound_began = now
                self._sound.set()


def _decoder() -> AudioCodecContext:
    decoder = CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.sample_rate = RTP_RATE
    decoder.format = "s16"
    decoder.layout = "mono"
    return decoder
