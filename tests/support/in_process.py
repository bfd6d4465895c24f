"""A whole exam through the real stages, on imagined time: the emulator's conversation takes the socket's place.

What `processors.gemini_live.connection.Connection` is to the Live stage, `InProcess` is here. A caller of tones answers
whenever the examiner has stopped; a mouth plays what comes for as long as it lasts.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.genai import _live_converters as wire
from google.genai import types
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

from core.audio import pcm
from core.live.close_codes import classify, classify_refusal, explain
from core.live.messages import Incoming, Outgoing
from core.live.model_facts import ModelFacts
from gemini_live_emulator.protocol import outputs
from gemini_live_emulator.protocol.functions import Marks, fill
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.session.conversation import Conversation
from gemini_live_emulator.session.fault_injector import FaultInjector
from gemini_live_emulator.session.resumption import SessionStore
from processors.exam import Exam, ExamSettings
from processors.frames import CallerStoppedFrame
from processors.gemini_live.connection import ConnectionLostError
from processors.gemini_live.settings import GeminiLiveSettings
from processors.gemini_live.stage import GeminiLive
from processors.gemini_live.translate import translate
from processors.scoring import Scoring, ScoringSettings
from processors.stage import Stage
from processors.transcript import Transcript, TranscriptSettings
from support.frames import Ends, running
from support.session import FakeSession
from support.wire_messages import history_message, wire_messages

CONFIGS = Path(__file__).parents[2] / "configs"
RATE = 16000
CHUNK = 0.5
HANDSHAKE = 0.2


class Service:
    """The emulator's side of one exam: what it remembers from one connection to the next."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.memory = SessionStore(scenario.seed)

    def connect(self) -> FaultInjector:
        """What goes wrong on the next connection."""
        return FaultInjector(self.scenario.faults, self.memory.connect(), self.scenario.seed, self.memory.fired)


class InProcess:
    """One connection, with nothing between the client's items and the conversation."""

    def __init__(self, service: Service, model: str, facts: ModelFacts) -> None:
        self._service, self._model, self._facts = service, model, facts
        self._talk: Conversation | None = None
        self._waiting: list[dict[str, Any]] = []
        self._come: asyncio.Queue[dict[str, Any] | ConnectionLostError] = asyncio.Queue()
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self.service_session: str | None = None

    async def open(self, config: types.LiveConnectConfig, timeout: float) -> None:
        await asyncio.sleep(HANDSHAKE)
        faults = self._service.connect()
        if (refused := faults.refuse_upgrade()) is not None:
            raise ConnectionLostError(
                refused.status, f"HTTP {refused.status}", classify_refusal(refused.status), "refused"
            )
        self._talk = Conversation(self._service.scenario, self._service.memory, self._loop.time(), faults=faults)
        self._take(self._talk.receive({"setup": self._setup(config)}, self._loop.time()))
        while True:
            match await asyncio.wait_for(self._come.get(), timeout):
                case ConnectionLostError() as lost:
                    raise lost
                case message if "setupComplete" in message:
                    break
        for message in self._waiting:
            self._receive(message)

    def send(self, *items: Outgoing) -> None:
        for item in items:
            for message in wire_messages(item, self._facts):
                self._post(message)

    def seed(self, turns: Sequence[tuple[str, str]]) -> None:
        self._post(history_message(turns, self._facts))

    async def events(self) -> AsyncIterator[Incoming]:
        while True:
            come = await self._come.get()
            if isinstance(come, ConnectionLostError):
                raise come
            for event in translate(types.LiveServerMessage.model_validate(wire._LiveServerMessage_from_mldev(come))):
                yield event

    async def close(self) -> None:
        self._over()

    def _setup(self, config: types.LiveConnectConfig) -> dict[str, Any]:
        plain = config.model_dump(mode="json", exclude_none=True, by_alias=True)
        setup: dict[str, Any] = {
            "model": f"models/{self._model}",
            "generationConfig": {"responseModalities": ["AUDIO"]},
            "systemInstruction": {"parts": [{"text": str(config.system_instruction or "")}]},
            "sessionResumption": {},
        }
        same = ("tools", "realtimeInputConfig", "inputAudioTranscription", "outputAudioTranscription")
        more = ("sessionResumption", "historyConfig", "contextWindowCompression")
        return setup | {key: plain[key] for key in (*same, *more) if key in plain}

    def _post(self, message: dict[str, Any]) -> None:
        if self._talk is None:
            self._waiting.append(message)
        else:
            self._receive(message)

    def _receive(self, message: dict[str, Any]) -> None:
        if self._talk is not None:
            self._take(self._talk.receive(message, self._loop.time()))

    def _tick(self) -> None:
        self._timer = None
        if self._talk is not None:
            self._take(self._talk.tick(self._loop.time()))

    def _take(self, produced: Sequence[outputs.Output]) -> None:
        for output in produced:
            match output:
                case outputs.Send(message):
                    self._come.put_nowait(message)
                case outputs.Close(code, reason):
                    self._end(code, reason)
                case outputs.Drop():
                    self._end(1006, "")
                case outputs.Listen(id, _) if self._talk is not None:
                    self._take(self._talk.transcribed(id, "", self._loop.time()))
                case _:
                    pass
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._talk is not None and (due := self._talk.deadline()) is not None:
            self._timer = self._loop.call_at(max(due, self._loop.time()), self._tick)

    def _end(self, code: int, reason: str) -> None:
        self._come.put_nowait(ConnectionLostError(code, reason[:123], classify(code, reason), explain(code, reason)))
        self._over()

    def _over(self) -> None:
        if self._talk is not None:
            self._talk.lost(self._loop.time())
            self._talk = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Held(FakeSession):
    """The session of an exam held here; the text model answers with the scenario's scores, or not at all."""

    def __init__(self, scenario: Scenario, *, text_model: bool = True) -> None:
        super().__init__()
        self.stages: list[Stage[Any]] = []
        self.done = asyncio.Event()
        self._scenario, self._text_model = scenario, text_model

    @property
    def instructions(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the pipeline's session has it."""
        return "\n\n".join(filter(None, (stage.instructions() for stage in self.stages)))

    @instructions.setter
    def instructions(self, _: str) -> None:
        pass

    @property
    def progress_summary(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As the pipeline's session has it."""
        return next(filter(None, (stage.progress_summary() for stage in self.stages)), "")

    @progress_summary.setter
    def progress_summary(self, _: str) -> None:
        pass

    def finish(self, why: str, detail: str = "") -> None:
        super().finish(why, detail)
        self.done.set()

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        self.asked.append(prompt)
        await asyncio.sleep(2.0)
        if not self._text_model:
            raise RuntimeError("the text model does not answer")
        said = [one.text for one in self.utterances if one.speaker == "caller"]
        return fill(schema, Marks(self._scenario.examiner.scores, said))


class Mouth(FrameProcessor):
    """Plays what comes, for as long as it lasts, and says when it begins and stops."""

    def __init__(self, silent: asyncio.Event) -> None:
        super().__init__()
        self._silent = silent
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._stopping: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        loop = asyncio.get_running_loop()
        if isinstance(frame, TTSAudioRawFrame):
            self._until = max(self._until, loop.time()) + pcm.seconds(frame.audio, frame.sample_rate)
            if self._timer is None:
                self._silent.clear()
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
        self._silent.set()
        self._stopping = asyncio.create_task(self.push_frame(BotStoppedSpeakingFrame(), FrameDirection.UPSTREAM))


async def hold(
    scenario: Scenario,
    patch: pytest.MonkeyPatch,
    *,
    model: str = "gemini-3.8-live",
    plan: Path = CONFIGS / "exams" / "short.yaml",
    answers: Sequence[float] = (6.0, 8.0, 7.0),
    text_model: bool = True,
    limit: float = 600.0,
    **scoring: Any,
) -> Held:
    """One exam to its end. Raises TimeoutError when it has none within `limit` seconds of imagined time."""
    service = Service(scenario)
    session = Held(scenario, text_model=text_model)
    patch.setattr(
        "processors.gemini_live.stage.Connection",
        lambda _client, model, facts, _chunk: InProcess(service, model, facts),
    )
    patch.setattr("processors.gemini_live.stage.client", lambda _settings: None)  # nobody dials
    live = GeminiLive(GeminiLiveSettings(model=model, base_url="https://emulator"), session)
    stages: list[Stage[Any]] = [
        live,
        Transcript(TranscriptSettings(), session),
        Exam(_exam(plan), session),
        Scoring(_scoring().model_copy(update=scoring), session),
    ]
    session.stages = stages
    session.tools = [tool for stage in stages for tool in stage.tools()]
    silent = asyncio.Event()
    async with running(*stages, Mouth(silent)) as ends:
        await ends.push(ClientConnectedFrame())
        caller = asyncio.create_task(_answer(ends, session, silent, answers))
        try:
            async with asyncio.timeout(limit):
                await session.done.wait()
        finally:
            caller.cancel()
            with suppress(asyncio.CancelledError):
                await caller
        for stage in stages:
            await stage.finish()
    return session


@cache
def _exam(plan: Path) -> ExamSettings:
    return ExamSettings(plan=plan)


@cache
def _scoring() -> ScoringSettings:
    return ScoringSettings(rubric=CONFIGS / "rubrics" / "speaking.yaml")


async def _answer(ends: Ends, session: Held, silent: asyncio.Event, answers: Sequence[float]) -> None:
    """Speak whenever the examiner has asked and stopped; cut off in mid-sentence, wait for the rest."""
    left = list(answers)
    asked = 0
    while left:
        await silent.wait()
        await asyncio.sleep(0.7)
        said = [one.text for one in session.utterances if one.speaker == "examiner" and "?" in one.text]
        if not silent.is_set() or len(said) <= asked:
            await asyncio.sleep(0.3)
            continue
        asked = len(said)
        await ends.push(UserStartedSpeakingFrame())
        length = left.pop(0)
        for _ in range(round(length / CHUNK)):
            await asyncio.sleep(CHUNK)
            await ends.push(InputAudioRawFrame(bytes(round(CHUNK * RATE) * 2), RATE, 1))
        await ends.push(CallerStoppedFrame(spoke_until=session.now(), voiced=length))
