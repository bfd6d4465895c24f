"""A question asked again is noticed; a courtesy is not."""

from core.repetition import repeated, similarity

QUESTION = "Could you tell me something about the town where you grew up?"


def test_the_same_question_in_nearly_the_same_words_is_a_repetition() -> None:
    again = "So, could you tell me something about the town where you grew up, please?"
    assert (repeated(again, ["Thank you.", QUESTION]) or 0) > 0.9


def test_another_question_is_not() -> None:
    assert repeated("Could you tell me what you like about your work there?", [QUESTION]) is None
    assert repeated(QUESTION, []) is None


def test_courtesies_may_come_as_often_as_they_like() -> None:
    assert repeated("Thank you very much.", ["Thank you very much."]) is None


def test_short_texts_resemble_nothing() -> None:
    assert similarity("Yes", "Yes") == 0.0
    assert similarity(QUESTION, QUESTION.upper()) == 1.0
