"""One caller: plays a recording, waits for the reply, plays it again, and measures the times."""

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

# A 16-bit amplitude: encoded silence that comes back stays below it, the emulator's softest tone is far above.
AUDIBLE = 300
# Seconds of quiet that end the other side's turn; its tones have none inside.
PAUSE = 0.5
# Seconds after which a reply will not come any more and the caller goes on.
REPLY_TIMEOUT = 8.0
CONNECT_TIMEOUT = 30.0


class Microphone(MediaStreamTrack):
    """A real-time track of Opus packets: those given to `say`, and silence. Encoded before, which saves CPU time."""

    kind = "audio"

    def __init__(self, silence: bytes) -> None:
        super().__init__()
        self._silence = silence
        self._unsent: deque[tuple[bytes, asyncio.Future[float] | None]] = deque()
        self._step = 0
        self._began: float | None = None

    async def say(self, packets: Sequence[bytes]) -> tuple[float, float]:
        """Send packets; the times at which the first and the last of them were sent."""
        loop = asyncio.get_running_loop()
        first, last = loop.create_future(), loop.create_future()
        self._unsent.extend((packet, None) for packet in packets)
        self._unsent[0] = (packets[0], first)
        self._unsent[-1] = (packets[-1], last)
        return await first, await last

    async def recv(self) -> Packet:
        """The next packet, at the time it is to be sent."""
        loop = asyncio.get_running_loop()
        if self._began is None:
            self._began = loop.time()
        due_at = self._began + self._step * PACKET
        await asyncio.sleep(due_at - loop.time())
        payload, sent = self._unsent.popleft() if self._unsent else (self._silence, None)
        if sent is not None and not sent.done():
            # A packet is sent when its 20 ms are over, so this is when its audio ended.
            sent.set_result(due_at)
        packet = Packet(payload)
        packet.pts = round(self._step * PACKET * RTP_RATE)
        packet.time_base = Fraction(1, RTP_RATE)
        self._step += 1
        return packet


class Caller:
    """The far end of one call, and what it measured."""

    def __init__(self, kind: Kind, answer: Sequence[bytes], silence: bytes) -> None:
        self.kind: Kind = kind
        self.latencies: list[float] = []
        self.unanswered = 0
        self.arrivals: list[Arrival] = []
        self.first_audio = asyncio.Event()
        self._answer = answer
        self._microphone = Microphone(silence)
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._channel = self._peer.createDataChannel("chat", ordered=True)
        self._audible = asyncio.Event()
        self._audible_since = self._audible_at = float("-inf")
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
        # aiortc gives a track decoded frames behind a jitter buffer; the arrival time of a packet is known only here.
        receiver._handle_rtp_packet = self._on_packet
        await self._peer.setLocalDescription(await self._peer.createOffer())
        return self._peer.localDescription.sdp

    async def accept(self, answer: dict[str, str]) -> None:
        """Accept the SDP answer, and talk as soon as the call is up."""
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
        """Discard the measurements so far: the measuring begins."""
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
        keepalive = asyncio.create_task(self._keep_alive())
        try:
            if self.kind == "exam":  # the examiner greets first
                await self._quiet()
            while True:
                self._audible.clear()
                began, ended = await self._microphone.say(self._answer)
                if not await self._replied(REPLY_TIMEOUT):
                    self.unanswered += 1
                    continue
                # An echo does not reply: its latency is that of the way there and back.
                latency = self._audible_since - (ended if self.kind == "exam" else began)
                if latency < 0:  # an examiner who did not wait for the end has not replied
                    self.unanswered += 1
                else:
                    self.latencies.append(latency)
                await self._quiet()
        finally:
            keepalive.cancel()

    async def _replied(self, within: float) -> bool:
        try:
            async with asyncio.timeout(within):
                await self._audible.wait()
        except TimeoutError:
            return False
        return True

    async def _quiet(self) -> None:
        """Wait until there has been audible audio, and then a pause."""
        loop = asyncio.get_running_loop()
        await self._audible.wait()
        # The deadline moves with every audible packet.
        while (left := self._audible_at + PAUSE - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)

    async def _keep_alive(self) -> None:
        # As Pipecat's client does; for SmallWebRTC a peer that pinged once and stops is gone.
        while True:
            if self._channel.readyState == "open":
                self._channel.send("ping: 1")
            await asyncio.sleep(1)

    async def _on_packet(self, packet: Any, arrival_time_ms: int) -> None:
        now = asyncio.get_running_loop().time()
        frames = self._decoder.decode(Packet(packet.payload)) if packet.payload else []
        audible = any(np.abs(frame.to_ndarray()).max(initial=0) >= AUDIBLE for frame in frames)
        self.arrivals.append(Arrival(now, packet.timestamp, packet.sequence_number, audible))
        if audible:
            self._audible_at = now
            self.first_audio.set()
            if not self._audible.is_set():
                self._audible_since = now
                self._audible.set()


def _decoder() -> AudioCodecContext:
    decoder = CodecContext.create("libopus", "r")
    assert isinstance(decoder, AudioCodecContext)
    decoder.sample_rate = RTP_RATE
    decoder.format = "s16"
    decoder.layout = "mono"
    return decoder
