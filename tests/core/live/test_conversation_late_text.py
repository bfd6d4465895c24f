"""The Live conversation, decided: text that comes after the reply it belongs to, and text that is no speech."""

from collections.abc import Sequence
from typing import Any

import pytest

from core import events
from core.live import messages
from core.live.actions import Action, BeginSpeech, Caption, Dial, Note, Play, ReplyOver, Transmit
from core.live.conversation import LiveConversationMachine
from core.live.late_text import AUDIO_WAIT
from core.live.policy import LivePolicy
from core.live.reply import SLACK

AUDIO = messages.ModelAudio(bytes(48000), 24000)  # a second
PCM = bytes(640)
GENERATED, COMPLETE = messages.GenerationComplete(), messages.TurnComplete()


def text(words: str) -> messages.OutputTranscribed:
    return messages.OutputTranscribed(words)


def live() -> LiveConversationMachine:
    """A conversation whose connection has been up since 0 s, in which the caller has spoken until 1.5 s."""
    machine = LiveConversationMachine(LivePolicy(), frozenset({"report"}))
    machine.start(0.0)
    machine.opened(0.1, None, [], False, 0.0)
    machine.on_server_message(messages.HandleUpdated("h1"), 1, 0.0)
    machine.caller_started(1.0)
    machine.caller_audio(PCM, 16000)
    machine.caller_stopped(1.5)
    return machine


def feed(machine: LiveConversationMachine, *received: messages.Incoming, now: float = 2.0) -> list[Action]:
    """The service sends these."""
    number = machine._connection.number  # pyright: ignore[reportPrivateUsage]
    return [action for message in received for action in machine.on_server_message(message, number, now)]


def replied(seconds: int, words: str, now: float = 2.0) -> LiveConversationMachine:
    """The model has sent a whole reply, and it begins to be played."""
    machine = live()
    feed(machine, *[AUDIO] * seconds, text(words), GENERATED, COMPLETE, now=now)
    machine.playback_started(now)
    return machine


def captions(actions: Sequence[Action]) -> str:
    return "".join(action.text for action in actions if isinstance(action, Caption))


def recorded(actions: Sequence[Action], kind: type[Any]) -> list[Any]:
    return [a.event for a in actions if isinstance(a, Note) and isinstance(a.event, kind)]


def sent(actions: Sequence[Action]) -> list[messages.Outgoing]:
    return [item for action in actions if isinstance(action, Transmit) for item in action.items]


@pytest.mark.parametrize("ends", [(GENERATED,), (COMPLETE,), (GENERATED, COMPLETE)], ids=["generated", "turn", "both"])
def test_text_that_comes_after_the_end_of_a_reply_that_is_still_played_belongs_to_it(
    ends: tuple[messages.Incoming, ...],
) -> None:
    machine = live()
    feed(machine, *[AUDIO] * 6, text("Hello, and welcome."), *ends)
    machine.playback_started(2.0)
    assert feed(machine, text(" Where do"), text(" you live?"), now=2.1) == []
    assert machine.deadline() == 2.1 + AUDIO_WAIT
    late = machine.tick(2.1 + AUDIO_WAIT)
    assert late == [Caption(" Where do you live?")] and machine.replying
    feed(machine, COMPLETE, now=2.7)
    over = machine.playback_stopped(8.0)
    assert ReplyOver(False) in over and recorded(over, events.ReplySuppressed) == []


def test_text_that_comes_when_a_reply_is_played_is_still_said_by_the_examiner() -> None:
    machine = replied(1, "Hello, and welcome.")
    machine.playback_stopped(3.0)
    feed(machine, text(" Where do you live?"), now=5.0)
    assert machine.tick(5.5) == [Caption(" Where do you live?"), ReplyOver(False)]
    assert machine.deadline() == 43.0, "nobody is asked to say it aloud"


@pytest.mark.parametrize("at", [2.5, 3.5], ids=["while it is played", "when it is played"])
def test_the_rest_of_a_number_joins_the_reply_that_it_breaks_off(at: float) -> None:
    machine = replied(1, "Thank you, your speaking is 7")
    if at > 3.0:
        assert ReplyOver(False) not in machine.playback_stopped(3.0), "more of the sentence may come"
    feed(machine, text(".5."), now=at)
    assert machine.tick(at + AUDIO_WAIT) == [Caption(".5.")]
    assert machine.tick(3.0 + SLACK) == [ReplyOver(False)]


def test_a_sentence_that_breaks_off_is_not_waited_for_when_the_caller_speaks() -> None:
    machine = replied(1, "Thank you, and what")
    machine.playback_stopped(3.0)
    assert ReplyOver(False) in machine.caller_started(3.5), "it was played, and interrupted by nobody"


def test_late_text_counts_when_the_caller_speaks_before_it_has_waited_for_audio() -> None:
    machine = replied(1, "Hello, and welcome.")
    machine.playback_stopped(3.0)
    feed(machine, text(" Where do you live?"), now=3.1)
    started = machine.caller_started(3.2)
    assert captions(started) == " Where do you live?" and recorded(started, events.ReplySuppressed) == []
    machine.caller_audio(PCM, 16000)
    assert sent(machine.caller_stopped(4.0)) == [messages.EndActivity()], "the model hears of nothing suppressed"


def test_late_text_of_a_reply_that_was_played_counts_though_the_caller_has_begun_to_speak() -> None:
    machine = replied(1, "Hello, and welcome.")
    machine.playback_stopped(3.0)
    machine.caller_started(3.2)
    feed(machine, text(" Where do you live?"), now=3.3)
    assert captions(machine.tick(3.3 + AUDIO_WAIT)) == " Where do you live?"


def test_late_text_of_a_reply_that_was_cut_off_was_not_heard() -> None:
    machine = replied(6, "Hello, and welcome.")
    machine.caller_started(3.0)
    assert feed(machine, text(" Where do you live?"), now=3.1) == []
    assert captions([*machine.tick(4.0), *machine.caller_stopped(5.0)]) == ""


def test_text_before_its_audio_begins_another_reply() -> None:
    machine = replied(6, "Hello, and welcome.")
    assert feed(machine, text("Where do you live?"), now=2.1) == []
    following = feed(machine, AUDIO, now=2.2)
    assert [type(one) for one in following] == [ReplyOver, BeginSpeech, Caption, Play]


def test_text_after_an_answer_is_no_part_of_the_reply_before_it() -> None:
    machine = replied(1, "Hello, and welcome.")
    machine.playback_stopped(3.0)
    machine.caller_started(4.0)
    machine.caller_audio(PCM, 16000)
    machine.caller_stopped(5.0)
    assert captions([*feed(machine, text("I see."), now=5.5), *machine.tick(6.5)]) == ""
    assert captions(feed(machine, AUDIO, now=6.6)) == "I see."


def test_late_text_is_kept_when_its_connection_is_lost_or_the_call_is_over() -> None:
    machine = replied(6, "Your speaking is 7")
    feed(machine, text(".5."), now=2.1)
    assert captions(machine.on_server_message(messages.GoAway(0.0), 1, 2.1)) == ""
    closed = machine.close(2.2)
    assert captions(closed) == ".5."
    machine = replied(1, "Your speaking is 7.")
    machine.playback_stopped(3.0)
    machine.finish(3.1)
    feed(machine, text(" Goodbye."), now=3.2)
    assert captions(machine.tick(3.2 + AUDIO_WAIT)) == " Goodbye."


CALL = messages.ToolCallReceived("7", "report", {"grammarRange": 6.5, "evidence": "spoke of the weather"})


@pytest.mark.parametrize(
    "echo", ["6.5", "report(grammarRange=6.5)", "Grammar range 6.5, spoke of the weather", '{"evidence": "weather"}']
)
@pytest.mark.parametrize(
    "before", [(), (AUDIO, text("One moment.")), (AUDIO, text("One moment."), GENERATED, COMPLETE)], ids=len
)
def test_text_without_audio_that_repeats_a_call_s_arguments_is_no_speech(
    echo: str, before: tuple[messages.Incoming, ...]
) -> None:
    machine = live()
    feed(machine, *before, CALL)
    machine.playback_started(2.0)
    machine.playback_stopped(3.0)
    machine.tool_answered("7", "report", {"status": "ok"}, "ok", 3.0)
    actions = feed(machine, text(echo), GENERATED, COMPLETE, now=4.0)
    assert captions(actions) == "" and sent(actions) == []
    later = [*machine.tick(8.0), *machine.tick(14.0), *machine.tick(20.0)]
    assert sent(later) == [] and not any(isinstance(one, Dial) for one in [*actions, *later])
    assert recorded([*actions, *later], events.ModelLate) == []


def test_text_that_repeats_a_call_s_arguments_is_not_waited_for_when_its_turn_is_never_complete() -> None:
    machine = live()
    feed(machine, CALL)
    machine.tool_answered("7", "report", {"status": "ok"}, "ok", 3.0)
    feed(machine, text("6.5"), now=4.0)
    assert sent([*machine.tick(13.0), *machine.tick(17.0), *machine.tick(21.0)]) == []


def test_the_rest_of_a_reply_with_a_call_in_it_is_no_echo() -> None:
    machine = live()
    feed(machine, AUDIO, text("Your speaking is seven"), CALL)
    machine.tool_answered("7", "report", {"status": "ok"}, "ok", 3.0)
    assert captions(feed(machine, text(" and a half."), COMPLETE, now=3.1)) == " and a half."


def test_a_goodbye_without_audio_after_a_call_is_requested_once_more() -> None:
    machine = live()
    feed(machine, CALL)
    machine.tool_answered("7", "report", {"status": "ok"}, "ok", 3.0)
    assert recorded(feed(machine, text("Thank you, goodbye."), COMPLETE, now=4.0), events.ModelLate)
