"""What the tables hold of a session besides its events, derived from them in whatever order they arrive."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from pipeline.record.models import LoggedEvent, Scored, State, money

# The kinds of events from which the columns of the session and its scores are derived.
SUMMARISED = (
    "CallEnded",
    "CallBilled",
    "CallMeasured",
    "TranscriptMeasured",
    "ScoreGiven",
    "ScoreMissing",
    "UsageReported",
    "VerdictGiven",
    "WebhookDelivered",
    "WebhookFailed",
)

_BIGGEST = 2**63 - 1
_A_LIFETIME = 1e9


@dataclass(frozen=True, slots=True)
class SessionState:
    """What is known of a session apart from the summarised events."""

    opened_at: datetime
    state: State
    why: str | None
    detail: str | None
    last_at: float
    verdict_pending: bool = False
    webhook_pending: bool = False


def utterance_row(event: LoggedEvent) -> dict[str, Any]:
    """The row of an UtteranceSpoken."""
    data = event.data
    return {
        "seq": event.seq,
        "speaker": _text(data.get("speaker")),
        "text": _text(data.get("text")),
        "started": _number(data.get("started")) or 0.0,
        "ended": _number(data.get("ended")) or 0.0,
        "interrupted": bool(data.get("interrupted")),
        "partial": bool(data.get("partial")),
        "source": _text(data.get("source")) or "live",
        "times": _times(data.get("times")),
    }


def usage_row(event: LoggedEvent) -> dict[str, Any]:
    """The row of a UsageReported."""
    prompt, response = _counts(event.data.get("prompt")), _counts(event.data.get("response"))
    thoughts = _count(event.data.get("thoughts"))
    return {
        "seq": event.seq,
        "at": event.at,
        "model": _text(event.data.get("model")),
        "prompt": prompt,
        "response": response,
        "thoughts": thoughts,
        "tokens": min(sum(prompt.values()) + sum(response.values()) + thoughts, _BIGGEST),
        "usd": money(event.data.get("usd")),
        "estimated": bool(event.data.get("estimated")),
    }


def score_rows(events: Iterable[LoggedEvent]) -> list[dict[str, Any]]:
    """The row of each criterion, made of its last ScoreGiven or ScoreMissing."""
    latest = {
        _text(event.data.get("criterion")): event
        for event in sorted(events, key=lambda event: event.seq)
        if event.kind in ("ScoreGiven", "ScoreMissing")
    }
    return [
        {
            "criterion": criterion,
            "seq": event.seq,
            "value": _number(event.data.get("value")),
            "source": _text(event.data.get("source")),
            "evidence": _text(event.data.get("evidence")),
            "why": _text(event.data.get("why")),
        }
        for criterion, event in latest.items()
    ]


def session_columns(known: SessionState, events: Iterable[LoggedEvent]) -> dict[str, Any]:
    """The columns of a session that its summarised events decide."""
    events = sorted(events, key=lambda event: event.seq)
    last = {event.kind: event for event in events}
    ended, billed, measured = (last.get(kind) for kind in ("CallEnded", "CallBilled", "CallMeasured"))
    transcript = last.get("TranscriptMeasured")
    usage = [usage_row(event) for event in events if event.kind == "UsageReported"]
    closed = ended is not None or known.state == "closed"
    end_at = ended.at if ended is not None else known.last_at
    speed: dict[str, Any] = measured.data if measured is not None else {}
    coverage: dict[str, Any] = transcript.data if transcript is not None else {}
    bill = money(billed.data.get("usd")) if billed is not None else None
    return {
        "state": "closed" if closed else "open",
        "why": _text(ended.data.get("why")) if ended is not None else known.why,
        "detail": _text(ended.data.get("detail")) if ended is not None else known.detail,
        "closed_at": known.opened_at + timedelta(seconds=min(max(end_at, 0.0), _A_LIFETIME)) if closed else None,
        "scored": _scored(last.get("VerdictGiven"), score_rows(events), finished=ended is not None),
        "usd": bill if bill is not None else _total(row["usd"] for row in usage),
        "estimated": bool(billed.data.get("estimated")) if billed else any(row["estimated"] for row in usage),
        "tokens": _tokens(billed, usage),
        "seconds": _number(speed.get("seconds")) if measured is not None else end_at if closed else None,
        "latency_p50": _number(speed.get("latency_p50")),
        "latency_p95": _number(speed.get("latency_p95")),
        "frames_late": _count(speed.get("frames_late")) if measured is not None else None,
        "cpu": _number(speed.get("cpu")),
        "completeness": _number(coverage.get("completeness")),
        "gaps": _count(coverage.get("gaps")) if transcript is not None else None,
        "repaired": _count(coverage.get("repaired")) if transcript is not None else None,
        "verdict_pending": known.verdict_pending and "VerdictGiven" not in last,
        "webhook_pending": known.webhook_pending and not any(_ends_the_webhook(event) for event in events),
    }


def _ends_the_webhook(event: LoggedEvent) -> bool:
    return event.kind == "WebhookDelivered" or (event.kind == "WebhookFailed" and bool(event.data.get("last")))


_SCORED: dict[str, Scored] = {"complete": "complete", "partial": "partial", "insufficient": "none"}


def _scored(verdict: LoggedEvent | None, rows: Sequence[dict[str, Any]], *, finished: bool) -> Scored:
    if verdict is not None and (known := _SCORED.get(_text(verdict.data.get("status")))):
        return known  # it also knows which criteria are mandatory
    given = {row["criterion"] for row in rows if row["value"] is not None}
    if not given:
        return "none"
    # Without a verdict, only the end of the call can say that nothing is missing.
    return "complete" if finished and len(given) == len(rows) else "partial"


def _tokens(billed: LoggedEvent | None, usage: Sequence[dict[str, Any]]) -> int | None:
    if billed is not None:
        return _count(billed.data.get("tokens"))
    return min(sum(row["tokens"] for row in usage), _BIGGEST) if usage else None


def _total(amounts: Iterable[Decimal | None]) -> Decimal | None:
    stated = [amount for amount in amounts if amount is not None]
    with localcontext() as context:
        context.prec = 200  # of two amounts of 40 digits each, the sum is still exact
        return sum(stated, Decimal(0)) if stated else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _times(value: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in value if isinstance(value, (list, tuple)) else ():
        parts = (one.get("offset"), one.get("started"), one.get("ended")) if isinstance(one, dict) else ()
        offset, started, ended = map(_number, parts or (None, None, None))
        if offset is not None and started is not None and ended is not None:
            found.append({"offset": _count(offset), "started": started, "ended": ended})
    return found


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and abs(value) < 1e300 else None


def _count(value: object) -> int:
    return min(max(int(value), 0), _BIGGEST) if isinstance(value, (int, float)) else 0


def _counts(value: object) -> dict[str, int]:
    return {str(key): _count(count) for key, count in value.items()} if isinstance(value, dict) else {}
