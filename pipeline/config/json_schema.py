"""A JSON Schema for a config, so that an editor completes keys and explains them."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pipeline.config.file import ConfigFile
from pipeline.config.registry import LISTENERS, PATH, STAGES, resolve

Schema = dict[str, Any]

_DEFS = "#/$defs/"
_VARIABLE = {"$ref": _DEFS + "FromEnvironment"}
_REMARKS = ("title", "description", "default")


@dataclass(frozen=True, slots=True)
class Part:
    """A stage or a listener by its short name: its purpose, and the schema of its own keys."""

    name: str
    purpose: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a config is made of."""

    top: Schema
    listeners: tuple[Part, ...]
    stages: tuple[Part, ...]
    defs: dict[str, Schema]


def parts() -> Parts:
    """The schemas of the file's top, of the registered listeners and stages, and of what they share."""
    classes = {
        (kind, name): resolve(name, names, kind)
        for kind, names in (("listener", LISTENERS), ("stage", STAGES))
        for name in names
    }
    models: list[type[BaseModel]] = list(dict.fromkeys([ConfigFile, *(cls.Settings for cls in classes.values())]))
    references, whole = models_json_schema([(model, "validation") for model in models], ref_template=_DEFS + "{model}")
    keys = {model: references[model, "validation"]["$ref"].removeprefix(_DEFS) for model in models}
    defs: dict[str, Schema] = {name: _untitled(schema) for name, schema in whole["$defs"].items()}
    schemas = {model: defs.pop(key) for model, key in keys.items()}

    def of(wanted: str) -> Iterator[Part]:
        for (kind, name), cls in classes.items():
            if kind == wanted:
                yield Part(name, _purpose(cls), schemas[cls.Settings])

    return Parts(schemas[ConfigFile], tuple(of("listener")), tuple(of("stage")), defs)


def json_schema() -> Schema:
    """The schema of a whole config, draft 2020-12."""
    found = parts()
    top = _with_variables(found.top)
    listen, stages = top["properties"]["listen"], top["properties"]["stages"]
    listen.pop("anyOf")
    listen["oneOf"] = [*map(_choice, found.listeners), _own_class("listener"), {"type": "null"}]
    stages["items"] = {"oneOf": [*(_choice(stage, _AS) for stage in found.stages), _own_class("stage", _AS)]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Colloquy config",
        **top,
        "$defs": {
            **{name: _with_variables(schema) for name, schema in found.defs.items()},
            "FromEnvironment": {
                "type": "string",
                "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
                "description": "filled in from an environment variable: ${NAME} or ${NAME:-default}",
            },
        },
    }


_AS: Schema = {
    "as": {
        "type": "string",
        "pattern": r"^[^.]+$",
        "description": "a name of its own, by which an experiment's arms find it; needed where a stage is used twice",
    }
}


def _choice(part: Part, more: Mapping[str, Schema] | None = None) -> Schema:
    schema = _with_variables(part.schema)
    use = {"const": part.name, "description": part.purpose}
    return {
        **schema,
        "title": part.name,
        "description": part.purpose,
        "properties": {"use": use, **(more or {}), **schema.get("properties", {})},
        "required": ["use", *schema.get("required", [])],
    }


def _own_class(kind: str, more: Mapping[str, Schema] | None = None) -> Schema:
    use = {
        "type": "string",
        "pattern": rf"^({PATH.pattern}|.*\$\{{.*)$",
        "description": f"the class of a {kind} of your own, as package.module:Class",
    }
    return {
        "title": "package.module:Class",
        "type": "object",
        "properties": {"use": use, **(more or {})},
        "required": ["use"],
        "additionalProperties": True,
    }


def _purpose(cls: type[Any]) -> str:
    return " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())


def _untitled(schema: Schema) -> Schema:
    """Without the titles pydantic makes up from keys, which say nothing the key does not."""
    bare = {key: value for key, value in schema.items() if key != "title"}
    if "properties" in bare:
        bare["properties"] = {
            name: {key: value for key, value in inner.items() if key != "title"}
            for name, inner in bare["properties"].items()
        }
    return bare


def _with_variables(schema: Schema) -> Schema:
    """The schema, with `${NAME}` allowed wherever something else than free text is asked for."""
    opened = dict(schema)
    if "properties" in opened:
        opened["properties"] = {name: _with_variables(inner) for name, inner in opened["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(opened.get(key), dict):
            opened[key] = _with_variables(opened[key])
    if "prefixItems" in opened:
        opened["prefixItems"] = [_with_variables(inner) for inner in opened["prefixItems"]]
    if "anyOf" in opened:
        choices = opened["anyOf"]
        if any(map(_is_narrow, choices)) and not any(map(_is_free_text, choices)):
            opened["anyOf"] = [*choices, _VARIABLE]
    elif _is_narrow(opened):
        remarks = {key: opened.pop(key) for key in _REMARKS if key in opened}
        opened = {**remarks, "anyOf": [opened, _VARIABLE]}
    return opened


def _is_narrow(schema: Schema) -> bool:
    kind = schema.get("type")
    return kind in ("integer", "number", "boolean") or any(key in schema for key in ("enum", "const", "pattern"))


def _is_free_text(schema: Schema) -> bool:
    return schema.get("type") == "string" and not _is_narrow(schema)
