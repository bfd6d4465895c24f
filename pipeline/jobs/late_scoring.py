"""The verdict on a session from its record alone, when the call ended without one."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any

from core.billing.prices import PriceList
from core.events import (
    CallBilled,
    Event,
    ExamProgressed,
    ProblemSeen,
    ScoreRefused,
    ToolCalled,
    UsageReported,
    UtteranceSpoken,
)
from core.scoring import (
    CallReader,
    Reading,
    Rubric,
    Stated,
    TextReader,
    Verdict,
    caller_words,
    decide,
    events_of,
    question,
    readings_of,
)
from core.scoring.verdict import Questions, early
from core.text_answer import TextModelError
from pipeline.call.emulator_process import Emulated, EmulatorError, emulator, pointed_at
from pipeline.call.session import CallSession
from pipeline.config.resolved import Config
from pipeline.record.models import SessionRecord
from pipeline.record.recovery import read_events, unfinished
from processors.scoring import ScoringSettings, read_rubric
from processors.stage import Stage


class TextModelFailed(Exception):
    """The text model gave no answer; the message is one sentence.

    `events` are what the attempt cost; `retryable` when the same question may yet get an answer.
    """

    def __init__(self, sentence: str, events: Sequence[Event] = (), *, retryable: bool = True) -> None:
        super().__init__(sentence)
        self.events = events
        self.retryable = retryable


class CannotJudge(Exception):
    """The config has nothing to give a verdict with; one that has may come. The message is one sentence."""


class TextModel:
    """Puts questions to the text model of a config's stages, outside any call.

    Of a config with an emulator it is the emulator's, which is started with the first question, unless the stages
    are `pointed` at a running one already.
    """

    def __init__(self, *, pointed: bool = False) -> None:
        self._pointed = pointed
        self._opened = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._emulated: Emulated | None = None

    async def ask(
        self, config: Config, prompt: str, schema: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, list[Event]]:
        """The answer, None when no stage has a text model, and what it cost. Raises TextModelFailed."""
        journal = _EventList()
        session = CallSession("", journal, config.price_list or PriceList(models={}))
        config = await self._reachable(config)
        able = [plan for plan in config.stages if issubclass(plan.cls, Stage) and plan.cls.ask is not Stage.ask]
        session.stages = [stage for plan in able if isinstance(stage := plan.build(session), Stage)]
        try:
            return await session.ask(prompt, schema), journal.events
        except RuntimeError as error:
            retryable = error.retryable if isinstance(error, TextModelError) else True
            raise TextModelFailed(str(error), journal.events, retryable=retryable) from error
        finally:
            for stage in session.stages:
                await stage.cleanup()

    async def close(self) -> None:
        """End the emulator, if there is one."""
        await self._opened.aclose()

    async def _reachable(self, config: Config) -> Config:
        if config.emulator is None or self._pointed:
            return config
        async with self._opening:
            if self._emulated is None:
                try:
                    self._emulated = await self._opened.enter_async_context(emulator(config.emulator))
                except EmulatorError as error:
                    raise TextModelFailed(str(error)) from error
        return pointed_at(config, self._emulated)


class _EventList:
    """Implements core.ports.Journal for events that go into the record later."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)

    async def drain(self) -> None:
        pass


async def judge(record: SessionRecord, config: Config, model: TextModel, *, may_retry: bool) -> list[Event]:
    """The events of a verdict: read from the record, and asked of the text model for what is missing.

    Raises CannotJudge when the config has no stage `scoring`, or its rubric is gone. When the model fails, raises
    TextModelFailed if the caller `may_retry` and that may help; if not, the verdict is what can be read. All events are
    dated to the end of the call. Utterances that were only checkpointed when the process died count too, and are among
    the events.
    """
    settings = next((plan.settings for plan in config.stages if isinstance(plan.settings, ScoringSettings)), None)
    at = record.seconds or 0.0
    if settings is None:
        raise CannotJudge(f"{config.source.name} has no stage `scoring` to give a verdict with")
    try:
        rubric = read_rubric(settings.rubric)
    except ValueError as error:  # it was there when the config was loaded
        raise CannotJudge(str(error)) from error
    cut_short = unfinished(record.events)
    recorded = [*read_events(record.events, UtteranceSpoken, ToolCalled, ScoreRefused), *cut_short]
    utterances = sorted((one for one in recorded if isinstance(one, UtteranceSpoken)), key=lambda one: one.started)
    accepted, refused = _calls(recorded, rubric.function)
    readings = readings_of(rubric, accepted, utterances)
    repaired = any(one.source == "repaired" for one in utterances)

    questions = _questions(read_events(record.events, ExamProgressed))
    ignored = _ignored(recorded, rubric)

    def verdict(*more: Reading) -> Verdict:
        order = (*settings.order, "early")
        return decide(rubric, [*readings, *more], order, repaired, questions, ignored)

    asked: list[Event] = []
    result = verdict()
    if result.missing:
        answer = None
        if caller_words(utterances) >= settings.least_words:
            try:
                answer, asked = await model.ask(config, question(rubric, utterances), rubric.schema())
            except TextModelFailed as error:
                if may_retry and error.retryable:
                    raise
                asked = [*error.events, ProblemSeen(at, "scoring", str(error))]
        judged = TextReader(rubric, utterances).read(answer, at) if answer else []
        result = verdict(*judged, *(early(reading) for reading in readings_of(rubric, refused, ())))
    return [*cut_short, *billed(record, asked), *events_of(result, at)]


def _questions(events: Sequence[Event]) -> Questions | None:
    progress = [event for event in events if isinstance(event, ExamProgressed)]
    return Questions(len({one.asked for one in progress}), progress[-1].questions) if progress else None


def _ignored(events: Sequence[Event], rubric: Rubric) -> list[str]:
    """What the examiner reported in the call and the rubric of today has no name for."""
    reader = CallReader(rubric)
    found: list[str] = []
    for event in events:
        if not isinstance(event, ToolCalled):
            continue
        if event.name == rubric.function:
            found += [f"call: {one}" for one in reader.unread(event.args)]
        elif any(isinstance(reading, Stated) for reading in reader.read(event.args, event.at)):
            found.append(
                f"call: scores were reported with {event.name}, and the rubric's function is {rubric.function}"
            )
    return found


def billed(record: SessionRecord, asked: Sequence[Event]) -> list[Event]:
    """The events of questions to the text model, dated to the end of the call, and the bill with what they cost.

    No bill if the call had none, as the record then sums up the usage.
    """
    at = record.seconds or 0.0
    events = [replace(event, at=at) for event in asked]
    return [*events, *_bill(record, events, at)]


def _calls(events: Sequence[Event], function: str) -> tuple[list[ToolCalled], list[ToolCalled]]:
    """The calls of the reporting function, and those of them that were refused since the exam was not over."""
    accepted: list[ToolCalled] = []
    refused: list[ToolCalled] = []
    answered = True
    for event in events:
        if isinstance(event, ToolCalled) and event.name == function:
            accepted.append(event)
            answered = False
        elif isinstance(event, ScoreRefused) and event.source == "call" and not answered:  # one for each criterion
            refused.append(accepted.pop())
            answered = True
    return accepted, refused


def _bill(record: SessionRecord, events: Sequence[Event], at: float) -> list[CallBilled]:
    used = [event for event in events if isinstance(event, UsageReported)]
    if not used or not any(logged.kind == "CallBilled" for logged in record.events):
        return []
    usd = (record.usd or Decimal(0)) + sum(Decimal(one.usd) for one in used)
    tokens = sum(sum(one.prompt.values()) + sum(one.response.values()) + one.thoughts for one in used)
    estimated = record.estimated or any(one.estimated for one in used)
    return [CallBilled(at, str(usd), (record.tokens or 0) + tokens, estimated)]
