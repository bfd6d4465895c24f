"""Function calls, scores and cost."""

from dataclasses import dataclass, field
from typing import Any

from core.events.base import Event


@dataclass(frozen=True, slots=True)
class ToolCalled(Event):
    """The model called a function."""

    id: str
    name: str
    args: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolAnswered(Event):
    """The function's result went back to the model."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCancelled(Event):
    """The model no longer waits for a function call, as after a barge-in; a later result is not sent to it."""

    id: str


@dataclass(frozen=True, slots=True)
class ScoreAsked(Event):
    """The examiner was asked for scores it had not given; `missing` are the criteria."""

    missing: list[str]


@dataclass(frozen=True, slots=True)
class ScoreGiven(Event):
    """A criterion has a value. `source` is call, block, speech or text; `evidence` is what it was read from."""

    criterion: str
    value: float
    source: str
    evidence: str = ""
    label: str = ""
    flags: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class ScoreRefused(Event):
    """A stated value was refused, and why (out of range, off the scale's steps, unreadable)."""

    criterion: str
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class ScoreMissing(Event):
    """A criterion ends without a value: not enough evidence."""

    criterion: str
    why: str


@dataclass(frozen=True, slots=True)
class UsageReported(Event):
    """One usage message of the service as token counts by modality, and what it costs.

    `prompt` and `response` map a modality (text, audio, image, video) to tokens. `estimated` when the service left
    modality details out and we filled them in. `usd` is a decimal number as text.
    """

    model: str
    prompt: dict[str, int]
    response: dict[str, int]
    thoughts: int
    usd: str
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class VerdictGiven(Event):
    """The whole result; `verdict` is JSON of the schema that its `version` names (core/scoring/verdict)."""

    status: str
    verdict: dict[str, Any]
