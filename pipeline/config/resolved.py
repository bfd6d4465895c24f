"""A checked config: every name a class, every key a setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipecat.processors.frame_processor import FrameProcessor
from pydantic import BaseModel

from core.billing.prices import PriceList
from core.experiments.assignment import assign
from core.ports import Session
from core.stages import StageInfo, combined
from pipeline.config.constructor import keywords
from pipeline.config.file import Budget, EmulatorSettings, JobsSettings, WebhookSettings
from pipeline.config.problems import dotted, known_names
from pipeline.config.redaction import redacted
from processors.stage import Stage, StageSettings


@dataclass(frozen=True, slots=True)
class StagePlan:
    """A stage to be built anew for every call.

    Our own stages have `settings`. Any other Pipecat processor has `keywords`, plain data for its constructor.
    """

    name: str
    use: str
    cls: type[FrameProcessor]
    settings: StageSettings | None
    keywords: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    info: StageInfo = field(default_factory=StageInfo, repr=False)

    def build(self, session: Session) -> FrameProcessor:
        """A new processor for one call."""
        if issubclass(self.cls, Stage):
            return self.cls(self.settings, session)
        made, found = keywords(self.cls, self.keywords, (self.name,))
        if found:  # not after loading
            raise ValueError("; ".join(f"{dotted(one.at)}: {one.what}" for one in found))
        return self.cls(**made)

    def redacted(self) -> dict[str, Any]:
        """The stage as the record has it: defaults filled in, secrets hidden."""
        if self.settings is None:
            keys = redacted(self.keywords, hide_environment=True)
        else:
            keys = redacted(self.settings.model_dump(mode="json", by_alias=True))
        return {"use": self.use, "as": self.name, **keys}


@dataclass(frozen=True, slots=True)
class ListenerPlan:
    """A listener to be opened: its class, and the settings for it."""

    use: str
    cls: type[Any]
    settings: BaseModel

    def redacted(self) -> dict[str, Any]:
        """The listener as the record has it: defaults filled in, secrets hidden."""
        return {"use": self.use, **redacted(self.settings.model_dump(mode="json", by_alias=True))}


@dataclass(frozen=True, slots=True)
class Experiment:
    """Arms, their weights, and what each changes (secrets hidden: only the arm's own Config holds them)."""

    name: str
    unit: Literal["caller", "call"]
    weights: Mapping[str, float]
    changes: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Config:
    """A checked config: everything a call is put together from."""

    name: str
    source: Path
    stages: tuple[StagePlan, ...]
    listen: ListenerPlan | None = None
    budget: Budget = field(default_factory=Budget)
    prices: Path | None = None
    price_list: PriceList | None = field(default=None, repr=False)
    database: str = field(default="sqlite+aiosqlite:///sessions.db", repr=False)
    emulator: EmulatorSettings | None = None
    webhook: WebhookSettings | None = None
    jobs: JobsSettings = field(default_factory=JobsSettings)
    experiment: Experiment | None = None
    arm: str | None = None
    arms: Mapping[str, "Config"] = field(default_factory=dict[str, "Config"], repr=False)

    @property
    def info(self) -> StageInfo:
        """What the stages bring to an exam together."""
        return combined(plan.info for plan in self.stages)

    def stage(self, name: str) -> StagePlan:
        """The stage of that name. Raises KeyError with the known names."""
        for plan in self.stages:
            if plan.name == name:
                return plan
        raise KeyError(f'no stage "{name}"{known_names(name, (plan.name for plan in self.stages))}')

    def for_arm(self, name: str) -> "Config":
        """This config as one arm of its experiment has it. Raises KeyError with the known names."""
        if name not in self.arms:
            raise KeyError(f'no arm "{name}"{known_names(name, self.arms)}')
        return self.arms[name]

    def for_call(self, call: str, caller: str) -> "Config":
        """The config of one call: its arm's, or this one where there is no experiment."""
        if self.experiment is None or self.arm is not None:
            return self
        unit = caller if self.experiment.unit == "caller" else call
        return self.for_arm(assign(self.experiment.name, unit, self.experiment.weights))

    def resolved(self) -> dict[str, Any]:
        """Everything as plain JSON values for the record: defaults filled in, secrets hidden."""
        resolved: dict[str, Any] = {
            "name": self.name,
            "source": str(self.source),
            "listen": self.listen and self.listen.redacted(),
            "stages": [plan.redacted() for plan in self.stages],
            "budget": self.budget.model_dump(mode="json"),
            "prices": self.prices and str(self.prices),
            "database": redacted(self.database),
            "emulator": self.emulator and self.emulator.model_dump(mode="json"),
            "webhook": self.webhook and redacted(self.webhook.model_dump(mode="json")),
            "jobs": self.jobs.model_dump(mode="json"),
            "experiment": None,
        }
        if self.experiment is not None:
            resolved["experiment"] = {
                "name": self.experiment.name,
                "unit": self.experiment.unit,
                "arm": self.arm,
                "arms": {
                    arm: {"weight": weight, "set": dict(self.experiment.changes[arm])}
                    for arm, weight in self.experiment.weights.items()
                },
            }
        return resolved
