"""A second pair of ears: hears what the caller says beside the dialogue, and transcribes it independently."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal, assert_never

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

# Pieces and holes that wait to be heard. An hour of speech is some 400 pieces; past that the newest is left out.
MOST_WAITING = 400
# Quiet behind the last word that a recogniser may hear; more of it makes some invent words.
TAIL = 0.3
# Less audio than this holds no word.
SHORTEST = 0.2

MODELS = {"live": "gemini-3.8-live", "google_stt": "gemini-3.5-transcribe-live"}


class ShadowSettings(StageSettings):
    """Whose the second ears are, and what they listen to."""

    ears: Literal["offline", "live", "google_stt"] = Field(
        "offline",
        description='"offline" is a small English model on this machine, for no money (extra `speech`); "live" a second'
        ' Live session whose answers nobody hears; "google_stt" Google\'s transcription model (extra `google-stt`)',
    )
    when: Literal["holes", "always"] = Field(
        "holes",
        description='"holes" listens again only where the transcript lacks words; "always" transcribes every turn, so'
        " that the dialogue needs no flush",
    )
    ears_model: str | None = Field(
        None,
        description="model of the second ears where they are a service; by default gemini-3.8-live or"
        " gemini-3.5-transcribe-live",
    )
    key: SecretStr | None = Field(None, description="API key; not needed by offline ears and with the emulator")
    base_url: str | None = Field(
        None, pattern="^https://", description="of a gateway or an emulator; Google's own when absent"
    )
    ca_file: ConfigPath | None = Field(
        None, description="PEM file of the authority that base_url's certificate is from"
    )
    memory: float = Field(
        30.0,
        gt=0,
        description="seconds of the caller's voice that are kept in memory; the rest of the call lies in a file",
    )

    @model_validator(mode="after")
    def _can_be_reached(self, info: ValidationInfo) -> "ShadowSettings":
        in_config: dict[str, Any] | None = info.context
        alone = self.ears != "offline" and self.key is None and self.base_url is None
        if in_config is not None and alone and not in_config.get("emulated"):
            raise ValueError('there is no key; add `key: "${GEMINI_API_KEY}"`, or `ears: offline`')
        return self


@dataclass
class _Turn:
    """A turn that is being transcribed whole."""

    started: float
    cutter: Chunker = field(default_factory=lambda: Chunker(TRANSCRIBER_RATE))
    taken: float = 0.0  # seconds of its audio that are in pieces
    heard: list[tuple[str, float, float]] = field(default_factory=list[tuple[str, float, float]])


@dataclass(frozen=True, slots=True)
class _Piece:
    turn: _Turn
    audio: bytes
    started: float


@dataclass(frozen=True, slots=True)
class _TurnOver:
    turn: _Turn
    ended: float


@dataclass(frozen=True, slots=True)
class _Hole:
    started: float
    ended: float


class Shadow(Stage[ShadowSettings]):
    """Passes on everything at once and untouched; what it hears itself follows as SecondTextFrames."""

    Settings = ShadowSettings

    def __init__(self, settings: ShadowSettings, session: Session, ears: Transcriber | None = None) -> None:
        super().__init__(settings, session)
        self._ears = ears or make_ears(settings, session)
        self._always = settings.when == "always"
        self._tape = Recording(TRANSCRIBER_RATE, settings.memory)
        self._turn: _Turn | None = None
        self._in_turn = False
        self._work: deque[_Piece | _TurnOver | _Hole] = deque()
        self._more = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._complained: set[str] = set()

    async def setup(self, setup: FrameProcessorSetup) -> None:
        await super().setup(setup)
        self._listening = self.create_task(self._listen(setup), name="second ears")

    async def cleanup(self) -> None:
        if self._listening is not None:
            await self.cancel_task(self._listening)
        await self._ears.close()
        self._tape.close()
        await super().cleanup()

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        if isinstance(frame, GapFrame) and direction is FrameDirection.UPSTREAM:
            self._queue(_Hole(frame.started, frame.ended))
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
                self._tape.begin()
                self._turn = _Turn(now) if self._always else None
            case InputAudioRawFrame() if self._in_turn:
                self._hear(frame, now)
            case UserStoppedSpeakingFrame():
                self._in_turn = False
                self._finish(frame.spoke_until if isinstance(frame, CallerStoppedFrame) else now, now)
            case _:
                pass

    def _hear(self, frame: InputAudioRawFrame, now: float) -> None:
        if frame.sample_rate != TRANSCRIBER_RATE:
            raise ValueError(
                f"shadow hears {TRANSCRIBER_RATE} Hz only and got {frame.sample_rate}: put it behind manual_vad"
            )
        self._tape.add(frame.audio, now)
        if self._turn is not None and (piece := self._turn.cutter.push(frame.audio)) is not None:
            self._queue(self._piece(self._turn, piece))

    def _piece(self, turn: _Turn, audio: bytes) -> _Piece:
        started = self._tape.started + turn.taken
        turn.taken += pcm.seconds(audio, TRANSCRIBER_RATE)
        return _Piece(turn, audio, started)

    def _finish(self, spoke_until: float, now: float) -> None:
        turn, self._turn = self._turn, None
        if turn is not None:
            rest = turn.cutter.finish(surplus=max(0.0, now - spoke_until - TAIL))
            if pcm.seconds(rest, TRANSCRIBER_RATE) >= SHORTEST:
                self._queue(self._piece(turn, rest))
            self._queue(_TurnOver(turn, spoke_until))

    # --- listening, beside the audio

    def _queue(self, work: _Piece | _TurnOver | _Hole) -> None:
        if len(self._work) >= MOST_WAITING:
            self._complain(f"{MOST_WAITING} pieces wait for the second ears already; what follows is left out")
            return
        self._work.append(work)
        self._more.set()

    async def _listen(self, setup: FrameProcessorSetup) -> None:
        try:
            await self._ears.open(setup)
        except TranscriptionFailed as error:
            self._complain(str(error))  # each piece will say so again, and each hole be answered with nothing
        while True:
            while self._work:
                await self._do(self._work.popleft())
            self._more.clear()
            await self._more.wait()

    async def _do(self, work: _Piece | _TurnOver | _Hole) -> None:
        match work:
            case _Piece(turn, audio, started):
                text = await self._text_of(audio)
                turn.heard.append((text, started, started + pcm.seconds(audio, TRANSCRIBER_RATE)))
            case _TurnOver(turn, ended):
                text = " ".join(text for text, _, _ in turn.heard if text)
                await self.push_frame(
                    ShadowTextFrame(text=text, started=turn.started, ended=ended, heard=tuple(turn.heard))
                )
            case _Hole(started, ended):
                audio = await self._tape.between(started, ended)
                texts = [await self._text_of(piece) for piece in await asyncio.to_thread(_pieces, audio)]
                text = " ".join(filter(None, texts))
                await self.push_frame(ShadowTextFrame(text=text, started=started, ended=ended, repaired=True))
            case _:
                assert_never(work)

    async def _text_of(self, audio: bytes) -> str:
        if pcm.seconds(audio, TRANSCRIBER_RATE) < SHORTEST:
            return ""
        try:
            return await self._ears.transcribe(audio)
        except TranscriptionFailed as error:
            self._complain(str(error))
            return ""

    def _complain(self, what: str) -> None:
        """Say it once a call: the ears of a call are deaf for one reason, many times."""
        if what not in self._complained:
            self._complained.add(what)
            logger.warning(f"Second ears: {what}.")
            self.session.record(events.ProblemSeen(self.session.now(), "shadow", what))


def make_ears(settings: ShadowSettings, session: Session) -> Transcriber:
    """The ears that the settings name. Raises ValueError, in a sentence, when they lack a key or an extra."""
    model = settings.ears_model or MODELS.get(settings.ears, "")
    match settings.ears:
        case "offline":
            from processors.shadow.offline import OfflineTranscriber

            return OfflineTranscriber()
        case "live":
            from processors.shadow.live import live_ears

            return live_ears(model, settings.key, settings.base_url, settings.ca_file, session)
        case "google_stt":
            from processors.gemini_live.settings import http_options

            try:
                from processors.shadow.google_stt import GoogleTranscriber
            except ImportError as error:  # Pipecat's module asks for google-cloud-speech, though this service is not it
                raise ValueError(
                    "ears: google_stt need the google-stt extra: pip install 'colloquy[google-stt]'"
                ) from error

            key = settings.key.get_secret_value() if settings.key else "none"
            return GoogleTranscriber(model, key, http_options(settings.base_url, settings.ca_file))


def _pieces(audio: bytes) -> list[bytes]:
    return list(cut(audio, TRANSCRIBER_RATE))
