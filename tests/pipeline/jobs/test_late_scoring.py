"""A verdict from the record alone, when the rubric is no longer what it was in the call."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from core.events import CallEnded, Event, ExamProgressed, ToolCalled, VerdictGiven
from pipeline.jobs.late_scoring import CannotJudge, TextModel, judge
from pipeline.record.models import SessionRecord
from pipeline.record.store import Store
from support.jobs import ALL, CRITERIA, REPORTED, RUBRIC, config, over


async def recorded(folder: Path, *events: Event) -> SessionRecord:
    store = await Store.open(f"sqlite:///{folder / 'sessions.db'}")
    try:
        await over(store, *events)
        record = await store.session("s1")
    finally:
        await store.close()
    assert record is not None
    return record


async def judged(folder: Path, *events: Event, **rubric: Any) -> dict[str, Any]:
    """The verdict on a call whose rubric has changed since the config was loaded."""
    record, loaded = await recorded(folder, *events), config(folder)
    (folder / "rubric.yaml").write_text(yaml.safe_dump(RUBRIC | {"criteria": CRITERIA} | rubric), encoding="utf-8")
    outcome = await judge(record, loaded, TextModel(), may_retry=False)
    [verdict] = [event.verdict for event in outcome if isinstance(event, VerdictGiven)]
    return verdict


async def test_scores_of_a_function_that_was_renamed_are_named_and_not_passed_over(tmp_path: Path) -> None:
    verdict = await judged(tmp_path, *REPORTED, function="report_scores")
    assert verdict["status"] == "insufficient"
    assert verdict["ignored"] == ["call: scores were reported with report, and the rubric's function is report_scores"]


async def test_scores_of_a_criterion_that_was_renamed_are_named_and_not_passed_over(tmp_path: Path) -> None:
    verdict = await judged(tmp_path, *REPORTED, criteria=[{"name": "fluency"}, {"name": "syntax"}])
    assert verdict["missing"] == ["syntax"]
    assert verdict["ignored"] == ["call: 'grammar' names no criterion of the rubric"]


async def test_a_call_of_one_question_of_three_is_flagged_from_its_record(tmp_path: Path) -> None:
    verdict = await judged(tmp_path, ExamProgressed(1.0, 1, 3), ToolCalled(4.0, "1", "report", dict(ALL)))
    assert (verdict["status"], verdict["flags"]) == ("complete", ["questions left out"])
    assert verdict["questions"] == {"asked": 1, "planned": 3}


async def test_calls_of_other_functions_are_not_taken_for_scores(tmp_path: Path) -> None:
    other = ToolCalled(2.0, "0", "note", {"text": "fluent"})
    verdict = await judged(tmp_path, other, CallEnded(5.0, "caller left"))
    assert verdict["ignored"] == []


async def test_a_rubric_that_was_deleted_is_said_in_a_sentence(tmp_path: Path) -> None:
    record, loaded = await recorded(tmp_path, *REPORTED), config(tmp_path)
    (tmp_path / "rubric.yaml").unlink()
    with pytest.raises(CannotJudge, match=r"rubric\.yaml there is no such file"):
        await judge(record, loaded, TextModel(), may_retry=False)
