"""A YAML file to a checked config, or everything that is wrong with it at once."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipecat.processors.frame_processor import FrameProcessor
from pydantic import BaseModel

from core.experiments import changed
from core.usage import PriceList
from pipeline import document
from pipeline.config import Config, ConfigFile, DoorPlan, Experiment, ExperimentSettings, StagePlan
from pipeline.foreign import keywords
from pipeline.hidden import without_secrets
from pipeline.problems import ConfigError, Found, Keys, dotted, known_names
from pipeline.registry import DOORS, STAGES, Unresolved, resolve
from pipeline.wording import M, fields_of, validated
from processors.stage import Stage

__all__ = ["ConfigError", "load", "read_as"]

# A stage of such a name could not be told from the key in an arm's `set`.
TOP_KEYS = frozenset(fields_of(ConfigFile))

# What an arm may change besides stages: the rest is settled before anybody calls.
ARM_KEYS = ("budget", "prices")


def load(path: Path, env: Mapping[str, str] | None = None) -> Config:
    """Read and check a config. Variables come from `env`, by default the process's environment.

    Raises ConfigError, which holds every problem found.
    """
    source = document.read(path, os.environ if env is None else env)
    draft = _Draft(source.data, path)
    config = draft.config()
    arms, found = _arms(draft)
    found = source.found + draft.found + found
    if config is None or found:
        raise ConfigError(source.problems(found))
    if config.experiment is None:
        return config
    experiment = replace(config.experiment, changes={name: arm.changes for name, arm in arms.items()})
    return replace(
        config,
        experiment=experiment,
        arms={name: replace(arm.config, experiment=experiment, arm=name) for name, arm in arms.items()},
    )


def read_as(model: type[M], path: Path, env: Mapping[str, str] | None = None) -> M:
    """Another YAML file, such as a rubric, as a pydantic model. Raises ConfigError."""
    source = document.read(path, os.environ if env is None else env)
    made, found = validated(model, source.data, (), {"base": path.parent})
    if made is None or source.found:
        raise ConfigError(source.problems(source.found + found))
    return made


@dataclass
class _Draft:
    """A document on its way to a config: what could be made of it, and what was wrong."""

    data: dict[str, Any]
    source: Path
    found: list[Found] = field(default_factory=list[Found])
    top: ConfigFile | None = None
    names: list[str] = field(default_factory=list[str])

    def config(self) -> Config | None:
        """The config, without the arms of its experiment; None when something was wrong."""
        self.top = self._make(ConfigFile, self.data, ())
        listen = self._door(self.data.get("listen"))
        stages = self._stages(self.data.get("stages"))
        price_list = self._price_list()
        self._settle()
        if self.top is None or self.found:
            return None
        name = self.top.name or self.source.stem
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
            experiment=self.top.experiment and _experiment(name, self.top.experiment),
        )

    def say(self, at: Keys, what: str) -> None:
        self.found.append(Found(at, what))

    def _make(self, model: type[BaseModel], data: Any, at: Keys) -> Any:
        made, found = validated(model, data, at, {"base": self.source.parent})
        self.found += found
        return made

    def _door(self, data: Any) -> DoorPlan | None:
        if not isinstance(data, dict):
            return None  # absent, or refused with the top of the file
        cls = self._class(data, ("listen",), DOORS, "door")
        if cls is None:
            return None
        settings = getattr(cls, "Settings", None)
        if not (isinstance(settings, type) and issubclass(settings, BaseModel)):
            self.say(("listen", "use"), f"{cls.__name__} is not a door: it has no Settings")
            return None
        made = self._make(settings, {key: value for key, value in data.items() if key != "use"}, ("listen",))
        return made and DoorPlan(data["use"], cls, made)

    def _stages(self, data: Any) -> tuple[StagePlan, ...]:
        entries = data if isinstance(data, list) else []
        self.names = [_stage_name(entry) for entry in entries]
        plans = [self._stage(entry, index) for index, entry in enumerate(entries) if isinstance(entry, dict)]
        for name, count in Counter(name for name in self.names if name).items():
            if count > 1:
                last = len(self.names) - 1 - self.names[::-1].index(name)
                self.say(("stages", last), f'"{name}" is here {count} times; give each its own name with `as: name`')
        return tuple(plan for plan in plans if plan is not None)

    def _stage(self, entry: dict[str, Any], index: int) -> StagePlan | None:
        at: Keys = ("stages", index)
        if "as" in entry:
            self._check_name(entry["as"], (*at, "as"))
        cls = self._class(entry, at, STAGES, "stage")
        if cls is None:
            return None
        name, use = self.names[index], entry["use"]
        keys = {key: value for key, value in entry.items() if key not in ("use", "as")}
        if issubclass(cls, Stage):
            settings = self._make(cls.Settings, keys, at)
            return settings and StagePlan(name, use, cls, settings)
        if issubclass(cls, FrameProcessor):
            self.found += keywords(cls, keys, at)[1]
            return StagePlan(name, use, cls, None, keys)
        self.say((*at, "use"), f"{cls.__name__} is neither a Stage nor another Pipecat FrameProcessor")
        return None

    def _check_name(self, name: Any, at: Keys) -> None:
        if not isinstance(name, str) or not name or "." in name:
            self.say(at, "expected a name without dots")
        elif name in TOP_KEYS:
            self.say(at, f'"{name}" is a key of the config itself; choose another name')

    def _class(self, data: dict[str, Any], at: Keys, names: Mapping[str, str], kind: str) -> type[Any] | None:
        use = data.get("use")
        if not isinstance(use, str):
            what = "expected a short name or package.module:Class"
            self.say((*at, "use"), f"{'field required' if use is None else 'not text'}; {what}{known_names('', names)}")
            return None
        try:
            return resolve(use, names, kind)
        except Unresolved as error:
            self.say((*at, "use"), str(error))
            return None

    def _price_list(self) -> PriceList | None:
        if self.top is None or self.top.prices is None:
            return None
        try:
            return read_as(PriceList, self.top.prices, {})
        except ConfigError as error:
            for problem in error.problems:
                self.say(("prices",), str(problem))
            return None

    def _settle(self) -> None:
        """What no part can know by itself; then the secrets go out of every sentence."""
        if self.top is not None:
            if self.top.budget.usd is not None and self.top.prices is None:
                self.say(("budget", "usd"), "a limit in dollars needs prices to count with; name a file under `prices`")
            experiment = self.top.experiment
            if experiment is not None and not any(arm.weight for arm in experiment.arms.values()):
                self.say(("experiment", "arms"), "no arm has a weight above 0")
        self.found = [Found(one.at, self._discreet(one)) for one in self.found]

    def _discreet(self, one: Found) -> str:
        what = without_secrets(one.what, _at(self.data, one.at))
        return what or "the value is not accepted (it came from the environment, so it is not shown)"


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


@dataclass(frozen=True, slots=True)
class _Arm:
    config: Config
    changes: Mapping[str, Any]


def _arms(base: _Draft) -> tuple[dict[str, _Arm], list[Found]]:
    """Every arm as a config of its own, and what is wrong in an arm that is right without it."""
    arms: dict[str, _Arm] = {}
    found: list[Found] = []
    # Read from the data, so that a slip elsewhere in the file does not keep the arms from being checked.
    written = _at(base.data, ("experiment", "arms"))
    for name in written if isinstance(written, dict) else ():
        at: Keys = ("experiment", "arms", name, "set")
        changes = _at(base.data, at) or {}
        if not isinstance(changes, dict):
            continue
        data = {key: value for key, value in base.data.items() if key != "experiment"}
        data["name"] = data.get("name") or base.source.stem
        if isinstance(data.get("stages"), list):  # an arm that changes `use` leaves the name as it was
            data["stages"] = [
                {**entry, "as": own} if own else entry for entry, own in zip(data["stages"], base.names, strict=True)
            ]
        places: dict[str, Keys] = {}
        for key, value in changes.items():
            try:
                places[key] = _place(key, base.names)
                data = changed(data, places[key], value)
            except ValueError as error:
                found.append(Found((*at, key), str(error)))
        draft = _Draft(data, base.source)
        config = draft.config()
        found += [_blamed(one, at, places) for one in draft.found if one not in base.found or _cause(one, places)]
        if config is not None and len(places) == len(changes):
            arms[name] = _Arm(config, {key: _at(config.resolved(), keys) for key, keys in places.items()})
    return arms, found


def _place(key: str, stages: list[str]) -> Keys:
    """Where in the document an arm's key leads."""
    head, *rest = key.split(".")
    if head in ARM_KEYS:
        return (head, *rest)
    if head in TOP_KEYS:
        raise ValueError(f"an arm may change stages, {' and '.join(ARM_KEYS)}, but not {head}")
    if head not in stages:
        raise ValueError(f'no stage "{head}"{known_names(head, [*filter(None, stages), *ARM_KEYS])}')
    if not rest or rest == ["as"]:
        raise ValueError(f"expected `{head}.key`, a key of that stage")
    return ("stages", stages.index(head), *rest)


def _cause(one: Found, places: Mapping[str, Keys]) -> str | None:
    """The key of an arm's `set` that a problem is about."""
    return next((key for key, keys in places.items() if one.at[: len(keys)] == keys), None)


def _blamed(one: Found, at: Keys, places: Mapping[str, Keys]) -> Found:
    """A problem of an arm's config, said of the line that makes it."""
    key = _cause(one, places)
    if key is None:
        return Found(at, f"with these changes, {dotted(one.at)}: {one.what}")
    return Found((*at, key, *one.at[len(places[key]) :]), one.what)


def _at(data: Any, keys: Keys) -> Any:
    """The value at a key path; None where it leads nowhere."""
    for key in keys:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data
