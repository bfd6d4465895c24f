"""The few frames Pipecat lacks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipecat.frames.frames import ControlFrame, DataFrame, SystemFrame, UserStoppedSpeakingFrame

from core.events import ScoreGiven, UtteranceSpoken


@dataclass
class FlushFrame(SystemFrame):
    """Close the caller's activity window and open it again, without losing a sample.

    A SystemFrame because it must keep its place among the audio frames around it. `at` is when the audio that follows
    began, on the session's clock; None is now.
    """

    why: str = ""
    at: float | None = None


@dataclass
class CallerStoppedFrame(UserStoppedSpeakingFrame):
    """Pipecat's frame with what the text and the reply depend on.

    `spoke_until` is when the caller's voice was heard last; `voiced` is how many seconds of the turn were voice, None
    when nobody counted.
    """

    spoke_until: float = 0.0
    voiced: float | None = None


@dataclass
class WindowClosedFrame(DataFrame):
    """A window of the caller's turn is over, though the turn goes on; `safe` when it will not be heard again."""

    safe: bool = True
    interruptible: bool = field(default=False, init=False)


@dataclass
class AudioReplayedFrame(DataFrame):
    """The caller's audio since the last safe window was sent to the model again: its text comes again."""

    interruptible: bool = field(default=False, init=False)


@dataclass
class UtteranceFrame(DataFrame):
    """One side has finished an utterance."""

    spoken: UtteranceSpoken
    interruptible: bool = field(default=False, init=False)


@dataclass
class VoiceSpanFrame(SystemFrame):
    """A stretch of the caller's voice within a turn, `started` to `ended` on the session's clock, downstream."""

    started: float = 0.0
    ended: float = 0.0


@dataclass
class AnswerExpectedFrame(SystemFrame):
    """What kind of answer the examiner's question asks for, sent upstream by whoever knows the exam.

    `silence` is how many seconds of quiet end the answer, None as configured. Whoever has spoken for less than
    `at_least` seconds has hardly finished, and whoever is silent for `thinking` seconds is still there.
    """

    silence: float | None = None
    at_least: float = 0.0
    thinking: float = 0.0


@dataclass
class ScoringExpectedFrame(DataFrame):
    """Whether the examiner is expected to give scores from here on, sent downstream by whoever knows the exam."""

    due: bool = True
    interruptible: bool = field(default=False, init=False)


@dataclass
class ShadowReadyFrame(SystemFrame):
    """Second ears listen in this call, sent downstream at its start; they answer a GapFrame.

    `always` when they send the text of every turn unasked.
    """

    always: bool = False


@dataclass
class GapFrame(DataFrame):
    """The transcript lacks the caller's words from `started` to `ended`: sent upstream to the second ears."""

    started: float = 0.0
    ended: float = 0.0
    interruptible: bool = field(default=False, init=False)


@dataclass
class ShadowTextFrame(DataFrame):
    """What the second ears heard the caller say from `started` to `ended`; `repaired` when they were asked to.

    `heard` is the same piece by piece, each with the time of its audio, where that is known.
    """

    text: str = ""
    started: float = 0.0
    ended: float = 0.0
    repaired: bool = False
    heard: Sequence[tuple[str, float, float]] = ()
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
class InstructionFrame(DataFrame):
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
    """The model has finished a reply: its text and audio are all in front of this frame.

    `heard` is the share of its text, 0 to 1, that was played before it was interrupted; None is all of it.
    """

    interrupted: bool = False
    heard: float | None = None
    interruptible: bool = field(default=False, init=False)
