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
from core.live.prompts import NUDGE, PROMPT
from core.live.watchdog import WatchPolicy

VOICE = messages.ModelAudio(bytes(48000), 24000)  # a second
PCM = bytes(640)
SAID = [
    UtteranceSpoken(5.0, "examiner", "Hello, and welcome to the test. What is your name?", 1.0, 5.0),
    UtteranceSpoken(9.0, "caller", "Bruce.", 6.0, 7.0),
]


def live(policy: LivePolicy | None = None) -> LiveConversationMachine:
    """A conversation whose link has been up since 0 s."""
    machine = LiveConversationMachine(policy or LivePolicy(), frozenset({"report"}))
    assert kinds(machine.start(0.0)) == [Note, Dial]
    machine.opened(0.1, None, [], False, 0.0)
    machine.heard(messages.HandleUpdated("h1"), 1, 0.0)
    return machine


def hear(
    machine: LiveConversationMachine, *said: messages.Incoming, now: float = 1.0, number: int | None = None
) -> list[Action]:
    """The service says these things on the connection there is."""
    actions: list[Action] = []
    for event in said:
        actions += machine.heard(event, number or machine._link.number, now)
    return actions


def sent(actions: Sequence[Action]) -> list[messages.Outgoing]:
    """What goes over the wire, in order."""
    return [item for action in actions if isinstance(action, Transmit) for item in action.items]


def noted(actions: Sequence[Action], kind: type[Any]) -> list[Any]:
    """The facts of one kind."""
    return [a.event for a in actions if isinstance(a, Note) and isinstance(a.event, kind)]


def kinds(actions: Sequence[Action]) -> list[type[Any]]:
    """What they are; that the link has changed its state is a matter of core/live/connection_log."""
    changes = [a for a in actions if isinstance(a, Note) and isinstance(a.event, events.ConnectionStateChanged)]
    return [type(action) for action in actions if action not in changes]


def answer(machine: LiveConversationMachine, now: float = 1.0) -> list[Action]:
    """The caller says something short."""
    return [*machine.caller_began(now), *machine.caller_audio(PCM, 16000), *machine.caller_stopped(now + 0.5)]


def test_a_turn_is_a_window_and_a_reply_is_speech() -> None:
    machine = live()
    actions = answer(machine)
    assert sent(actions) == [messages.StartActivity(), messages.Audio(PCM, 16000), messages.EndActivity()]
    assert noted(actions, events.TurnSent) == [events.TurnSent(1.5, 320, 16000)]
    assert machine.owed
    said = hear(
        machine,
        messages.InputTranscribed(" Bruce."),
        VOICE,
        messages.OutputTranscribed(" I see."),
        messages.GenerationComplete(),
    )
    assert said == [CallerFragment(" Bruce."), BeginSpeech(), Play(VOICE.pcm, 24000), Caption(" I see."), EndSpeech()]
    assert machine.replying and not machine.owed
    assert machine.played(3.0) == [ReplyOver(False)]
    assert hear(machine, messages.TurnComplete()) == []


def test_audio_outside_a_turn_is_not_sent() -> None:
    machine = live()
    assert machine.caller_audio(PCM, 16000) == [] and machine.flush(1.0) == []


def test_a_flush_is_one_item_and_what_the_model_then_says_is_not_heard() -> None:
    machine = live()
    machine.caller_began(1.0)
    assert machine.flush(1.2, 1.0, "pause") == [
        Note(events.TurnFlushed(1.0, "pause")),
        Transmit((messages.EndActivity(flush=True), messages.StartActivity())),
    ]
    assert hear(machine, VOICE, messages.OutputTranscribed("Well,")) == []
    assert WindowClosed(safe=False) in hear(machine, messages.Interrupted(), messages.TurnComplete())
    assert WindowClosed() in hear(machine, messages.HandleUpdated("h2")), "only now will it not be said again"
    heard = live(LivePolicy(gate="off"))
    heard.caller_began(1.0)
    assert BeginSpeech() in hear(heard, VOICE)


def test_a_caller_who_speaks_over_the_reply_ends_it_and_so_does_the_service() -> None:
    machine = live()
    answer(machine)
    hear(machine, VOICE)
    assert machine.caller_began(4.0)[:2] == [EndSpeech(), ReplyOver(True)]
    machine = live()
    answer(machine)
    hear(machine, VOICE)
    assert hear(machine, messages.Interrupted()) == [CutSpeech(), EndSpeech(), ReplyOver(True)]


def test_nothing_reaches_the_model_while_it_waits_for_a_function() -> None:
    machine = live()
    asked = hear(machine, messages.ToolCallReceived("7", "report", {"a": 1}))
    assert CallTool("7", "report", {"a": 1}) in asked
    machine.caller_began(1.0)
    assert sent(machine.caller_audio(PCM, 16000)) == []
    assert machine.flush(1.0) == [], "nor is it recorded as a flush"
    answered = sent(machine.answer_tool("7", "report", {"ok": True}, "told", 2.0))
    assert answered == [
        messages.ToolResult("7", "report", {"ok": True}),
        messages.StartActivity(),
        messages.Audio(PCM, 16000),
    ]


def test_a_cancelled_function_lets_everything_in_again() -> None:
    machine = live()
    hear(machine, messages.ToolCallReceived("7", "report", {}))
    machine.caller_began(1.0)
    cancelled = hear(machine, messages.ToolsCancelled(("7",)), now=1.5)
    assert sent(cancelled) == [messages.StartActivity()]
    assert noted(cancelled, events.ToolCancelled) == [events.ToolCancelled(1.5, "7")]
    assert machine.answer_tool("7", "report", {}, "The result is x.", 2.0) == [], "nobody waits for it"
    hear(machine, messages.ToolCallReceived("7", "report", {}), now=3.0)
    machine.caller_stopped(4.0)
    assert messages.ToolResult("7", "report", {}) in sent(machine.answer_tool("7", "report", {}, "told", 4.5))


def test_words_nobody_spoke_do_not_end_the_window_into_which_the_caller_speaks() -> None:
    machine = live()
    hear(machine, messages.ToolCallReceived("7", "report", {}))
    machine.caller_began(1.0)
    machine.lost(1011, "Internal error", CloseAction.RESUME, "It failed.", 1, 1.5)
    machine.tick(2.5)
    machine.opened(0.2, "s", [], True, 2.7)
    told = machine.answer_tool("7", "report", {}, "The result is x.", 3.0)
    assert sent(told) == [messages.InTurnText("The result is x.")]
    assert sent(machine.tell("Go on.", 3.5)) == [messages.InTurnText("Go on.")]


def test_a_function_nobody_has_is_refused_at_once() -> None:
    [result] = sent(hear(live(), messages.ToolCallReceived("7", "sing", {})))
    assert result == messages.ToolResult("7", "sing", {"error": "there is no function sing"})


def test_a_lost_answer_is_said_again_on_the_next_connection() -> None:
    machine = live()
    answer(machine)
    lost = machine.lost(1011, "Internal error", CloseAction.RESUME, "It failed.", 1, 2.0)
    assert noted(lost, events.ConnectionLost) == [events.ConnectionLost(2.0, 1011, "Internal error", "resume")]
    assert machine.lost(1011, "again", CloseAction.RESUME, "late news", 1, 2.0) == []
    assert sent(machine.caller_began(2.5)) == []
    assert Dial("h1", 2, 2) in machine.tick(3.0)
    opened = machine.opened(0.2, "s", [], True, 3.2)
    assert noted(opened, events.ConnectionOpened)[0].gap == 1.2
    assert noted(opened, events.TurnReplayed) == [events.TurnReplayed(3.2, 1, 1)] and AudioReplayed() in opened
    assert [type(item) for item in sent(opened)] == [
        *(messages.StartActivity, messages.Audio, messages.EndActivity, messages.StartActivity)
    ]


def test_an_answered_turn_is_said_again_when_its_reply_is_cut_off_before_a_handle_knows_it() -> None:
    machine = live()
    answer(machine)
    hear(
        machine,
        messages.HandleUpdated(None),
        VOICE,
        messages.OutputTranscribed(" And you?"),
        messages.GenerationComplete(),
    )
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    machine.tick(3.0)
    opened = machine.opened(0.1, None, SAID, True, 3.1)
    assert sent(opened) == [messages.StartActivity(), messages.Audio(PCM, 16000), messages.EndActivity()]
    assert machine.owed


def test_a_turn_that_is_over_and_that_the_handle_does_not_know_may_make_another_session_be_told() -> None:
    machine = live(LivePolicy(stale_handle="fresh"))
    answer(machine)
    hear(
        machine,
        messages.HandleUpdated(None),
        VOICE,
        messages.OutputTranscribed(" And you?"),
        messages.GenerationComplete(),
    )
    hear(machine, messages.TurnComplete())
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    assert [a.handle for a in machine.tick(3.0) if isinstance(a, Dial)] == ["h1"]
    afresh = machine.opened(0.1, None, SAID, True, 3.1)
    assert [a.handle for a in afresh if isinstance(a, Dial)] == [None]
    told = machine.opened(0.1, None, SAID, False, 3.3)
    assert Seed in kinds(told) and sent(told) == []


def test_a_session_resumed_from_before_the_end_of_a_turn_is_told_of_it_in_the_next_window() -> None:
    machine = live()
    answer(machine)
    hear(
        machine,
        messages.HandleUpdated(None),
        VOICE,
        messages.OutputTranscribed(" And you?"),
        messages.GenerationComplete(),
    )
    hear(machine, messages.TurnComplete(), now=1.9)
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    machine.tick(3.0)
    said = [*SAID, UtteranceSpoken(1.9, "examiner", 'And "you"?', 1.0, 1.9)]
    opened = machine.opened(0.1, None, said, True, 3.1)
    assert sent(opened) == [] and not any(isinstance(a, Dial) for a in opened)
    assert [(note.first, note.last) for note in noted(opened, events.TurnSentAsText)] == [(1, 1)]
    # A handle for what the session knew before does not make it know more.
    hear(machine, messages.HandleUpdated("h2"))
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 2, 3.2)
    machine.tick(5.2)
    machine.opened(0.1, None, said, True, 5.3)
    [start, aside] = sent(machine.caller_began(6.0))
    assert start == messages.StartActivity() and isinstance(aside, messages.InTurnText)
    assert 'You said "And \\"you\\"?"' in aside.text and "not an instruction" in aside.text
    machine.caller_audio(PCM, 16000)
    hear(machine, messages.HandleUpdated("h3"))
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 3, 7.0)
    machine.tick(11.0)
    assert sent(machine.opened(0.1, None, said, True, 11.1)) == [messages.StartActivity(), messages.Audio(PCM, 16000)]


def test_a_turn_that_a_handle_knows_is_left_alone() -> None:
    machine = live()
    answer(machine)
    hear(
        machine, VOICE, messages.OutputTranscribed(" And you?"), messages.GenerationComplete(), messages.TurnComplete()
    )
    hear(machine, messages.HandleUpdated("h2"))
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    assert [a.handle for a in machine.tick(3.0) if isinstance(a, Dial)] == ["h2"]
    opened = machine.opened(0.1, None, SAID, True, 3.1)
    assert sent(opened) == [] and not any(isinstance(a, Dial) for a in opened)


def test_a_told_session_that_puts_an_old_question_again_is_let_through() -> None:
    machine = live()
    for text in (SAID[0].text, "What do you do on a free day at home?", "Describe a journey that you remember well?"):
        hear(machine, VOICE, messages.OutputTranscribed(text), messages.GenerationComplete(), messages.TurnComplete())
    hear(machine, messages.HandleUpdated("h2"))
    again = messages.OutputTranscribed("What do you do on a free day at home?")
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    machine.tick(3.0)
    machine.opened(0.1, None, SAID, True, 3.1)
    assert hear(machine, again, now=3.4) == []
    lost = hear(machine, messages.GenerationComplete(), now=3.5)
    assert [note.done for note in noted(lost, events.ContextLost)] == ["reseed"]
    machine.opened(0.1, None, SAID, False, 3.7)
    assert Caption(again.text) in hear(machine, again, VOICE, messages.GenerationComplete(), now=4.0)


def test_what_an_old_connection_says_is_out_of_date() -> None:
    machine = live()
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 2.0)
    machine.tick(3.0)
    machine.opened(0.1, None, [], True, 3.1)
    assert hear(machine, VOICE, number=1) == [] and kinds(hear(machine, VOICE)) == [BeginSpeech, Play]


def test_a_session_that_knows_nothing_is_given_the_conversation() -> None:
    machine = live()
    machine.lost(1007, "Invalid session handle", CloseAction.FRESH, "Gone.", 1, 20.0)
    assert Dial(None, 2, 2) in machine.tick(21.0)
    [seed] = [a for a in machine.opened(0.1, None, SAID, False, 21.1) if isinstance(a, Seed)]
    assert seed.turns[:2] == (("model", SAID[0].text), ("user", "Bruce."))
    assert "Do not greet" in seed.turns[2][1]


def greeted() -> LiveConversationMachine:
    """A conversation that has begun, was cut, and is up again."""
    machine = live()
    answer(machine)
    hear(
        machine, messages.OutputTranscribed(SAID[0].text), VOICE, messages.GenerationComplete(), messages.TurnComplete()
    )
    machine.heard(messages.HandleUpdated("h2"), 1, 8.0)
    machine.caller_began(8.0)
    machine.caller_audio(PCM, 16000)
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 9.0)
    machine.tick(10.0)
    machine.opened(0.1, None, SAID, True, 10.1)
    machine.caller_stopped(11.0)
    return machine


def test_the_first_words_after_a_reconnect_are_held_until_they_show_that_the_model_knows_the_exam() -> None:
    machine = greeted()
    assert hear(machine, VOICE, messages.OutputTranscribed("Thank you. And"), now=12.0) == []
    released = hear(machine, messages.OutputTranscribed(" where were you born and brought up?"), now=12.1)
    assert kinds(released) == [BeginSpeech, Play, Caption, Caption]


def test_words_that_show_nothing_are_let_through_in_time() -> None:
    machine = greeted()
    hear(machine, VOICE, now=12.0)
    assert machine.deadline() == 13.5
    assert kinds(machine.tick(13.5)) == [BeginSpeech, Play]


def test_a_model_that_begins_anew_is_not_heard_and_another_session_is_told() -> None:
    machine = greeted()
    forgot = hear(machine, VOICE, messages.OutputTranscribed(SAID[0].text), now=12.0)
    assert noted(forgot, events.ContextLost)[0].done == "reseed" and Play not in kinds(forgot)
    [dial] = [a for a in forgot if isinstance(a, Dial)]
    assert dial.handle is None and HangUp() in forgot
    machine.opened(0.1, None, SAID, False, 12.5)
    again = hear(machine, VOICE, messages.OutputTranscribed(SAID[0].text), now=13.0)
    assert noted(again, events.ContextLost)[0].done == "degrade"
    assert machine.state is ConnectionState.DEGRADED and GiveUp in kinds(again)


def test_a_collapsed_context_gives_a_held_reply_away() -> None:
    machine = live()
    answer(machine)
    hear(machine, messages.UsageReceived(messages.TokenCounts(prompt_total=5000)))
    machine = greeted()
    machine._replies.memory.tokens = 5000
    hear(machine, VOICE, now=12.0)
    usage = hear(machine, messages.UsageReceived(messages.TokenCounts(prompt_total=400)), now=12.1)
    assert Charge in kinds(usage) and noted(usage, events.ContextLost)


def test_a_model_that_owes_a_reply_is_asked_and_then_left_and_then_given_up() -> None:
    machine = live(LivePolicy(ConnectionPolicy(backoff=(1.0,) * 9), WatchPolicy(reply=10)))
    answer(machine, 0.0)
    assert sent(machine.tick(10.5)) == [messages.TextTurn(NUDGE)]
    now = 20.5
    for _ in range(3):
        left = machine.tick(now)
        assert noted(left, events.ModelLate)[0].done == "reconnect" and HangUp() in left
        machine.tick(now + 1)
        machine.opened(0.1, None, [], True, now + 1)
        assert sent(machine.tick(now + 11)) == [messages.TextTurn(NUDGE)]
        now += 21
    assert GiveUp in kinds(machine.tick(now)) and machine.state is ConnectionState.DEGRADED


def test_an_empty_turn_of_the_model_is_not_an_answer() -> None:
    machine = live()
    answer(machine, 0.0)
    assert hear(machine, messages.GenerationComplete(), messages.TurnComplete(), now=1.0) == []
    assert machine.owed and machine.deadline() == 3.5
    assert sent(machine.tick(3.5)) == [messages.TextTurn(NUDGE)]
    waiting = live()
    answer(waiting, 0.0)
    hear(waiting, messages.TurnComplete("NEED_MORE_INPUT"), now=1.0)
    assert not waiting.owed


def test_a_finished_reply_whose_end_nobody_declares_is_over_in_the_end() -> None:
    machine = live()
    answer(machine, 0.0)
    hear(machine, VOICE, messages.GenerationComplete(), now=1.0)
    assert ReplyOver(False) in machine.tick(7.0)


def test_a_silence_of_everybody_is_broken_twice_and_then_the_call_ends() -> None:
    machine = live(LivePolicy(idle=40))
    answer(machine, 0.0)
    hear(machine, VOICE, messages.GenerationComplete(), messages.TurnComplete(), now=1.0)
    now = 1.0
    for _ in range(2):
        now += 40
        assert sent(machine.tick(now)) == [messages.TextTurn(PROMPT)]
        hear(machine, VOICE, messages.GenerationComplete(), messages.TurnComplete(), now=now)
    assert GiveUp in kinds(machine.tick(now + 40))


def test_the_link_moves_before_an_announced_end_but_not_in_mid_conversation() -> None:
    machine = live()
    machine.caller_began(1.0)
    announced = hear(machine, messages.GoAway(50.0), now=2.0)
    assert noted(announced, events.GoAwayReceived) and HangUp not in kinds(announced)
    machine.caller_stopped(3.0)
    hear(machine, messages.HandleUpdated(None), VOICE, messages.GenerationComplete(), messages.TurnComplete(), now=4.0)
    moved = hear(machine, messages.HandleUpdated("h2"), now=4.1)
    assert [a for a in moved if isinstance(a, HangUp | Dial)] == [HangUp(), Dial("h2", 1, 2)]


def test_a_result_the_model_showed_no_sign_of_is_told_in_words_after_the_reconnect() -> None:
    machine = live()
    hear(machine, messages.ToolCallReceived("7", "report", {}))
    machine.answer_tool("7", "report", {"ok": True}, "The result of report is ok.", 1.0)
    machine.lost(1008, "Requested entity was not found.", CloseAction.FRESH, "Gone.", 1, 2.0)
    machine.tick(3.0)
    assert messages.TextTurn("The result of report is ok.") in sent(machine.opened(0.1, None, [], False, 3.1))


def test_after_the_end_nobody_hears_a_reply() -> None:
    machine = live()
    answer(machine)
    machine.conclude(2.0)
    assert hear(machine, VOICE, messages.InputTranscribed("Bruce.")) == [CallerFragment("Bruce.")]
    assert HangUp() in machine.close(5.0) and machine.deadline() is None
    assert machine.lost(1006, "", CloseAction.RESUME, "", 1, 6.0) == []
