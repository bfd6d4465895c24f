"""What a stage of your own imports: `from colloquy import Stage, StageSettings, Session, events, frames, pcm`.

The packages behind these names are ours to change; the names are not.
"""

from core import events
from core.audio import pcm
from core.events import Event
from core.ports import Session
from processors import frames
from processors.stage import ConfigPath, Stage, StageSettings

__all__ = ["ConfigPath", "Event", "Session", "Stage", "StageSettings", "events", "frames", "pcm"]
