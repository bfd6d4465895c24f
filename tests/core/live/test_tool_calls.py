"""What the model waits for, and what waits for the model."""

from core.live.messages import EndActivity, StartActivity
from core.live.tool_calls import ToolCalls


def test_nothing_is_sent_while_a_call_is_pending_and_all_of_it_afterwards() -> None:
    calls = ToolCalls(hold=True)
    assert not calls.hold_back([StartActivity()])
    calls.asked("7")
    assert calls.hold_back([StartActivity()]) and calls.hold_back([EndActivity()])
    assert calls.let_in() == []
    assert calls.answered("7", "told") and calls.let_in() == [StartActivity(), EndActivity()]
    assert calls.let_in() == []
    free = ToolCalls(hold=False)
    free.asked("7")
    assert not free.hold_back([StartActivity()])


def test_a_result_is_told_again_if_the_connection_goes_before_the_model_goes_on() -> None:
    calls = ToolCalls(hold=True)
    calls.asked("7")
    calls.asked("8")
    assert calls.answered("7", "seven") and not calls.answered("9", "nine")
    assert calls.dropped() == ["seven"]
    assert not calls.pending and calls.dropped() == []
    calls.asked("1")
    calls.answered("1", "one")
    calls.taken()
    assert calls.dropped() == []
