"""The calls the model waits for, and the input that is held until they are answered."""

from core.live.messages import EndActivity, StartActivity
from core.live.tool_calls import ToolCalls


def test_input_is_held_while_a_call_is_pending_and_released_afterwards() -> None:
    calls = ToolCalls(hold_input=True)
    assert not calls.hold([StartActivity()])
    calls.received("7")
    assert calls.hold([StartActivity()]) and calls.hold([EndActivity()])
    assert calls.release() == []
    assert calls.answered("7", "seven") and calls.release() == [StartActivity(), EndActivity()]
    assert calls.release() == []
    free = ToolCalls(hold_input=False)
    free.received("7")
    assert not free.hold([StartActivity()])


def test_a_result_is_sent_as_text_if_the_connection_ends_before_the_model_goes_on() -> None:
    calls = ToolCalls(hold_input=True)
    calls.received("7")
    calls.received("8")
    assert calls.answered("7", "seven") and not calls.answered("9", "nine")
    assert calls.connection_ended() == ["seven"]
    assert not calls.pending and calls.connection_ended() == []
    calls.received("1")
    calls.answered("1", "one")
    calls.acknowledged()
    assert calls.connection_ended() == []
