"""Every arm of an experiment as a config of its own, so that a slip in one is found before anybody calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config.patch import changed
from pipeline.config.problems import Found, Keys, dotted, known_names
from pipeline.config.resolve import TOP_KEYS, Resolver, value_at, without
from pipeline.config.resolved import Config

# What an arm may change besides stages: the rest is settled before anybody calls.
ARM_KEYS = ("budget", "prices")


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm's config, and what it changes as the record may show it."""

    config: Config
    changes: Mapping[str, Any]


def arms_of(base: Resolver) -> tuple[dict[str, Arm], list[Found]]:
    """Every arm as a config of its own, and what is wrong in an arm that is right without it."""
    arms: dict[str, Arm] = {}
    found: list[Found] = []
    # Read from the data, so that a slip elsewhere in the file does not keep the arms from being checked.
    written = value_at(base.data, ("experiment", "arms"))
    for name in written if isinstance(written, dict) else ():
        at: Keys = ("experiment", "arms", name, "set")
        changes = value_at(base.data, at) or {}
        if not isinstance(changes, dict):
            continue
        data = without(base.data, "experiment")
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
        draft = Resolver(data, base.source)
        config = draft.config()
        found += [_blamed(one, at, places) for one in draft.found if one not in base.found or _cause(one, places)]
        if config is not None and len(places) == len(changes):
            arms[name] = Arm(config, {key: value_at(config.resolved(), keys) for key, keys in places.items()})
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
