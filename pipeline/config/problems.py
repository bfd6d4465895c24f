"""What a problem of a config is: file, key, line and sentence; `ConfigError` holds all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from processors.yaml_file import Finding, Keys, dotted

__all__ = ["ConfigError", "Finding", "Keys", "Problem", "dotted", "known_names"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence about one key of a file."""

    file: str
    key: str
    what: str
    line: int | None = None

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        return f"{where}: {self.what}" + ("" if self.line is None else f" (line {self.line})")


class ConfigError(Exception):
    """A config that cannot be used. Its text is one line a problem, none of which holds a secret."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def known_names(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the known ones, and the nearest of them if one is near."""
    names = sorted(set(known))
    if not names:
        return ""
    near = get_close_matches(name, names, n=1)
    return f"; known names: {', '.join(names)}" + (f'; did you mean "{near[0]}"?' if near else "")
