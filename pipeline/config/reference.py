"""Every key of a config as Markdown tables, for docs/config.md."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.config.json_schema import Part, Schema, parts

MARK = "<!-- Everything below is written by `colloquy schema --update docs/config.md`. -->"


def updated(page: str) -> str:
    """A page with the tables below its mark brought up to date."""
    prose, _, _ = page.partition(MARK)
    return f"{prose}{MARK}\n\n{tables()}"


def tables() -> str:
    """All tables: the top of a file, its parts, each listener, each stage."""
    found = parts()
    return "\n".join(
        [
            "## The top of a file\n",
            *_table(found.top, found.defs),
            *(line for name, schema in found.defs.items() for line in _shared(name, schema, found.defs)),
            "## Listeners (`listen:`)\n",
            *(line for listener in found.listeners for line in _part(listener, found.defs)),
            "## Stages (`stages:`)\n",
            *(line for stage in found.stages for line in _part(stage, found.defs)),
        ]
    )


def _part(part: Part, defs: Mapping[str, Schema]) -> Iterator[str]:
    yield f"### {part.name}\n"
    yield f"{part.purpose}\n"
    if part.schema.get("properties"):
        yield from _table(part.schema, defs)
    else:
        yield "It has no keys of its own.\n"


def _shared(name: str, schema: Schema, defs: Mapping[str, Schema]) -> Iterator[str]:
    if "properties" in schema:
        yield f"### {_words(name)}\n"
        yield f"{schema.get('description', '')}\n"
        yield from _table(schema, defs)


def _table(schema: Schema, defs: Mapping[str, Schema]) -> Iterator[str]:
    required = schema.get("required", [])
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for key, inner in schema["properties"].items():
        default = "required" if key in required else _default(inner.get("default"))
        yield f"| `{key}` | {_cell(_kind(inner, defs))} | {default} | {_cell(inner.get('description', ''))} |"
    yield ""


def _kind(schema: Schema, defs: Mapping[str, Schema]) -> str:
    """What a value may be, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = defs[name]
        return f"keys, see {_words(name)}" if "properties" in target else _kind(target, defs)
    if "anyOf" in schema:
        kinds = dict.fromkeys(_kind(choice, defs) for choice in schema["anyOf"] if choice.get("type") != "null")
        if any(kind.startswith("number") for kind in kinds):  # pydantic also takes a decimal as text
            kinds.pop("text", None)
        if {"type": "null"} in schema["anyOf"] and schema.get("default") is not None:
            kinds["`null`"] = None
        return " or ".join(kinds)
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{choice}`" for choice in schema.get("enum", [schema.get("const")]))
    match schema.get("type"):
        case "array":
            items = schema.get("items") or next(iter(schema.get("prefixItems", [])), {})
            kind = _kind(items, defs)
            return f"list of {kind.replace('number', 'numbers', 1)}"
        case "object":
            inner = schema.get("additionalProperties")
            return f"names, each with {_kind(inner, defs)}" if isinstance(inner, dict) else "keys"
        case "number" | "integer" as kind:
            return f"{'number' if kind == 'number' else 'whole number'}{_bounds(schema)}"
        case "boolean":
            return "`true`, `false`"
        case "string":
            return {"path": "file", "password": "text, secret"}.get(schema.get("format", ""), "text")
        case _:
            return "anything"


def _bounds(schema: Schema) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']:g} to {schema['maximum']:g}"
    signs = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
    bounds = [f" {sign} {schema[key]:g}" for key, sign in signs.items() if key in schema]
    return " and".join(bounds)


def _default(value: Any) -> str:
    if value is None or isinstance(value, dict):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _words(model: str) -> str:
    return model.removesuffix("Settings").lower()
