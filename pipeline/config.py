"""What a YAML file may say, and what it comes to once every name in it is a class."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pipecat.processors.frame_processor import FrameProcessor
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo

from core.experiments import assign
from core.ports import Session
from core.usage import PriceList
from pipeline.foreign import keywords
from pipeline.hidden import shown
from pipeline.problems import dotted, known_names
from processors.scoring import ScoringSettings
from processors.stage import ConfigPath, Stage, StageSettings


class Closed(BaseModel):
    """A part of a config that knows all its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Budget(Closed):
    """What a call may cost and how long it may last."""

    usd: Decimal | None = Field(default=None, gt=0)
    """US dollars after which the call is brought to its end; without it, none is set"""
    minutes: float | None = Field(default=15, gt=0)
    """minutes after which the call is brought to its end; null for no limit"""


def _scenario(name: str, info: ValidationInfo) -> str:
    from emulator.scenario import Scenario, ScenarioError, names  # only offline configs need the emulator

    if not name.endswith((".yaml", ".yml")):
        if name not in names():
            raise ValueError(f"the emulator has no such scenario{known_names(name, names())}")
        return name
    path = (info.context or {}).get("base", Path()) / name
    try:
        Scenario.load(path)
    except ScenarioError as error:
        raise ValueError("; ".join(str(error).splitlines())) from error
    return str(path.resolve())  # the emulator runs in another folder


class EmulatorSettings(Closed):
    """The embedded Gemini Live emulator, started with the pipeline and dialed in place of the service."""

    scenario: Annotated[str, AfterValidator(_scenario)] = Field("plain", validate_default=True)
    """a scenario that comes with the emulator, or a YAML file beside the config"""


def _receiver(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an address that begins with https:// or http://")
    return url


def _signing_secret(secret: SecretStr) -> SecretStr:
    from pipeline.webhook import signing_key  # it needs this module

    signing_key(secret.get_secret_value())
    return secret


class WebhookSettings(Closed):
    """Where the result of every session is sent once the call is over (docs/jobs.md)."""

    url: Annotated[str, AfterValidator(_receiver)]
    """the receiver; it is not followed elsewhere"""
    secret: Annotated[SecretStr, AfterValidator(_signing_secret)]
    """what messages are signed with: `whsec_` and 24 to 64 random bytes in base64"""
    timeout: float = Field(20, gt=0, le=120)
    """seconds for the receiver to answer"""
    # The example schedule of Standard Webhooks 1.0.0, which ends after three days.
    retries: tuple[Annotated[float, Field(gt=0)], ...] = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    """seconds before each further attempt; after the last one it is given up"""


class JobsSettings(Closed):
    """The jobs that finish what sessions owe after the call (docs/jobs.md)."""

    keep_days: float = Field(default=30, gt=0, le=3650)
    """days for which the steps of a finished job are kept; the record has its outcome for good"""


class ArmSettings(Closed):
    """One way of an experiment."""

    weight: float = Field(1, ge=0)
    """how many units get this arm, in proportion to the other arms' weights"""
    changes: dict[str, Any] = Field(default_factory=dict, alias="set")
    """what differs from the config above, as `stage.key: value`, `budget.key: value` or `prices: file`"""


class ExperimentSettings(Closed):
    """Arms between which callers or calls are divided."""

    name: str | None = Field(None, min_length=1)
    """what the hash is taken over besides the unit, so that a new name deals anew; the config's name if absent"""
    unit: Literal["caller", "call"] = "caller"
    """what is assigned to an arm for good: a caller with all their calls, or each call by itself"""
    arms: dict[str, ArmSettings] = Field(min_length=1)
    """the arms by name"""


def _database(url: str) -> str:
    from pipeline.database import parse_url  # who only wants the schema need not wait for SQLAlchemy
    from pipeline.record import StoreError

    try:
        parse_url(url)
    except StoreError as error:
        raise ValueError(str(error)) from error
    return url


class ConfigFile(Closed):
    """The top of a config."""

    name: str | None = Field(None, min_length=1)
    """what the config is called in the record; the file's name if absent"""
    listen: dict[str, Any] | None = None
    """the door that callers come through: `use` and the keys of that door"""
    stages: list[dict[str, Any]] = Field(min_length=1)
    """the stages a caller's audio goes through, in order: each `use` and the keys of that stage"""
    budget: Budget = Field(default_factory=Budget)
    """what a call may cost and how long it may last"""
    prices: ConfigPath | None = None
    """a file of prices by model and modality, relative to the config"""
    database: Annotated[str, AfterValidator(_database)] = "sqlite+aiosqlite:///sessions.db"
    """the record's database, as an SQLAlchemy URL; a relative SQLite file is in the working directory"""
    emulator: EmulatorSettings | None = None
    """the embedded Gemini Live emulator, for calls without key or network"""
    webhook: WebhookSettings | None = None
    """where the result of every session is sent once the call is over"""
    jobs: JobsSettings = Field(default_factory=JobsSettings)
    """how the jobs after the call are kept"""
    experiment: ExperimentSettings | None = None
    """arms between which callers or calls are divided"""


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

    def build(self, session: Session) -> FrameProcessor:
        """A new processor for one call."""
        if issubclass(self.cls, Stage):
            return self.cls(self.settings, session)
        made, found = keywords(self.cls, self.keywords, (self.name,))
        if found:  # not after loading
            raise ValueError("; ".join(f"{dotted(one.at)}: {one.what}" for one in found))
        return self.cls(**made)

    def shown(self) -> dict[str, Any]:
        """The stage as the record keeps it: defaults filled in, secrets hidden."""
        if self.settings is None:
            keys = shown(self.keywords, hide_environment=True)
        else:
            keys = shown(self.settings.model_dump(mode="json", by_alias=True))
        return {"use": self.use, "as": self.name, **keys}


def scoring_of(stages: Iterable[StagePlan]) -> ScoringSettings | None:
    """The settings of the stage that scores; None where nothing is scored."""
    return next((plan.settings for plan in stages if isinstance(plan.settings, ScoringSettings)), None)


@dataclass(frozen=True, slots=True)
class DoorPlan:
    """A door to be opened: its class, and the settings for it."""

    use: str
    cls: type[Any]
    settings: BaseModel

    def shown(self) -> dict[str, Any]:
        """The door as the record keeps it."""
        return {"use": self.use, **shown(self.settings.model_dump(mode="json", by_alias=True))}


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
    listen: DoorPlan | None = None
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
    def scoring(self) -> ScoringSettings | None:
        """The settings of the stage that scores; None where nothing is scored."""
        return scoring_of(self.stages)

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
            "listen": self.listen and self.listen.shown(),
            "stages": [plan.shown() for plan in self.stages],
            "budget": self.budget.model_dump(mode="json"),
            "prices": self.prices and str(self.prices),
            "database": shown(self.database),
            "emulator": self.emulator and self.emulator.model_dump(mode="json"),
            "webhook": self.webhook and shown(self.webhook.model_dump(mode="json")),
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
