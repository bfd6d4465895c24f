"""Facts worth recording about a call, in the order they happened.

Every fact carries `at`, seconds since the call began. A fact is written to the session's log as its class name
and its fields (`as_record`), and read back by `from_record`; the two round-trip.
"""

from core.events.base import Event, as_record, from_record, kinds
from core.events.call import (
    CallBilled,
    CallEnded,
    CallerConnected,
    CallMeasured,
    ExamProgressed,
    ProblemSeen,
    WebhookDelivered,
    WebhookFailed,
)
from core.events.link import (
    ContextLost,
    GoAwayReceived,
    HandleReceived,
    LinkChanged,
    LinkDialed,
    LinkGaveUp,
    LinkLost,
    LinkOpened,
    ModelLate,
    TurnReplayed,
    TurnTold,
)
from core.events.scores import (
    ScoreAsked,
    ScoreGiven,
    ScoreMissing,
    ScoreRefused,
    ToolAnswered,
    ToolCalled,
    ToolCancelled,
    UsageReported,
    VerdictGiven,
)
from core.events.speech import (
    HeardOtherwise,
    HoleFound,
    HoleRepaired,
    RepetitionNoticed,
    ReplyStarted,
    ReplySuppressed,
    Speaker,
    Timed,
    TranscriptMeasured,
    UtteranceSpoken,
    WordsKept,
)
from core.events.turns import EchoHeard, KeyPressed, TurnClosed, TurnFlushed, TurnOpened, TurnSent

KINDS: dict[str, type[Event]] = kinds()

__all__ = [
    "KINDS",
    "CallBilled",
    "CallEnded",
    "CallMeasured",
    "CallerConnected",
    "ContextLost",
    "EchoHeard",
    "Event",
    "ExamProgressed",
    "GoAwayReceived",
    "HandleReceived",
    "HeardOtherwise",
    "HoleFound",
    "HoleRepaired",
    "KeyPressed",
    "LinkChanged",
    "LinkDialed",
    "LinkGaveUp",
    "LinkLost",
    "LinkOpened",
    "ModelLate",
    "ProblemSeen",
    "RepetitionNoticed",
    "ReplyStarted",
    "ReplySuppressed",
    "ScoreAsked",
    "ScoreGiven",
    "ScoreMissing",
    "ScoreRefused",
    "Speaker",
    "Timed",
    "ToolAnswered",
    "ToolCalled",
    "ToolCancelled",
    "TranscriptMeasured",
    "TurnClosed",
    "TurnFlushed",
    "TurnOpened",
    "TurnReplayed",
    "TurnSent",
    "TurnTold",
    "UsageReported",
    "UtteranceSpoken",
    "VerdictGiven",
    "WebhookDelivered",
    "WebhookFailed",
    "WordsKept",
    "as_record",
    "from_record",
]
