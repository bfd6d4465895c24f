"""A local Gemini Live server that other people's clients cannot tell from the service."""

from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.server.listener import Emulator

__all__ = ["Emulator", "Scenario"]
