"""A document to a config: names become classes, keys become settings, mistakes become sentences."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipecat.processors.frame_processor import FrameProcessor
from pydantic import BaseModel

from core.billing.prices import PriceList
from pipeline.config.constructor import keywords
from pipeline.config.document import read_as
from pipeline.config.file import ConfigFile, ExperimentSettings, name_of
from pipeline.config.order import misplaced
from pipeline.config.problems import ConfigError, Finding, Keys, known_names
from pipeline.config.redaction import malformed_keys, without_secrets
from pipeline.config.registry import LISTENERS, STAGES, Unresolved, resolve
from pipeline.config.resolved import Config, Experiment, ListenerPlan, StagePlan
from pipeline.config.validation import fields_of, validated
from processors.stage import Stage

# In an arm's `set`, a stage of such a name would be ambiguous.
TOP_KEYS = frozenset(fields_of(ConfigFile))


@dataclass
class Resolver:
    """Makes a config of a document's `data`, and collects in `found` what is wrong with it."""

    data: dict[str, Any]
    source: Path
    found: list[Finding] = field(default_factory=list[Finding])
    top: ConfigFile | None = None
    names: list[str] = field(default_factory=list[str])

    def config(self) -> Config | None:
        """The config, without the arms of its experiment; None when something was wrong."""
        self.top = self._make(ConfigFile, self.data, ())
        listen = self._listener(self.data.get("listen"))
        stages = self._stages(self.data.get("stages"))
        price_list = self._price_list()
        owes_verdict = any(plan.info.owes_verdict for plan in stages)
        if self.top is not None and self.top.webhook is not None and not owes_verdict:
            self.report(("webhook",), "nothing is scored, so there is no result to send; add the stage `scoring`")
        self._check_whole()
        if self.top is None or self.found:
            return None
        name = self.top.name or name_of(self.source)
        return Config(
            name=name,
            source=self.source,
            stages=stages,
            listen=listen,
            budget=self.top.budget,
            prices=self.top.prices,
            price_list=price_list,
            database=self.top.database,
            emulator=self.top.emulator,
            webhook=self.top.webhook,
            jobs=self.top.jobs,
            experiment=self.top.experiment and _experiment(name, self.top.experiment),
        )

    def report(self, at: Keys, what: str) -> None:
        self.found.append(Finding(at, what))

    def _make(self, model: type[BaseModel], data: Any, at: Keys) -> Any:
        emulated = self.data.get("emulator") is not None
        made, found = validated(model, data, at, {"base": self.source.parent, "emulated": emulated})
        self.found += found
        return made

    def _listener(self, data: Any) -> ListenerPlan | None:
        if not isinstance(data, dict):
            return None  # absent, or refused with the top of the file
        cls = self._class(data, ("listen",), LISTENERS, "listener")
        if cls is None:
            return None
        settings = self._settings(cls, without(data, "use"), ("listen",))
        return None if settings is None else ListenerPlan(data["use"], cls, settings)

    def _settings(self, cls: type[Any], keys: dict[str, Any], at: Keys) -> Any:
        model = getattr(cls, "Settings", None)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            self.report((*at, "use"), f"{cls.__name__} has no Settings to check its keys with")
            return None
        made = self._make(model, keys, at)
        self.found += malformed_keys(made, at)
        return made

    def _stages(self, data: Any) -> tuple[StagePlan, ...]:
        entries = data if isinstance(data, list) else []
        self.names = [_stage_name(entry) for entry in entries]
        plans = [self._stage(entry, index) for index, entry in enumerate(entries) if isinstance(entry, dict)]
        for name, count in Counter(name for name in self.names if name).items():
            if count > 1:
                last = len(self.names) - 1 - self.names[::-1].index(name)
                self.report(("stages", last), f'"{name}" is here {count} times; give each its own name with `as: name`')
        resolved = tuple(plan for plan in plans if plan is not None)
        if len(resolved) == len(entries):  # else the places in the row are not those in the file
            for index, what in misplaced(resolved):
                self.report(("stages", index), what)
        return resolved

    def _stage(self, entry: dict[str, Any], index: int) -> StagePlan | None:
        at: Keys = ("stages", index)
        if "as" in entry:
            self._check_name(entry["as"], (*at, "as"))
        cls = self._class(entry, at, STAGES, "stage")
        if cls is None:
            return None
        name, use, keys = self.names[index], entry["use"], without(entry, "use", "as")
        if issubclass(cls, Stage):
            settings = self._settings(cls, keys, at)
            return None if settings is None else StagePlan(name, use, cls, settings, info=cls.describe(settings))
        if issubclass(cls, FrameProcessor):
            self.found += keywords(cls, keys, at)[1]
            self.found += malformed_keys(keys, at)
            return StagePlan(name, use, cls, None, keys)
        self.report((*at, "use"), f"{cls.__name__} is neither a Stage nor another Pipecat FrameProcessor")
        return None

    def _check_name(self, name: Any, at: Keys) -> None:
        if not isinstance(name, str) or not name or "." in name:
            self.report(at, "expected a name without dots")
        elif name in TOP_KEYS:
            self.report(at, f'"{name}" is a key of the config itself; choose another name')

    def _class(self, data: dict[str, Any], at: Keys, names: Mapping[str, str], kind: str) -> type[Any] | None:
        use = data.get("use")
        if not isinstance(use, str):
            what = "expected a short name or package.module:Class"
            self.report(
                (*at, "use"), f"{'field required' if use is None else 'not text'}; {what}{known_names('', names)}"
            )
            return None
        try:
            return resolve(use, names, kind)
        except Unresolved as error:
            self.report((*at, "use"), str(error))
            return None

    def _price_list(self) -> PriceList | None:
        if self.top is None or self.top.prices is None:
            return None
        try:
            return read_as(PriceList, self.top.prices, {})
        except ConfigError as error:
            for problem in error.problems:
                self.report(("prices",), str(problem))
            return None

    def _check_whole(self) -> None:
        """What no part can know by itself; then the secrets go out of every sentence."""
        if self.top is not None:
            if self.top.budget.usd is not None and self.top.prices is None:
                self.report(
                    ("budget", "usd"), "a limit in dollars needs prices to count with; name a file under `prices`"
                )
            experiment = self.top.experiment
            if experiment is not None and not any(arm.weight for arm in experiment.arms.values()):
                self.report(("experiment", "arms"), "no arm has a weight above 0")
        self.found = [Finding(one.at, self._redacted(one)) for one in self.found]

    def _redacted(self, one: Finding) -> str:
        what = without_secrets(one.what, value_at(self.data, one.at))
        return what or "the value is not accepted (it came from the environment, so it is not shown)"


def without(entry: dict[str, Any], *ours: str) -> dict[str, Any]:
    """The keys that are the class's, not ours."""
    return {key: value for key, value in entry.items() if key not in ours}


def _stage_name(entry: Any) -> str:
    """What `as` says, else the short name, else the class's own name."""
    if not isinstance(entry, dict):
        return ""
    name = entry.get("as", entry.get("use"))
    if not isinstance(name, str):
        return ""
    return name if "as" in entry else name.rpartition(":")[2].rpartition(".")[2]


def _experiment(config: str, settings: ExperimentSettings) -> Experiment:
    weights = {name: arm.weight for name, arm in settings.arms.items()}
    return Experiment(settings.name or config, settings.unit, weights, {name: {} for name in weights})


def value_at(data: Any, keys: Keys) -> Any:
    """The value at a key path; None where it leads nowhere."""
    for key in keys:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data
