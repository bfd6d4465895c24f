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
    ConnectionDialed,
    ConnectionGivenUp,
    ConnectionLost,
    ConnectionOpened,
    ConnectionStateChanged,
    ContextLost,
    GoAwayReceived,
    HandleReceived,
    ModelLate,
    TurnReplayed,
    TurnSentAsText,
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
    AlternativeTranscribed,
    GapFound,
    GapRepaired,
    RepetitionNoticed,
    ReplyStarted,
    ReplySuppressed,
    Speaker,
    Timed,
    TranscriptCheckpointed,
    TranscriptMeasured,
    UtteranceSpoken,
)
from core.events.turns import EchoDetected, KeyPressed, TurnClosed, TurnFlushed, TurnOpened, TurnSent

KINDS: dict[str, type[Event]] = kinds()

__all__ = [
    "KINDS",
    "AlternativeTranscribed",
    "CallBilled",
    "CallEnded",
    "CallMeasured",
    "CallerConnected",
    "ConnectionDialed",
    "ConnectionGivenUp",
    "ConnectionLost",
    "ConnectionOpened",
    "ConnectionStateChanged",
    "ContextLost",
    "EchoDetected",
    "Event",
    "ExamProgressed",
    "GapFound",
    "GapRepaired",
    "GoAwayReceived",
    "HandleReceived",
    "KeyPressed",
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
    "TranscriptCheckpointed",
    "TranscriptMeasured",
    "TurnClosed",
    "TurnFlushed",
    "TurnOpened",
    "TurnReplayed",
    "TurnSent",
    "TurnSentAsText",
    "UsageReported",
    "UtteranceSpoken",
    "VerdictGiven",
    "WebhookDelivered",
    "WebhookFailed",
    "as_record",
    "from_record",
]
