"""The values that a session record is made of, as they go into the database and come out of it."""

import math
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from core.events import Event, as_record

State = Literal["open", "closed"]
Scored = Literal["none", "partial", "complete"]
PendingJob = Literal["verdict_pending", "webhook_pending"]

# PostgreSQL stores no NUL, and UTF-8 has no lone surrogates; either would make a whole batch unwritable.
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")

# An amount with more digits than this is a mistake in counting, not a price.
_MOST_DIGITS = 40


class StoreError(Exception):
    """The record cannot be opened, read or written; the message is one sentence and holds no password.

    `lasting` when trying the same again cannot help.
    """

    def __init__(self, sentence: str, *, lasting: bool = True) -> None:
        super().__init__(sentence)
        self.lasting = lasting


class UnknownSession(StoreError):
    """The database holds no session of this id."""


@dataclass(frozen=True, slots=True)
class SessionOpening:
    """What is known of a session when it begins.

    `config` is the resolved config with its secrets hidden, `transport` the name of the caller's (webrtc, wav),
    `access_hash` the SHA-256 of the session's access token. What is still `verdict_pending` or `webhook_pending` when
    the session is closed is left to the jobs.
    """

    id: str
    opened_at: datetime
    config_name: str
    config: dict[str, Any]
    transport: str
    caller: str = ""
    experiment: str | None = None
    arm: str | None = None
    model: str | None = None
    access_hash: str | None = None
    verdict_pending: bool = False
    webhook_pending: bool = False


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as it is stored: its place in the session, its kind and its fields as plain JSON values."""

    seq: int
    at: float
    kind: str
    data: dict[str, Any]

    @classmethod
    def of(cls, seq: int, event: Event) -> "LoggedEvent":
        """The event as it will be written and read back."""
        kind, data = as_record(event)
        written = clean(data)
        return cls(seq, float(written["at"] or 0.0), kind, written)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance, with times in seconds since the call began.

    `times` are those of the parts of its text, as in UtteranceSpoken.
    """

    seq: int
    speaker: str
    text: str
    started: float
    ended: float
    interrupted: bool
    partial: bool
    source: str
    times: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CriterionScore:
    """The score of a criterion: the last value given, or None and why there is none.

    `label` is what the value is called on a scale of labels, `title` what the criterion is called, where that is known.
    """

    criterion: str
    value: float | None
    source: str
    evidence: str
    why: str
    label: str = ""
    title: str = ""

    @property
    def shown(self) -> str:
        """The value for people: A1 and not 0."""
        return "none" if self.value is None else self.label or f"{self.value:g}"

    @property
    def name(self) -> str:
        """The criterion for people."""
        return self.title or self.criterion


@dataclass(frozen=True, slots=True)
class Usage:
    """One usage message of the service: tokens by modality, and their price."""

    seq: int
    at: float
    model: str
    prompt: dict[str, int]
    response: dict[str, int]
    thoughts: int
    tokens: int
    usd: Decimal | None
    estimated: bool


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session without its utterances, scores, usage and events, as the list of sessions has it.

    `usd` is what the call was billed, or the sum of its usage where no bill was made (`estimated` says whether any
    of it was). `seconds` is the length of the call.
    """

    id: str
    opened_at: datetime
    closed_at: datetime | None
    state: State
    why: str | None
    detail: str | None
    config_name: str
    transport: str
    caller: str
    experiment: str | None
    arm: str | None
    model: str | None
    scored: Scored
    usd: Decimal | None
    estimated: bool
    tokens: int | None
    seconds: float | None
    latency_p50: float | None
    latency_p95: float | None
    frames_late: int | None
    cpu: float | None
    completeness: float | None
    gaps: int | None
    repaired: int | None


@dataclass(frozen=True, slots=True)
class SessionRecord(SessionSummary):
    """Everything the database holds about a session. `utterances` are in the order in which they began."""

    config: dict[str, Any]
    access_hash: str | None
    verdict_pending: bool
    webhook_pending: bool
    utterances: tuple[Utterance, ...]
    scores: tuple[CriterionScore, ...]
    usage: tuple[Usage, ...]
    events: tuple[LoggedEvent, ...]


def clean(value: Any) -> Any:
    """The value as JSON that every database takes: what it cannot hold is replaced, never refused."""
    match value:
        case str():
            return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", value)
        case bool() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {clean(str(key)): clean(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [clean(item) for item in value]
        case _:
            return clean(str(value))


def money(text: object) -> Decimal | None:
    """The amount that a text states, exactly; None if it states none."""
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount.adjusted()) > _MOST_DIGITS or len(amount.as_tuple().digits) > _MOST_DIGITS:
        return None
    return amount
