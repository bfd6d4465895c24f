"""The Live conversation, decided: replies that come before the caller has finished."""

from collections.abc import Sequence
from typing import Any

import pytest

from core import events
from core.live import messages
from core.live.actions import (
    Action,
    BeginSpeech,
    CallTool,
    Caption,
    Charge,
    CutSpeech,
    EndSpeech,
    Note,
    Play,
    ReplyOver,
    Transmit,
    WindowClosed,
)
from core.live.close_codes import CloseAction
from core.live.connection import ConnectionPolicy
from core.live.conversation import LiveConversationMachine
from core.live.downlink import UNSTOPPABLE
from core.live.policy import LivePolicy
from core.live.prompts import UNHEARD
from core.live.uplink import MOST_STOPPED, TOO_EARLY
from core.live.watchdog import WatchPolicy

VOICE = messages.ModelAudio(bytes(48000), 24000)  # a second
WORDS = messages.OutputTranscribed(" Thank you.")
DONE = (messages.GenerationComplete(), messages.TurnComplete())
CALL = messages.ToolCallReceived("7", "report", {"scores": 6})
PCM = bytes(3200)
HEARD = [BeginSpeech(), Play(VOICE.pcm, 24000), Caption(" Thank you."), EndSpeech()]
END = messages.EndActivity()


def live(**policy: Any) -> LiveConversationMachine:
    """A conversation whose link has been up since 0 s."""
    machine = LiveConversationMachine(LivePolicy(ConnectionPolicy(), WatchPolicy(), **policy), frozenset({"report"}))
    machine.start(0.0)
    machine.opened(0.1, None, [], False, 0.0)
    machine.heard(messages.HandleUpdated("h1"), 1, 0.0)
    return machine


def hear(machine: LiveConversationMachine, *said: messages.Incoming, now: float) -> list[Action]:
    """The service says these things."""
    return [action for event in said for action in machine.heard(event, machine._link.number, now)]


def sent(actions: Sequence[Action]) -> list[messages.Outgoing]:
    return [item for action in actions if isinstance(action, Transmit) for item in action.items]


def noted(actions: Sequence[Action], kind: type[Any]) -> list[Any]:
    return [a.event for a in actions if isinstance(a, Note) and isinstance(a.event, kind)]


def speech(actions: Sequence[Action]) -> list[Action]:
    return [a for a in actions if isinstance(a, BeginSpeech | Play | Caption | EndSpeech)]


def flushed(at: float = 10.0, **policy: Any) -> LiveConversationMachine:
    """The caller has spoken since 1 s, and was flushed."""
    machine = live(**policy)
    machine.caller_began(1.0)
    machine.caller_audio(PCM, 16000)
    machine.flush(at)
    machine.caller_audio(PCM, 16000)
    return machine


def test_a_reply_to_a_flush_is_let_go_at_once_when_the_caller_had_finished_and_none_is_asked_for() -> None:
    machine = flushed()
    assert hear(machine, VOICE, WORDS, *DONE, now=10.4) == []
    stopped = machine.caller_stopped(10.7, voiced=9.0, spoke_until=9.9)
    assert speech(stopped) == HEARD and sent(stopped) == []
    assert noted(stopped, events.TurnSent) == [events.TurnSent(10.7, 3200, 16000)]
    assert not machine.owed and machine.deadline() == 10.7 + 40
    began = machine.caller_began(20.0)
    assert sent(began) == [], "the window since the flush is still open"
    assert sent(machine.caller_audio(PCM, 16000)) == [messages.Audio(PCM, 16000)]
    assert sent(machine.caller_stopped(21.0, voiced=1.0, spoke_until=20.9)) == [END]


def test_the_rest_of_a_reply_that_was_let_go_follows_it() -> None:
    machine = flushed()
    hear(machine, VOICE, now=10.4)
    assert Play(VOICE.pcm, 24000) in machine.caller_stopped(10.7, spoke_until=9.9)
    assert speech(hear(machine, WORDS, VOICE, now=10.8)) == [Caption(" Thank you."), Play(VOICE.pcm, 24000)]


def test_a_reply_that_is_cut_off_after_it_was_let_go_is_asked_for_again() -> None:
    machine = flushed()
    hear(machine, VOICE, now=10.4)
    machine.caller_stopped(10.7, spoke_until=9.9)
    cut = hear(machine, messages.Interrupted(), messages.TurnComplete(), now=10.8)
    assert CutSpeech() in cut and sent(cut) == [END] and machine.owed
    assert speech(hear(machine, VOICE, WORDS, messages.GenerationComplete(), now=11.5)) == HEARD
    assert sent(machine.caller_began(20.0)) == [messages.StartActivity()]


def test_what_the_model_is_told_is_not_said_into_a_window_left_open() -> None:
    machine = flushed()
    hear(machine, VOICE, *DONE, now=10.4)
    machine.caller_stopped(10.7, spoke_until=9.9)
    assert sent(machine.tell("Go on.", 20.0)) == [END, messages.TextTurn("Go on.")]
    assert sent(machine.caller_began(30.0)) == [messages.StartActivity()]


def test_a_lost_connection_says_the_whole_turn_again_although_its_window_was_left_open() -> None:
    machine = flushed()
    hear(machine, VOICE, now=10.4)
    machine.caller_stopped(10.7, spoke_until=9.9)
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 11.0)
    machine.tick(12.0)
    again = sent(machine.opened(0.1, None, [], True, 12.1))
    assert again == [messages.StartActivity(), messages.Audio(PCM * 2, 16000), END]
    assert sent(machine.caller_began(20.0)) == [messages.StartActivity()]


@pytest.mark.parametrize("why", ["voice", "flush", "stop", "interrupted"])
def test_a_reply_to_a_flush_after_which_the_caller_goes_on_is_never_heard_and_told_once(why: str) -> None:
    machine = flushed()
    machine.unanswered.recorded()
    assert hear(machine, VOICE, WORDS, now=10.4) == []
    actions = {
        "voice": lambda: machine.caller_voiced(11.0, 11.0),
        "flush": lambda: machine.flush(11.0),
        "stop": lambda: machine.caller_stopped(11.0, voiced=9.0, spoke_until=10.9),
        "interrupted": lambda: hear(machine, messages.Interrupted(), now=11.0),
    }[why]()
    actions += hear(machine, messages.TurnComplete(), now=11.2)
    told = noted(actions, events.ReplySuppressed)
    assert told == [events.ReplySuppressed(told[0].at, "flush", "Thank you.", 1.0)]
    assert not speech(actions) and machine.owed, "an answer is still due"
    if why == "interrupted":
        assert WindowClosed(safe=False) in actions
    if why != "stop":
        actions += machine.caller_stopped(12.0, voiced=9.0, spoke_until=11.9)
    assert sent(actions)[-1:] == [END]
    assert speech(hear(machine, VOICE, WORDS, messages.GenerationComplete(), now=12.5)) == HEARD
    assert not machine.owed


def test_a_voice_that_was_heard_before_the_flush_decides_nothing() -> None:
    machine = flushed()
    hear(machine, VOICE, now=10.4)
    assert machine.caller_voiced(9.9, 10.5) == []
    assert Play(VOICE.pcm, 24000) in machine.caller_stopped(10.7, spoke_until=9.9)


def test_a_turn_whose_last_voice_nobody_knows_is_asked_again() -> None:
    machine = flushed()
    hear(machine, VOICE, *DONE, now=10.4)
    stopped = machine.caller_stopped(10.7)
    assert sent(stopped) == [END] and noted(stopped, events.ReplySuppressed)


def test_a_policy_that_drops_asks_again_and_one_that_is_off_lets_all_be_heard() -> None:
    dropping = flushed(gate="drop")
    hear(dropping, VOICE, *DONE, now=10.4)
    stopped = dropping.caller_stopped(10.7, spoke_until=9.9)
    assert sent(stopped) == [END] and not speech(stopped) and noted(stopped, events.ReplySuppressed)
    assert speech(hear(flushed(gate="off"), VOICE, WORDS, messages.GenerationComplete(), now=10.4)) == HEARD


def test_tokens_of_a_reply_nobody_hears_are_billed() -> None:
    machine = flushed()
    hear(machine, VOICE, now=10.4)
    [charge] = hear(machine, messages.UsageReceived(messages.TokenCounts()), now=10.5)
    assert isinstance(charge, Charge) and charge.audio_out == 25


def test_a_call_born_of_a_flush_is_refused_in_words_when_the_caller_goes_on() -> None:
    machine = flushed()
    assert hear(machine, CALL, now=10.4) == []
    assert sent(machine.caller_audio(PCM, 16000)) == [], "nothing is sent while the model waits"
    refused = machine.caller_voiced(11.0, 11.0)
    assert sent(refused) == [messages.ToolResult("7", "report", TOO_EARLY), messages.Audio(PCM, 16000)]
    assert noted(refused, events.ToolCalled) and not any(isinstance(a, CallTool) for a in refused)
    assert not speech(hear(machine, VOICE, *DONE, now=11.5)), "what it says to that is lost with the rest"


def test_a_call_born_of_the_flush_the_caller_finished_with_is_served_and_silence_is_not_sent() -> None:
    machine = flushed()
    hear(machine, CALL, now=10.4)
    machine.caller_audio(PCM, 16000)
    assert CallTool("7", "report", {"scores": 6}) in machine.caller_stopped(10.7, spoke_until=9.9)
    result = sent(machine.answer_tool("7", "report", {"ok": True}, "told", 11.0))
    assert result == [messages.ToolResult("7", "report", {"ok": True})]


def test_a_held_call_that_is_withdrawn_is_forgotten() -> None:
    machine = flushed()
    hear(machine, CALL, messages.ToolsCancelled(("7",)), messages.Interrupted(), messages.TurnComplete(), now=10.4)
    stopped = machine.caller_stopped(12.0, spoke_until=11.9)
    assert sent(stopped) == [END] and not noted(stopped, events.ToolCalled)


def short(**policy: Any) -> LiveConversationMachine:
    """The plan expects ten seconds; the caller stopped at 5 s, after three."""
    machine = live(**policy)
    machine.answer_due(10.0)
    machine.caller_began(1.0)
    machine.caller_audio(PCM, 16000)
    machine.caller_stopped(5.0, voiced=3.0, spoke_until=4.2)
    return machine


def test_the_reply_to_a_short_answer_is_held_for_the_grace_and_then_let_go() -> None:
    machine = short()
    assert speech(hear(machine, VOICE, WORDS, messages.GenerationComplete(), now=5.5)) == []
    assert machine.deadline() == 7.0
    assert speech(machine.tick(7.0)) == HEARD and not machine.owed


def test_a_caller_who_goes_on_within_the_grace_hears_nothing_and_the_model_is_told() -> None:
    machine = short()
    hear(machine, VOICE, WORDS, now=5.5)
    began = machine.caller_began(6.5)
    began += hear(machine, messages.Interrupted(), messages.TurnComplete(), now=6.6)
    assert noted(began, events.ReplySuppressed) == [events.ReplySuppressed(6.6, "premature", "Thank you.", 1.0)]
    assert not speech(began) and CutSpeech() not in began
    stopped = machine.caller_stopped(14.0, voiced=7.5, spoke_until=13.2)
    assert sent(stopped) == [messages.InTurnText(UNHEARD), END]
    assert speech(hear(machine, VOICE, WORDS, messages.GenerationComplete(), now=14.5)) == HEARD, "it is enough by now"
    silent = short(tell_unheard=False)
    hear(silent, VOICE, WORDS, now=5.5)
    silent.caller_began(6.5)
    assert sent(silent.caller_stopped(14.0, voiced=7.5)) == [END]


def test_an_answer_that_is_long_enough_or_that_no_plan_expects_is_replied_to_at_once() -> None:
    machine = short(grace=0.0)
    assert speech(hear(machine, VOICE, WORDS, messages.GenerationComplete(), now=5.5)) == HEARD
    machine = live()
    machine.caller_began(1.0)
    machine.caller_stopped(5.0, voiced=0.3)
    assert speech(hear(machine, VOICE, WORDS, messages.GenerationComplete(), now=5.5)) == HEARD


def test_an_empty_turn_within_the_grace_is_not_an_answer() -> None:
    machine = short()
    assert hear(machine, *DONE, now=5.5) == [] and machine.owed


def test_at_the_end_of_the_call_nobody_waits_for_the_caller_to_go_on() -> None:
    machine = short()
    hear(machine, VOICE, CALL, now=5.5)
    assert machine.conclude(5.6)[1:] == [CallTool("7", "report", {"scores": 6})]


def test_a_reply_that_was_begun_to_be_heard_before_the_caller_resumed_counts_as_premature() -> None:
    machine = live()
    machine.caller_began(1.0)
    machine.caller_stopped(5.0, voiced=3.0)
    hear(machine, WORDS, VOICE, VOICE, now=5.5)
    machine.audible(5.5)
    began = machine.caller_began(6.5)
    assert noted(began, events.ReplySuppressed) == [events.ReplySuppressed(6.5, "premature", "you.", 1.0)]
    assert ReplyOver(True, 0.5) in began
    late = live()
    late.caller_began(1.0)
    late.caller_stopped(5.0, voiced=3.0)
    hear(late, WORDS, VOICE, VOICE, now=6.5)
    assert not noted(late.caller_began(7.5), events.ReplySuppressed)


def asked() -> LiveConversationMachine:
    """The examiner has put a question and has ended its turn."""
    machine = live()
    machine.tell("Begin.", 0.5)
    hear(machine, VOICE, messages.OutputTranscribed("What is your name?"), *DONE, now=1.0)
    machine.answer_due(1.0)
    return machine


def test_a_model_that_goes_on_without_an_answer_is_silenced() -> None:
    machine = asked()
    on = hear(machine, VOICE, WORDS, CALL, now=4.0)
    assert not speech(on) and not any(isinstance(a, CallTool) for a in on)
    assert sent(on) == [messages.StartActivity(), messages.ToolResult("7", "report", TOO_EARLY)]
    on = hear(machine, messages.Interrupted(), messages.TurnComplete(), now=4.1)
    assert noted(on, events.ReplySuppressed) == [events.ReplySuppressed(4.1, "premature", "Thank you.", 1.0)]
    assert sent(machine.caller_began(6.0)) == [], "the answer is spoken into the window that silenced it"
    machine.caller_audio(PCM, 16000)
    assert sent(machine.caller_stopped(9.0, voiced=2.0, spoke_until=8.2))[-1] == END
    assert speech(hear(machine, VOICE, WORDS, messages.GenerationComplete(), now=9.5)) == HEARD


def test_scores_in_the_turn_of_a_question_that_nobody_has_answered_are_refused() -> None:
    machine = live()
    machine.tell("Begin.", 0.5)
    hear(machine, VOICE, messages.OutputTranscribed("What is your name?"), now=1.0)
    machine.answer_due(1.0)
    assert speech(hear(machine, VOICE, now=1.1)), "the same turn goes on being heard"
    called = hear(machine, CALL, now=1.2)
    assert messages.ToolResult("7", "report", TOO_EARLY) in sent(called)
    assert not any(isinstance(a, CallTool) for a in called)


def test_a_model_that_was_told_to_speak_or_was_answered_is_heard() -> None:
    machine = asked()
    machine.tell("Ask whether they are there.", 20.0)
    assert speech(hear(machine, VOICE, WORDS, messages.GenerationComplete(), now=20.5)) == HEARD
    machine = asked()
    machine.caller_began(2.0)
    machine.caller_stopped(5.0, voiced=2.0)
    assert CallTool("7", "report", {"scores": 6}) in hear(machine, CALL, now=5.5)


@pytest.mark.parametrize("asks", ["before", "after"])
def test_a_model_that_speaks_unasked_while_it_owes_a_reply_is_heard_in_the_end(asks: str) -> None:
    machine = live()
    machine.caller_began(1.0)
    machine.caller_audio(PCM, 16000)
    machine.caller_stopped(4.0, voiced=3.0)
    actions = list[Action]()
    for n in range(20):
        # The service cuts off its reply to the answer, the plan waits for the next, and the model goes on by itself.
        if asks == "before":
            machine.answer_due(1.0)
        actions += hear(machine, messages.Interrupted(), now=5.0 + n)
        if asks == "after":
            machine.answer_due(1.0)
        actions += hear(machine, messages.TurnComplete(), VOICE, WORDS, now=5.0 + n)
    assert sent(actions) == [messages.StartActivity(), END] * MOST_STOPPED
    assert len(speech(actions)) > 20
    assert [problem.what for problem in noted(actions, events.ProblemSeen)] == [UNSTOPPABLE]


def test_scores_that_come_too_early_again_and_again_are_refused_each_time_and_stopped_twice() -> None:
    machine = live()
    machine.answer_due(1.0)
    called = [hear(machine, CALL, messages.Interrupted(), messages.TurnComplete(), now=5.0 + n) for n in range(9)]
    assert all(messages.ToolResult("7", "report", TOO_EARLY) in sent(actions) for actions in called)
    assert sum(sent(actions).count(messages.StartActivity()) for actions in called) <= MOST_STOPPED


def test_what_follows_in_a_turn_that_was_stopped_is_not_taken_for_another() -> None:
    machine = asked()
    machine._uplink.stopped = MOST_STOPPED - 1
    on = hear(machine, VOICE, WORDS, VOICE, now=4.0)
    assert sent(on) == [messages.StartActivity()] and not speech(on) and not noted(on, events.ProblemSeen)
