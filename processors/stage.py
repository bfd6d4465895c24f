"""The base of every stage: settings in, frames through, one alarm."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pipecat.frames.frames import Frame, SystemFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from core.ports import Session
from core.stages import StageInfo


def _beside_the_config(path: Path, info: ValidationInfo) -> Path:
    base: Path | None = (info.context or {}).get("base")
    whole = path if base is None else base / path
    if not whole.is_file():
        raise ValueError(f"there is no file {whole}")
    return whole


ConfigPath = Annotated[Path, AfterValidator(_beside_the_config)]
"""A file named in a config, relative to that config's folder (validation context `base`)."""


class StageSettings(BaseModel):
    """What YAML may say about a stage: closed, frozen, with units in the descriptions.

    `RENAMED` maps former names to present ones, so that an old file is answered with the new name: a key as
    `"old": "new"`, a text value of a key as `"key=old": "new"`.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def pointed_at(self, url: str, ca_file: Path) -> Self:
        """These settings with the service at another address, an emulator's; the same where a stage has no service."""
        return self

    @model_validator(mode="before")
    @classmethod
    def _has_no_former_name(cls, data: Any) -> Any:
        """Raise an error for each former name, at its key: a plain ValueError would be reported for the whole stage."""
        errors: list[InitErrorDetails] = []
        for key, value in data.items() if isinstance(data, Mapping) else ():
            if new := cls.RENAMED.get(key):
                errors.append(_renamed(key, value, key, new))
            elif new := cls.RENAMED.get(f"{key}={value}"):
                errors.append(_renamed(key, value, f'"{value}"', f'"{new}"'))
        if errors:
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return data


def _renamed(key: str, value: Any, old: str, new: str) -> InitErrorDetails:
    error = PydanticCustomError("renamed", "{old} is now called {new}", {"old": old, "new": new})
    return InitErrorDetails(type=error, loc=(key,), input=value)


S = TypeVar("S", bound=StageSettings)


@dataclass
class _AlarmFrame(SystemFrame):
    """A stage's own alarm. It goes through the stage's queue, so it never runs beside an audio frame."""


class Stage(FrameProcessor, Generic[S]):
    """A processor with settings and a session that passes on every frame unless a subclass handles it otherwise.

    Subclasses name their settings class in `Settings`, and override `handle`. `takes` names the frames that come down
    the row to it from another stage, `gives` those it pushes down itself: a config in which a stage stands before the
    one that gives what it takes is refused.
    """

    Settings: ClassVar[type[StageSettings]] = StageSettings
    takes: ClassVar[tuple[type[Frame], ...]] = ()
    gives: ClassVar[tuple[type[Frame], ...]] = ()

    def __init__(self, settings: S, session: Session, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settings: S = settings
        self.session = session
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: float | None = None

    @classmethod
    def describe(cls, settings: S) -> StageInfo:
        """What a stage with these settings brings to an exam: asked before any call, of every stage of a config."""
        return StageInfo()

    def tools(self) -> list[dict[str, Any]]:
        """Function declarations this stage offers to the model, as JSON Schema."""
        return []

    def instructions(self) -> str:
        """This stage's part of the model's system instruction; empty for nothing."""
        return ""

    def progress_summary(self) -> str:
        """Where the exam is, in a sentence for a model that has lost the conversation; empty when not known."""
        return ""

    def listener(self) -> FrameProcessor | None:
        """A processor to stand behind the call's output, where audio passes once it was played; None for none."""
        return None

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        """Put a question to the text model of the service this stage talks to; None when it has none."""
        return None

    async def finish(self) -> None:
        """Do the remaining work before the record is closed. Called exactly once per call, when it is over."""

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        """Deal with one frame. Push whatever is not consumed."""
        await self.push_frame(frame, direction)

    async def woken(self, now: float) -> None:
        """The alarm rang. `now` is on the session's clock."""

    def wake_at(self, when: float | None) -> None:
        """Set the one alarm to `when` on the session's clock; None turns it off."""
        if when == self._alarm_at:
            return
        self._alarm_at = when
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
            alarm_at, now = self._alarm_at, self.session.now()
            if alarm_at is None:
                return
            self._alarm_at = None
            if now < alarm_at:  # set later while the alarm was in the queue, or an early ring
                self.wake_at(alarm_at)
            else:
                await self.woken(now)
        else:
            await self.handle(frame, direction)

    async def cleanup(self) -> None:
        await super().cleanup()
        self.wake_at(None)
