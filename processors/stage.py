"""The base of every stage: settings in, frames through, one alarm."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pipecat.frames.frames import Frame, SystemFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo

from core.ports import Session


def _beside_the_config(path: Path, info: ValidationInfo) -> Path:
    base: Path | None = (info.context or {}).get("base")
    whole = path if base is None else base / path
    if not whole.is_file():
        raise ValueError(f"there is no file {whole}")
    return whole


ConfigPath = Annotated[Path, AfterValidator(_beside_the_config)]
"""A file named in a config, relative to that config's folder (validation context `base`)."""


class StageSettings(BaseModel):
    """What YAML may say about a stage: closed, frozen, with units in the descriptions."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


S = TypeVar("S", bound=StageSettings)


@dataclass
class _AlarmFrame(SystemFrame):
    """A stage's own alarm. It goes through the stage's queue, so it never runs beside an audio frame."""


class Stage(FrameProcessor, Generic[S]):
    """A processor with settings and a session that passes on every frame it is not told to change.

    Subclasses name their settings class in `Settings`, and override `handle`.
    """

    Settings: ClassVar[type[StageSettings]] = StageSettings

    def __init__(self, settings: S, session: Session, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings: S = settings
        self.session = session
        self._alarm: asyncio.TimerHandle | None = None
        self._due: float | None = None

    def tools(self) -> list[dict[str, Any]]:
        """Function declarations this stage offers to the model, as JSON Schema."""
        return []

    def instructions(self) -> str:
        """What the model is told at the start of every connection because of this stage; empty for nothing."""
        return ""

    def standing(self) -> str:
        """Where the exam is, in a sentence for a model that has lost the conversation; empty when not known."""
        return ""

    def listener(self) -> FrameProcessor | None:
        """A processor to stand behind the call's output, where audio passes once it was played; None for none."""
        return None

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        """Put a question to the text model of the service this stage talks to; None when it has none."""
        return None

    async def conclude(self) -> None:
        """The call is over and no frame will come: do what is left before the record is closed."""

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        """Deal with one frame. Push whatever is not consumed."""
        await self.push_frame(frame, direction)

    async def woken(self, now: float) -> None:
        """The alarm rang. `now` is on the session's clock."""

    def wake_at(self, when: float | None) -> None:
        """Set the one alarm to `when` on the session's clock; None turns it off."""
        if when == self._due:
            return
        self._due = when
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if when is not None:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(max(0.0, when - self.session.now()), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.create_task(self.queue_frame(_AlarmFrame()), name="alarm")

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, _AlarmFrame):
            due, now = self._due, self.session.now()
            if due is None:
                return
            self._due = None
            if now < due:  # set later while the alarm was in the queue, or an early ring
                self.wake_at(due)
            else:
                await self.woken(now)
        else:
            await self.handle(frame, direction)

    async def cleanup(self) -> None:
        await super().cleanup()
        self.wake_at(None)
