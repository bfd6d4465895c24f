"""Plans and rubrics are read as strictly as configs, and their errors say the line."""

from pathlib import Path

import pytest

from core.exam.plan import ExamPlan
from core.scoring import Rubric
from processors.yaml_file import read

PLAN = """name: Placement
minutes: 4
parts:
  - name: Warm-up
    questions: [Who are you]
"""


def refusal(folder: Path, text: str | bytes) -> str:
    path = folder / "plan.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match="plan") as caught:
        read(path, ExamPlan, "an exam plan")
    return str(caught.value).replace(f"{folder}/", "")


def test_a_plan_is_read(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    assert read(tmp_path / "plan.yaml", ExamPlan, "an exam plan").minutes == 4


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "minutes: 4\n",
            "minutes: 4\nminutes: 5\n",
            "plan.yaml is not an exam plan: minutes: is given twice, on lines 2 and 3; keep one (line 3)",
        ),
        (
            "minutes: 4",
            "minutes: 12:30",
            "plan.yaml is not an exam plan: minutes: Input should be a valid number, unable to parse string as a number"
            " (line 2)",
        ),
        (
            "minutes: 4",
            "minutes: .inf",
            "plan.yaml is not an exam plan: minutes: expected a finite number (line 2)",
        ),
        (
            "minutes: 4",
            "on: 4",
            "plan.yaml is not an exam plan: has the key on on line 2, which is not text to YAML; put it in quotes",
        ),
        (
            "    questions: [Who are you]",
            "    questions: [{choose: 2, of: [Why]}]",
            "plan.yaml is not an exam plan: parts.0.questions.0: 2 of 1 questions cannot be chosen (line 5)",
        ),
        ("name: Warm-up", "nam: Warm-up", "plan.yaml is not an exam plan: parts.0.name: Field required (line 4)"),
        ("parts:", "parts: x: y", "plan.yaml is not YAML at line 3, column 9: mapping values are not allowed here"),
    ],
)
def test_a_fault_is_reported_with_its_key_and_line(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in PLAN
    assert refusal(tmp_path, PLAN.replace(old, new)) == sentence


def test_a_file_without_content_is_no_plan(tmp_path: Path) -> None:
    assert refusal(tmp_path, "# nothing\n").startswith("plan.yaml is not an exam plan: Input should be ")
    assert refusal(tmp_path, b"a: \xff\n") == "plan.yaml is not UTF-8 at line 1 (byte 3); save it as UTF-8"
    assert refusal(tmp_path, "a: &a [*a]\n") == "plan.yaml is not an exam plan: a.0: refers to itself (line 1)"


def test_a_rubric_is_read_with_the_same_care(tmp_path: Path) -> None:
    path = tmp_path / "rubric.yaml"
    path.write_text("name: x\nscale: {min: 0, max: 9, step: 1}\ncriteria:\n  - name: fluency\n    name: grammar\n")
    with pytest.raises(ValueError, match=r"criteria\.0\.name: is given twice, on lines 4 and 5; keep one \(line 5\)"):
        read(path, Rubric, "a rubric")
