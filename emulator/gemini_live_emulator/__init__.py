"""A local server of the Gemini Live API: `Emulator` runs one, `Scenario` says how it behaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gemini_live_emulator.scenario import Scenario
    from gemini_live_emulator.server.listener import Emulator

__all__ = ["Emulator", "Scenario"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that the pytest plugin costs nothing where no test needs it."""
    match name:
        case "Emulator":
            from gemini_live_emulator.server.listener import Emulator as public
        case "Scenario":
            from gemini_live_emulator.scenario import Scenario as public
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return public
