"""Stages, listeners and processors as a user might write them, for configs in tests."""

from typing import Any, ClassVar, Literal

from pipecat.processors.frame_processor import FrameProcessor
from pydantic import Field, SecretStr, field_validator

from core.billing.usage import Counted
from processors.frames import UtteranceFrame
from processors.stage import ConfigPath, Stage, StageSettings


class LoudnessSettings(StageSettings):
    """Settings with a number, a choice and a list, some of which had other names."""

    RENAMED: ClassVar = {"threshold": "floor", "unit=loudness units": "LUFS", "smooth": "bands"}

    floor: float = Field(-40, le=0)
    """level in dB below which nothing counts."""
    unit: Literal["dB", "LUFS"] = "dB"
    bands: tuple[int, ...] = (100, 1000)


class Loudness(Stage[LoudnessSettings]):
    """Measures how loud the caller is."""

    Settings = LoudnessSettings


class ModelSettings(StageSettings):
    """Settings with a file, a secret and something required."""

    model: str
    key: SecretStr | None = None
    prompt: ConfigPath | None = None
    address: str = ""

    @field_validator("key")
    @classmethod
    def _no_test_keys(cls, key: SecretStr | None) -> SecretStr | None:
        if key is not None and key.get_secret_value().startswith("test"):
            raise ValueError(f"{key.get_secret_value()} is a test key")
        return key

    @field_validator("address")
    @classmethod
    def _secure(cls, address: str) -> str:
        if address.startswith("http:"):
            raise ValueError(f"{address.upper()} is not https")
        return address


class Model(Stage[ModelSettings]):
    """Talks to a model."""

    Settings = ModelSettings


class Utterances(Stage[StageSettings]):
    """Works on what was said."""

    takes = (UtteranceFrame,)


class WithoutSettings(Stage[StageSettings]):
    """A stage whose author went astray."""

    Settings: Any = dict


class Foreign(FrameProcessor):
    """A Pipecat processor that knows nothing of us and takes exactly these keywords."""

    def __init__(self, level: int, *, api_key: str = "", options: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.given = (level, api_key, options)


class OpenEnded(FrameProcessor):
    """A Pipecat processor that takes whatever it is given."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        self.given = kwargs


class ByPosition(FrameProcessor):
    """A Pipecat processor that cannot be built from keys."""

    def __init__(self, level: int, /) -> None:
        super().__init__()


class Gate:
    """A listener."""

    class Settings(StageSettings):
        """What a gate is told."""

        port: int = Field(8080, ge=0, le=65535)

    settings: ClassVar[Settings]


class NotAStage:
    """Something else."""


def a_function() -> None:
    """Not even a class."""


class OracleSettings(StageSettings):
    """What the text model answers, and how often it fails first."""

    answer: dict[str, Any] = Field(default_factory=dict)
    failures: int = 0


class Oracle(Stage[OracleSettings]):
    """Has a text model, as the Live stage has; it reads nothing."""

    Settings = OracleSettings
    asked: ClassVar[list[str]] = []

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        self.asked.append(prompt)
        if len(self.asked) <= self.settings.failures:
            raise RuntimeError("the oracle is silent")
        self.session.charge("gemini-2.5-flash", Counted({"text": 1000}, {"text": 100}, 0, False))
        return self.settings.answer
