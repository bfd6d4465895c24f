"""A local Gemini Live server that other people's clients cannot tell from the service."""

from emulator.scenario import Scenario
from emulator.server import Emulator

__all__ = ["Emulator", "Scenario"]
