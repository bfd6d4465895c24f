"""What a reader found: a value, a value it would not take, or a caller's attempt to give one."""

from dataclasses import dataclass, replace
from typing import Literal

# Why a reading is not sure: its source states two values and takes neither back; or leaves open which one it means.
Doubt = Literal["", "conflict", "ambiguous"]


@dataclass(frozen=True, slots=True)
class Stated:
    """A criterion was given a value, at `at` seconds of the call; `label` names it on a scale of labels."""

    criterion: str
    value: float
    source: str
    evidence: str = ""
    at: float = 0.0
    label: str = ""
    doubt: Doubt = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """A value was stated that the scale does not have or nobody can read."""

    criterion: str
    source: str
    why: str
    evidence: str = ""
    at: float = 0.0
    doubt: Doubt = ""


@dataclass(frozen=True, slots=True)
class Injected:
    """The caller said something that looks like a score; it never counts."""

    source: str
    evidence: str
    at: float = 0.0


Reading = Stated | Refused | Injected


def following(before: Stated | Refused | None, now: Stated, corrects: bool) -> Stated:
    """A value as it follows what its source stated before: in conflict with another one that nobody took back."""
    if not isinstance(before, Stated) or corrects:
        return now
    return replace(now, doubt=before.doubt if before.value == now.value else "conflict")
