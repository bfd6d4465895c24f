"""A whole exam through the real stages, the real Live client and the real emulator, on imagined time.

A pair of sockets takes the network's place: what one end writes is at the other before the write returns, so that a
clock that jumps to the next timer cannot outrun it. A caller of tones answers whenever the examiner has asked; a mouth
plays what comes for as long as it lasts.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    ClientConnectedFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    TTSAudioRawFrame,
    UserStartedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from websockets.asyncio.client import ClientConnection, connect

from core.audio import pcm
from core.billing.prices import PriceList
from core.events import CallEnded, Event
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.server.listener import Emulator
from pipeline.call.session import CallSession, Ending
from pipeline.config.loading import load
from processors.exam import Exam, ExamSettings
from processors.frames import CallerStoppedFrame
from processors.gemini_live.settings import GeminiLiveSettings
from processors.gemini_live.stage import GeminiLive
from processors.gemini_live.text_model import ask
from processors.repetition import Repetition, RepetitionSettings
from processors.scoring import Scoring, ScoringSettings
from processors.stage import Stage
from processors.transcript import Transcript, TranscriptSettings
from support.calls import Log, truth_of
from support.deadline import expecting
from support.frames import Ends, running
from support.virtual_time import VirtualTimeLoop

CONFIGS = Path(__file__).parents[2] / "configs"
RATE = 16000
HANDSHAKE = 0.2


@dataclass
class Held(Log):
    """What an exam left behind that was held here."""

    ending: Ending = field(default_factory=lambda: Ending(""))

    def record(self, event: Event) -> None:
        """As the journal of a session."""
        self.events.append(event)

    async def drain(self) -> None:
        """Nothing is left to be written."""


class _OtherEnd(socket.socket):
    """The service's end of a pair, which has no TCP to set options of."""

    def setsockopt(self, *_: Any) -> None:
        pass


@asynccontextmanager
async def served(scenario: Scenario, patch: pytest.MonkeyPatch, truth: Path | None) -> AsyncIterator[Emulator]:
    """The emulator, to which a pair of sockets leads whoever dials the Live API."""
    async with Emulator(scenario, truth=truth) as emulator:

        @asynccontextmanager
        async def dial(uri: str, **options: Any) -> AsyncIterator[ClientConnection]:
            await asyncio.sleep(HANDSHAKE)
            ours, theirs = socket.socketpair()
            emulator._spawn(emulator._serve(_OtherEnd(fileno=theirs.detach())))
            async with connect(uri, sock=ours, **options) as connection:
                yield connection

        async def ask_at_once(*question: Any) -> Any:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualTimeLoop)
            with loop.standing():
                return await ask(*question)

        # The one authority the client is to know: to read all of the world's takes longer than an exam.
        patch.setenv("SSL_CERT_FILE", str(emulator.ca_file))
        patch.setattr("google.genai.live.ws_connect", dial)
        patch.setattr("processors.gemini_live.stage.ask", ask_at_once)
        yield emulator


class Mouth(FrameProcessor):
    """Plays what comes, for as long as it lasts, and says when it begins and stops."""

    def __init__(self) -> None:
        super().__init__()
        self.silent = asyncio.Event()
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        loop = asyncio.get_running_loop()
        if isinstance(frame, TTSAudioRawFrame):
            self._until = max(self._until, loop.time()) + pcm.seconds(frame.audio, frame.sample_rate)
            if self._timer is None:
                self.silent.clear()
                await self.push_frame(BotStartedSpeakingFrame(), FrameDirection.UPSTREAM)
            else:
                self._timer.cancel()
            self._timer = loop.call_at(self._until, self._played)
        elif isinstance(frame, InterruptionFrame) and self._timer is not None:
            self._timer.cancel()
            self._played()
        await self.push_frame(frame, direction)

    def _played(self) -> None:
        self._timer, self._until = None, 0.0
        self.silent.set()
        self._stopping = asyncio.create_task(self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM))


async def hold(
    scenario: Scenario,
    patch: pytest.MonkeyPatch,
    *,
    model: str = "gemini-3.8-live",
    plan: Path = CONFIGS / "exams" / "short.yaml",
    answers: Sequence[float] = (6.0, 8.0, 7.0),
    chunk: float = 0.5,
    think: float = 0.7,
    understands: bool = True,
    repetition: dict[str, Any] | None = None,
    limit: float = 600.0,
    truth: Path | None = None,
    live: dict[str, Any] | None = None,
    **scoring: Any,
) -> Held:
    """One exam to its end, which must come within `limit` seconds of imagined time.

    `think` seconds after the examiner has stopped the caller answers, if a question was among what it said; a caller
    who does not understand answers whatever it was. An answer comes in frames of `chunk` seconds.
    """
    held = Held()
    async with served(scenario, patch, truth) as emulator:
        there = {"base_url": emulator.url}
        done = asyncio.Event()
        session = CallSession("test", held, _prices(), on_finish=done.set)
        examiner = GeminiLive(GeminiLiveSettings.model_validate({"model": model, **there, **(live or {})}), session)
        stages: list[Stage[Any]] = [
            examiner,
            Repetition(RepetitionSettings.model_validate(repetition or {}), session),
            Transcript(TranscriptSettings.model_validate({}), session),
            Exam(_exam(plan), session),
            Scoring(_scoring().model_copy(update=scoring), session),
        ]
        session.stages = stages
        session.tools = [tool for stage in stages for tool in stage.tools()]
        mouth = Mouth()
        async with running(*stages, mouth) as ends:
            await ends.push(ClientConnectedFrame())
            caller = asyncio.create_task(_answer(ends, session, mouth, answers, chunk, think, understands))
            try:
                async with expecting("the end of the exam", within=limit):
                    await done.wait()
            finally:
                caller.cancel()
                with suppress(asyncio.CancelledError):
                    await caller
            for stage in stages:
                await stage.finish()
    assert session.ending is not None
    held.ending = session.ending
    session.record(session.bill())
    session.record(CallEnded(session.now(), session.ending.why, session.ending.detail))
    held.truth = truth_of(truth)
    return held


@cache
def _prices() -> PriceList:
    prices = load(CONFIGS / "offline.yaml").price_list
    assert prices is not None
    return prices


@cache
def _exam(plan: Path) -> ExamSettings:
    return ExamSettings(plan=plan)


@cache
def _scoring() -> ScoringSettings:
    return ScoringSettings.model_validate({"rubric": CONFIGS / "rubrics" / "speaking.yaml"})


async def _answer(
    ends: Ends,
    session: CallSession,
    mouth: Mouth,
    answers: Sequence[float],
    chunk: float,
    think: float,
    understands: bool,
) -> None:
    """Speak whenever the examiner has asked and stopped; cut off in mid-sentence, wait for the rest."""
    left = list(answers)
    asked = 0
    while left:
        await mouth.silent.wait()
        await asyncio.sleep(think)
        said = [one.text for one in session.utterances if one.speaker == "examiner" and "?" in one.text]
        if not mouth.silent.is_set() or (understands and len(said) <= asked):
            await asyncio.sleep(0.3)
            continue
        asked = len(said)
        await ends.push(UserStartedSpeakingFrame())
        length = left.pop(0)
        for _ in range(round(length / chunk)):
            await asyncio.sleep(chunk)
            await ends.push(InputAudioRawFrame(bytes(round(chunk * RATE) * 2), RATE, 1))
        await ends.push(CallerStoppedFrame(spoke_until=session.now(), voiced=length))
