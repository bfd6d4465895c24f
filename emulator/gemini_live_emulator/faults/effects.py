"""The kinds of faults: at a moment, in every message, from the start, at the setup, at the HTTP upgrade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gemini_live_emulator.faults.rewrites import Rewrite
from gemini_live_emulator.protocol.outputs import Output


@dataclass(frozen=True, slots=True)
class Emit:
    """Do this at a moment; by default at the first audio of the second turn."""

    outputs: tuple[Output, ...]
    on: str | None = None  # at a message of this name, in either direction
    after: float | None = None  # so many seconds after the setup


@dataclass(frozen=True, slots=True)
class Change:
    """Rewrite messages that carry one of these names; none means all."""

    rewrite: Rewrite
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Patch:
    """Change the scenario for a connection: dotted keys and values."""

    changes: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class RefuseSetup:
    """Answer the setup with a close."""

    code: int
    reason: str
    resumes: bool = False  # only if it brings a handle


@dataclass(frozen=True, slots=True)
class RefuseHttp:
    """Answer the upgrade, or the text endpoint, with an HTTP error."""

    status: int
    code: str
    message: str
    reason: str | None = None
    text: bool = False  # the text endpoint instead of the upgrade


Effect = Emit | Change | Patch | RefuseSetup | RefuseHttp
