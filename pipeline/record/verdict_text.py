"""The verdict of a session record, and its remarks as sentences for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.record.models import SessionRecord

STATUS = {
    "complete": "complete, every criterion has a value",
    "partial": "partial, some criteria have no value",
    "insufficient": "insufficient, there was not enough evidence for any value",
}
FLAGS = {
    "conflict": "the readings differ",
    "out of range": "a stated value was not on the scale",
    "computed": "worked out from the others",
    "repaired transcript": "judged by words of the second transcriber",
    "early": "reported before the exam was over",
    "candidate injection": "the candidate said what looks like a score; it does not count",
}


def verdict_of(record: SessionRecord) -> dict[str, Any] | None:
    """The verdict as it was given last (docs/scoring.md); None for a session without one."""
    given = [event.data.get("verdict") for event in record.events if event.kind == "VerdictGiven"]
    return given[-1] if given and isinstance(given[-1], dict) else None


def remarks(verdict: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each criterion with remarks, and these as one text: whether its readings agree, and what was refused."""
    for one in verdict.get("criteria", ()):
        found = [FLAGS[flag] for flag in one["flags"] if flag in FLAGS and flag not in ("conflict", "out of range")]
        if len(one["readings"]) > 1:
            read = ", ".join(f"{reading['source']} {reading['value']:g}" for reading in one["readings"])
            found.insert(0, f"{FLAGS['conflict'] if one['agreement'] == 'conflict' else 'the readings agree'} ({read})")
        found += [f"not taken from {why}" for why in one["refusals"]]
        if found:
            yield one["title"], "; ".join(found)
    if verdict.get("injections"):
        yield "Candidate", FLAGS["candidate injection"]
