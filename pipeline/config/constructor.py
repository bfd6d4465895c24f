"""Pipecat processors that are not our stages: YAML keys as keywords of a constructor, checked against its signature.

Pipecat's own classes take some of their settings as a dataclass, a pydantic model or an enum; such a parameter is made
from plain data. Everything else is passed as it is in the file.
"""

import inspect
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, get_type_hints

from pydantic import BaseModel

from pipeline.config.problems import Finding, Keys, known_names
from pipeline.config.validation import options, validated


def keywords(constructor: type[Any], data: Mapping[str, Any], at: Keys) -> tuple[dict[str, Any], list[Finding]]:
    """New keyword arguments made of plain data, and what the constructor would not accept of it."""
    name = constructor.__name__
    try:
        parameters = inspect.signature(constructor).parameters
    except (TypeError, ValueError) as error:
        return {}, [Finding((*at, "use"), f"{name} cannot be built from keys: {error}")]
    found: list[Finding] = []
    for one in parameters.values():
        missing = one.default is one.empty and one.name not in data
        if one.kind is one.POSITIONAL_ONLY and one.default is one.empty:
            found.append(
                Finding((*at, "use"), f"{name} cannot be built from keys: it takes {one.name} by position only")
            )
        elif one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) and missing:
            found.append(Finding((*at, one.name), f"the constructor of {name} needs this"))
    named = [one.name for one in parameters.values() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    if not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        found += [
            Finding((*at, key), f"the constructor of {name} has no parameter {key}{known_names(key, named)}")
            for key in data
            if key not in named
        ]
    hints = _hints(constructor.__init__, {one.name: one.annotation for one in parameters.values()})
    return {key: _converted(hints.get(key), value, (*at, key), found) for key, value in data.items()}, found


def _hints(owner: Any, written: Mapping[str, Any]) -> dict[str, Any]:
    """Annotations as types. Where one of them can only be resolved by a type checker, those that need no resolving."""
    try:
        return get_type_hints(owner)
    except (NameError, TypeError, AttributeError):
        return {name: annotation for name, annotation in written.items() if not isinstance(annotation, str)}


def _converted(annotation: Any, value: Any, at: Keys, found: list[Finding]) -> Any:
    """What the annotation asks for, made of plain data; the data itself where that needs no making."""
    classes = [option for option in options(annotation) if isinstance(option, type)]
    if isinstance(value, Mapping):
        for cls in classes:
            if issubclass(cls, BaseModel):
                made, wrong = validated(cls, value, at)
                found += wrong
                return made
            if is_dataclass(cls):
                return _dataclass(cls, value, at, found)
        return {key: _converted(None, inner, (*at, key), found) for key, inner in value.items()}
    if isinstance(value, list):
        return [_converted(None, inner, (*at, index), found) for index, inner in enumerate(value)]
    enums = [cls for cls in classes if issubclass(cls, Enum)]
    if isinstance(value, str) and enums and str not in classes:
        for enum in enums:
            if value in {member.value for member in enum}:
                return enum(value)
        known = [str(member.value) for enum in enums for member in enum]
        found.append(Finding(at, f"not one of the choices{known_names(value, known)}"))
    return str(value) if isinstance(value, str) else value


def _dataclass(cls: type[Any], data: Mapping[str, Any], at: Keys, found: list[Finding]) -> Any:
    known = {field.name: field for field in fields(cls) if field.init}
    wrong = [
        Finding((*at, key), f"{cls.__name__} has no {key}{known_names(key, known)}") for key in data if key not in known
    ]
    wrong += [
        Finding((*at, name), f"{cls.__name__} needs this")
        for name, field in known.items()
        if name not in data and field.default is MISSING and field.default_factory is MISSING
    ]
    hints = _hints(cls, {name: field.type for name, field in known.items()})
    made = {key: _converted(hints.get(key), value, (*at, key), wrong) for key, value in data.items()}
    found += wrong
    return None if wrong else cls(**made)
