"""The second transcriber: transcribes the caller's audio beside the Live session, independently of it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, assert_never

from loguru import logger
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    StartFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pydantic import Field, SecretStr, ValidationInfo, model_validator

from core import events
from core.audio import pcm
from core.audio.chunker import Chunker, cut
from core.ports import Session
from processors.frames import CallerStoppedFrame, GapFrame, ShadowReadyFrame, ShadowTextFrame
from processors.shadow.recording import Recording
from processors.shadow.transcriber import TRANSCRIBER_RATE, Transcriber, TranscriptionFailed
from processors.stage import ConfigPath, Stage, StageSettings

# Chunks and gaps that wait to be transcribed. An hour of speech is some 400 chunks; past that the newest is left out.
QUEUE_LIMIT = 400
# Seconds before the voice that was detected and behind it that a recogniser is given: the voice of a word is detected
# late, and its end is softer than its middle. More silence behind the last word makes some invent another.
LEADING_SILENCE = 0.5
TRAILING_SILENCE = 0.3
# Seconds; less audio than this holds no word.
SHORTEST = 0.2

MODELS = {"live": "gemini-3.8-live", "google_stt": "gemini-3.5-transcribe-live"}


class ShadowSettings(StageSettings):
    """Which second transcriber, and what it transcribes."""

    RENAMED: ClassVar = {"ears": "transcriber", "ears_model": "model", "when=holes": "gaps"}

    transcriber: Literal["offline", "live", "google_stt"] = Field(
        "offline",
        description='"offline" is a small English model on this machine, for no money (extra `speech`); "live" a second'
        ' Live session whose replies are dropped; "google_stt" Google\'s transcription model (extra `google-stt`)',
    )
    when: Literal["gaps", "always"] = Field(
        "gaps",
        description='"gaps" retranscribes only where the transcript lacks words; "always" transcribes every turn, so'
        " that `manual_vad` needs no flush",
    )
    model: str | None = Field(
        None,
        description="model of a transcriber that is a service; by default gemini-3.8-live or"
        " gemini-3.5-transcribe-live",
    )
    key: SecretStr | None = Field(
        None, description="API key; not needed by the offline transcriber and with the emulator"
    )
    base_url: str | None = Field(
        None, pattern="^https://", description="of a gateway or an emulator; Google's own when absent"
    )
    ca_file: ConfigPath | None = Field(
        None, description="PEM file of the authority that base_url's certificate is from"
    )
    memory: float = Field(
        30.0,
        gt=0,
        description="seconds of the caller's voice that are held in memory; the rest of the call is in a file",
    )

    def pointed_at(self, url: str, ca_file: Path) -> Self:
        return self.model_copy(update={"base_url": url, "ca_file": ca_file})

    @model_validator(mode="after")
    def _can_be_reached(self, info: ValidationInfo) -> "ShadowSettings":
        in_config: dict[str, Any] | None = info.context
        alone = self.transcriber != "offline" and self.key is None and self.base_url is None
        if in_config is not None and alone and not in_config.get("emulated"):
            raise ValueError('there is no key; add `key: "${GEMINI_API_KEY}"`, or `transcriber: offline`')
        return self


@dataclass
class _Turn:
    """A turn that is being transcribed whole."""

    started: float
    chunker: Chunker = field(default_factory=lambda: Chunker(TRANSCRIBER_RATE))
    chunked: float = 0.0  # seconds of its audio that are in chunks
    segments: list[tuple[str, float, float]] = field(default_factory=list[tuple[str, float, float]])


@dataclass(frozen=True, slots=True)
class _Chunk:
    turn: _Turn
    audio: bytes
    started: float


@dataclass(frozen=True, slots=True)
class _TurnEnd:
    turn: _Turn
    ended: float


@dataclass(frozen=True, slots=True)
class _Gap:
    started: float
    ended: float


class Shadow(Stage[ShadowSettings]):
    """Passes on every frame at once and untouched; the second transcriber's text follows as ShadowTextFrames."""

    Settings = ShadowSettings
    takes = (UserStartedSpeakingFrame,)
    gives = (ShadowTextFrame,)

    def __init__(self, settings: ShadowSettings, session: Session, transcriber: Transcriber | None = None) -> None:
        super().__init__(settings, session)
        self._transcriber = transcriber or make_transcriber(settings, session)
        self._always = settings.when == "always"
        self._recording = Recording(TRANSCRIBER_RATE, settings.memory)
        self._turn: _Turn | None = None
        self._in_turn = False
        self._queue: deque[_Chunk | _TurnEnd | _Gap] = deque()
        self._queued = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._reported: set[str] = set()

    async def setup(self, setup: FrameProcessorSetup) -> None:
        await super().setup(setup)
        self._worker = self.create_task(self._transcribe_queue(setup), name="second transcriber")

    async def cleanup(self) -> None:
        if self._worker is not None:
            await self.cancel_task(self._worker)
        await self._transcriber.close()
        self._recording.close()
        await super().cleanup()

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, GapFrame) and direction is FrameDirection.UPSTREAM:
            self._enqueue(_Gap(frame.started, frame.ended))
            return
        await self.push_frame(frame, direction)
        if direction is FrameDirection.UPSTREAM:
            return
        now = self.session.now()
        match frame:
            case StartFrame():
                await self.push_frame(ShadowReadyFrame(always=self._always))
            case UserStartedSpeakingFrame():
                self._in_turn = True
                self._recording.begin_turn()
                self._turn = _Turn(now) if self._always else None
            case InputAudioRawFrame() if self._in_turn:
                self._on_audio(frame, now)
            case UserStoppedSpeakingFrame():
                self._in_turn = False
                self._on_turn_end(frame.spoke_until if isinstance(frame, CallerStoppedFrame) else now, now)
            case _:
                pass

    def _on_audio(self, frame: InputAudioRawFrame, now: float) -> None:
        if frame.sample_rate != TRANSCRIBER_RATE:
            raise ValueError(
                f"shadow takes {TRANSCRIBER_RATE} Hz only and got {frame.sample_rate}: put it behind manual_vad"
            )
        self._recording.add(frame.audio, now)
        if self._turn is not None and (chunk := self._turn.chunker.push(frame.audio)) is not None:
            self._enqueue(self._chunk(self._turn, chunk))

    def _chunk(self, turn: _Turn, audio: bytes) -> _Chunk:
        started = self._recording.started + turn.chunked
        turn.chunked += pcm.seconds(audio, TRANSCRIBER_RATE)
        return _Chunk(turn, audio, started)

    def _on_turn_end(self, spoke_until: float, now: float) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            silent = max(0.0, now - spoke_until)
            rest = turn.chunker.finish(surplus=max(0.0, silent - TRAILING_SILENCE))
            if pcm.seconds(rest, TRANSCRIBER_RATE) - min(silent, TRAILING_SILENCE) >= SHORTEST:
                self._enqueue(self._chunk(turn, rest))
            self._enqueue(_TurnEnd(turn, spoke_until))

    # --- transcribing, beside the audio

    def _enqueue(self, work: _Chunk | _TurnEnd | _Gap) -> None:
        if len(self._queue) >= QUEUE_LIMIT:
            self._report(f"{QUEUE_LIMIT} chunks wait for the second transcriber already; what follows is left out")
            return
        self._queue.append(work)
        self._queued.set()

    async def _transcribe_queue(self, setup: FrameProcessorSetup) -> None:
        try:
            await self._transcriber.open(setup)
        except TranscriptionFailed as error:
            self._report(str(error))  # each chunk will raise it too, and each gap be answered with no text
        while True:
            while self._queue:
                await self._process(self._queue.popleft())
            self._queued.clear()
            await self._queued.wait()

    async def _process(self, work: _Chunk | _TurnEnd | _Gap) -> None:
        match work:
            case _Chunk(turn, audio, started):
                text = await self._text_of(audio)
                turn.segments.append((text, started, started + pcm.seconds(audio, TRANSCRIBER_RATE)))
            case _TurnEnd(turn, ended):
                text = " ".join(text for text, _, _ in turn.segments if text)
                await self.push_frame(
                    ShadowTextFrame(text=text, started=turn.started, ended=ended, segments=tuple(turn.segments))
                )
            case _Gap(started, ended):
                audio = await self._recording.between(started - LEADING_SILENCE, ended + TRAILING_SILENCE)
                texts = [await self._text_of(chunk) for chunk in await asyncio.to_thread(_chunks, audio)]
                text = " ".join(filter(None, texts))
                await self.push_frame(ShadowTextFrame(text=text, started=started, ended=ended, repaired=True))
            case _:
                assert_never(work)

    async def _text_of(self, audio: bytes) -> str:
        if pcm.seconds(audio, TRANSCRIBER_RATE) < SHORTEST:
            return ""
        try:
            return await self._transcriber.transcribe(audio)
        except TranscriptionFailed as error:
            self._report(str(error))
            return ""

    def _report(self, problem: str) -> None:
        """Report a problem once a call: a transcriber fails for one reason, many times."""
        if problem not in self._reported:
            self._reported.add(problem)
            logger.warning(f"Second transcriber: {problem}.")
            self.session.record(events.ProblemSeen(self.session.now(), "shadow", problem))


def make_transcriber(settings: ShadowSettings, session: Session) -> Transcriber:
    """The transcriber that the settings name. Raises ValueError, in a sentence, when it lacks a key or an extra."""
    model = settings.model or MODELS.get(settings.transcriber, "")
    match settings.transcriber:
        case "offline":
            from processors.shadow.offline import OfflineTranscriber

            return OfflineTranscriber()
        case "live":
            from processors.shadow.live import live_transcriber

            return live_transcriber(model, settings.key, settings.base_url, settings.ca_file, session)
        case "google_stt":
            from processors.gemini_live.settings import http_options

            try:
                from processors.shadow.google_stt import GoogleTranscriber
            except ImportError as error:  # Pipecat's module asks for google-cloud-speech, though this service is not it
                raise ValueError(
                    "transcriber: google_stt needs the google-stt extra: pip install 'colloquy[google-stt]'"
                ) from error

            key = settings.key.get_secret_value() if settings.key else "none"
            return GoogleTranscriber(model, key, http_options(settings.base_url, settings.ca_file))


def _chunks(audio: bytes) -> list[bytes]:
    return list(cut(audio, TRANSCRIBER_RATE))
