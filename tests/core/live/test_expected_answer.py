"""What a question asks for, and whether it was given."""

from core.live.expected_answer import ExpectedAnswer


def test_an_answer_given_in_pieces_is_one_answer() -> None:
    expected = ExpectedAnswer()
    expected.asked(10.0)
    assert expected.answered(4.0)
    assert expected.answered(5.0)
    assert not expected.answered(2.0)
    expected.asked(10.0)
    assert expected.answered(4.0)


def test_without_a_plan_or_without_a_measure_no_answer_is_too_short() -> None:
    expected = ExpectedAnswer()
    assert not expected.answered(0.1)
    expected.asked(10.0)
    assert not expected.answered(None)


def test_a_reply_after_the_models_turn_without_any_input_is_unsolicited() -> None:
    expected = ExpectedAnswer()
    expected.turn_complete()
    assert not expected.reply_is_unsolicited, "no question waits for an answer"
    expected.asked(0.0)
    assert expected.reply_is_unsolicited
    expected.reply_accepted()
    assert not expected.reply_is_unsolicited
    expected.turn_complete()
    expected.input_sent()
    assert not expected.reply_is_unsolicited and not expected.awaited
