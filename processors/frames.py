"""The few frames that Pipecat lacks. Times are seconds on the session's clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipecat.frames.frames import ControlFrame, DataFrame, SystemFrame, UserStoppedSpeakingFrame

from core.events import UtteranceSpoken


@dataclass
class FlushFrame(SystemFrame):
    """Close the caller's activity window and open it again, without losing a sample.

    A SystemFrame because it must keep its place among the audio frames around it. `at` is when the audio that follows
    began; None is now.
    """

    why: str = ""
    at: float | None = None


@dataclass
class CallerStoppedFrame(UserStoppedSpeakingFrame):
    """Pipecat's frame with two measurements of the turn.

    `spoke_until` is when the caller's last voice ended; `voiced` is how many seconds of the turn were voice, None where
    that was not measured.
    """

    spoke_until: float = 0.0
    voiced: float | None = None


@dataclass
class PacketsStoppedFrame(SystemFrame):
    """The transport has had no audio packet from the caller for `silent_for` seconds, though they should come.

    The next audio frame says that they come again. `manual_vad` decides what it means.
    """

    silent_for: float = 0.0


@dataclass
class CallerAwayFrame(SystemFrame):
    """No audio packet has come from the caller since `since`: they can hardly be spoken to; sent downstream."""

    since: float = 0.0


@dataclass
class CallerBackFrame(SystemFrame):
    """Packets come again from a caller who was away; sent downstream.

    `missing` seconds of their audio never came. `in_turn` when they went in the middle of a turn; it goes on, or ends
    behind this frame if they were away for `too_long`.
    """

    missing: float = 0.0
    in_turn: bool = False
    too_long: bool = False


@dataclass
class AudioMissingFrame(SystemFrame):
    """Of the caller's turn, `seconds` of audio between `started` and `ended` never came; sent downstream."""

    started: float = 0.0
    ended: float = 0.0
    seconds: float = 0.0


@dataclass
class TranscriptionFinishedFrame(DataFrame):
    """The caller's text so far is a whole transcription: what follows begins another."""

    interruptible: bool = field(default=False, init=False)


@dataclass
class WindowClosedFrame(DataFrame):
    """A window of the caller's turn is closed and the turn goes on; `acknowledged` when it will not be replayed."""

    acknowledged: bool = True
    interruptible: bool = field(default=False, init=False)


@dataclass
class AudioReplayedFrame(DataFrame):
    """The caller's audio since the last acknowledged window was replayed to the model, or the `whole` of the turn: its
    transcription repeats.
    """

    whole: bool = False
    interruptible: bool = field(default=False, init=False)


@dataclass
class UtteranceFrame(DataFrame):
    """One side has finished an utterance."""

    utterance: UtteranceSpoken
    interruptible: bool = field(default=False, init=False)


@dataclass
class VoiceSpanFrame(SystemFrame):
    """The caller spoke from `started` to `ended`, within a turn and without a pause; sent downstream."""

    started: float = 0.0
    ended: float = 0.0


@dataclass
class AnswerExpectedFrame(SystemFrame):
    """The answer that the examiner's question asks for, sent upstream by the stage that has the exam plan.

    `silence` is how many seconds of quiet end the answer, None as configured. An answer of less than `at_least` seconds
    is hardly complete, and a candidate may think for `thinking` seconds before it.
    """

    silence: float | None = None
    at_least: float = 0.0
    thinking: float = 0.0


@dataclass
class ScoringExpectedFrame(DataFrame):
    """Whether the examiner is to give scores from here on, sent downstream by the stage that has the exam plan."""

    expected: bool = True
    interruptible: bool = field(default=False, init=False)


@dataclass
class QuestionsAskedFrame(DataFrame):
    """How many questions of the exam plan have been asked, sent downstream by the stage that has it."""

    asked: int = 0
    planned: int = 0
    interruptible: bool = field(default=False, init=False)


@dataclass
class ShadowReadyFrame(SystemFrame):
    """The call has a second transcriber, which answers a GapFrame; sent downstream at the call's start.

    `always` when it sends the text of every turn unasked.
    """

    always: bool = False


@dataclass
class GapFrame(DataFrame):
    """The transcript lacks the caller's words from `started` to `ended`: sent upstream to the second transcriber."""

    started: float = 0.0
    ended: float = 0.0
    interruptible: bool = field(default=False, init=False)


@dataclass
class ShadowTextFrame(DataFrame):
    """The second transcriber's text of the caller from `started` to `ended`; `repaired` when it answers a GapFrame.

    `segments` are the parts of the text, each with the start and end of its audio, where that is known.
    """

    text: str = ""
    started: float = 0.0
    ended: float = 0.0
    repaired: bool = False
    segments: Sequence[tuple[str, float, float]] = ()
    interruptible: bool = field(default=False, init=False)


@dataclass
class ToolCallFrame(DataFrame):
    """The model called a function. The stage that declared it answers with a ToolAnswerFrame upstream."""

    call_id: str = ""
    function: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    interruptible: bool = field(default=False, init=False)


@dataclass
class ToolAnswerFrame(DataFrame):
    """The result of a function for the model, sent upstream."""

    call_id: str = ""
    function: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    interruptible: bool = field(default=False, init=False)


@dataclass
class InstructionFrame(DataFrame):
    """An instruction to the model as text, in mid-conversation, sent upstream.

    `exam_over` when it follows the last question: the examiner is asked for scores, or for its goodbye.
    """

    text: str = ""
    exam_over: bool = False
    interruptible: bool = field(default=False, init=False)


@dataclass
class ReplyDoneFrame(ControlFrame):
    """The model has finished a reply: its text and audio are all in front of this frame.

    `played_share` is the share of its text, 0 to 1, that was played before it was interrupted; None is all of it.
    """

    interrupted: bool = False
    played_share: float | None = None
    interruptible: bool = field(default=False, init=False)
