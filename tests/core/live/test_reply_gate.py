"""What is held back, let go and lost."""

from hypothesis import given
from hypothesis import strategies as st

from core.events import ReplySuppressed
from core.live.messages import GenerationComplete, ModelAudio, OutputTranscribed, ToolCallReceived, TurnComplete
from core.live.reply_gate import ModelOutput, ReplyGate

VOICE = ModelAudio(bytes(48000), 24000)  # a second
WORDS = OutputTranscribed(" Thank  you.")
CALL = ToolCallReceived("7", "report", {})


def held(*events: ModelOutput) -> ReplyGate:
    gate = ReplyGate()
    gate.close("flush")
    for event in events:
        gate.hold(event)
    return gate


def test_what_is_let_go_comes_out_in_order_and_the_gate_is_open() -> None:
    gate = held(VOICE, WORDS, CALL)
    assert gate.holding and gate.open() == [VOICE, WORDS, CALL]
    assert not gate.holding and gate.shut is None


def test_the_end_of_a_turn_is_no_reply() -> None:
    gate = held(GenerationComplete(), TurnComplete())
    assert not gate.holding
    assert gate.lose("flush", 2.0) == ([], []) and gate.loses(VOICE, 2.0) == (False, [])


def test_a_reply_is_lost_to_its_end_and_told_once() -> None:
    gate = held(VOICE, WORDS)
    assert gate.lose("flush", 2.0) == ([], [])
    assert gate.loses(VOICE, 2.1) == (True, []) and gate.loses(GenerationComplete(), 2.2) == (True, [])
    assert gate.loses(TurnComplete(), 2.3) == (True, [ReplySuppressed(2.3, "flush", "Thank you.", 2.0)])
    assert gate.loses(VOICE, 2.4) == (False, [])


def test_a_lost_reply_that_is_over_is_told_at_once() -> None:
    assert held(VOICE, GenerationComplete(), TurnComplete()).lose("flush", 2.0)[0] == [
        ReplySuppressed(2.0, "flush", "", 1.0)
    ]
    assert held(VOICE).lose("premature", 2.0, over=True)[0] == [ReplySuppressed(2.0, "premature", "", 1.0)]


def test_another_turn_is_not_lost_with_one_whose_end_was_never_declared() -> None:
    gate = held(VOICE, GenerationComplete())
    gate.lose("flush", 2.0)
    assert gate.loses(VOICE, 3.0) == (False, [ReplySuppressed(3.0, "flush", "", 1.0)])


def test_a_call_that_is_lost_is_still_to_be_answered_unless_it_was_withdrawn() -> None:
    assert held(VOICE, CALL).lose("flush", 2.0)[1] == [CALL]
    gate = held(CALL)
    gate.cancel(["7"])
    assert not gate.holding and gate.lose("flush", 2.0) == ([], [])


@given(st.lists(st.sampled_from([VOICE, WORDS, GenerationComplete(), TurnComplete(), CALL]), max_size=12))
def test_every_second_is_either_let_go_or_told_as_lost(events: list[ModelOutput]) -> None:
    sent = sum(isinstance(one, ModelAudio) for one in events)
    assert sum(isinstance(one, ModelAudio) for one in held(*events).open()) == sent
    gate = held(*events)
    facts = [*gate.lose("flush", 1.0)[0], *gate.forget(2.0)]
    assert sum(fact.seconds for fact in facts) == sent
