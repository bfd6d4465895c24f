"""A caller whose audio stops is not prompted, and is asked again when it is back."""

from core.live import messages
from core.live.actions import Action, GiveUp, Transmit
from core.live.conversation import LiveConversationMachine
from core.live.policy import LivePolicy
from core.live.prompts import ANSWER_BROKEN_OFF, ANSWER_INTERRUPTED, IDLE, REPEAT

QUESTION = (messages.ModelAudio(bytes(48000), 24000), messages.GenerationComplete(), messages.TurnComplete())


def live() -> LiveConversationMachine:
    """A conversation whose first question was played from 1 to 2 s."""
    machine = LiveConversationMachine(LivePolicy(idle_timeout=40, grace=0))
    machine.start(0.0)
    machine.opened(0.1, None, [], False, 0.0)
    machine.instruct("Begin.", 0.5)
    ask(machine, 1.0)
    return machine


def ask(machine: LiveConversationMachine, now: float) -> None:
    """The examiner asks something, for a second."""
    for message in QUESTION:
        machine.on_server_message(message, 1, now)
    machine.playback_started(now)
    machine.playback_stopped(now + 1.0)


def back(
    machine: LiveConversationMachine, now: float, *, missing: float, in_turn: bool, too_long: bool
) -> list[Action]:
    """The caller's audio comes again, as the stage is told."""
    text = machine.presence.returned(now, missing=missing, in_turn=in_turn, too_long=too_long)
    return machine.instruct(text, now) if text else []


def sent(actions: list[Action]) -> list[messages.Outgoing]:
    return [item for action in actions if isinstance(action, Transmit) for item in action.items]


def test_an_answer_of_which_some_is_missing_goes_on_and_is_asked_for_again() -> None:
    machine = live()
    machine.caller_started(5.0)
    machine.presence.left(8.0)
    assert machine.tick(13.0) == [] and machine.caller_speaking
    asked = back(machine, 13.0, missing=5.0, in_turn=True, too_long=False)
    assert sent(asked) == [messages.InTurnText(ANSWER_INTERRUPTED)]
    assert sent(machine.caller_stopped(20.0)) == [messages.EndActivity()]


def test_an_answer_that_was_only_late_is_an_answer_like_any_other() -> None:
    machine = live()
    machine.caller_started(5.0)
    machine.presence.left(8.0)
    assert back(machine, 13.0, missing=0.0, in_turn=True, too_long=False) == []


def test_an_answer_that_broke_off_ends_with_the_request_to_ask_again() -> None:
    machine = live()
    machine.caller_started(5.0)
    machine.presence.left(8.0)
    assert machine.tick(100.0) == [], "nobody is prompted"
    asked = back(machine, 100.0, missing=92.0, in_turn=True, too_long=True)
    assert sent(asked) == [messages.InTurnText(ANSWER_BROKEN_OFF)]
    assert sent(machine.caller_stopped(100.0)) == [messages.EndActivity()]


def test_a_question_that_was_put_to_nobody_is_repeated() -> None:
    machine = live()
    machine.caller_started(5.0)
    machine.caller_stopped(7.0)
    machine.presence.left(7.5)
    ask(machine, 9.0)
    asked = back(machine, 12.5, missing=5.0, in_turn=False, too_long=False)
    assert sent(asked) == [messages.TextTurn(REPEAT)]


def test_a_question_whose_end_was_lost_just_before_is_repeated() -> None:
    machine = live()
    machine.presence.left(1.5)
    asked = back(machine, 6.5, missing=5.0, in_turn=False, too_long=False)
    assert sent(asked) == [messages.TextTurn(REPEAT)]


def test_a_question_that_is_still_being_put_is_repeated_after_it() -> None:
    machine = live()
    machine.caller_started(5.0)
    machine.caller_stopped(7.0)
    machine.presence.left(7.5)
    for message in (QUESTION[0], QUESTION[0], *QUESTION):
        machine.on_server_message(message, 1, 9.0)
    machine.playback_started(9.0)
    assert back(machine, 9.5, missing=2.0, in_turn=False, too_long=False) == []
    assert sent(machine.playback_stopped(12.0)) == [messages.TextTurn(REPEAT)]


def test_a_question_that_was_heard_is_repeated_after_a_long_absence_only() -> None:
    machine = live()
    machine.presence.left(5.0)
    assert back(machine, 10.0, missing=5.0, in_turn=False, too_long=False) == []
    machine.presence.left(11.0)
    asked = back(machine, 31.0, missing=20.0, in_turn=False, too_long=True)
    assert sent(asked) == [messages.TextTurn(REPEAT)]


def test_what_the_model_has_still_to_reply_to_is_no_reason_to_repeat() -> None:
    machine = live()
    machine.caller_started(5.0)
    machine.caller_stopped(7.0)
    machine.presence.left(7.5)
    assert back(machine, 27.5, missing=20.0, in_turn=False, too_long=True) == []


def test_a_caller_who_does_not_come_back_is_given_up_without_a_prompt() -> None:
    machine = live()
    machine.presence.left(5.0)
    assert messages.TextTurn(IDLE) not in sent(machine.tick(50.0))
    assert GiveUp in [type(action) for action in machine.tick(125.0)]


def test_an_instruction_within_an_answer_does_not_start_the_idle_timeout() -> None:
    machine = live()
    machine.caller_started(5.0)
    machine.instruct("Be brief.", 6.0)
    assert machine.tick(60.0) == []
