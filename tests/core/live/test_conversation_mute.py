"""The Live conversation, decided: replies of which only the text comes."""

from collections.abc import Sequence
from typing import Any

from core import events
from core.live import messages
from core.live.actions import Action, BeginSpeech, Caption, Dial, EndSpeech, Note, ReplyOver, Transmit
from core.live.connection import ConnectionState
from core.live.conversation import LiveConversationMachine
from core.live.policy import LivePolicy
from core.live.prompts import NO_AUDIO, REPLY_SUPPRESSED

AUDIO = messages.ModelAudio(bytes(48000), 24000)  # a second
PCM = bytes(640)


def live() -> LiveConversationMachine:
    """A conversation whose connection has been up since 0 s."""
    machine = LiveConversationMachine(LivePolicy(), frozenset({"report"}))
    machine.start(0.0)
    machine.opened(0.1, None, [], False, 0.0)
    machine.on_server_message(messages.HandleUpdated("h1"), 1, 0.0)
    return machine


def feed(machine: LiveConversationMachine, *received: messages.Incoming, now: float = 2.0) -> list[Action]:
    """The service sends these."""
    return [
        action for message in received for action in machine.on_server_message(message, machine._connection.number, now)
    ]


def sent(actions: Sequence[Action]) -> list[messages.Outgoing]:
    return [item for action in actions if isinstance(action, Transmit) for item in action.items]


def noted(actions: Sequence[Action], kind: type[Any]) -> list[Any]:
    return [a.event for a in actions if isinstance(a, Note) and isinstance(a.event, kind)]


def answer(machine: LiveConversationMachine) -> None:
    """The caller says something short, until 1.5 s."""
    machine.caller_started(1.0)
    machine.caller_audio(PCM, 16000)
    machine.caller_stopped(1.5)


SILENT = (messages.OutputTranscribed(" And you?"), messages.GenerationComplete(), messages.TurnComplete())
SPEECH = (Caption, BeginSpeech, EndSpeech, ReplyOver)


def silent_reply(machine: LiveConversationMachine, now: float, *received: messages.Incoming) -> list[Action]:
    """The model has replied without audio: nothing of that is played, nor recorded as played."""
    actions = feed(machine, *(received or SILENT), now=now)
    assert not any(isinstance(action, SPEECH) for action in actions) and not machine.replying
    assert noted(actions, events.ReplySuppressed) == [events.ReplySuppressed(now, "mute", "And you?", 0.0)]
    return actions


def test_a_reply_without_audio_is_requested_once_more_and_then_from_another_connection() -> None:
    machine = live()
    answer(machine)
    first = silent_reply(machine, 2.0)
    assert noted(first, events.ModelLate) == [events.ModelLate(2.0, "repeat")]
    assert sent(first) == [messages.TextTurn(NO_AUDIO)] and machine.awaiting_answer
    feed(machine, messages.HandleUpdated("h2"), now=2.1)
    second = silent_reply(machine, 3.0)
    assert noted(second, events.ModelLate) == [events.ModelLate(3.0, "reconnect")]
    assert Dial("h2", 1, 2) in second
    opened = machine.opened(0.1, None, [], True, 3.1)
    assert sent(opened) == [messages.TextTurn(NO_AUDIO)], "the session has the turn; only the audio is missing"
    audible = feed(machine, SILENT[0], AUDIO, *SILENT[1:], now=4.0)
    assert [type(a) for a in audible if isinstance(a, SPEECH)] == [BeginSpeech, Caption, EndSpeech, ReplyOver]
    assert not machine.awaiting_answer and machine.deadline() == 44.0, "only the idle timeout runs"


def test_a_turn_that_no_handle_acknowledges_is_replayed_before_its_reply_is_requested() -> None:
    machine = live()
    answer(machine)
    silent_reply(machine, 2.0)
    silent_reply(machine, 3.0)
    opened = machine.opened(0.1, None, [], True, 3.1)
    turn = [messages.StartActivity(), messages.Audio(PCM, 16000), messages.EndActivity()]
    assert sent(opened) == [*turn, messages.TextTurn(NO_AUDIO)]


def test_a_model_that_never_sends_audio_is_given_up() -> None:
    machine = live()
    answer(machine)
    late, left = list[str](), list[Action]()
    for n in range(4):
        first, left = silent_reply(machine, 2.0 + n), silent_reply(machine, 2.5 + n)
        late += [event.action for event in noted([*first, *left], events.ModelLate)]
        if machine.state is ConnectionState.DIALING:
            machine.opened(0.1, None, [], True, 2.6 + n)
    assert late == ["repeat", "reconnect"] * 3 + ["repeat"]
    assert noted(left, events.ConnectionGivenUp)[0].why == "The model does not answer."


def test_a_greeting_or_a_goodbye_without_audio_is_requested_once_more_too() -> None:
    machine = live()
    assert messages.TextTurn(NO_AUDIO) in sent(silent_reply(machine, 2.0))


def test_text_whose_audio_and_turn_complete_never_come_is_requested_once_more_in_time() -> None:
    machine = live()
    answer(machine)
    assert feed(machine, *SILENT[:2], now=3.0) == []
    assert machine.deadline() == 11.5
    nudged = machine.tick(11.5)
    assert sent(nudged) == [messages.TextTurn(NO_AUDIO)] and noted(nudged, events.ReplySuppressed)
    assert noted(machine.tick(15.5), events.ModelLate) == [events.ModelLate(15.5, "reconnect")]


def test_a_turn_answered_with_text_is_not_replayed_to_the_session_that_answered_it() -> None:
    machine = live()
    answer(machine)
    feed(machine, *SILENT[:2], now=3.0)
    assert sent(machine.tick(11.5)) == [messages.TextTurn(NO_AUDIO)]
    feed(machine, messages.TurnComplete(), messages.HandleUpdated("h2"), now=11.6)
    assert noted(silent_reply(machine, 12.5), events.ModelLate) == [events.ModelLate(12.5, "reconnect")]
    opened = machine.opened(0.1, None, [], True, 12.6)
    assert sent(opened) == [messages.TextTurn(NO_AUDIO)], "the turn would count as the answer to its second question"


def test_text_without_audio_that_the_caller_interrupts_is_suppressed() -> None:
    machine = live()
    answer(machine)
    feed(machine, *SILENT[:2], now=2.0)
    assert noted(machine.caller_started(3.0), events.ReplySuppressed)[0].why == "mute"
    assert messages.InTurnText(REPLY_SUPPRESSED) in sent(machine.caller_stopped(5.0))


def test_a_reply_may_have_no_audio_when_it_is_a_function_call_or_waits_for_more_or_the_call_is_over() -> None:
    for received in (
        (messages.ToolCallReceived("7", "report", {}), messages.TurnComplete()),
        (SILENT[0], messages.ToolCallReceived("7", "report", {}), messages.TurnComplete()),
        (SILENT[0], messages.TurnComplete("NEED_MORE_INPUT")),
        (messages.OutputTranscribed(" And you?"), messages.Interrupted(), messages.TurnComplete()),
    ):
        machine = live()
        answer(machine)
        actions = feed(machine, *received)
        assert noted(actions, events.ModelLate) == [] and messages.TextTurn(NO_AUDIO) not in sent(actions)
        assert not any(isinstance(action, SPEECH) for action in actions)
    machine = live()
    answer(machine)
    feed(machine, SILENT[0])
    machine.finish(2.0)
    assert sent(feed(machine, *SILENT, now=2.5)) == []


def test_no_audio_is_expected_for_text_after_an_interrupted_reply() -> None:
    machine = live()
    answer(machine)
    feed(machine, AUDIO, SILENT[0], messages.GenerationComplete())
    feed(machine, messages.Interrupted(), messages.OutputTranscribed(" And"), messages.TurnComplete(), now=2.5)
    assert machine.tick(8.0) == [] and machine.deadline() == 48.0, "only the idle timeout runs"
