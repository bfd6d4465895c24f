"""The verdict on a session of which only the record is left, since its call ended without one."""

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
    ProblemSeen,
    ScoreRefused,
    ToolCalled,
    UsageReported,
    UtteranceSpoken,
)
from core.scoring import Reading, TextReader, Verdict, caller_words, decide, facts_of, question, readings_of
from core.scoring.verdict import early
from pipeline.call.emulator_process import Emulated, EmulatorError, emulator, pointed_at
from pipeline.call.session import CallSession
from pipeline.config.resolved import Config
from pipeline.record.models import SessionRecord
from pipeline.record.recovery import read, unfinished
from processors.scoring import read_rubric
from processors.stage import Stage


class TextModelFailed(Exception):
    """The text model could not answer; another time it may. The message is one sentence."""


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
        notes = _Notes()
        session = CallSession("", notes, config.price_list or PriceList(models={}))
        config = await self._reachable(config)
        able = [plan for plan in config.stages if issubclass(plan.cls, Stage) and plan.cls.ask is not Stage.ask]
        session.stages = [stage for plan in able if isinstance(stage := plan.build(session), Stage)]
        try:
            return await session.ask(prompt, schema), notes.events
        except RuntimeError as error:
            raise TextModelFailed(str(error)) from error
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


class _Notes:
    """Implements core.ports.Journal for facts that go into the record later."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        self.events.append(event)

    async def drain(self) -> None:
        pass


async def judge(record: SessionRecord, config: Config, model: TextModel, *, patient: bool) -> list[Event]:
    """The facts of a verdict on what the record holds: read from it, then asked of the text model for what is missing.

    Raises TextModelFailed when that one fails and there is the patience to ask again; without it, the verdict is what
    can be read. Its facts are dated to the end of the call. What somebody was saying when the process died counts too,
    and is an utterance from then on.
    """
    settings = config.scoring
    assert settings is not None, "only what is scored owes a verdict"
    rubric, at = read_rubric(settings.rubric), record.seconds or 0.0
    cut_short = unfinished(record.events)
    heard = [*read(record.events, UtteranceSpoken, ToolCalled, ScoreRefused), *cut_short]
    said = sorted((fact for fact in heard if isinstance(fact, UtteranceSpoken)), key=lambda one: one.started)
    taken, refused = _calls(heard, rubric.function)
    readings = readings_of(rubric, taken, said)
    repaired = any(one.source == "repaired" for one in said)

    def verdict(*more: Reading) -> Verdict:
        return decide(rubric, [*readings, *more], order=(*settings.order, "early"), repaired=repaired)

    facts: list[Event] = []
    result = verdict()
    if result.missing:
        answer = None
        if caller_words(said) >= settings.least_words:
            try:
                answer, facts = await model.ask(config, question(rubric, said), rubric.schema())
            except TextModelFailed as error:
                if patient:
                    raise
                facts = [ProblemSeen(at, "scoring", str(error))]
        judged = TextReader(rubric).read(answer, at) if answer else []
        result = verdict(*judged, *(early(reading) for reading in readings_of(rubric, refused, ())))
    facts = [replace(fact, at=at) for fact in facts]
    return [*cut_short, *facts, *_billed(record, facts, at), *facts_of(result, at)]


def _calls(heard: Sequence[Event], function: str) -> tuple[list[ToolCalled], list[ToolCalled]]:
    """The calls of the reporting function, and those of them that were refused since the exam was not over."""
    taken: list[ToolCalled] = []
    refused: list[ToolCalled] = []
    answered = True
    for fact in heard:
        if isinstance(fact, ToolCalled) and fact.name == function:
            taken.append(fact)
            answered = False
        elif isinstance(fact, ScoreRefused) and fact.source == "call" and not answered:  # one for each criterion
            refused.append(taken.pop())
            answered = True
    return taken, refused


def _billed(record: SessionRecord, facts: Sequence[Event], at: float) -> list[CallBilled]:
    """The bill with what the question cost; without a bill, the record sums up what is used."""
    used = [fact for fact in facts if isinstance(fact, UsageReported)]
    if not used or not any(logged.kind == "CallBilled" for logged in record.events):
        return []
    usd = (record.usd or Decimal(0)) + sum(Decimal(fact.usd) for fact in used)
    tokens = sum(sum(fact.prompt.values()) + sum(fact.response.values()) + fact.thoughts for fact in used)
    estimated = record.estimated or any(fact.estimated for fact in used)
    return [CallBilled(at, str(usd), (record.tokens or 0) + tokens, estimated)]
