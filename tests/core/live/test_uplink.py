"""What is said to the model, and when."""

from core.events import ToolCalled, TurnReplayed
from core.live.actions import AudioReplayed, Note, Transmit
from core.live.connection import ConnectionPolicy, LiveConnectionMachine
from core.live.messages import Audio, EndActivity, StartActivity, TextTurn, ToolCallReceived, ToolResult
from core.live.replay_buffer import ReplayBuffer
from core.live.tool_calls import ToolCalls
from core.live.uplink import TOO_EARLY, Uplink

PCM = Audio(bytes(640), 16000)


def uplink(*, up: bool = True) -> Uplink:
    """An uplink whose link is up, or being dialed."""
    link = LiveConnectionMachine(ConnectionPolicy())
    link.start(0.0)
    if up:
        link.opened(0.1)
    return Uplink(link, ToolCalls(hold=True), ReplayBuffer())


def test_what_is_said_while_there_is_no_connection_is_said_to_the_next() -> None:
    down = uplink(up=False)
    assert down.begin() == [] and down.say(PCM) == [] and down.owes and not down.waits_for_answer
    again = down.again(3.0)
    assert again == [Note(TurnReplayed(3.0, 1, 1)), AudioReplayed(), Transmit((StartActivity(), PCM))]


def test_a_turn_is_spoken_into_a_window_that_was_left_open() -> None:
    up = uplink()
    up.begin()
    up.leave_open()
    assert up.begin() == [] and up.say(PCM) == [Transmit((PCM,))]
    assert up.again(1.0)[-1] == Transmit((StartActivity(), EndActivity(), StartActivity(), PCM))
    assert up.begin() == [Transmit((StartActivity(),))], "only once"


def test_a_window_left_open_is_closed_before_words_nobody_spoke_and_gone_with_its_connection() -> None:
    up = uplink()
    assert up.silence() == [Transmit((StartActivity(),))] and up.silence() == []
    assert up.tell("Go on.") == [Transmit((EndActivity(),)), Transmit((TextTurn("Go on."),))]
    up.silence()
    up.dropped()
    assert up.end_window_left() == []


def test_words_that_are_not_to_be_remembered_are_not_said_again() -> None:
    up = uplink()
    assert up.tell("Please go on.", remember=False) == [Transmit((TextTurn("Please go on."),))]
    assert up.again(1.0) == []


def test_a_refused_call_gets_its_answer_and_lets_in_what_has_waited() -> None:
    up = uplink()
    up.calls.asked("7")
    assert up.say(PCM) == [] and up.owes
    assert up.refuse([ToolCallReceived("7", "report", {"a": 1})], 2.0) == [
        Note(ToolCalled(2.0, "7", "report", {"a": 1})),
        Transmit((ToolResult("7", "report", TOO_EARLY),)),
        Transmit((PCM,)),
    ]
    assert not up.calls.pending
