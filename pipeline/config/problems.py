"""What is wrong with a file somebody wrote, in sentences that name the file, the key and what would be right."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

Keys = tuple[str | int, ...]
LineOf = Callable[[Keys], int | None]


@dataclass(frozen=True, slots=True)
class Found:
    """Something wrong at a key; the key is () for the file as a whole."""

    at: Keys
    what: str


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


def dotted(keys: Keys) -> str:
    """A key path as it is written in errors and arms: `stages.1.silence`."""
    return ".".join(map(str, keys))


def known_names(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the known ones, and the nearest of them if one is near."""
    names = sorted(set(known))
    if not names:
        return ""
    near = get_close_matches(name, names, n=1)
    return f"; known names: {', '.join(names)}" + (f'; did you mean "{near[0]}"?' if near else "")
