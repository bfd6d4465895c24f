"""A model that begins the exam anew is found out by its first words."""

from core.events import UtteranceSpoken
from core.memory import MemoryCheck, Recall, go_on, seed

OPENING = "Hello, and welcome to the speaking test. My name is Anna. What is your full name?"


def known() -> MemoryCheck:
    check = MemoryCheck()
    check.said(OPENING)
    check.said("Where do you live, and what is your town like?")
    check.said("Do you prefer to live in a large town or in the country?")
    check.billed(4000)
    check.reconnected()
    return check


def test_before_anything_was_said_there_is_nothing_to_forget() -> None:
    check = MemoryCheck()
    check.reconnected()
    assert not check.checking
    assert check.speaking("Hello") is Recall.KEPT


def test_the_opening_again_is_noticed_after_eight_words() -> None:
    check = known()
    assert check.speaking("Hello, and welcome") is Recall.UNKNOWN
    assert check.speaking(" to the speaking test. My") is Recall.LOST


def test_an_old_question_again_is_noticed_but_the_last_one_may_be_repeated() -> None:
    assert known().speaking("Where do you live, and what is your town like?") is Recall.LOST
    assert known().speaking("Do you prefer to live in a large town or in the country?") is Recall.KEPT


def test_a_reply_that_goes_on_is_let_through_even_if_it_is_short() -> None:
    check = known()
    assert check.speaking("Thank you. Let us talk about something else now.") is Recall.KEPT
    check = known()
    assert check.speaking("I see.") is Recall.UNKNOWN
    assert check.speaking("", finished=True) is Recall.KEPT


def test_a_context_that_collapses_is_another_context() -> None:
    check = known()
    assert check.billed(900) is Recall.LOST
    assert known().billed(3900) is Recall.UNKNOWN
    assert known().billed(0) is Recall.UNKNOWN


def spoken(speaker: str, text: str) -> UtteranceSpoken:
    return UtteranceSpoken(0.0, speaker, text, 0.0, 0.0)  # pyright: ignore


def test_the_conversation_is_told_in_turns_of_both() -> None:
    said = [spoken("examiner", "Hello."), spoken("examiner", "Your name?"), spoken("caller", "Bruce.")]
    assert seed(said) == [("model", "Hello. Your name?"), ("user", "Bruce.")]
    assert seed([spoken("caller", "x" * 50), *said], characters=30) == [
        ("model", "Hello. Your name?"),
        ("user", "Bruce."),
    ]
    assert seed([]) == []


def test_a_seeded_session_is_told_where_the_exam_stands() -> None:
    told = go_on([spoken("examiner", OPENING), spoken("caller", "Bruce."), spoken("examiner", "Where?")])
    assert "You have asked 2 questions; the last was: Where?" in told and "Do not greet" in told
    assert "asked" not in go_on([spoken("caller", "Hello?")])
    told = go_on([spoken("examiner", OPENING)], "Questions 1 to 4 are done; go on with question 5.")
    assert "go on with question 5. Do not greet" in told
