"""What is sent to the model, and when."""

from core.events import ToolCalled, TurnReplayed
from core.live.actions import AudioReplayed, Note, Transmit
from core.live.connection import ConnectionPolicy, LiveConnectionMachine
from core.live.messages import Audio, EndActivity, InTurnText, StartActivity, TextTurn, ToolCallReceived, ToolResult
from core.live.replay_buffer import ReplayBuffer
from core.live.tool_calls import ToolCalls
from core.live.uplink import TOO_EARLY, Uplink

PCM = Audio(bytes(640), 16000)


def uplink(*, up: bool = True) -> Uplink:
    """An uplink whose connection is up, or being dialed."""
    connection = LiveConnectionMachine(ConnectionPolicy())
    connection.start(0.0)
    if up:
        connection.opened(0.1, None, 0.1)
    return Uplink(connection, ToolCalls(hold_input=True), ReplayBuffer())


def test_what_is_sent_while_there_is_no_connection_is_replayed_to_the_next() -> None:
    down = uplink(up=False)
    assert down.open_window() == [] and down.send(PCM) == [] and down.busy and not down.awaiting_reply
    assert down.replay(3.0) == [Note(TurnReplayed(3.0, 1, 1)), AudioReplayed(), Transmit((StartActivity(), PCM))]


def test_a_turn_is_spoken_into_a_window_that_was_left_open() -> None:
    up = uplink()
    up.open_window()
    up.leave_window_open()
    assert up.open_window() == [] and up.send(PCM) == [Transmit((PCM,))]
    assert up.replay(1.0)[-1] == Transmit((StartActivity(), EndActivity(), StartActivity(), PCM))
    assert up.open_window() == [Transmit((StartActivity(),))], "only once"


def test_a_window_left_open_is_closed_before_an_instruction_and_gone_with_its_connection() -> None:
    up = uplink()
    assert up.interrupt_model() == [Transmit((StartActivity(),))] and up.interrupt_model() == []
    assert up.instruct("Go on.") == [Transmit((EndActivity(),)), Transmit((TextTurn("Go on."),))]
    up.interrupt_model()
    up.connection_ended()
    assert up.close_window() == []


def test_an_instruction_that_is_not_replayable_is_not_replayed() -> None:
    up = uplink()
    assert up.instruct("Please go on.", replayable=False) == [Transmit((TextTurn("Please go on."),))]
    assert up.replay(1.0) == []


def test_a_refused_call_gets_its_result_and_the_held_input_is_sent() -> None:
    up = uplink()
    up.tool_calls.received("7")
    assert up.send(PCM) == [] and up.busy
    assert up.refuse([ToolCallReceived("7", "report", {"a": 1})], 2.0) == [
        Note(ToolCalled(2.0, "7", "report", {"a": 1})),
        Transmit((ToolResult("7", "report", TOO_EARLY),)),
        Transmit((PCM,)),
    ]
    assert not up.tool_calls.pending


def test_a_result_that_may_be_lost_is_replayed_as_text_inside_the_window_that_is_open() -> None:
    up = uplink()
    up.tool_calls.received("1")
    up.tool_result("1", "f", {}, "f: done", speaking=False)
    up.open_window()
    up.connection_ended()
    assert up.replay_buffer.replay() == [StartActivity(), InTurnText("f: done")]


def test_a_result_that_may_be_lost_is_replayed_as_a_turn_of_its_own_while_the_caller_is_silent() -> None:
    up = uplink()
    up.open_window()
    up.send(EndActivity())
    up.tool_calls.received("1")
    up.tool_result("1", "f", {}, "f: done", speaking=False)
    up.connection_ended()
    assert up.replay_buffer.replay() == [StartActivity(), EndActivity(), TextTurn("f: done")]
