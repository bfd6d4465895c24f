"""A whole exam whose scores are labels."""

from pathlib import Path

import pytest

from support.calls import CONFIGS, SHORT, config, hold, short_answers

pytestmark = pytest.mark.real_time

LEVELS = {
    "range": "B2",
    "accuracy": "B1",
    "fluency": "A2",
    "interaction": "B2",
    "coherence": "C1",
    "pronunciation": "C2",
    "overall": "B1",
}
LABELS = ["A1", "A2", "B1", "B2", "C1", "C2"]


@pytest.mark.parametrize("call", ["good", "none"])
async def test_an_exam_on_levels_ends_with_the_levels_that_were_given(call: str, tmp_path: Path) -> None:
    examiner = SHORT | {"scores": LEVELS, "ending": {"call": call}}
    file = config(tmp_path, examiner, scoring__rubric=str(CONFIGS / "rubrics" / "cefr.yaml"))
    held = await hold(file, short_answers(tmp_path, 1.5))
    scores = {name: value for name, (value, _) in held.scores().items()}
    assert scores == {name: LABELS.index(level) for name, level in LEVELS.items()}
