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
from core.live.prompts import REPLY_SUPPRESSED
from core.live.uplink import MAX_INTERRUPTIONS, TOO_EARLY
from core.live.watchdog import WatchdogPolicy

AUDIO = messages.ModelAudio(bytes(48000), 24000)  # a second
TEXT = messages.OutputTranscribed(" Thank you.")
DONE = (messages.GenerationComplete(), messages.TurnComplete())
CALL = messages.ToolCallReceived("7", "report", {"scores": 6})
PCM = bytes(3200)
PLAYED = [BeginSpeech(), Play(AUDIO.pcm, 24000), Caption(" Thank you."), EndSpeech()]
END = messages.EndActivity()


def live(**policy: Any) -> LiveConversationMachine:
    """A conversation whose connection has been up since 0 s."""
    machine = LiveConversationMachine(LivePolicy(ConnectionPolicy(), WatchdogPolicy(), **policy), frozenset({"report"}))
    machine.start(0.0)
    machine.opened(0.1, None, [], False, 0.0)
    machine.on_server_message(messages.HandleUpdated("h1"), 1, 0.0)
    return machine


def feed(machine: LiveConversationMachine, *received: messages.Incoming, now: float) -> list[Action]:
    """The service sends these."""
    return [
        action for message in received for action in machine.on_server_message(message, machine._connection.number, now)
    ]


def sent(actions: Sequence[Action]) -> list[messages.Outgoing]:
    return [item for action in actions if isinstance(action, Transmit) for item in action.items]


def noted(actions: Sequence[Action], kind: type[Any]) -> list[Any]:
    return [a.event for a in actions if isinstance(a, Note) and isinstance(a.event, kind)]


def speech(actions: Sequence[Action]) -> list[Action]:
    return [a for a in actions if isinstance(a, BeginSpeech | Play | Caption | EndSpeech)]


def flushed(at: float = 10.0, **policy: Any) -> LiveConversationMachine:
    """The caller has spoken since 1 s, and was flushed."""
    machine = live(**policy)
    machine.caller_started(1.0)
    machine.caller_audio(PCM, 16000)
    machine.flush(at)
    machine.caller_audio(PCM, 16000)
    return machine


def test_a_reply_to_a_flush_is_released_at_once_when_the_caller_had_finished_and_none_is_requested() -> None:
    machine = flushed()
    assert feed(machine, AUDIO, TEXT, *DONE, now=10.4) == []
    stopped = machine.caller_stopped(10.7, voiced=9.0, spoke_until=9.9)
    assert speech(stopped) == PLAYED and sent(stopped) == []
    assert noted(stopped, events.TurnSent) == [events.TurnSent(10.7, 3200, 16000)]
    assert not machine.awaiting_answer and machine.deadline() == 10.7 + 40
    started = machine.caller_started(20.0)
    assert sent(started) == [], "the window since the flush is still open"
    assert sent(machine.caller_audio(PCM, 16000)) == [messages.Audio(PCM, 16000)]
    assert sent(machine.caller_stopped(21.0, voiced=1.0, spoke_until=20.9)) == [END]


def test_the_rest_of_a_reply_that_was_released_follows_it() -> None:
    machine = flushed()
    feed(machine, AUDIO, now=10.4)
    assert Play(AUDIO.pcm, 24000) in machine.caller_stopped(10.7, spoke_until=9.9)
    assert speech(feed(machine, TEXT, AUDIO, now=10.8)) == [Caption(" Thank you."), Play(AUDIO.pcm, 24000)]


def test_a_reply_that_is_interrupted_after_its_release_is_requested_once_more() -> None:
    machine = flushed()
    feed(machine, AUDIO, now=10.4)
    machine.caller_stopped(10.7, spoke_until=9.9)
    cut = feed(machine, messages.Interrupted(), messages.TurnComplete(), now=10.8)
    assert CutSpeech() in cut and sent(cut) == [END] and machine.awaiting_answer
    assert speech(feed(machine, AUDIO, TEXT, messages.GenerationComplete(), now=11.5)) == PLAYED
    assert sent(machine.caller_started(20.0)) == [messages.StartActivity()]


def test_an_instruction_is_not_sent_into_a_window_left_open() -> None:
    machine = flushed()
    feed(machine, AUDIO, *DONE, now=10.4)
    machine.caller_stopped(10.7, spoke_until=9.9)
    assert sent(machine.instruct("Go on.", 20.0)) == [END, messages.TextTurn("Go on.")]
    assert sent(machine.caller_started(30.0)) == [messages.StartActivity()]


def test_a_turn_whose_window_was_left_open_is_replayed_whole_after_a_lost_connection() -> None:
    machine = flushed()
    feed(machine, AUDIO, now=10.4)
    machine.caller_stopped(10.7, spoke_until=9.9)
    machine.lost(1011, "", CloseAction.RESUME, "It failed.", 1, 11.0)
    machine.tick(12.0)
    replayed = sent(machine.opened(0.1, None, [], True, 12.1))
    assert replayed == [messages.StartActivity(), messages.Audio(PCM * 2, 16000), END]
    assert sent(machine.caller_started(20.0)) == [messages.StartActivity()]


@pytest.mark.parametrize("why", ["voice", "flush", "stop", "interrupted"])
def test_a_reply_to_a_flush_after_which_the_caller_goes_on_is_suppressed_and_reported_once(why: str) -> None:
    machine = flushed()
    machine.replay_buffer.recorded()
    assert feed(machine, AUDIO, TEXT, now=10.4) == []
    actions = {
        "voice": lambda: machine.caller_voiced(11.0, 11.0),
        "flush": lambda: machine.flush(11.0),
        "stop": lambda: machine.caller_stopped(11.0, voiced=9.0, spoke_until=10.9),
        "interrupted": lambda: feed(machine, messages.Interrupted(), now=11.0),
    }[why]()
    actions += feed(machine, messages.TurnComplete(), now=11.2)
    suppressed = noted(actions, events.ReplySuppressed)
    assert suppressed == [events.ReplySuppressed(suppressed[0].at, "flush", "Thank you.", 1.0)]
    assert not speech(actions) and machine.awaiting_answer, "a reply is still expected"
    if why == "interrupted":
        assert WindowClosed(acknowledged=False) in actions
    if why != "stop":
        actions += machine.caller_stopped(12.0, voiced=9.0, spoke_until=11.9)
    assert sent(actions)[-1:] == [END]
    assert speech(feed(machine, AUDIO, TEXT, messages.GenerationComplete(), now=12.5)) == PLAYED
    assert not machine.awaiting_answer


def test_voice_before_the_flush_decides_nothing() -> None:
    machine = flushed()
    feed(machine, AUDIO, now=10.4)
    assert machine.caller_voiced(9.9, 10.5) == []
    assert Play(AUDIO.pcm, 24000) in machine.caller_stopped(10.7, spoke_until=9.9)


def test_a_turn_whose_last_voice_is_unknown_requests_another_reply() -> None:
    machine = flushed()
    feed(machine, AUDIO, *DONE, now=10.4)
    stopped = machine.caller_stopped(10.7)
    assert sent(stopped) == [END] and noted(stopped, events.ReplySuppressed)


def test_a_gate_that_drops_requests_another_reply_and_one_that_is_off_plays_everything() -> None:
    dropping = flushed(reply_gate="drop")
    feed(dropping, AUDIO, *DONE, now=10.4)
    stopped = dropping.caller_stopped(10.7, spoke_until=9.9)
    assert sent(stopped) == [END] and not speech(stopped) and noted(stopped, events.ReplySuppressed)
    assert speech(feed(flushed(reply_gate="off"), AUDIO, TEXT, messages.GenerationComplete(), now=10.4)) == PLAYED


def test_tokens_of_a_suppressed_reply_are_billed() -> None:
    machine = flushed()
    feed(machine, AUDIO, now=10.4)
    [charge] = feed(machine, messages.UsageReceived(messages.TokenCounts()), now=10.5)
    assert isinstance(charge, Charge) and charge.audio_out == 25


def test_a_function_call_after_a_flush_is_refused_with_a_reason_when_the_caller_goes_on() -> None:
    machine = flushed()
    assert feed(machine, CALL, now=10.4) == []
    assert sent(machine.caller_audio(PCM, 16000)) == [], "nothing is sent while the model waits"
    refused = machine.caller_voiced(11.0, 11.0)
    assert sent(refused) == [messages.ToolResult("7", "report", TOO_EARLY), messages.Audio(PCM, 16000)]
    assert noted(refused, events.ToolCalled) and not any(isinstance(a, CallTool) for a in refused)
    assert not speech(feed(machine, AUDIO, *DONE, now=11.5)), "what it replies to that is suppressed with the rest"


def test_a_function_call_after_the_final_flush_is_served_and_silence_is_not_sent() -> None:
    machine = flushed()
    feed(machine, CALL, now=10.4)
    machine.caller_audio(PCM, 16000)
    assert CallTool("7", "report", {"scores": 6}) in machine.caller_stopped(10.7, spoke_until=9.9)
    result = sent(machine.tool_answered("7", "report", {"ok": True}, "as text", 11.0))
    assert result == [messages.ToolResult("7", "report", {"ok": True})]


def test_a_held_function_call_that_is_cancelled_is_dropped() -> None:
    machine = flushed()
    feed(machine, CALL, messages.ToolsCancelled(("7",)), messages.Interrupted(), messages.TurnComplete(), now=10.4)
    stopped = machine.caller_stopped(12.0, spoke_until=11.9)
    assert sent(stopped) == [END] and not noted(stopped, events.ToolCalled)


def short(**policy: Any) -> LiveConversationMachine:
    """The plan expects ten seconds; the caller stopped at 5 s, after three."""
    machine = live(**policy)
    machine.answer_expected(10.0)
    machine.caller_started(1.0)
    machine.caller_audio(PCM, 16000)
    machine.caller_stopped(5.0, voiced=3.0, spoke_until=4.2)
    return machine


def test_the_reply_to_a_short_answer_is_held_for_the_grace_and_then_released() -> None:
    machine = short()
    assert speech(feed(machine, AUDIO, TEXT, messages.GenerationComplete(), now=5.5)) == []
    assert machine.deadline() == 7.0
    assert speech(machine.tick(7.0)) == PLAYED and not machine.awaiting_answer


def test_when_the_caller_goes_on_within_the_grace_nothing_is_played_and_the_model_is_informed() -> None:
    machine = short()
    feed(machine, AUDIO, TEXT, now=5.5)
    started = machine.caller_started(6.5)
    started += feed(machine, messages.Interrupted(), messages.TurnComplete(), now=6.6)
    assert noted(started, events.ReplySuppressed) == [events.ReplySuppressed(6.6, "premature", "Thank you.", 1.0)]
    assert not speech(started) and CutSpeech() not in started
    stopped = machine.caller_stopped(14.0, voiced=7.5, spoke_until=13.2)
    assert sent(stopped) == [messages.InTurnText(REPLY_SUPPRESSED), END]
    assert speech(feed(machine, AUDIO, TEXT, messages.GenerationComplete(), now=14.5)) == PLAYED, "it is enough by now"
    silent = short(report_suppressed=False)
    feed(silent, AUDIO, TEXT, now=5.5)
    silent.caller_started(6.5)
    assert sent(silent.caller_stopped(14.0, voiced=7.5)) == [END]


def test_an_answer_that_is_long_enough_or_that_no_plan_expects_is_replied_to_at_once() -> None:
    machine = short(grace=0.0)
    assert speech(feed(machine, AUDIO, TEXT, messages.GenerationComplete(), now=5.5)) == PLAYED
    machine = live()
    machine.caller_started(1.0)
    machine.caller_stopped(5.0, voiced=0.3)
    assert speech(feed(machine, AUDIO, TEXT, messages.GenerationComplete(), now=5.5)) == PLAYED


def test_an_empty_turn_within_the_grace_is_not_an_answer() -> None:
    machine = short()
    assert feed(machine, *DONE, now=5.5) == [] and machine.awaiting_answer


def test_at_the_end_of_the_call_nobody_waits_for_the_caller_to_go_on() -> None:
    machine = short()
    feed(machine, AUDIO, CALL, now=5.5)
    assert machine.finish(5.6)[1:] == [CallTool("7", "report", {"scores": 6})]


def test_a_reply_that_was_played_in_part_before_the_caller_went_on_counts_as_premature() -> None:
    machine = live()
    machine.caller_started(1.0)
    machine.caller_stopped(5.0, voiced=3.0)
    feed(machine, TEXT, AUDIO, AUDIO, now=5.5)
    machine.playback_started(5.5)
    started = machine.caller_started(6.5)
    assert noted(started, events.ReplySuppressed) == [events.ReplySuppressed(6.5, "premature", "you.", 1.0)]
    assert ReplyOver(True, 0.5) in started
    late = live()
    late.caller_started(1.0)
    late.caller_stopped(5.0, voiced=3.0)
    feed(late, TEXT, AUDIO, AUDIO, now=6.5)
    assert not noted(late.caller_started(7.5), events.ReplySuppressed)


def asked() -> LiveConversationMachine:
    """The examiner has put a question and has ended its turn."""
    machine = live()
    machine.instruct("Begin.", 0.5)
    feed(machine, AUDIO, messages.OutputTranscribed("What is your name?"), *DONE, now=1.0)
    machine.answer_expected(1.0)
    return machine


def test_an_unsolicited_reply_is_interrupted() -> None:
    machine = asked()
    on = feed(machine, AUDIO, TEXT, CALL, now=4.0)
    assert not speech(on) and not any(isinstance(a, CallTool) for a in on)
    assert sent(on) == [messages.StartActivity(), messages.ToolResult("7", "report", TOO_EARLY)]
    on = feed(machine, messages.Interrupted(), messages.TurnComplete(), now=4.1)
    assert noted(on, events.ReplySuppressed) == [events.ReplySuppressed(4.1, "premature", "Thank you.", 1.0)]
    assert sent(machine.caller_started(6.0)) == [], "the answer is spoken into the window that interrupted it"
    machine.caller_audio(PCM, 16000)
    assert sent(machine.caller_stopped(9.0, voiced=2.0, spoke_until=8.2))[-1] == END
    assert speech(feed(machine, AUDIO, TEXT, messages.GenerationComplete(), now=9.5)) == PLAYED


def test_scores_in_the_turn_of_an_unanswered_question_are_refused() -> None:
    machine = live()
    machine.instruct("Begin.", 0.5)
    feed(machine, AUDIO, messages.OutputTranscribed("What is your name?"), now=1.0)
    machine.answer_expected(1.0)
    assert speech(feed(machine, AUDIO, now=1.1)), "the same turn goes on being played"
    called = feed(machine, CALL, now=1.2)
    assert messages.ToolResult("7", "report", TOO_EARLY) in sent(called)
    assert not any(isinstance(a, CallTool) for a in called)


def test_a_reply_to_an_instruction_or_to_an_answer_is_played() -> None:
    machine = asked()
    machine.instruct("Ask whether they are there.", 20.0)
    assert speech(feed(machine, AUDIO, TEXT, messages.GenerationComplete(), now=20.5)) == PLAYED
    machine = asked()
    machine.caller_started(2.0)
    machine.caller_stopped(5.0, voiced=2.0)
    assert CallTool("7", "report", {"scores": 6}) in feed(machine, CALL, now=5.5)


@pytest.mark.parametrize("asks", ["before", "after"])
def test_unsolicited_replies_without_end_are_played_at_last(asks: str) -> None:
    machine = live()
    machine.caller_started(1.0)
    machine.caller_audio(PCM, 16000)
    machine.caller_stopped(4.0, voiced=3.0)
    actions = list[Action]()
    for n in range(20):
        # The service cuts off its reply to the answer, the plan waits for the next, and the model goes on by itself.
        if asks == "before":
            machine.answer_expected(1.0)
        actions += feed(machine, messages.Interrupted(), now=5.0 + n)
        if asks == "after":
            machine.answer_expected(1.0)
        actions += feed(machine, messages.TurnComplete(), AUDIO, TEXT, now=5.0 + n)
    assert sent(actions) == [messages.StartActivity(), END] * MAX_INTERRUPTIONS
    assert len(speech(actions)) > 20
    assert [problem.what for problem in noted(actions, events.ProblemSeen)] == [UNSTOPPABLE]


def test_scores_that_come_too_early_repeatedly_are_refused_each_time_and_interrupted_twice() -> None:
    machine = live()
    machine.answer_expected(1.0)
    called = [feed(machine, CALL, messages.Interrupted(), messages.TurnComplete(), now=5.0 + n) for n in range(9)]
    assert all(messages.ToolResult("7", "report", TOO_EARLY) in sent(actions) for actions in called)
    assert sum(sent(actions).count(messages.StartActivity()) for actions in called) <= MAX_INTERRUPTIONS


def test_what_follows_in_an_interrupted_turn_is_not_another_turn() -> None:
    machine = asked()
    machine._uplink.interruptions = MAX_INTERRUPTIONS - 1
    on = feed(machine, AUDIO, TEXT, AUDIO, now=4.0)
    assert sent(on) == [messages.StartActivity()] and not speech(on) and not noted(on, events.ProblemSeen)
