"""A YAML file as plain data: each key's line, no key twice, `${VARIABLES}` filled in."""

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.config.problems import ConfigError, Found, Keys, Problem, dotted
from pipeline.config.validation import M, validated

# More values than any config needs; an alias of aliases of aliases would otherwise fill the memory.
MOST_VALUES = 10_000

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "seq", "map")}
_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:-(.*))?", re.DOTALL)


class FromEnvironment(str):
    """A value that came wholly or partly from environment variables, so that it can be kept out of messages."""

    __slots__ = ("parts",)
    parts: tuple[tuple[str, str], ...]

    def __new__(cls, value: str, parts: tuple[tuple[str, str], ...]) -> "FromEnvironment":
        self = super().__new__(cls, value)
        self.parts = parts
        return self

    def __deepcopy__(self, memo: object) -> "FromEnvironment":
        return self


@dataclass(slots=True)
class Document:
    """What a file says, and what was wrong with it so far."""

    file: str
    data: dict[str, Any]
    lines: dict[Keys, int]
    found: list[Found] = field(default_factory=list)
    unset: set[Keys] = field(default_factory=set)

    def line_of(self, keys: Keys) -> int | None:
        """The line of a key, or of the nearest key above it."""
        for length in range(len(keys), 0, -1):
            if (line := self.lines.get(keys[:length])) is not None:
                return line
        return None

    def problems(self, found: list[Found]) -> list[Problem]:
        """Problems in the order of the file, without those that only follow from an unset variable."""
        kept = dict.fromkeys(
            one for one in found if one in self.found or not any(one.at[: len(keys)] == keys for keys in self.unset)
        )
        problems = [Problem(self.file, dotted(one.at), one.what, self.line_of(one.at)) for one in kept]
        return sorted(problems, key=lambda problem: problem.line or 0)


class _Loader(yaml.SafeLoader):
    """YAML without dates: what looks like one is text, as JSON would have it."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TAG + "timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(path: Path, env: Mapping[str, str]) -> Document:
    """Read a file whose top is a mapping. Raises ConfigError when nothing can be said about its keys."""
    file = str(path)
    text = _text(path)
    found: list[Found] = []
    lines: dict[Keys, int] = {}
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            raise _refusal(file, _EMPTY)
        _walk(node, lines, found)
        if any(one.what in _UNUSABLE for one in found):
            raise ConfigError(Document(file, {}, lines).problems(found))
        data = loader.construct_document(node)
        if data is None:
            raise _refusal(file, _EMPTY)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise _refusal(
            file, f"is not YAML{where}: {_one_line(error.problem or error.context or 'unreadable')}"
        ) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refusal(file, f"is not YAML at line {line}: {_one_line(error.reason)}") from error
    except RecursionError as error:
        raise _refusal(file, "is nested too deeply to be a config") from error
    except ValueError as error:  # such as an integer of 5,000 digits, or PyYAML's own trouble with `0b_`
        raise _refusal(file, f"holds a number that cannot be read: {_one_line(str(error))}") from error
    if not isinstance(data, dict):
        raise _refusal(file, f"expected keys such as `stages:` at the top, not {_kind(data)}")
    document = Document(file, {}, lines, found)
    document.data = _filled(data, (), env, document)
    return document


def read_as(model: type[M], path: Path, env: Mapping[str, str]) -> M:
    """Read a file, such as a price list or a rubric, as a pydantic model. Raises ConfigError."""
    source = read(path, env)
    made, found = validated(model, source.data, (), {"base": path.parent})
    if made is None or source.found:
        raise ConfigError(source.problems(source.found + found))
    return made


def _refusal(file: str, what: str) -> ConfigError:
    return ConfigError([Problem(file, "", what)])


def _text(path: Path) -> str:
    file = str(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise _refusal(file, "there is no such file") from error
    except IsADirectoryError as error:
        raise _refusal(file, "is a directory; expected a YAML file") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _refusal(file, f"cannot be read: {why}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _refusal(file, f"is not UTF-8 at line {line} (byte {error.start}); save it as UTF-8") from error


_EMPTY = "is empty; expected at least `stages:`"
_ITSELF = "refers to itself"
_TOO_MANY = f"holds more than {MOST_VALUES} values, counting what aliases repeat"
_UNUSABLE = (_ITSELF, _TOO_MANY)


def _walk(top: yaml.Node, lines: dict[Keys, int], found: list[Found]) -> None:
    """Note each key's line and whatever YAML allows but a config does not."""
    count = 0

    def visit(node: yaml.Node, keys: Keys, above: tuple[int, ...]) -> None:
        nonlocal count
        count += 1
        if count > MOST_VALUES:
            return
        if id(node) in above:
            found.append(Found(keys, _ITSELF))
            return
        lines.setdefault(keys, node.start_mark.line + 1)
        if node.tag not in _PLAIN_TAGS:
            found.append(
                Found(keys, f"has the YAML tag {_short_tag(node.tag)}; expected plain text, numbers, lists or keys")
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
                    Found(keys, f"has the key {name} on line {line}, which is not text to YAML; put it in quotes")
                )
                continue
            here = (*keys, key.value)
            if key.value in first:
                found.append(Found(here, f"is given twice, on lines {first[key.value]} and {line}; keep one"))
            first.setdefault(key.value, line)
            lines[here] = line
            visit(value, here, above)

    visit(top, (), ())
    if count > MOST_VALUES:
        found.append(Found((), _TOO_MANY))


def _filled(value: Any, keys: Keys, env: Mapping[str, str], document: Document) -> Any:
    """The value with its variables filled in."""
    if isinstance(value, dict):
        return {str(key): _filled(inner, (*keys, str(key)), env, document) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, (*keys, index), env, document) for index, inner in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        document.found.append(Found(keys, "expected a finite number"))
        document.unset.add(keys)
    if not isinstance(value, str) or "${" not in value:
        return value
    parts: list[tuple[str, str]] = []
    wrong: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        inside = _INSIDE.fullmatch(match[1])
        if inside is None or not match[2]:
            wrong.append(
                f"{match[0]} is not a variable; expected ${{NAME}} or ${{NAME:-default}}, or $${{ for a plain ${{"
            )
            return ""
        name, has_default, default = inside[1], inside[2] is not None, inside[3]
        content = env.get(name)
        if content:
            parts.append((name, content))
            return content
        if has_default:  # as in a shell, the default also stands in for an empty variable
            return default
        state = "not set" if content is None else "set but empty"
        wrong.append(f"the environment variable {name} is {state}; set it, or give a default with ${{{name}:-...}}")
        return ""

    text = _REFERENCE.sub(replace, value)
    document.found.extend(Found(keys, what) for what in dict.fromkeys(wrong))
    if wrong:
        document.unset.add(keys)
    return FromEnvironment(text, tuple(parts)) if parts else text


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", bool: "true or false"}.get(type(value), "a number")


def _short_tag(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


def _one_line(text: str) -> str:
    return " ".join(text.split())
