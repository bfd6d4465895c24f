"""The Live conversation, decided: replies of which only the words come."""

from collections.abc import Sequence
from typing import Any

from core import events
from core.live import messages
from core.live.actions import Action, BeginSpeech, Caption, Dial, EndSpeech, Note, ReplyOver, Transmit
from core.live.connection import ConnectionState
from core.live.conversation import LiveConversationMachine
from core.live.policy import LivePolicy
from core.live.prompts import MUTE, UNHEARD

VOICE = messages.ModelAudio(bytes(48000), 24000)  # a second
PCM = bytes(640)


def live() -> LiveConversationMachine:
    """A conversation whose link has been up since 0 s."""
    machine = LiveConversationMachine(LivePolicy(), frozenset({"report"}))
    machine.start(0.0)
    machine.opened(0.1, None, [], False, 0.0)
    machine.heard(messages.HandleUpdated("h1"), 1, 0.0)
    return machine


def hear(machine: LiveConversationMachine, *said: messages.Incoming, now: float = 2.0) -> list[Action]:
    """The service says these things."""
    return [action for event in said for action in machine.heard(event, machine._link.number, now)]


def sent(actions: Sequence[Action]) -> list[messages.Outgoing]:
    return [item for action in actions if isinstance(action, Transmit) for item in action.items]


def noted(actions: Sequence[Action], kind: type[Any]) -> list[Any]:
    return [a.event for a in actions if isinstance(a, Note) and isinstance(a.event, kind)]


def answer(machine: LiveConversationMachine) -> None:
    """The caller says something short, until 1.5 s."""
    machine.caller_began(1.0)
    machine.caller_audio(PCM, 16000)
    machine.caller_stopped(1.5)


MUTED = (messages.OutputTranscribed(" And you?"), messages.GenerationComplete(), messages.TurnComplete())
QUIET = (Caption, BeginSpeech, EndSpeech, ReplyOver)


def mute(machine: LiveConversationMachine, now: float, *said: messages.Incoming) -> list[Action]:
    """The model has answered, and not a sound came: nothing of that is heard, nor said to have been heard."""
    actions = hear(machine, *(said or MUTED), now=now)
    assert not any(isinstance(action, QUIET) for action in actions) and not machine.replying
    assert noted(actions, events.ReplySuppressed) == [events.ReplySuppressed(now, "mute", "And you?", 0.0)]
    return actions


def test_a_reply_without_a_sound_is_asked_for_again_and_then_from_another_connection() -> None:
    machine = live()
    answer(machine)
    first = mute(machine, 2.0)
    assert noted(first, events.ModelLate) == [events.ModelLate(2.0, "say again")]
    assert sent(first) == [messages.TextTurn(MUTE)] and machine.owed
    hear(machine, messages.HandleUpdated("h2"), now=2.1)
    second = mute(machine, 3.0)
    assert noted(second, events.ModelLate) == [events.ModelLate(3.0, "reconnect")]
    assert Dial("h2", 1, 2) in second
    opened = machine.opened(0.1, None, [], True, 3.1)
    assert sent(opened) == [messages.TextTurn(MUTE)], "the session has heard the turn; what it owes is a voice"
    again = hear(machine, MUTED[0], VOICE, *MUTED[1:], now=4.0)
    assert [type(a) for a in again if isinstance(a, QUIET)] == [BeginSpeech, Caption, EndSpeech, ReplyOver]
    assert not machine.owed and machine.deadline() == 44.0, "only the caller is waited for"


def test_a_turn_that_no_handle_knows_is_said_again_before_its_reply_is_asked_for() -> None:
    machine = live()
    answer(machine)
    mute(machine, 2.0)
    mute(machine, 3.0)
    opened = machine.opened(0.1, None, [], True, 3.1)
    turn = [messages.StartActivity(), messages.Audio(PCM, 16000), messages.EndActivity()]
    assert sent(opened) == [*turn, messages.TextTurn(MUTE)]


def test_a_model_that_never_has_a_voice_is_given_up() -> None:
    machine = live()
    answer(machine)
    late, left = list[str](), list[Action]()
    for n in range(4):
        asked, left = mute(machine, 2.0 + n), mute(machine, 2.5 + n)
        late += [event.done for event in noted([*asked, *left], events.ModelLate)]
        if machine.state is ConnectionState.DIALING:
            machine.opened(0.1, None, [], True, 2.6 + n)
    assert late == ["say again", "reconnect"] * 3 + ["say again"]
    assert noted(left, events.ConnectionGivenUp)[0].why == "The model does not answer."


def test_a_greeting_or_a_goodbye_without_a_sound_is_asked_for_again_too() -> None:
    machine = live()
    assert messages.TextTurn(MUTE) in sent(mute(machine, 2.0))


def test_words_whose_sound_and_end_never_come_are_asked_for_again_in_time() -> None:
    machine = live()
    answer(machine)
    assert hear(machine, *MUTED[:2], now=3.0) == []
    assert machine.deadline() == 11.5
    nudged = machine.tick(11.5)
    assert sent(nudged) == [messages.TextTurn(MUTE)] and noted(nudged, events.ReplySuppressed)
    assert noted(machine.tick(15.5), events.ModelLate) == [events.ModelLate(15.5, "reconnect")]


def test_a_turn_answered_in_words_is_not_heard_twice_by_the_session_that_answered_it() -> None:
    machine = live()
    answer(machine)
    hear(machine, *MUTED[:2], now=3.0)
    assert sent(machine.tick(11.5)) == [messages.TextTurn(MUTE)]
    hear(machine, messages.TurnComplete(), messages.HandleUpdated("h2"), now=11.6)
    assert noted(mute(machine, 12.5), events.ModelLate) == [events.ModelLate(12.5, "reconnect")]
    opened = machine.opened(0.1, None, [], True, 12.6)
    assert sent(opened) == [messages.TextTurn(MUTE)], "its second question would take the turn for the answer"


def test_whoever_breaks_into_words_without_a_sound_has_not_heard_them() -> None:
    machine = live()
    answer(machine)
    hear(machine, *MUTED[:2], now=2.0)
    assert noted(machine.caller_began(3.0), events.ReplySuppressed)[0].why == "mute"
    assert messages.InTurnText(UNHEARD) in sent(machine.caller_stopped(5.0))


def test_a_reply_may_have_no_sound_when_it_is_a_call_or_waits_for_more_or_nobody_listens() -> None:
    for said in (
        (messages.ToolCallReceived("7", "report", {}), messages.TurnComplete()),
        (MUTED[0], messages.ToolCallReceived("7", "report", {}), messages.TurnComplete()),
        (MUTED[0], messages.TurnComplete("NEED_MORE_INPUT")),
        (messages.OutputTranscribed(" And you?"), messages.Interrupted(), messages.TurnComplete()),
    ):
        machine = live()
        answer(machine)
        actions = hear(machine, *said)
        assert noted(actions, events.ModelLate) == [] and messages.TextTurn(MUTE) not in sent(actions)
        assert not any(isinstance(action, QUIET) for action in actions)
    machine = live()
    answer(machine)
    hear(machine, MUTED[0])
    machine.conclude(2.0)
    assert sent(hear(machine, *MUTED, now=2.5)) == []


def test_words_that_trail_a_reply_that_was_cut_off_are_not_waited_for() -> None:
    machine = live()
    answer(machine)
    hear(machine, VOICE, MUTED[0], messages.GenerationComplete())
    hear(machine, messages.Interrupted(), messages.OutputTranscribed(" And"), messages.TurnComplete(), now=2.5)
    assert machine.tick(8.0) == [] and machine.deadline() == 48.0, "only the caller is waited for"


def test_words_that_trail_a_reply_that_is_over_are_no_reply_without_a_sound() -> None:
    machine = live()
    answer(machine)
    hear(machine, VOICE, MUTED[0], *MUTED[1:])
    assert hear(machine, messages.OutputTranscribed(" And"), now=2.5) == []
    assert machine.deadline() == 42.0, "only the caller is waited for"
    machine.caller_began(5.0)
    assert sent(machine.caller_stopped(6.0)) == [messages.EndActivity()], "he has heard them"
