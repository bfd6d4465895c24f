"""The few frames Pipecat lacks."""

from dataclasses import dataclass, field
from typing import Any

from pipecat.frames.frames import ControlFrame, DataFrame, SystemFrame, UserStoppedSpeakingFrame

from core.events import ScoreGiven, UtteranceSpoken


@dataclass
class FlushFrame(SystemFrame):
    """Close the caller's activity window and open it again, without losing a sample.

    A SystemFrame because it must keep its place among the audio frames around it.
    """

    why: str = ""


@dataclass
class CallerStoppedFrame(UserStoppedSpeakingFrame):
    """Pipecat's frame with the one thing a transcript needs: when the caller's voice was heard last."""

    spoke_until: float = 0.0


@dataclass
class TextKeptFrame(DataFrame):
    """The caller's text so far is final, though the turn goes on."""

    interruptible: bool = field(default=False, init=False)


@dataclass
class HeardAgainFrame(DataFrame):
    """The caller's audio since the last TextKeptFrame was sent to the model again: its text comes again."""

    interruptible: bool = field(default=False, init=False)


@dataclass
class UtteranceFrame(DataFrame):
    """One side has finished an utterance."""

    spoken: UtteranceSpoken
    interruptible: bool = field(default=False, init=False)


@dataclass
class ToolCallFrame(DataFrame):
    """The model called a function. Whoever serves it answers with a ToolAnswerFrame upstream."""

    call_id: str = ""
    function: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    interruptible: bool = field(default=False, init=False)


@dataclass
class ToolAnswerFrame(DataFrame):
    """The result of a function, on its way back to the model."""

    call_id: str = ""
    function: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    interruptible: bool = field(default=False, init=False)


@dataclass
class NudgeFrame(DataFrame):
    """Words for the model that nobody spoke: an instruction in mid-conversation, sent upstream."""

    text: str = ""
    interruptible: bool = field(default=False, init=False)


@dataclass
class ScoreFrame(DataFrame):
    """A criterion has got a value."""

    given: ScoreGiven
    interruptible: bool = field(default=False, init=False)


@dataclass
class ReplyDoneFrame(ControlFrame):
    """The model has finished a reply: its text and audio are all in front of this frame."""

    interrupted: bool = False
    interruptible: bool = field(default=False, init=False)


@dataclass
class LinkDownFrame(SystemFrame):
    """The Live link was given up; the call is to be ended politely with what it has."""

    why: str = ""
