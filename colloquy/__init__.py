"""What a stage of your own imports. `use: my_school:Faint` in a config then puts this one into a call:

    from pipecat.frames.frames import InputAudioRawFrame
    from colloquy import Stage, StageSettings, events, pcm

    class FaintSettings(StageSettings):
        quietest: float = 0.05

    class Faint(Stage[FaintSettings]):
        Settings = FaintSettings

        async def handle(self, frame, direction):
            if isinstance(frame, InputAudioRawFrame) and pcm.level(frame.audio) < self.settings.quietest:
                self.session.record(events.ProblemSeen(self.session.now(), "faint", "hard to understand"))
            await self.push_frame(frame, direction)

These names stay; the packages behind them are free to change.
"""

from typing import TYPE_CHECKING, Any

from core import events
from core.audio import pcm
from core.events import Event
from core.ports import Session
from core.stages import StageInfo
from processors import frames
from processors.stage import ConfigPath, Stage, StageSettings
from transports.call import Call, Listener

if TYPE_CHECKING:
    from processors.manual_vad.stage import ManualVad

__all__ = [
    "Call",
    "ConfigPath",
    "Event",
    "Listener",
    "ManualVad",
    "Session",
    "Stage",
    "StageInfo",
    "StageSettings",
    "events",
    "frames",
    "pcm",
]


def __getattr__(name: str) -> Any:
    """Import a stage to be subclassed at its first use, since it brings a model along."""
    if name != "ManualVad":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from processors.manual_vad.stage import ManualVad

    return ManualVad
