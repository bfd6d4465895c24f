"""A config's YAML file as plain data, with `${VARIABLES}` filled in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.config.problems import ConfigError, Finding, Keys, Problem, dotted
from pipeline.config.validation import M, validated
from processors.yaml_file import NOT_FINITE, Unreadable, YamlFile, load

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:-(.*))?", re.DOTALL)


class FromEnvironment(str):
    """A value that came wholly or partly from environment variables, so that it can be left out of messages."""

    __slots__ = ("parts",)
    parts: tuple[tuple[str, str], ...]

    def __new__(cls, value: str, parts: tuple[tuple[str, str], ...]) -> "FromEnvironment":
        self = super().__new__(cls, value)
        self.parts = parts
        return self

    def __deepcopy__(self, memo: object) -> "FromEnvironment":
        return self


@dataclass(slots=True)
class Document(YamlFile):
    """What a file says, and what was wrong with it so far."""

    file: str = ""
    unset: set[Keys] = field(default_factory=set[Keys])

    def problems(self, found: list[Finding]) -> list[Problem]:
        """Problems in the order of the file, without those that only follow from an unset variable."""
        relevant = dict.fromkeys(
            one for one in found if one in self.found or not any(one.at[: len(keys)] == keys for keys in self.unset)
        )
        problems = [Problem(self.file, dotted(one.at), one.what, self.line_of(one.at)) for one in relevant]
        return sorted(problems, key=lambda problem: problem.line or 0)


def read(path: Path, env: Mapping[str, str]) -> Document:
    """Read a file whose top is a mapping. Raises ConfigError when nothing can be said about its keys."""
    file = str(path)
    try:
        content = load(path)
    except Unreadable as error:
        raise _refusal(file, str(error)) from error
    document = Document({}, content.lines, content.found, file)
    if content.unusable:
        raise ConfigError(document.problems(content.found))
    if content.data is None:
        raise _refusal(file, "is empty; expected at least `stages:`")
    if not isinstance(content.data, dict):
        raise _refusal(file, f"expected keys such as `stages:` at the top, not {_kind(content.data)}")
    document.unset = {one.at for one in content.found if one.what == NOT_FINITE}
    document.data = _filled(content.data, (), env, document)
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


def _filled(value: Any, keys: Keys, env: Mapping[str, str], document: Document) -> Any:
    """The value with its variables filled in."""
    if isinstance(value, dict):
        return {str(key): _filled(inner, (*keys, str(key)), env, document) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, (*keys, index), env, document) for index, inner in enumerate(value)]
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
    document.found.extend(Finding(keys, what) for what in dict.fromkeys(wrong))
    if wrong:
        document.unset.add(keys)
    return FromEnvironment(text, tuple(parts)) if parts else text


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", bool: "true or false"}.get(type(value), "a number")
