"""The verdict of a session record, and its remarks as sentences for people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.record.models import CriterionScore, LoggedEvent, SessionRecord

STATUS = {
    "complete": "complete, every criterion has a value",
    "partial": "partial, some criteria have no value",
    "insufficient": "insufficient, there was not enough evidence for any value",
}
FLAGS = {
    "conflict": "one source states two values and takes neither back",
    "computed": "worked out from the others",
    "inconsistent": "far from what the other criteria give",
    "repaired transcript": "judged by words of the second transcriber",
    "early": "reported before the exam was over",
    "candidate injection": "the candidate said what looks like a score; it does not count",
}


def verdict_of(record: SessionRecord) -> dict[str, Any] | None:
    """The verdict as it was given last (docs/scoring.md); None for a session without one."""
    given = [event.data.get("verdict") for event in record.events if event.kind == "VerdictGiven"]
    return given[-1] if given and isinstance(given[-1], dict) else None


def named_scores(scores: Iterable[CriterionScore], events: Sequence[LoggedEvent]) -> tuple[CriterionScore, ...]:
    """Scores with the labels of their values and the titles of their criteria, as the events of their session say."""
    labels = {event.data.get("criterion"): event.data.get("label") for event in events if event.kind == "ScoreGiven"}
    verdicts = [event.data.get("verdict") for event in events if event.kind == "VerdictGiven"]
    judged = verdicts[-1].get("criteria", ()) if verdicts and isinstance(verdicts[-1], dict) else ()
    titles = {one.get("criterion"): one.get("title") for one in judged if isinstance(one, dict)}
    return tuple(
        replace(one, label=_text(labels.get(one.criterion)), title=_text(titles.get(one.criterion))) for one in scores
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _shown(verdict: Mapping[str, Any], value: float) -> str:
    """A value of the verdict's scale for people."""
    labels = verdict.get("scale", {}).get("labels")
    return labels[int(value)]["label"] if labels and 0 <= value < len(labels) else f"{value:g}"


def remarks(verdict: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each criterion with remarks, and these as one text: whether its readings agree, and what was refused."""
    for one in verdict.get("criteria", ()):
        differs = one["agreement"] == "conflict"
        # Those are said with the readings and the refusals.
        hidden = {"out of range", "ambiguous", *(["conflict"] if differs else [])}
        found = [FLAGS[flag] for flag in one["flags"] if flag in FLAGS and flag not in hidden]
        if len(one["readings"]) > 1:
            read = ", ".join(f"{reading['source']} {_shown(verdict, reading['value'])}" for reading in one["readings"])
            found.insert(0, f"{'the readings differ' if differs else 'the readings agree'} ({read})")
        elif one["source"] == "computed" and one["readings"]:
            stated = one["readings"][0]
            found.insert(0, f"{stated['source']} stated {_shown(verdict, stated['value'])}")
        found += [f"not taken from {why}" for why in one["refusals"]]
        if found:
            yield one["title"], "; ".join(found)
    if (questions := verdict.get("questions")) and questions["asked"] < questions["planned"]:
        yield "Exam", f"{questions['asked']} of {questions['planned']} questions asked"
    if verdict.get("ignored"):
        yield "Not counted", "; ".join(verdict["ignored"])
    if verdict.get("injections"):
        yield "Candidate", FLAGS["candidate injection"]
