"""The Live conversation, decided: turns, replies, functions and silence, without a socket."""

from collections.abc import Sequence
from typing import Any

from core import events
from core.events import UtteranceSpoken
from core.live import messages
from core.live.actions import (
    Action,
    AudioReplayed,
    BeginSpeech,
    CallerFragment,
    CallTool,
    Caption,
    Charge,
    CutSpeech,
    Dial,
    EndSpeech,
    GiveUp,
    HangUp,
    Note,
    Play,
    ReplyOver,
    Seed,
    Transmit,
    WindowClosed,
)
from core.live.close_codes import CloseAction
from core.live.connection import ConnectionPolicy, ConnectionState
from core.live.conversation import LiveConversationMachine
from core.live.policy import LivePolicy
from core.live.prompts import IDLE, NUDGE
from core.live.watchdog import WatchdogPolicy

AUDIO = messages.ModelAudio(bytes(48000), 24000)  # a second
PCM = bytes(640)
TALK = [
    UtteranceSpoken(5.0, "examiner", "Hello, and welcome to the test. What is your name?", 1.0, 5.0),
    UtteranceSpoken(9.0, "caller", "Bruce.", 6.0, 7.0),
]


def live(policy: LivePolicy | None = None) -> LiveConversationMachine:
    """A conversation whose connection has been up since 0 s."""
    machine = LiveConversationMachine(policy or LivePolicy(), frozenset({"report"}))
    assert kinds(machine.start(0.0)) == [Note, Dial]
    machine.opened(0.1, None, [], False, 0.0)
    machine.on_server_message(messages.HandleUpdated("h1"), 1, 0.0)
    return machine


def feed(
    machine: LiveConversationMachine, *received: messages.Incoming, now: float = 1.0, number: int | None = None
) -> list[Action]:
    """The service sends these on the current connection."""
    actions: list[Action] = []
    for message in received:
        actions += machine.on_server_message(message, number or machine._connection.number, now)
    return actions


def sent(actions: Sequence[Action]) -> list[messages.Outgoing]:
    """What goes over the wire, in order."""
    return [item for action in actions if isinstance(action, Transmit) for item in action.items]


def noted(actions: Sequence[Action], kind: type[Any]) -> list[Any]:
    """The events of one kind."""
    return [a.event for a in actions if isinstance(a, Note) and isinstance(a.event, kind)]


def kinds(actions: Sequence[Action]) -> list[type[Any]]:
    """What they are; changes of the connection state are a matter of test_connection."""
    changes = [a for a in actions if isinstance(a, Note) and isinstance(a.event, events.ConnectionStateChanged)]
    return [type(action) for action in actions if action not in changes]


def answer(machine: LiveConversationMachine, now: float = 1.0) -> list[Action]:
    """The caller says something short."""
    return [*machine.caller_started(now), *machine.caller_audio(PCM, 16000), *machine.caller_stopped(now + 0.5)]


def test_a_turn_is_a_window_and_a_reply_is_speech() -> None:
    machine = live()
    actions = answer(machine)
    assert sent(actions) == [messages.StartActivity(), messages.Audio(PCM, 16000), messages.EndActivity()]
    assert noted(actions, events.TurnSent) == [events.TurnSent(1.5, 320, 16000)]
    assert machine.awaiting_answer
    actions = feed(
        machine,
        messages.InputTranscribed(" Bruce."),
        AUDIO,
        messages.OutputTranscribed(" I see."),
        messages.GenerationComplete(),
    )
    assert actions == [
        CallerFragment(" Bruce."),
        BeginSpeech(),
        Play(AUDIO.pcm, 24000),
        Caption(" I see."),
        EndSpeech(),
    ]
    assert machine.replying and not machine.awaiting_answer
    assert machine.playback_stopped(3.0) == [ReplyOver(False)]
    assert feed(machine, messages.TurnComplete()) == []


def test_of_each_turn_is_recorded_how_much_was_sent() -> None:
    machine = live()
    first, second = answer(machine, now=1.0), answer(machine, now=5.0)
    assert [event.samples for event in noted([*first, *second], events.TurnSent)] == [320, 320]


def test_audio_outside_a_turn_is_not_sent() -> None:
    machine = live()
    assert machine.caller_audio(PCM, 16000) == [] and machine.flush(1.0) == []


def test_a_flush_is_one_item_and_the_reply_to_it_is_held() -> None:
    machine = live()
    machine.caller_started(1.0)
    assert machine.flush(1.2, 1.0, "pause") == [
        Note(events.TurnFlushed(1.0, "pause")),
        Transmit((messages.EndActivity(flush=True), messages.StartActivity())),
    ]
    assert feed(machine, AUDIO, messages.OutputTranscribed("Well,")) == []
    assert WindowClosed(acknowledged=False) in feed(machine, messages.Interrupted(), messages.TurnComplete())
    assert WindowClosed() in feed(machine, messages.HandleUpdated("h2")), "only now will it not be replayed"
    off = live(LivePolicy(reply_gate="off"))
    off.caller_started(1.0)
    assert BeginSpeech() in feed(off, AUDIO)


def test_a_reply_is_interrupted_by_a_barge_in_and_by_the_service() -> None:
    machine = live()
    answer(machine)
    feed(machine, AUDIO)
    assert machine.caller_started(4.0)[:2] == [EndSpeech(), ReplyOver(True)]
    machine = live()
    answer(machine)
    feed(machine, AUDIO)
    assert feed(machine, messages.Interrupted()) == [CutSpeech(), EndSpeech(), ReplyOver(True)]


def test_nothing_reaches_the_model_while_it_waits_for_a_function() -> None:
    machine = live()
    asked = feed(machine, messages.ToolCallReceived("7", "report", {"a": 1}))
    assert CallTool("7", "report", {"a": 1}) in asked
    machine.caller_started(1.0)
    assert sent(machine.caller_audio(PCM, 16000)) == []
    assert machine.flush(1.0) == [], "nor is it recorded as a flush"
    answered = sent(machine.tool_answered("7", "report", {"ok": True}, "as text", 2.0))
    assert answered == [
        messages.ToolResult("7", "report", {"ok": True}),
        messages.StartActivity(),
        messages.Audio(PCM, 16000),
    ]


def test_a_cancelled_function_call_releases_the_input() -> None:
    machine = live()
    feed(machine, messages.ToolCallReceived("7", "report", {}))
    machine.caller_started(1.0)
    cancelled = feed(machine, messages.ToolsCancelled(("7",)), now=1.5)
    assert sent(cancelled) == [messages.StartActivity()]
    assert noted(cancelled, events.ToolCancelled) == [events.ToolCancelled(1.5, "7")]
    assert machine.tool_answered("7", "report", {}, "The result is x.", 2.0) == [], "the call was cancelled"
    feed(machine, messages.ToolCallReceived("7", "report", {}), now=3.0)
    machine.caller_stopped(4.0)
    assert messages.ToolResult("7", "report", {}) in sent(machine.tool_answered("7", "report", {}, "as text", 4.5))


def test_text_that_nobody_spoke_does_not_close_the_window_of_a_caller_who_speaks() -> None:
    machine = live()
    feed(machine, messages.ToolCallReceived("7", "report", {}))
    machine.caller_started(1.0)
    machine.lost(1011, "Internal error", CloseAction.RESUME, "It failed.", 1, 1.5)
    machine.tick(2.5)
    machine.opened(0.2, "s", [], True, 2.7)
    actions = machine.tool_answered("7", "report", {}, "The result is x.", 3.0)
    assert sent(actions) == [messages.InTurnText("The result is x.")]
    assert sent(machine.instruct("Go on.", 3.5)) == [messages.InTurnText("Go on.")]


def test_a_function_nobody_has_is_refused_at_once() -> None:
    [result] = sent(feed(live(), messages.ToolCallReceived("7", "sing", {})))
    assert result == messages.ToolResult("7", "sing", {"error": "there is no function sing"})


def test_a_lost_answer_is_replayed_on_the_next_connection() -> None:
    machine = live()
    answer(machine)
    lost = machine.lost(1011, "Internal error", CloseAction.RESUME, "It failed.", 1, 2.0)
    assert noted(lost, events.ConnectionLost) == [events.ConnectionLost(2.0, 1011, "Internal error", "resume")]
    assert machine.lost(1011, "once more", CloseAction.RESUME, "late news", 1, 2.0) == []
    assert sent(machine.caller_started(2.5)) == []
    assert Dial("h1", 2, 2) in machine.tick(3.0)
    opened = machine.opened(0.2, "s", [], True, 3.2)
    assert noted(opened, events.ConnectionOpened)[0].gap == 1.2
    assert noted(opened, events.TurnReplayed) == [events.TurnReplayed(3.2, 1, 1)] and AudioReplayed() in opened
    assert [type(item) for item in sent(opened)] == [
        *(messages.StartActivity, messages.Audio, messages.EndActivity, messages.StartActivity)
    ]


def test_an_answered_turn_is_replayed_when_the_connection_is_lost_before_a_handle_acknowledges_it() -> None:
    machine = live()
    answer(machine)
    feed(
        machine,
        messages.HandleUpdated(None),
        AUDIO,
        messages.OutputTranscribed(" And you?"),
        messages.GenerationComplete(),
    )
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    machine.tick(3.0)
    opened = machine.opened(0.1, None, TALK, True, 3.1)
    assert sent(opened) == [messages.StartActivity(), messages.Audio(PCM, 16000), messages.EndActivity()]
    assert machine.awaiting_answer


def test_a_handle_older_than_a_turn_that_is_over_may_lead_to_a_new_session() -> None:
    machine = live(LivePolicy(stale_handle="new_session"))
    answer(machine)
    feed(
        machine,
        messages.HandleUpdated(None),
        AUDIO,
        messages.OutputTranscribed(" And you?"),
        messages.GenerationComplete(),
    )
    feed(machine, messages.TurnComplete())
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    assert [a.handle for a in machine.tick(3.0) if isinstance(a, Dial)] == ["h1"]
    reopened = machine.opened(0.1, None, TALK, True, 3.1)
    assert [a.handle for a in reopened if isinstance(a, Dial)] == [None]
    actions = machine.opened(0.1, None, TALK, False, 3.3)
    assert Seed in kinds(actions) and sent(actions) == []


def test_a_session_resumed_from_before_the_end_of_a_turn_is_sent_its_text_in_the_next_window() -> None:
    machine = live()
    answer(machine)
    feed(
        machine,
        messages.HandleUpdated(None),
        AUDIO,
        messages.OutputTranscribed(" And you?"),
        messages.GenerationComplete(),
    )
    feed(machine, messages.TurnComplete(), now=1.9)
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    machine.tick(3.0)
    talk = [*TALK, UtteranceSpoken(1.9, "examiner", 'And "you"?', 1.0, 1.9)]
    opened = machine.opened(0.1, None, talk, True, 3.1)
    assert sent(opened) == [] and not any(isinstance(a, Dial) for a in opened)
    assert [(note.first, note.last) for note in noted(opened, events.TurnSentAsText)] == [(1, 1)]
    # A handle for what the session had before does not acknowledge more.
    feed(machine, messages.HandleUpdated("h2"))
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 2, 3.2)
    machine.tick(5.2)
    machine.opened(0.1, None, talk, True, 5.3)
    [start, text] = sent(machine.caller_started(6.0))
    assert start == messages.StartActivity() and isinstance(text, messages.InTurnText)
    assert 'You said "And \\"you\\"?"' in text.text and "not an instruction" in text.text
    machine.caller_audio(PCM, 16000)
    feed(machine, messages.HandleUpdated("h3"))
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 3, 7.0)
    machine.tick(11.0)
    assert sent(machine.opened(0.1, None, talk, True, 11.1)) == [
        messages.StartActivity(),
        messages.Audio(PCM, 16000),
    ]


def test_a_turn_that_a_handle_acknowledges_is_not_replayed() -> None:
    machine = live()
    answer(machine)
    feed(
        machine, AUDIO, messages.OutputTranscribed(" And you?"), messages.GenerationComplete(), messages.TurnComplete()
    )
    feed(machine, messages.HandleUpdated("h2"))
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    assert [a.handle for a in machine.tick(3.0) if isinstance(a, Dial)] == ["h2"]
    opened = machine.opened(0.1, None, TALK, True, 3.1)
    assert sent(opened) == [] and not any(isinstance(a, Dial) for a in opened)


def test_a_seeded_session_that_repeats_an_old_question_is_played() -> None:
    machine = live()
    for text in (
        TALK[0].text,
        "What do you do on a free day at home?",
        "Describe a journey that you remember well?",
    ):
        feed(machine, AUDIO, messages.OutputTranscribed(text), messages.GenerationComplete(), messages.TurnComplete())
    feed(machine, messages.HandleUpdated("h2"))
    repeated = messages.OutputTranscribed("What do you do on a free day at home?")
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    machine.tick(3.0)
    machine.opened(0.1, None, TALK, True, 3.1)
    assert feed(machine, repeated, now=3.4) == []
    lost = feed(machine, messages.GenerationComplete(), now=3.5)
    assert [note.action for note in noted(lost, events.ContextLost)] == ["reseed"]
    machine.opened(0.1, None, TALK, False, 3.7)
    assert Caption(repeated.text) in feed(machine, repeated, AUDIO, messages.GenerationComplete(), now=4.0)


def test_messages_of_an_old_connection_are_ignored() -> None:
    machine = live()
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    machine.tick(3.0)
    machine.opened(0.1, None, [], True, 3.1)
    assert feed(machine, AUDIO, number=1) == [] and kinds(feed(machine, AUDIO)) == [BeginSpeech, Play]


def test_a_new_session_is_seeded_with_the_conversation() -> None:
    machine = live()
    machine.lost(1007, "Invalid session handle", CloseAction.NEW_SESSION, "Gone.", 1, 20.0)
    assert Dial(None, 2, 2) in machine.tick(21.0)
    [seed] = [a for a in machine.opened(0.1, None, TALK, False, 21.1) if isinstance(a, Seed)]
    assert seed.turns[:2] == (("model", TALK[0].text), ("user", "Bruce."))
    assert "Do not greet" in seed.turns[2][1]


def greeted() -> LiveConversationMachine:
    """A conversation that has begun, was cut, and is up again."""
    machine = live()
    answer(machine)
    feed(
        machine,
        messages.OutputTranscribed(TALK[0].text),
        AUDIO,
        messages.GenerationComplete(),
        messages.TurnComplete(),
    )
    machine.on_server_message(messages.HandleUpdated("h2"), 1, 8.0)
    machine.caller_started(8.0)
    machine.caller_audio(PCM, 16000)
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 9.0)
    machine.tick(10.0)
    machine.opened(0.1, None, TALK, True, 10.1)
    machine.caller_stopped(11.0)
    return machine


def test_the_first_words_after_a_reconnect_are_held_until_they_show_that_the_model_has_the_context() -> None:
    machine = greeted()
    assert feed(machine, AUDIO, messages.OutputTranscribed("Thank you. And"), now=12.0) == []
    released = feed(machine, messages.OutputTranscribed(" where were you born and brought up?"), now=12.1)
    assert kinds(released) == [BeginSpeech, Play, Caption, Caption]


def test_words_that_show_nothing_are_released_in_time() -> None:
    machine = greeted()
    feed(machine, AUDIO, now=12.0)
    assert machine.deadline() == 13.5
    assert kinds(machine.tick(13.5)) == [BeginSpeech, Play]


def test_a_model_that_begins_anew_is_not_played_and_a_new_session_is_seeded() -> None:
    machine = greeted()
    lost = feed(machine, AUDIO, messages.OutputTranscribed(TALK[0].text), now=12.0)
    assert noted(lost, events.ContextLost)[0].action == "reseed" and Play not in kinds(lost)
    [dial] = [a for a in lost if isinstance(a, Dial)]
    assert dial.handle is None and HangUp() in lost
    machine.opened(0.1, None, TALK, False, 12.5)
    second = feed(machine, AUDIO, messages.OutputTranscribed(TALK[0].text), now=13.0)
    assert noted(second, events.ContextLost)[0].action == "degrade"
    assert machine.state is ConnectionState.DEGRADED and GiveUp in kinds(second)


def test_a_collapsed_context_shows_that_a_held_reply_has_lost_it() -> None:
    machine = live()
    answer(machine)
    feed(machine, messages.UsageReceived(messages.TokenCounts(prompt_total=5000)))
    machine = greeted()
    machine._reply.context_check.prompt_tokens = 5000
    feed(machine, AUDIO, now=12.0)
    usage = feed(machine, messages.UsageReceived(messages.TokenCounts(prompt_total=400)), now=12.1)
    assert Charge in kinds(usage) and noted(usage, events.ContextLost)


def test_a_reply_that_does_not_come_leads_to_a_nudge_then_reconnects_and_then_to_giving_up() -> None:
    machine = live(LivePolicy(ConnectionPolicy(backoff=(1.0,) * 9), WatchdogPolicy(reply=10)))
    answer(machine, 0.0)
    assert sent(machine.tick(10.5)) == [messages.TextTurn(NUDGE)]
    now = 20.5
    for _ in range(3):
        left = machine.tick(now)
        assert noted(left, events.ModelLate)[0].action == "reconnect" and HangUp() in left
        machine.tick(now + 1)
        machine.opened(0.1, None, [], True, now + 1)
        assert sent(machine.tick(now + 11)) == [messages.TextTurn(NUDGE)]
        now += 21
    assert GiveUp in kinds(machine.tick(now)) and machine.state is ConnectionState.DEGRADED


def test_an_empty_turn_of_the_model_is_not_an_answer() -> None:
    machine = live()
    answer(machine, 0.0)
    assert feed(machine, messages.GenerationComplete(), messages.TurnComplete(), now=1.0) == []
    assert machine.awaiting_answer and machine.deadline() == 3.5
    assert sent(machine.tick(3.5)) == [messages.TextTurn(NUDGE)]
    waiting = live()
    answer(waiting, 0.0)
    feed(waiting, messages.TurnComplete("NEED_MORE_INPUT"), now=1.0)
    assert not waiting.awaiting_answer


def test_a_generated_reply_without_turn_complete_is_over_in_the_end() -> None:
    machine = live()
    answer(machine, 0.0)
    feed(machine, AUDIO, messages.GenerationComplete(), now=1.0)
    assert ReplyOver(False) in machine.tick(7.0)


def test_the_idle_timeout_leads_to_two_prompts_and_then_to_the_end_of_the_call() -> None:
    machine = live(LivePolicy(idle_timeout=40))
    answer(machine, 0.0)
    feed(machine, AUDIO, messages.GenerationComplete(), messages.TurnComplete(), now=1.0)
    now = 1.0
    for _ in range(2):
        now += 40
        assert sent(machine.tick(now)) == [messages.TextTurn(IDLE)]
        feed(machine, AUDIO, messages.GenerationComplete(), messages.TurnComplete(), now=now)
    assert GiveUp in kinds(machine.tick(now + 40))


def test_the_connection_is_rotated_before_an_announced_end_but_not_in_mid_conversation() -> None:
    machine = live()
    machine.caller_started(1.0)
    announced = feed(machine, messages.GoAway(50.0), now=2.0)
    assert noted(announced, events.GoAwayReceived) and HangUp not in kinds(announced)
    machine.caller_stopped(3.0)
    feed(machine, messages.HandleUpdated(None), AUDIO, messages.GenerationComplete(), messages.TurnComplete(), now=4.0)
    rotated = feed(machine, messages.HandleUpdated("h2"), now=4.1)
    assert [a for a in rotated if isinstance(a, HangUp | Dial)] == [HangUp(), Dial("h2", 1, 2)]


def test_an_unacknowledged_result_is_sent_as_text_after_the_reconnect() -> None:
    machine = live()
    feed(machine, messages.ToolCallReceived("7", "report", {}))
    machine.tool_answered("7", "report", {"ok": True}, "The result of report is ok.", 1.0)
    machine.lost(1008, "Requested entity was not found.", CloseAction.NEW_SESSION, "Gone.", 1, 2.0)
    machine.tick(3.0)
    assert messages.TextTurn("The result of report is ok.") in sent(machine.opened(0.1, None, [], False, 3.1))


def test_after_the_end_no_reply_is_played() -> None:
    machine = live()
    answer(machine)
    machine.finish(2.0)
    assert feed(machine, AUDIO, messages.InputTranscribed("Bruce.")) == [CallerFragment("Bruce.")]
    assert HangUp() in machine.close(5.0) and machine.deadline() is None
    assert machine.lost(1006, "", CloseAction.RESUME, "", 1, 6.0) == []


def test_a_turn_that_was_too_late_for_the_newest_handle_is_told_to_the_session_behind_it() -> None:
    machine = live()
    answer(machine, now=6.0)
    feed(machine, messages.HandleUpdated("h2"), now=6.6)  # the model has not replied: it may not have this turn
    feed(machine, AUDIO, messages.OutputTranscribed(" I see."), messages.GenerationComplete(), now=7.0)
    machine.playback_stopped(8.0)
    feed(machine, messages.TurnComplete(), now=8.0)
    machine.lost(1006, "", CloseAction.RESUME, "lost", 1, 9.0)
    machine.tick(10.0)
    utterances = [*TALK[:1], UtteranceSpoken(8.0, "caller", "Bruce.", 6.0, 6.5)]
    opened = machine.opened(0.1, None, utterances, True, 10.1)
    assert [event.first for event in noted(opened, events.TurnSentAsText)] == [1]
    texts = [item.text for item in sent(answer(machine, now=11.0)) if isinstance(item, messages.InTurnText)]
    assert len(texts) == 1 and 'The candidate said "Bruce."' in texts[0] and "welcome" not in texts[0]


def test_markers_are_removed_from_both_sides_text_and_noted() -> None:
    machine = live()
    actions = feed(machine, AUDIO, *map(messages.OutputTranscribed, ("A 6<ctrl", "46>.5.")), messages.TurnComplete())
    assert [action.text for action in actions if isinstance(action, Caption)] == ["A 6", ".5."]
    assert [(seen.speaker, seen.text) for seen in noted(actions, events.MarkersRemoved)] == [("examiner", "<ctrl46>")]
    assert feed(machine, messages.InputTranscribed("<noise>")) == []
    assert feed(machine, messages.InputTranscribed(" Yes.", finished=True))[1:] == [
        CallerFragment(" Yes."),
        CallerFragment("", finished=True),
    ]


def test_text_that_is_held_as_the_beginning_of_a_marker_survives_the_end_of_the_call() -> None:
    machine = live()
    assert feed(machine, messages.InputTranscribed("by the sea (the cold")) == [CallerFragment("by the sea ")]
    assert CallerFragment("(the cold") in machine.close(2.0)
