"""A recording as the caller: it answers when the examiner has stopped, and both sides are recorded."""

import asyncio
import wave
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    ClientConnectedFrame,
    Frame,
    InputAudioRawFrame,
    OutputAudioRawFrame,
    StartFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams
from pydantic import BaseModel, ConfigDict, Field

from core.audio import pcm
from core.failure import explained
from transports.call import Call
from transports.wav.recording import FRAME, RATE_OUT, BadRecording, at_rate_out, convert, cut, read
from transports.wav.room_echo import Room, WavEcho

AHEAD = 0.1  # seconds of audio accepted before they are played, as a telephone's jitter buffer does


class WavSettings(BaseModel):
    """How a recording behaves as a caller."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    files: tuple[Path, ...] = Field(min_length=1)
    """recordings in any format PyAV reads; each is an answer, unless it is cut at its pauses"""
    wait: bool = True
    """whether each answer waits until the examiner has stopped; otherwise everything is played from the start"""
    cut_at: float = Field(default=2.0, gt=0)
    """seconds of silence at which one file is cut into answers"""
    think: float = Field(default=0.5, ge=0)
    """seconds between the examiner's last word and an answer"""
    hang_up_after: float = Field(default=30.0, gt=0)
    """seconds of silence on both sides after the last answer until the caller hangs up"""
    record: Path | None = None
    """WAV file to write: the caller on the left, the examiner on the right"""
    echo: WavEcho | None = None
    """what is played is mixed into the caller's microphone, to try how echo is dealt with"""


class WavListener:
    """One call, from files."""

    Settings = WavSettings

    def __init__(self, settings: WavSettings, call_id: str, caller: str = "recording") -> None:
        """Read the files. Raises BadRecording for what is not audio."""
        self._answers, rate = _answers(settings)
        transport = WavTransport(self._answers, rate, settings)
        self._call = Call(call_id, caller, "wav", transport, rate, RATE_OUT)

    async def __aiter__(self) -> AsyncIterator[Call]:
        yield self._call

    async def close(self) -> None:
        """Nothing to do: the one call is yielded at once."""


class WavTransport(BaseTransport):
    """Plays answers into a pipeline in real time, and accepts its audio at the speed of playback."""

    def __init__(self, answers: Sequence[bytes], rate: int, settings: WavSettings) -> None:
        super().__init__()
        params = TransportParams(
            audio_in_enabled=True,
            audio_in_sample_rate=rate,
            audio_out_enabled=True,
            audio_out_sample_rate=RATE_OUT,
            audio_out_10ms_chunks=2,
            audio_out_end_silence_secs=0,
        )
        self._recorder = CallRecorder(rate)
        self._settings = settings
        room = Room(settings.echo, rate, RATE_OUT) if settings.echo is not None else None
        self._input = _WavInput(self, answers, rate, settings, self._recorder, room, params)
        self._output = _WavOutput(self._recorder, room, params)
        self._register_event_handler("on_client_connected")
        self._register_event_handler("on_client_disconnected")

    def input(self) -> BaseInputTransport:
        return self._input

    def output(self) -> BaseOutputTransport:
        return self._output

    async def connected(self) -> None:
        """Announce that the caller is connected."""
        await self._call_event_handler("on_client_connected", self)

    async def disconnected(self) -> None:
        """Announce that the caller has hung up."""
        await self._call_event_handler("on_client_disconnected", self)

    def save(self) -> None:
        """Write the recording, if the settings name a file. Raises OSError."""
        if self._settings.record is not None:
            self._recorder.save(self._settings.record)


class _WavInput(BaseInputTransport):
    """The caller's audio: silence, and an answer whenever it is the caller's turn."""

    def __init__(
        self,
        transport: WavTransport,
        answers: Sequence[bytes],
        rate: int,
        settings: WavSettings,
        recorder: "CallRecorder",
        room: Room | None,
        params: TransportParams,
    ) -> None:
        super().__init__(params)
        self._transport = transport
        self._room = room
        self._answers = list(answers)
        self._rate = rate
        self._settings = settings
        self._recorder = recorder
        self._playing: asyncio.Task[None] | None = None
        self._examiner_speaking = False
        self._quiet_since: float | None = None  # since when neither side speaks, by the loop's clock

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._playing = self.create_task(self._play(), name="recording")

    async def cleanup(self) -> None:
        if self._playing is not None:
            await self.cancel_task(self._playing)
            self._playing = None
        await super().cleanup()
        try:
            self._transport.save()
        except OSError as error:
            why = explained(error)
            await self.push_error(f"the recording could not be written: {why}")

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        if direction is FrameDirection.UPSTREAM:
            if isinstance(frame, BotStartedSpeakingFrame):
                self._examiner_speaking = True
            elif isinstance(frame, BotStoppedSpeakingFrame):
                self._examiner_speaking = False
                self._quiet_since = asyncio.get_running_loop().time()
        await super().process_frame(frame, direction)

    async def _play(self) -> None:
        """A frame every 20 ms for as long as the call lasts."""
        loop = asyncio.get_running_loop()
        size = pcm.size(FRAME, self._rate)
        silence = bytes(size)
        await self._transport.connected()
        await self.push_frame(ClientConnectedFrame())
        due_at = self._recorder.began = loop.time()
        if not self._settings.wait:
            self._quiet_since = due_at
        answer, at = b"", 0
        while True:
            if at >= len(answer) and self._is_callers_turn(loop.time()):
                if not self._answers:
                    await self._transport.disconnected()
                    return
                answer, at = self._answers.pop(0), 0
            chunk = answer[at : at + size]
            at += len(chunk)
            chunk += silence[len(chunk) :]
            if at > 0 and at >= len(answer):
                answer, at, self._quiet_since = b"", 0, None if self._settings.wait else loop.time()
                if not self._answers:
                    self._quiet_since = loop.time()
            if self._room is not None:
                chunk = self._room.mix(chunk, due_at)
            self._recorder.caller.append(chunk)
            await self.push_audio_frame(InputAudioRawFrame(chunk, self._rate, 1))
            due_at += FRAME
            await asyncio.sleep(max(0.0, due_at - loop.time()))

    def _is_callers_turn(self, now: float) -> bool:
        """Whether the caller is to begin its next answer, or to hang up after its last."""
        if self._quiet_since is None or (self._examiner_speaking and self._settings.wait):
            return False
        wait = self._settings.think if self._answers else self._settings.hang_up_after
        return now - self._quiet_since >= (wait if self._settings.wait or not self._answers else 0.0)


class _WavOutput(BaseOutputTransport):
    """Accepts audio no faster than it is played."""

    def __init__(self, recorder: "CallRecorder", room: Room | None, params: TransportParams) -> None:
        super().__init__(params)
        self._recorder = recorder
        self._room = room
        self._played_until = 0.0  # when the last audio accepted will have been played, by the loop's clock

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        now = asyncio.get_running_loop().time()
        start = max(now, self._played_until)
        self._played_until = start + pcm.seconds(frame.audio, frame.sample_rate)
        frame.pts = round(start * 1e9)
        self._recorder.examiner(start, frame.audio)
        if self._room is not None:
            self._room.play(frame.audio, start)
        await asyncio.sleep(max(0.0, self._played_until - now - AHEAD))
        return True


class CallRecorder:
    """Both sides of the call, each at the time it was played."""

    def __init__(self, rate: int) -> None:
        self.began = 0.0
        self.caller: list[bytes] = []
        self._rate = rate
        self._examiner: list[tuple[float, bytes]] = []

    def examiner(self, at: float, audio: bytes) -> None:
        """Add the examiner's audio, played from `at` on."""
        self._examiner.append((at, audio))

    def save(self, path: Path) -> None:
        """Write a stereo WAV at 24 kHz: the caller on the left, the examiner on the right."""
        left = np.frombuffer(at_rate_out(b"".join(self.caller), self._rate), np.int16)
        parts = [(round((at - self.began) * RATE_OUT), np.frombuffer(audio, np.int16)) for at, audio in self._examiner]
        length = max([len(left), *(start + len(audio) for start, audio in parts)], default=0)
        both = np.zeros((length, 2), np.int16)
        both[: len(left), 0] = left
        for start, audio in parts:
            both[max(0, start) : max(0, start) + len(audio), 1] = audio[: length - max(0, start)]
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(pcm.WIDTH)
            file.setframerate(RATE_OUT)
            file.writeframes(both.tobytes())


def _answers(settings: WavSettings) -> tuple[list[bytes], int]:
    decoded = [read(path) for path in settings.files]
    rate = decoded[0][1]
    recordings = [audio if own_rate == rate else convert(audio, own_rate, rate) for audio, own_rate in decoded]
    if len(recordings) == 1 and settings.wait:
        recordings = cut(recordings[0], rate, settings.cut_at)
    if not any(recordings):
        raise BadRecording(f"{settings.files[0]} holds no speech: it is silent throughout.")
    return [recording for recording in recordings if recording], rate
