"""The call as a whole."""

from dataclasses import dataclass

from core.events.base import Event


@dataclass(frozen=True, slots=True)
class CallerConnected(Event):
    """The caller's audio has begun; `transport` is "webrtc", "wav" or the name of another transport."""

    transport: str


@dataclass(frozen=True, slots=True)
class ExamProgressed(Event):
    """The examiner has finished asking question `asked`, of `questions` where known (0 when not).

    `part` and `question` are their names in the exam plan, where the call has one.
    """

    asked: int
    questions: int = 0
    part: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class ProblemSeen(Event):
    """Something went wrong; `where` is a stage or component, `what` one sentence without secrets."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class CallMeasured(Event):
    """The call's performance: latencies in seconds, frames that were late, CPU seconds per second of call."""

    latency_p50: float | None
    latency_p95: float | None
    frames_late: int
    cpu: float
    seconds: float


@dataclass(frozen=True, slots=True)
class CallBilled(Event):
    """The cost of the call in US dollars (a decimal number as text), and the tokens it was computed from."""

    usd: str
    tokens: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """The call is over.

    `why` is one of completed, caller left, time limit, budget, shut down, connection given up, error.
    """

    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class WebhookDelivered(Event):
    """The result was delivered: attempt `attempt` (from 1) was answered at `when` (UTC, ISO 8601) with `status`."""

    attempt: int
    status: int
    when: str


@dataclass(frozen=True, slots=True)
class WebhookFailed(Event):
    """An attempt to deliver the result failed; `status` is the receiver's answer, 0 when it gave none.

    `why` is one sentence without secrets; `last` when no further attempt is made.
    """

    attempt: int
    status: int
    why: str
    when: str
    last: bool = False
