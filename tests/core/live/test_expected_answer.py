"""What a question asks for, and whether it was given."""

from core.live.expected_answer import ExpectedAnswer


def test_an_answer_given_in_pieces_is_one_answer() -> None:
    due = ExpectedAnswer()
    due.asked(10.0)
    assert due.answered(4.0)
    assert due.answered(5.0)
    assert not due.answered(2.0)
    due.asked(10.0)
    assert due.answered(4.0)


def test_without_a_plan_or_without_a_measure_no_answer_is_too_short() -> None:
    due = ExpectedAnswer()
    assert not due.answered(0.1)
    due.asked(10.0)
    assert not due.answered(None)


def test_whoever_goes_on_after_his_turn_without_a_word_said_to_him_is_unprompted() -> None:
    due = ExpectedAnswer()
    due.turn_over()
    assert not due.unprompted, "no question waits for an answer"
    due.asked(0.0)
    assert due.unprompted
    due.speaking()
    assert not due.unprompted
    due.turn_over()
    due.told()
    assert not due.unprompted and not due.open
