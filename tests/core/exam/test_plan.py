"""What a plan may say, and how the model is told of it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from core.exam.plan import ExamPlan

EXAMS = Path(__file__).parents[3] / "configs" / "exams"


def plan(*questions: Any, **more: Any) -> ExamPlan:
    return ExamPlan.model_validate({"name": "t", "parts": [{"name": "p", "questions": list(questions)}], **more})


def speaking() -> ExamPlan:
    return ExamPlan.model_validate(yaml.safe_load((EXAMS / "speaking.yaml").read_text(encoding="utf-8")))


def test_what_is_left_out_of_a_question_follows_from_its_answer() -> None:
    slots = plan(
        "Why?", {"text": "Is it?", "answer": "yes_no"}, {"text": "Tell me.", "answer": "long", "silence": 3}
    ).slots
    waits = [(slot.expected[0].silence, slot.expected[0].at_least) for slot in slots]
    assert waits == [(None, 1.0), (0.8, 0.0), (3.0, 20.0)]


def test_a_choice_is_as_many_questions_as_are_chosen() -> None:
    slots = plan({"choose": 2, "of": ["One?", "Two?", "Three?"]}, {"choose": 3, "topic": "food"}).slots
    assert [slot.number for slot in slots] == [1, 2, 3, 4, 5]
    assert [slot.texts for slot in slots] == [("One?", "Two?", "Three?")] * 2 + [()] * 3
    assert [slot.group for slot in slots] == [1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"choose": 2, "of": ["One?"]}, "2 of 1 questions cannot be chosen"),
        ({"choose": 1}, "a choice has either a list"),
        ({"choose": 1, "of": ["One?"], "topic": "food"}, "a choice has either a list"),
        ({"text": "Why?", "answer": "medium"}, "'yes_no', 'short' or 'long'"),
        ({"txt": "Why?"}, "Field required"),
        ({"text": "Why?", "silence": 0}, "greater than 0"),
    ],
)
def test_a_question_that_cannot_be_is_refused(said: Any, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        plan(said)


def test_a_plan_that_contradicts_itself_is_refused() -> None:
    part = {"name": "p", "questions": ["Why?"]}
    with pytest.raises(ValidationError, match="two parts are called 'p'"):
        ExamPlan.model_validate({"name": "t", "parts": [part, part]})
    with pytest.raises(ValidationError, match="set `minutes`"):
        plan("Why?", scoring="time limit")
    with pytest.raises(ValidationError, match="at least 1 item"):
        ExamPlan.model_validate({"name": "t", "parts": []})


def test_the_model_is_sent_the_parts_and_questions_in_order_and_when_to_stop() -> None:
    told = speaking().instructions()
    places = [
        told.index(words) for words in ("## Part 1", "What is your full name?", "4 to 6. Ask 3 questions of your")
    ]
    places += [told.index(words) for words in ("## Part 2", "Describe a person", "up to 2 minutes", "## Part 3")]
    assert places == sorted(places)
    assert told.endswith('say: "Thank you. That is the end of the test."')
    assert "(Expect a yes or a no.)" in plan({"text": "Is it?", "answer": "yes_no"}).instructions()
    assert "90 seconds" in plan({"text": "Tell me.", "answer": "long"}).instructions()


def test_the_default_exam_takes_as_long_as_it_says() -> None:
    exam = speaking()
    assert len(exam.parts) == 3 and len(exam.slots) == 12
    assert 9 * 60 <= exam.seconds <= exam.minutes * 60  # pyright: ignore[reportOptionalOperand]
    lines = exam.outline()
    assert lines[0] == "Speaking test: 12 questions in 3 parts, about 10 min, 12 minutes at most"
    assert "   9 to 12. its own on the topic and society at large" in lines
    assert "   7. 1 of 2: Describe a person" in "\n".join(lines)


def test_a_plan_of_one_question_is_worded_in_the_singular() -> None:
    assert plan("Why?").outline() == ["t: 1 question in 1 part, about 1 min", "1. p", "   1. Why?"]
    assert "Ask one question of your own on food." in plan({"choose": 1, "topic": "food"}).instructions()
