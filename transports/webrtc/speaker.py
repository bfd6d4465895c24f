"""Audio to the caller, encoded to Opus here; discontinuous transmission while the examiner is silent.

aiortc measures the level of every raw frame it encodes in a Python loop over its samples (`compute_audio_level_dbov`),
for an RTP header extension without a reader; that loop is half the cost of a call. Packets that are encoded already
skip it and are sent as they are (https://aiortc.readthedocs.io, "Pre-encoded media"). Between replies Pipecat's track
sends silence, 100 wake-ups a second; this one sends a packet every 0.4 s, as Opus itself does in discontinuous
transmission (RFC 6716, section 2.1.9).
"""

import asyncio
from collections import deque
from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame, CodecContext
from av.audio.codeccontext import AudioCodecContext
from av.packet import Packet
from pipecat.frames.frames import OutputAudioRawFrame
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.transport import (
    SmallWebRTCInputTransport,
    SmallWebRTCOutputTransport,
    SmallWebRTCTransport,
)

from core.audio import pcm
from transports.webrtc.data_channel import BoundedConnection
from transports.webrtc.microphone import MicrophoneInput

PACKET = 0.02  # seconds
REFRESH = 0.4  # seconds between two packets of silence
# RTP timestamps of Opus always count at 48 kHz (RFC 7587, section 4.1).
RTP_RATE = 48_000
RTP_STEP = round(PACKET * RTP_RATE)
# Packets of silence encoded right after the last word: the prepared one for pauses would let its end ring on.
TRAILING = 2
# A stall of more seconds than this moves the schedule, instead of being made up for with a burst.
LATE = 0.1
# The low-delay mode delays the audio by 2.5 ms instead of 6.5, and at this rate loses nothing a voice has: decoded
# speech correlates 0.99 with the original (0.84 in VoIP mode, which reshapes it) for a third of VoIP mode's CPU time.
OPUS = {"application": "lowdelay", "compression_level": "0", "frame_duration": "20"}
BITRATE = 64_000


class OpusSpeaker(MediaStreamTrack):
    """A track of Opus packets, made from 16-bit mono samples as they are written and paced to real time."""

    kind = "audio"

    def __init__(self, rate: int) -> None:
        super().__init__()
        self._rate = rate
        self._size = pcm.size(PACKET, rate)
        self._encoder: AudioCodecContext = _encoder(rate)
        self._silence = self._encode(bytes(self._size))
        self._unsent: deque[tuple[bytes, asyncio.Future[float | None] | None]] = deque()
        self._written = asyncio.Event()
        self._trailing = 0
        self._due_at: float | None = None  # when the next packet is to be sent, by the loop's clock
        self._step = 0

    async def write(self, audio: bytes) -> float | None:
        """Send 16-bit mono audio; returns when its last packet was sent, so that a writer keeps to real time.

        The result is when that packet was scheduled, by the loop's clock; None when it was not sent.
        """
        if self.readyState != "live" or not audio:
            return None
        sent: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        pieces = [audio[start : start + self._size] for start in range(0, len(audio), self._size)]
        self._unsent.extend((piece.ljust(self._size, b"\0"), None) for piece in pieces[:-1])
        self._unsent.append((pieces[-1].ljust(self._size, b"\0"), sent))
        self._written.set()
        return await sent

    async def recv(self) -> Packet:
        """The next packet, at the time it is to be sent. Raises MediaStreamError when the track has ended."""
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._due_at is None:
            self._due_at = loop.time()
        idle = not self._unsent and not self._trailing
        if idle:
            self._written.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._due_at + REFRESH):
                    await self._written.wait()
        late = loop.time() - self._due_at
        if late < 0:
            await asyncio.sleep(-late)
        elif idle or late > LATE:
            # RTP timestamps advance over the time without packets.
            missed = int(late / PACKET)
            self._step += missed
            self._due_at += missed * PACKET
        if self.readyState != "live":
            raise MediaStreamError
        if self._unsent:
            piece, sent = self._unsent.popleft()
            payload = self._encode(piece)
            self._trailing = TRAILING
            if sent is not None and not sent.done():
                sent.set_result(self._due_at)
        elif self._trailing:
            self._trailing -= 1
            payload = self._encode(bytes(self._size))
        else:
            payload = self._silence
        packet = Packet(payload)
        packet.pts = self._step * RTP_STEP
        packet.time_base = Fraction(1, RTP_RATE)
        self._step += 1
        self._due_at += PACKET
        return packet

    def stop(self) -> None:
        """End the track. A `write` that waits returns None: its audio was not sent."""
        super().stop()
        while self._unsent:
            _, sent = self._unsent.popleft()
            if sent is not None and not sent.done():
                sent.set_result(None)
        self._written.set()

    def _encode(self, audio: bytes) -> bytes:
        frame = AudioFrame.from_ndarray(np.frombuffer(audio, np.int16)[None, :], format="s16", layout="mono")
        frame.sample_rate = self._rate
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))


class SpeakingConnection(BoundedConnection):
    """A connection that sends an OpusSpeaker's track instead of the one its transport brings."""

    def __init__(self, rate: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._rate = rate
        self.speaker: OpusSpeaker | None = None

    def force_transceivers_to_send_recv(self) -> None:
        """Audio in both directions; decline the camera and screen that Pipecat's clients always offer."""
        for transceiver in self.pc.getTransceivers():
            transceiver.direction = "sendrecv" if transceiver.kind == "audio" else "inactive"

    def video_input_track(self) -> None:
        """None: video is declined."""

    def screen_video_input_track(self) -> None:
        """None: video is declined."""

    def replace_audio_track(self, track: MediaStreamTrack | None) -> None:
        """Send a new speaker's track in the place of the given one."""
        self.speaker = None if track is None else OpusSpeaker(self._rate)
        super().replace_audio_track(self.speaker)


class _SpeakerOutput(SmallWebRTCOutputTransport):
    def __init__(self, connection: SpeakingConnection, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connection = connection

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        if self._connection.speaker is None or not self._connection.is_connected():
            return False
        sent_at = await self._connection.speaker.write(frame.audio)
        if sent_at is None:
            return False
        # `pts` is when the frame begins to play: its end is in that packet.
        frame.pts = round((sent_at + PACKET - pcm.seconds(frame.audio, frame.sample_rate)) * 1e9)
        return True


class SpeakerTransport(SmallWebRTCTransport):
    """Pipecat's SmallWebRTC transport with MicrophoneInput as its input and an OpusSpeaker as its output.

    Its event `on_packets_stopped` says that no audio packet has come from the caller for so many seconds.
    """

    def __init__(self, connection: SpeakingConnection, params: TransportParams) -> None:
        super().__init__(connection, params)
        self._connection = connection
        self._register_event_handler("on_packets_stopped")

    def input(self) -> SmallWebRTCInputTransport:
        """The input transport."""
        if self._input is None:
            self._input = MicrophoneInput(
                self._client, self._params, name=self._input_name, on_packets_stopped=self._packets_stopped
            )
        return self._input

    async def _packets_stopped(self, silent_for: float) -> None:
        await self._call_event_handler("on_packets_stopped", silent_for)

    async def cleanup(self) -> None:
        """Close the peer connection, also where no pipeline was ever built around the transport."""
        await super().cleanup()
        await self._connection.disconnect()

    def output(self) -> SmallWebRTCOutputTransport:
        """The output transport."""
        if self._output is None:
            self._output = _SpeakerOutput(self._connection, self._client, self._params, name=self._output_name)
        return self._output


def _encoder(rate: int) -> AudioCodecContext:
    encoder = CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate = rate
    encoder.layout = "mono"
    encoder.format = "s16"
    encoder.bit_rate = BITRATE
    encoder.options = dict(OPUS)
    encoder.open()
    return encoder
