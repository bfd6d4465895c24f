"""Labels as they are written and said, and scales that could be misread."""

from typing import Any

import pytest
from pydantic import ValidationError

from core.scoring import BlockReader, CallReader, SpeechReader
from core.scoring.labels import alike, spoken_forms
from core.scoring.rubric import Rubric
from support.score_cases import rubric, scores, talk

LETTERS = ("C", "B-", "B", "B+", "A")


def of(scale: dict[str, Any], **criterion: Any) -> Rubric:
    criteria = [{"name": "fluency", **criterion}, {"name": "grammar"}, {"name": "overall"}]
    return Rubric.model_validate({"name": "small", "scale": scale, "criteria": criteria})


def labelled(*labels: Any) -> Rubric:
    return of({"labels": labels})


@pytest.mark.parametrize(
    ("raw", "label"),
    [("B", "B"), ("B+", "B+"), ("B-", "B-"), ("b+", "B+"), (" B- ", "B-"), ("B plus", "B+"), ("Grade B minus", "B-")],
)
def test_the_label_that_stands_there_is_the_one_that_counts(raw: str, label: str) -> None:
    assert scores(CallReader(labelled(*LETTERS)).read({"fluency": raw}, 1.0)) == {"fluency": label}


@pytest.mark.parametrize("raw", ["B++", "A-", "C plus", "B/B+", "B or B+", "D"])
def test_a_label_that_is_only_like_one_of_the_scale_is_refused(raw: str) -> None:
    assert scores(CallReader(labelled(*LETTERS)).read({"fluency": raw}, 1.0)) == {}


def test_signs_of_a_label_are_read_in_blocks_and_heard_in_speech() -> None:
    letters = labelled(*LETTERS)
    written = talk("E: [BAND_SCORES]\nfluency: B+\ngrammar: B-\noverall: B\n[/BAND_SCORES]")
    read = {"fluency": "B+", "grammar": "B-", "overall": "B"}
    assert scores(BlockReader(letters).read(written)) == read
    assert scores(SpeechReader(letters).read(talk("E: Your fluency is a B plus. Grammar: B-. Overall, a B."))) == read
    assert scores(SpeechReader(letters).read(talk("E: For fluency, a C plus."))) == {}


def test_a_grade_with_a_star_is_not_the_one_without() -> None:
    stars = labelled("B", "A", "A*")
    assert scores(CallReader(stars).read({"fluency": "A*", "grammar": "A"}, 1.0)) == {"fluency": "A*", "grammar": "A"}
    said = talk("E: Your fluency is an A*. Your grammar is an A.")
    assert scores(SpeechReader(stars).read(said)) == {"fluency": "A*", "grammar": "A"}


def test_labels_that_are_numbers_are_taken_as_text_and_as_numbers() -> None:
    plus = labelled(0, "0+", 1, "1+", 2)
    args = {"fluency": "1+", "grammar": 1, "overall": "0+"}
    assert scores(CallReader(plus).read(args, 1.0)) == {"fluency": "1+", "grammar": "1", "overall": "0+"}


def test_a_block_of_levels_is_read_as_it_is_written() -> None:
    levels = talk("E: [LEVELS]\nRange: A1\nAccuracy: a1\nFluency - A2\nInteraction: B-2\noverall: level C 1\n[/LEVELS]")
    assert scores(BlockReader(rubric("cefr")).read(levels)) == {
        "range": "A1",
        "accuracy": "A1",
        "fluency": "A2",
        "interaction": "B2",
        "overall": "C1",
    }


@pytest.mark.parametrize(
    ("scale", "why"),
    [
        ({"labels": ["B", "B.", "C"]}, "'B' and 'B.' cannot be told apart when they are said"),
        ({"labels": ["1", "one"]}, "'1' and 'one' cannot be told apart"),
        ({"labels": ["B+", {"label": "C", "synonyms": ["B plus"]}]}, "'B[+]' and 'B plus' cannot be told apart"),
        ({"labels": ["A", "A**"]}, "'A' and 'A[*][*]' cannot be told apart"),
        ({"labels": ["pre-A1", "Pre A1"]}, "cannot be told apart"),
        ({"labels": ["★", "★★"]}, "the label '★' cannot be said; give it a synonym in words"),
        ({"labels": [{"label": "low", "synonyms": ["--"]}, "high"]}, "'--', a synonym of 'low', cannot be said"),
        ({"labels": ["I", "II", "III"]}, "the label 'I' is said like the word I"),
        ({"min": -5, "max": 5, "step": 1}, "begins at -5; a value below 0 is said like the one above it"),
        ({"min": 0, "max": 5000, "step": 100}, "numbers above 999 are not read"),
        ({"min": 0, "max": 1, "step": 0.125}, "more than the two decimals that can be said"),
    ],
)
def test_a_scale_whose_values_could_be_misread_is_refused_in_a_sentence(scale: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why) as refused:
        of(scale)
    assert refused.value.error_count() == 1


@pytest.mark.parametrize("scale", [{"labels": [{"label": "★", "synonyms": ["one star"]}, "two"]}, {"labels": LETTERS}])
def test_a_scale_whose_values_can_be_said_is_taken(scale: dict[str, Any]) -> None:
    assert of(scale).names


@pytest.mark.parametrize(
    ("synonym", "why"),
    [("!!!", "fluency has the name '!!!', which cannot be said"), ("b plus", "both the criterion fluency and the lab")],
)
def test_a_criterion_is_called_by_words_that_no_label_has(synonym: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        of({"labels": LETTERS}, synonyms=[synonym])


def test_numbers_and_letters_of_a_label_are_said_in_words_too() -> None:
    assert {("a", "1"), ("ay", "one"), ("a", "one")} <= spoken_forms("A1")
    assert ("grade", "twenty", "five") in spoken_forms("Grade 25")
    assert alike("b2", "B-2") and not alike("B2", "B2+")


def test_labels_that_yaml_takes_for_true_and_false_are_refused_with_what_to_do() -> None:
    with pytest.raises(ValidationError, match="put the label in quotes"):
        labelled(True, False)
