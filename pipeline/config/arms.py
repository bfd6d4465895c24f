"""Every arm of an experiment as a checked config of its own, so that a mistake in one is found at the start."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config.file import name_of
from pipeline.config.patch import patched
from pipeline.config.problems import Finding, Keys, dotted, known_names
from pipeline.config.resolve import TOP_KEYS, Resolver, value_at, without
from pipeline.config.resolved import Config

# What an arm may change besides stages: the rest is fixed before the first call.
ARM_KEYS = ("budget", "prices")


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm's config, and its changes with secrets hidden."""

    config: Config
    changes: Mapping[str, Any]


def arms_of(base: Resolver) -> tuple[dict[str, Arm], list[Finding]]:
    """Every arm as a config of its own, and what is wrong in an arm that is right without it."""
    arms: dict[str, Arm] = {}
    found: list[Finding] = []
    # Read from the data, so that the arms are checked even if there is a mistake elsewhere in the file.
    written = value_at(base.data, ("experiment", "arms"))
    for name in written if isinstance(written, dict) else ():
        at: Keys = ("experiment", "arms", name, "set")
        changes = value_at(base.data, at) or {}
        if not isinstance(changes, dict):
            continue
        data = without(base.data, "experiment")
        data["name"] = data.get("name") or name_of(base.source)
        if isinstance(data.get("stages"), list):  # an arm that changes `use` leaves the name as it was
            data["stages"] = [
                {**entry, "as": own} if own else entry for entry, own in zip(data["stages"], base.names, strict=True)
            ]
        targets: dict[str, Keys] = {}
        for key, value in changes.items():
            try:
                targets[key] = _target(key, base.names)
                data = patched(data, targets[key], value)
            except ValueError as error:
                found.append(Finding((*at, key), str(error)))
        resolver = Resolver(data, base.source)
        config = resolver.config()
        found += [
            _attributed(one, at, targets) for one in resolver.found if one not in base.found or _cause(one, targets)
        ]
        if config is not None and len(targets) == len(changes):
            arms[name] = Arm(config, {key: value_at(config.resolved(), keys) for key, keys in targets.items()})
    return arms, found


def _target(key: str, stages: list[str]) -> Keys:
    """The keys in the document to which an arm's key leads."""
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


def _cause(one: Finding, targets: Mapping[str, Keys]) -> str | None:
    """The key of an arm's `set` that a problem is about."""
    return next((key for key, keys in targets.items() if one.at[: len(keys)] == keys), None)


def _attributed(one: Finding, at: Keys, targets: Mapping[str, Keys]) -> Finding:
    """A problem of an arm's config, at the key of its `set` that causes it."""
    key = _cause(one, targets)
    if key is None:
        return Finding(at, f"with these changes, {dotted(one.at)}: {one.what}")
    return Finding((*at, key, *one.at[len(targets[key]) :]), one.what)
