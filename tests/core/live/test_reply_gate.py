"""What is held, released and suppressed."""

from hypothesis import given
from hypothesis import strategies as st

from core.events import ReplySuppressed
from core.live.messages import GenerationComplete, ModelAudio, OutputTranscribed, ToolCallReceived, TurnComplete
from core.live.reply_gate import ModelOutput, ReplyGate

AUDIO = ModelAudio(bytes(48000), 24000)  # a second
TEXT = OutputTranscribed(" Thank  you.")
CALL = ToolCallReceived("7", "report", {})


def held(*events: ModelOutput) -> ReplyGate:
    gate = ReplyGate()
    gate.close("flush")
    for event in events:
        gate.hold(event)
    return gate


def test_what_is_released_comes_out_in_order_and_the_gate_is_open() -> None:
    gate = held(AUDIO, TEXT, CALL)
    assert gate.holding and gate.open() == [AUDIO, TEXT, CALL]
    assert not gate.holding and gate.closed_for is None


def test_the_end_of_a_turn_is_no_reply() -> None:
    gate = held(GenerationComplete(), TurnComplete())
    assert not gate.holding
    assert gate.suppress("flush", 2.0) == ([], []) and gate.suppresses(AUDIO, 2.0) == (False, [])


def test_a_reply_is_suppressed_to_its_end_and_reported_once() -> None:
    gate = held(AUDIO, TEXT)
    assert gate.suppress("flush", 2.0) == ([], [])
    assert gate.suppresses(AUDIO, 2.1) == (True, []) and gate.suppresses(GenerationComplete(), 2.2) == (True, [])
    assert gate.suppresses(TurnComplete(), 2.3) == (True, [ReplySuppressed(2.3, "flush", "Thank you.", 2.0)])
    assert gate.suppresses(AUDIO, 2.4) == (False, [])


def test_a_suppressed_reply_that_is_over_is_reported_at_once() -> None:
    assert held(AUDIO, GenerationComplete(), TurnComplete()).suppress("flush", 2.0)[0] == [
        ReplySuppressed(2.0, "flush", "", 1.0)
    ]
    assert held(AUDIO).suppress("premature", 2.0, over=True)[0] == [ReplySuppressed(2.0, "premature", "", 1.0)]


def test_another_turn_is_not_suppressed_with_one_whose_turn_complete_never_came() -> None:
    gate = held(AUDIO, GenerationComplete())
    gate.suppress("flush", 2.0)
    assert gate.suppresses(AUDIO, 3.0) == (False, [ReplySuppressed(3.0, "flush", "", 1.0)])


def test_a_suppressed_function_call_needs_a_result_unless_it_was_cancelled() -> None:
    assert held(AUDIO, CALL).suppress("flush", 2.0)[1] == [CALL]
    gate = held(CALL)
    gate.cancel(["7"])
    assert not gate.holding and gate.suppress("flush", 2.0) == ([], [])


@given(st.lists(st.sampled_from([AUDIO, TEXT, GenerationComplete(), TurnComplete(), CALL]), max_size=12))
def test_every_second_is_either_released_or_reported_as_suppressed(events: list[ModelOutput]) -> None:
    sent = sum(isinstance(one, ModelAudio) for one in events)
    assert sum(isinstance(one, ModelAudio) for one in held(*events).open()) == sent
    gate = held(*events)
    reported = [*gate.suppress("flush", 1.0)[0], *gate.reset(2.0)]
    assert sum(event.seconds for event in reported) == sent
