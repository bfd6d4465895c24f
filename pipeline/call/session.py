"""One call: its clock, its bill, its utterances, and the one way it ends."""

import asyncio
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import quantiles
from typing import Any

from core.billing.ledger import Ledger
from core.billing.prices import PriceList
from core.billing.usage import Counted
from core.events import (
    CallBilled,
    CallMeasured,
    Event,
    ProblemSeen,
    ReplyStarted,
    UsageReported,
    UtteranceSpoken,
)
from core.ports import Journal
from pipeline.config.secrets import SECRETS
from processors.stage import Stage


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a call ends."""

    why: str
    detail: str = ""


@dataclass
class CallSession:
    """Implements core.ports.Session for one call of a pipeline."""

    id: str
    journal: Journal
    prices: PriceList
    budget: Decimal | None = None
    tools: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    stages: Sequence[Stage[Any]] = ()
    on_finish: Callable[[], None] | None = None
    ending: Ending | None = None

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._cpu_began = _cpu()
        self._ledger = Ledger(self.prices)
        self._utterances: list[UtteranceSpoken] = []
        self._latencies: list[float] = []

    @property
    def instructions(self) -> str:
        """The stages' parts of the model's system instruction, beyond its prompt."""
        return "\n\n".join(filter(None, (stage.instructions() for stage in self.stages)))

    @property
    def progress_summary(self) -> str:
        """Where the exam is, as the first stage that knows says it."""
        return next(filter(None, (stage.progress_summary() for stage in self.stages)), "")

    @property
    def utterances(self) -> Sequence[UtteranceSpoken]:
        """Both sides' finished utterances so far, in the order they began."""
        return sorted(self._utterances, key=lambda one: one.started)

    def now(self) -> float:
        """Seconds since the call began."""
        return self._loop.time() - self._began

    def record(self, event: Event) -> None:
        """Write an event to the call's log."""
        if isinstance(event, UtteranceSpoken):
            self._utterances.append(event)
        elif isinstance(event, ReplyStarted):
            self._latencies.append(event.latency)
        self.journal.record(SECRETS.masked_event(event))

    def charge(self, model: str, counted: Counted) -> None:
        """Put one usage message on the bill; past the budget the call is brought to its end."""
        unpriced = len(self._ledger.unpriced)
        usd = self._ledger.charge(model, counted)
        self.record(
            UsageReported(
                self.now(), model, counted.prompt, counted.response, counted.thoughts, str(usd), counted.estimated
            )
        )
        if len(self._ledger.unpriced) > unpriced:
            self.record(ProblemSeen(self.now(), "bill", f"no price is known for {model}; its tokens are not billed"))
        if self.budget is not None and self._ledger.usd >= self.budget:
            self.finish("budget", f"{self._ledger.usd:.4f} of {self.budget} USD")

    def finish(self, why: str, detail: str = "") -> None:
        """End the call politely. The first reason given counts."""
        if self.ending is None:
            self.ending = Ending(why, detail)
            if self.on_finish is not None:
                self.on_finish()

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        """Put a question to the text model of the stage that has one."""
        for stage in self.stages:
            if (answer := await stage.ask(prompt, schema)) is not None:
                return answer
        return None

    def bill(self) -> CallBilled:
        """What the call has cost so far."""
        return CallBilled(self.now(), str(self._ledger.usd), self._ledger.tokens, self._ledger.estimated)

    def measure(self, frames_late: int) -> CallMeasured:
        """How fast the call was so far. CPU is the whole process's, so it means something for one call at a time."""
        seconds = self.now()
        p50, p95 = percentiles(self._latencies)
        cpu = (_cpu() - self._cpu_began) / seconds if seconds > 0 else 0.0
        return CallMeasured(seconds, p50, p95, frames_late, round(cpu, 4), round(seconds, 3))


def percentiles(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The median and the 95th percentile; None without values."""
    if not values:
        return None, None
    if len(values) == 1:
        return values[0], values[0]
    cuts = quantiles(values, n=20, method="inclusive")
    return round(cuts[9], 3), round(cuts[18], 3)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
