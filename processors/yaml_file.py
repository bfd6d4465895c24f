"""YAML as plain data, read strictly: each key's line, no key twice, nothing that JSON could not hold.

Configs, plans and rubrics are read with it.
"""

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Keys = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)

# More values than any file needs; an alias of aliases of aliases would otherwise fill the RAM.
MOST_VALUES = 10_000
NOT_FINITE = "expected a finite number"

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "seq", "map")}
_ITSELF = "refers to itself"
_TOO_MANY = f"holds more than {MOST_VALUES} values, counting what aliases repeat"
_UNUSABLE = (_ITSELF, _TOO_MANY)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a key; the key is () for the file as a whole."""

    at: Keys
    what: str


class Unreadable(ValueError):
    """A file of whose keys nothing can be said; the text is the rest of a sentence that begins with the file."""


@dataclass(slots=True)
class YamlFile:
    """What a file holds, the line of each key, and what is wrong with its keys. No `data` when that is unusable."""

    data: Any
    lines: dict[Keys, int]
    found: list[Finding] = field(default_factory=list[Finding])

    def line_of(self, keys: Keys) -> int | None:
        """The line of a key, or of the nearest key above it."""
        for length in range(len(keys), 0, -1):
            if (line := self.lines.get(keys[:length])) is not None:
                return line
        return None

    @property
    def unusable(self) -> bool:
        """Whether the values cannot even be put together."""
        return any(one.what in _UNUSABLE for one in self.found)


class _Loader(yaml.SafeLoader):
    """YAML without dates and without numbers to the base of 60: `2026-11-22` and `12:30` are text, as in YAML 1.2."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        tag = super().resolve(kind, value, implicit)
        sexagesimal = tag in (_TAG + "int", _TAG + "float") and ":" in value
        return _TAG + "str" if sexagesimal or tag == _TAG + "timestamp" else tag


def load(path: Path) -> YamlFile:
    """The content of a file. Raises Unreadable."""
    text = _text(path)
    found: list[Finding] = []
    lines: dict[Keys, int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return YamlFile(None, lines)
        _walk(node, lines, found)
        if any(one.what in _UNUSABLE for one in found):
            return YamlFile(None, lines, found)
        data = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Unreadable(
            f"is not YAML{where}: {_on_one_line(error.problem or error.context or 'unreadable')}"
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable(f"is not YAML at line {line}: {_on_one_line(error.reason)}") from error
    except RecursionError as error:
        raise Unreadable("is nested too deeply") from error
    except ValueError as error:  # such as an integer of 5,000 digits, or PyYAML's own trouble with `0b_`
        raise Unreadable(f"holds a number that cannot be read: {_on_one_line(str(error))}") from error
    found += [Finding(keys, NOT_FINITE) for keys in _not_finite(data, ())]
    return YamlFile(data, lines, found)


def read(path: Path, model: type[M], kind: str) -> M:
    """What a file says, as `model`. Raises ValueError in a sentence of file, key, fault and line; `kind` is what the
    file should be ("a rubric").
    """
    try:
        content = load(path)
    except Unreadable as error:
        raise ValueError(f"{path} {error}") from error
    try:
        if not content.found:
            return model.model_validate(content.data)
        first = content.found[0]
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        first = Finding(keys_in_file(content.data, details), details["msg"].removeprefix("Value error, "))
    line = content.line_of(first.at)
    where = f"{dotted(first.at)}: " if first.at else ""
    raise ValueError(f"{path} is not {kind}: {where}{first.what}" + ("" if line is None else f" (line {line})"))


def keys_in_file(data: Any, error: ErrorDetails) -> Keys:
    """A pydantic error's location without the steps that are pydantic's own, such as the member of a union."""
    keys: list[str | int] = []
    for index, key in enumerate(error["loc"]):
        if (isinstance(data, Mapping) and key in data) or (
            isinstance(data, list | tuple) and isinstance(key, int) and key < len(data)
        ):
            data = data[key]  # pyright: ignore[reportCallIssue, reportArgumentType]
            keys.append(key)
        elif error["type"] == "missing" and index == len(error["loc"]) - 1:
            keys.append(key)
    return tuple(keys)


def dotted(keys: Keys) -> str:
    """A key path as it is written in errors and arms: `stages.1.silence`."""
    return ".".join(map(str, keys))


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise Unreadable("there is no such file") from error
    except IsADirectoryError as error:
        raise Unreadable("is a directory; expected a YAML file") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise Unreadable(f"cannot be read: {why}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(f"is not UTF-8 at line {line} (byte {error.start}); save it as UTF-8") from error


def _walk(top: yaml.Node, lines: dict[Keys, int], found: list[Finding]) -> None:
    """Note each key's line and whatever YAML allows but these files do not."""
    count = 0

    def visit(node: yaml.Node, keys: Keys, above: tuple[int, ...]) -> None:
        nonlocal count
        count += 1
        if count > MOST_VALUES:
            return
        if id(node) in above:
            found.append(Finding(keys, _ITSELF))
            return
        lines.setdefault(keys, node.start_mark.line + 1)
        if node.tag not in _PLAIN_TAGS:
            found.append(
                Finding(keys, f"has the YAML tag {_short_tag(node.tag)}; expected plain text, numbers, lists or keys")
            )
        elif isinstance(node, yaml.MappingNode):
            visit_mapping(node, keys, (*above, id(node)))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                visit(item, (*keys, index), (*above, id(node)))

    def visit_mapping(node: yaml.MappingNode, keys: Keys, above: tuple[int, ...]) -> None:
        first: dict[Hashable, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag == _TAG + "merge":
                visit(value, (*keys, "<<"), above)
                continue
            if not isinstance(key, yaml.ScalarNode) or key.tag != _TAG + "str":
                name = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                found.append(
                    Finding(keys, f"has the key {name} on line {line}, which is not text to YAML; put it in quotes")
                )
                continue
            here = (*keys, key.value)
            if key.value in first:
                found.append(Finding(here, f"is given twice, on lines {first[key.value]} and {line}; keep one"))
            first.setdefault(key.value, line)
            lines[here] = line
            visit(value, here, above)

    visit(top, (), ())
    if count > MOST_VALUES:
        found.append(Finding((), _TOO_MANY))


def _not_finite(value: Any, keys: Keys) -> Iterator[Keys]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _not_finite(inner, (*keys, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _not_finite(inner, (*keys, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield keys


def _short_tag(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
