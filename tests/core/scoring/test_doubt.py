"""What the speech reader is not sure of: two values of which none was taken back, and ranges left open."""

import pytest

from core.scoring import Refused, SpeechReader, Stated, decide
from support.score_cases import rubric, scores, talk

SPEAKING = rubric()
SPEECH = SpeechReader(SPEAKING)


def doubts(*lines: str, of: str = "speaking") -> dict[str, str]:
    reader = SPEECH if of == "speaking" else SpeechReader(rubric(of))
    return {
        one.criterion: one.doubt for one in reader.read(talk(*lines)) if isinstance(one, Stated | Refused) and one.doubt
    }


def test_a_second_value_without_a_correction_is_a_conflict() -> None:
    lines = ("E: Your fluency is a six. Your vocabulary is a seven.", "C: Thank you.", "E: Your fluency is a seven.")
    assert doubts(*lines) == {"fluency": "conflict"}
    verdict = decide(SPEAKING, SPEECH.read(talk(*lines)))
    assert verdict.scores[0].flags == ("conflict",) and "conflict" in verdict.flags
    assert doubts(*lines, "C: Yes.", "E: So your fluency is a seven.") == {"fluency": "conflict"}


@pytest.mark.parametrize(
    "said",
    [
        "Your fluency is a six. Sorry, I mean seven.",
        "Fluency is a six, no, a seven.",
        "Your fluency is a six. No, that is wrong. Your fluency is a seven.",
        "Your fluency is a six. Yes, fluency, six.",
        "Your fluency is a six and your vocabulary a seven.",
    ],
)
def test_a_value_that_was_corrected_or_said_twice_is_none(said: str) -> None:
    assert doubts(f"E: {said}") == {}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Your fluency is a six or a seven.", "it is left open, 6 or 7"),
        ("Fluency is somewhere between six and six and a half.", "it is left open, 6 or 6.5"),
        ("I'd put your fluency at six to seven.", "it is left open, 6 or 7"),
        ("For fluency, 6-7.", "it is left open, 6 or 7"),
    ],
)
def test_a_range_that_stays_open_is_ambiguous_and_says_between_which(said: str, why: str) -> None:
    read = SPEECH.read(talk(f"E: {said}"))
    assert scores(read) == {}
    assert [(one.criterion, one.why, one.doubt) for one in read if isinstance(one, Refused)] == [
        ("fluency", why, "ambiguous")
    ]


def test_levels_are_left_open_as_levels() -> None:
    read = SpeechReader(rubric("cefr")).read(talk("E: Your fluency is between B1 and B2."))
    assert [one.why for one in read if isinstance(one, Refused)] == ["it is left open, B1 or B2"]


def test_a_range_that_is_closed_afterwards_is_no_longer_open() -> None:
    assert doubts("E: Your fluency is a six or a seven. Let me think. Your fluency is a seven.") == {}


@pytest.mark.parametrize(
    "said",
    [
        "Is your fluency a six or a seven?",
        "You spoke fluently, and your fluency carried you for six or seven minutes.",
        "The scale for fluency goes from zero to nine.",
        "For fluency, between ten and twelve.",
        "Fluency and grammar are between six and seven.",
    ],
)
def test_other_pairs_of_numbers_leave_no_score_open(said: str) -> None:
    assert doubts(f"E: {said}") == {}
