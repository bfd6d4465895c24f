"""The verdict for people: labels and titles, remarks, and what was left out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.events import CallEnded, Event, VerdictGiven
from core.scoring import Reading, Refused, Rubric, Stated, decide, events_of
from core.scoring.scale import LabelScale
from core.scoring.verdict import Questions
from pipeline.record.export import as_json, as_markdown
from pipeline.record.models import SessionRecord
from pipeline.record.store import Store
from pipeline.record.verdict_text import remarks, verdict_of
from support.record import numbered, opening
from support.score_cases import rubric

CEFR = rubric("cefr")


def level(criterion: str, label: str, source: str = "call", **more: Any) -> Stated:
    assert isinstance(CEFR.scale, LabelScale)
    place = CEFR.scale.place_of(label)
    assert place is not None
    return Stated(criterion, place, source, "well", 9.0, label, **more)


async def stored(folder: Path, events: Sequence[Event]) -> SessionRecord:
    store = await Store.open(f"sqlite:///{folder / 'sessions.db'}")
    try:
        await store.open_session(opening("s1"))
        await store.append("s1", numbered(events))
        record = await store.session("s1")
    finally:
        await store.close()
    assert record is not None
    return record


async def test_levels_are_shown_as_levels_and_criteria_by_their_titles(tmp_path: Path) -> None:
    readings = [level(name, "A1") for name in CEFR.names]
    record = await stored(tmp_path, events_of(decide(CEFR, readings), 10.0))
    assert {(score.shown, score.label, score.value) for score in record.scores} == {("A1", "A1", 0.0)}
    assert record.scores[-1].name == "Overall level"
    first = json.loads(as_json(record))["scores"][0]
    assert (first["criterion"], first["title"], first["value"], first["label"]) == ("range", "Range", 0.0, "A1")
    assert "| Overall level | A1 | call | well |" in as_markdown(record)


async def test_without_a_verdict_a_score_is_called_by_its_key_and_its_label(tmp_path: Path) -> None:
    verdict = decide(CEFR, [level("range", "C2")])
    record = await stored(tmp_path, [event for event in events_of(verdict, 9.0) if not isinstance(event, VerdictGiven)])
    [first] = [score for score in record.scores if score.criterion == "range"]
    assert (first.name, first.shown) == ("range", "C2")
    assert {score.shown for score in record.scores if score.criterion != "range"} == {"none"}


def said(readings: list[Reading], of: Rubric = CEFR, **more: Any) -> dict[str, str]:
    return dict(remarks(decide(of, readings, **more).as_record()))


def test_readings_that_differ_are_told_in_levels() -> None:
    told = said([level("range", "B1"), level("range", "B2", "speech")])
    assert told["Range"] == "the readings differ (call B1, speech B2)"


def test_a_record_from_before_readings_had_labels_is_told_in_levels_too() -> None:
    old = decide(CEFR, [level("range", "B1"), level("range", "B1", "speech")]).as_record()
    for one in old["criteria"]:
        one["readings"] = [{key: each[key] for key in ("source", "value")} for each in one["readings"]]
    old = {key: value for key, value in old.items() if key not in ("questions", "ignored")}
    assert dict(remarks(old)) == {"Range": "the readings agree (call B1, speech B1)"}


def test_what_is_doubtful_about_a_score_is_said_once() -> None:
    told = said(
        [
            level("range", "B2", "speech", doubt="conflict"),
            Refused("accuracy", "speech", "it is left open, B1 or B2", "B1 or B2", 9.0, doubt="ambiguous"),
            level("overall", "A1"),
            level("fluency", "C1"),
        ]
    )
    assert told == {
        "Range": "one source states two values and takes neither back",
        "Accuracy": "not taken from speech: it is left open, B1 or B2",
        "Overall level": "far from what the other criteria give",
    }


def test_an_overall_value_that_was_stated_and_computed_shows_both() -> None:
    data = rubric("percent").model_dump() | {"overall": {"criterion": "overall", "compute": "mean", "when": "always"}}
    readings: list[Reading] = [Stated(name, 70, "call") for name in rubric("percent").parts]
    told = said([*readings, Stated("overall", 10, "speech")], Rubric.model_validate(data))
    assert told["Overall mark"] == (
        "speech stated 10; far from what the other criteria give; worked out from the others"
    )


async def test_an_exam_of_one_question_of_three_does_not_read_as_completed_and_complete(tmp_path: Path) -> None:
    verdict = decide(CEFR, [level(name, "B1") for name in CEFR.names], questions=Questions(1, 3), ignored=["x"])
    ended = CallEnded(20.0, "completed", Questions(1, 3).left_out)
    record = await stored(tmp_path, [*events_of(verdict, 10.0), ended])
    document = as_markdown(record)
    assert "- **Ended**: completed: 1 of 3 questions asked" in document.replace("\\", "")
    assert "- Exam: 1 of 3 questions asked" in document
    assert (verdict_of(record) or {})["questions"] == {"asked": 1, "planned": 3}


def test_what_was_reported_and_does_not_count_is_named() -> None:
    assert said([], ignored=["call: 'flow' names no criterion of the rubric"]) == {
        "Not counted": "call: 'flow' names no criterion of the rubric"
    }
