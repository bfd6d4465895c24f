"""Facts worth recording about a call, in the order they happened.

Every fact carries `at`, seconds since the call began. A fact is written to the session's log as its class name
and its fields (`as_record`), and read back by `from_record`; the two round-trip.
"""

from dataclasses import MISSING, asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any, Literal

Speaker = Literal["caller", "examiner"]


@dataclass(frozen=True, slots=True)
class Event:
    """A fact with a time."""

    at: float


# --- the caller's turns


@dataclass(frozen=True, slots=True)
class TurnOpened(Event):
    """The caller began to speak."""


@dataclass(frozen=True, slots=True)
class TurnFlushed(Event):
    """The caller's activity window was closed and opened again without a gap."""

    why: str


@dataclass(frozen=True, slots=True)
class TurnClosed(Event):
    """The caller's turn ended; `voiced` is how many seconds of it were voice."""

    why: str
    voiced: float


@dataclass(frozen=True, slots=True)
class TurnSent(Event):
    """The caller's turn as it went to the service: how many samples, at `rate` Hz, in however many windows."""

    samples: int
    rate: int


# --- the Live link


@dataclass(frozen=True, slots=True)
class LinkDialed(Event):
    """A connection was begun; `resumed` when it carries a resumption handle."""

    attempt: int
    resumed: bool


@dataclass(frozen=True, slots=True)
class LinkOpened(Event):
    """The service answered setup after `took` seconds; `service_session` is its own name for the session, if given.

    `gap` is how long there was no connection before this one.
    """

    took: float
    service_session: str | None = None
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class LinkLost(Event):
    """The connection ended; `code` and `reason` as the client library gave them, `verdict` is what we do about it."""

    code: int
    reason: str
    verdict: str


@dataclass(frozen=True, slots=True)
class LinkGaveUp(Event):
    """No further attempt is made."""

    why: str


@dataclass(frozen=True, slots=True)
class GoAwayReceived(Event):
    """The service announced the end of this connection in `time_left` seconds."""

    time_left: float


@dataclass(frozen=True, slots=True)
class HandleReceived(Event):
    """A resumption handle arrived (`resumable`), or was withdrawn. The handle itself is a secret and not kept."""

    resumable: bool


@dataclass(frozen=True, slots=True)
class TurnReplayed(Event):
    """What the model had not answered was sent again: the pieces of the call's audio from `first` to `last`."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ModelLate(Event):
    """The model owed something and was silent; `done` is nudge or reconnect."""

    done: str


@dataclass(frozen=True, slots=True)
class ContextLost(Event):
    """After a reconnect the model had forgotten the exam; `done` is reseed or degrade."""

    done: str


# --- what was said


@dataclass(frozen=True, slots=True)
class UtteranceSpoken(Event):
    """One side finished an utterance.

    `started` and `ended` are seconds since the call began. `interrupted` when it was cut off; `partial` when the
    text may be incomplete (the link dropped, or the call ended, before the service finished it).
    """

    speaker: Speaker
    text: str
    started: float
    ended: float
    interrupted: bool = False
    partial: bool = False


@dataclass(frozen=True, slots=True)
class ReplyStarted(Event):
    """The examiner's first audio left for the caller, `latency` seconds after the caller's speech ended."""

    latency: float


@dataclass(frozen=True, slots=True)
class RepetitionNoticed(Event):
    """The examiner said again what it had said before; `similarity` from 0 to 1."""

    text: str
    similarity: float


# --- tools, scores, money


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
    """A stated value was not taken, and why (out of range, off the scale's steps, unreadable)."""

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


# --- the call


@dataclass(frozen=True, slots=True)
class CallerConnected(Event):
    """The caller's audio is here."""

    door: str


@dataclass(frozen=True, slots=True)
class ExamProgressed(Event):
    """The examiner has finished asking question `asked`, of `questions` where known (0 when not)."""

    asked: int
    questions: int = 0


@dataclass(frozen=True, slots=True)
class ProblemSeen(Event):
    """Something went wrong; `where` is a stage or part, `what` one sentence without secrets."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class CallMeasured(Event):
    """The call's speed: latencies in seconds, frames that were late, CPU seconds per second of call."""

    latency_p50: float | None
    latency_p95: float | None
    frames_late: int
    cpu: float
    seconds: float


@dataclass(frozen=True, slots=True)
class CallBilled(Event):
    """What the call cost in US dollars (a decimal number as text), and the tokens it was counted from."""

    usd: str
    tokens: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """The call is over. `why` is one of completed, caller left, time limit, budget, shut down, link given up, error."""

    why: str
    detail: str = ""


def _kinds(of: type[Event]) -> dict[str, type[Event]]:
    return {cls.__name__: cls for cls in of.__subclasses__()}


KINDS: dict[str, type[Event]] = _kinds(Event)


def as_record(event: Event) -> tuple[str, dict[str, Any]]:
    """The kind of a fact and its fields as plain JSON values."""
    return type(event).__name__, {
        key: str(value) if isinstance(value, Decimal) else value for key, value in asdict(event).items()
    }


def from_record(kind: str, data: dict[str, Any]) -> Event:
    """The fact that `as_record` wrote. Raises ValueError for a kind or field this version does not know."""
    cls = KINDS.get(kind)
    if cls is None:
        raise ValueError(f"unknown event kind {kind!r}")
    known = {one.name: one for one in fields(cls)}
    surplus = sorted(set(data) - set(known))
    absent = sorted(
        name
        for name, one in known.items()
        if name not in data and one.default is MISSING and one.default_factory is MISSING
    )
    if surplus or absent:
        raise ValueError(f"{kind}: unknown fields {surplus}, missing fields {absent}")
    return cls(**data)
