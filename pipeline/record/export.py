"""A session record as a document: JSON for programs, Markdown for people, WebVTT for players.

A transcript holds anybody's words. In every format they stay text: they make no heading, hyperlink, tag or cue.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from pipeline.record.happenings import NOTHING, happenings
from pipeline.record.models import CriterionScore, LoggedEvent, SessionRecord, SessionSummary, Usage, Utterance
from pipeline.record.plain_text import ENTITIES, plain, speaker
from pipeline.record.subtitles import as_webvtt
from pipeline.record.verdict_text import STATUS, remarks, verdict_of

# Raised when a key of the JSON is renamed, removed or changes its meaning; not when one is added.
SCHEMA_VERSION = 2

# CommonMark lets any ASCII punctuation be escaped. These mean something within a line; what does so only at its start
# never stands there, since every line begins with words of ours. ":" and "@" make bare links, "$" formulas.
_MARKDOWN = re.compile(r"[\\`*_{}\[\]#|~$@^]|(?<!\d):|:(?!\d)|(?<=www)\.", re.IGNORECASE)


def clock(seconds: float) -> str:
    """A time of the call as mm:ss."""
    minutes, rest = divmod(int(max(seconds, 0)), 60)
    return f"{minutes:02}:{rest:02}"


def dollars(usd: Decimal | None, *, estimated: bool = False) -> str:
    """An amount for people: USD with four decimals."""
    if usd is None:
        return "unknown"
    amount = "less than USD 0.0001" if 0 < usd < Decimal("0.0001") else f"USD {usd:.4f}"
    return f"{amount} (estimated)" if estimated else amount


def ending(summary: SessionSummary) -> str:
    """How a session ended, in a few words."""
    if summary.state == "open":
        return "open"
    return plain(f"{summary.why}: {summary.detail}" if summary.detail else summary.why or "closed")


def completeness(record: SessionSummary) -> str:
    """How complete the transcript is, for people; empty where it was not measured."""
    if record.completeness is None:
        return ""
    gaps = f", {record.gaps} gaps, {record.repaired} repaired" if record.gaps else ""
    return f"{record.completeness:.0%} of the caller's voice{gaps}"


def summary_values(summary: SessionSummary) -> dict[str, Any]:
    """A session of the list of sessions as JSON values."""
    return json_values(asdict(summary))


def record_values(record: SessionRecord) -> dict[str, Any]:
    """The whole record as JSON values, without the hash of the access token."""
    values = summary_values(record)
    del values["access_hash"]
    return {"schema_version": SCHEMA_VERSION, **values, "verdict": verdict_of(record)}


def as_json(record: SessionRecord) -> str:
    """The whole record as a JSON document."""
    return json.dumps(record_values(record), indent=2, ensure_ascii=False) + "\n"


def as_markdown(record: SessionRecord) -> str:
    """A report to read: scores with their evidence, cost, speed, transcript, and what happened in the call."""
    return "\n".join(
        [
            f"# Session {_markdown(record.id)}",
            "",
            *_header(record),
            "",
            "## Scores",
            "",
            *_scores(record.scores),
            *_verdict(record),
            "",
            "## Cost",
            "",
            *_cost(record),
            "",
            "## Transcript",
            "",
            *_transcript(record.utterances),
            "## What happened",
            "",
            *_listed(record.events),
            "",
        ]
    )


EXPORTS: Mapping[str, Callable[[SessionRecord], str]] = {"json": as_json, "md": as_markdown, "vtt": as_webvtt}


def json_values(value: Any, timespec: Literal["auto", "milliseconds"] = "milliseconds") -> Any:
    """A value of the record as JSON: times as ISO 8601 in UTC, money as text; what JSON has stays as it is."""
    match value:
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
        case dict():
            return {key: json_values(item, timespec) for key, item in value.items()}
        case list() | tuple():
            return [json_values(item, timespec) for item in value]
        case _:
            return value


def _markdown(text: str) -> str:
    return _MARKDOWN.sub(lambda found: "\\" + found[0], plain(text)).translate(ENTITIES)


def _header(record: SessionRecord) -> Iterator[str]:
    lines = {
        "Opened": f"{record.opened_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
        "Ended": ending(record),
        "Length": None if record.seconds is None else clock(record.seconds),
        "Config": record.config_name,
        "Model": record.model,
        "Transport": record.transport,
        "Caller": record.caller,
        "Arm": f"{record.arm} of {record.experiment}" if record.arm and record.experiment else record.arm,
        "Response": _response(record),
        "Frames late": None if record.frames_late is None else str(record.frames_late),
        "Transcript": completeness(record),
        "CPU": None if record.cpu is None else f"{record.cpu * 1000:.0f} ms per second of call",
    }
    return (f"- **{name}**: {_markdown(value)}" for name, value in lines.items() if value)


def _response(record: SessionRecord) -> str | None:
    known = (("p50", record.latency_p50), ("p95", record.latency_p95))
    return ", ".join(f"{name} {value:.2f} s" for name, value in known if value is not None) or None


def _scores(scores: Iterable[CriterionScore]) -> list[str]:
    rows = [
        f"| {_markdown(score.name)} | {_markdown(score.shown)} "
        f"| {_markdown(score.source)} | {_markdown(score.evidence if score.value is not None else score.why)} |"
        for score in scores
    ]
    return (
        ["| Criterion | Score | Source | Evidence |", "| --- | --- | --- | --- |", *rows] if rows else ["None given."]
    )


def _verdict(record: SessionRecord) -> Iterator[str]:
    if (verdict := verdict_of(record)) is None:
        return
    status = str(verdict.get("status"))
    yield from ("", f"Verdict: {_markdown(STATUS.get(status, status))}.")
    lines = [f"- {_markdown(who)}: {_markdown(what)}" for who, what in remarks(verdict)]
    if lines:
        yield from ("", *lines)


def _cost(record: SessionRecord) -> list[str]:
    tokens = "" if record.tokens is None else f", {record.tokens} tokens"
    lines = [f"{dollars(record.usd, estimated=record.estimated)}{tokens}"]
    if record.usage:
        lines += ["", "| Tokens | Prompt | Response |", "| --- | --- | --- |"]
        prompt, response = _by_modality(record.usage)
        lines += [f"| {_markdown(name)} | {prompt[name]} | {response[name]} |" for name in sorted({*prompt, *response})]
    return lines


def _by_modality(usage: Iterable[Usage]) -> tuple[Counter[str], Counter[str]]:
    prompt, response = Counter[str](), Counter[str]()
    for each in usage:
        prompt.update(each.prompt)
        response.update(each.response)
        response.update({"thoughts": each.thoughts} if each.thoughts else {})
    return prompt, response


def _transcript(utterances: Iterable[Utterance]) -> Iterator[str]:
    for one in utterances:
        marks = ", ".join(
            mark
            for mark, is_so in (
                ("interrupted", one.interrupted),
                ("partial", one.partial),
                ("second transcriber", one.source == "shadow"),
                ("repaired", one.source == "repaired"),
            )
            if is_so
        )
        words = _markdown(one.text) or "(no words)"
        yield f"**{clock(one.started)} {_markdown(speaker(one.speaker))}** {words}{f' *({marks})*' if marks else ''}"
        yield ""


def _listed(events: Iterable[LoggedEvent]) -> list[str]:
    lines = [
        f"- {clock(at)} {what}" + (f" ({', '.join(map(_markdown, about))})" if about else "")
        for at, what, about in happenings(events)
    ]
    return lines or [NOTHING]
