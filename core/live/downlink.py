"""The model's output, and what becomes of it: played, held, suppressed, or a function call."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from core import events
from core.audio.pcm import seconds
from core.live import messages
from core.live.actions import (
    Action,
    CallTool,
    Caption,
    ConnectionAction,
    ConnectionEnded,
    CutSpeech,
    Note,
    Play,
    WindowClosed,
)
from core.live.connection import LiveConnectionMachine
from core.live.context_check import ContextState
from core.live.idle import IdleTimer
from core.live.late_text import LateText
from core.live.prompts import NO_AUDIO, NUDGE
from core.live.reply import Reply
from core.live.reply_gate import ModelOutput
from core.live.turn_taking import Decision, TurnTaking
from core.live.uplink import MAX_INTERRUPTIONS, Uplink
from core.live.usage_estimate import UsageEstimate
from core.live.watchdog import Alarm, Watchdog

UNSTOPPABLE = "it sent unsolicited replies repeatedly, and one was played"


@dataclass
class Downlink:
    """The examiner's side of the conversation, one turn of the model after the other."""

    connection: LiveConnectionMachine
    uplink: Uplink
    turn_taking: TurnTaking
    reply: Reply
    watchdog: Watchdog
    idle_timer: IdleTimer
    functions: frozenset[str] = frozenset()
    call_is_over: bool = False  # what the model sends is not played any more
    usage: UsageEstimate = field(default_factory=UsageEstimate)
    late_text: LateText = field(default_factory=LateText)
    _interrupted: bool = False  # the turn was interrupted, and its turnComplete has not come

    def on_output(self, output: ModelOutput, now: float) -> list[Action]:
        """The model has sent something: counted in any case, passed on if it is the model's turn to speak."""
        if isinstance(output, messages.ModelAudio):
            self.usage.model_audio(seconds(output.pcm, output.rate))
        if not isinstance(output, messages.GenerationComplete):
            self.uplink.tool_calls.acknowledged()
        if self.late_text.open and isinstance(output, messages.OutputTranscribed):
            self.late_text.hold(output, now)
            return []
        before = self._before(output, now) if self.late_text.open else []
        return [*before, *self._on_output(output, now)]

    def _before(self, output: ModelOutput, now: float) -> list[Action]:
        """What becomes of text that came after a reply, now that this comes."""
        if not isinstance(output, messages.ModelAudio):
            return self.end_late_text(now, another_turn=isinstance(output, messages.ToolCallReceived))
        self.late_text.open = False
        return [action for one in self.late_text.take() for action in self._on_output(one, now)]

    def end_late_text(self, now: float, *, another_turn: bool = True) -> list[Action]:
        """No audio has come: such text is the rest of the reply. After it, what comes may be of `another_turn`."""
        if another_turn:
            self.late_text.open = False
        text = "".join(one.text for one in self.late_text.take())
        if self.uplink.tool_calls.echoed_by(text):
            self.watchdog.stop()  # that was all the model had to say to the result
            return [Note(events.ReplySuppressed(now, "mute", text.strip(), 0.0))]
        return [*self.reply.add_late_text(text)] if text else []

    def deadline(self) -> float | None:
        """When `tick` has something to do, besides what `reply` has."""
        return self.late_text.deadline()

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        actions: list[Action] = []
        if (until := self.late_text.deadline()) is not None and now >= until:
            actions += self.end_late_text(now, another_turn=False)
        if over := self.reply.tick(now):
            actions += [*over, *self.rotate_if_quiet(now)]
        return actions

    def caller_started(self, now: float) -> list[Action]:
        """The caller starts to speak. Of a reply that was played more text may still come; of one that is cut off by
        this, what comes is of the part that was not played.
        """
        actions = self.end_late_text(now, another_turn=self.reply.speaking)
        self.uplink.tool_calls.spoke()
        return [*actions, *self.carry_out(self.turn_taking.caller_started(now), now)]

    def before_flush(self, now: float) -> list[Action]:
        """A flush is about to be sent."""
        return [*self.end_late_text(now), *self.carry_out(self.turn_taking.before_flush(now), now)]

    def tool_answered(self, now: float) -> list[Action]:
        """A result goes to the model. Its turn goes on, but text without audio may be the call in words."""
        actions = self.end_late_text(now)
        self.late_text.open = self.reply.audible
        return actions

    def _on_output(self, output: ModelOutput, now: float) -> list[Action]:
        unstoppable = self._unstoppable(output, now)
        decision = self.turn_taking.on_output(output, self._interrupted, now)
        if not decision.accept and not decision.refuse:
            if isinstance(output, messages.ToolCallReceived):
                self.uplink.tool_calls.received(output.id)  # held, and from here on nothing else is sent
            if not decision.discarded:
                self.watchdog.stop()  # the reply that was expected is there, though it is held
            elif self.watchdog.awaiting_reply:
                self.watchdog.await_reply(now)  # the model comes to the caller's turn only after this one
            elif isinstance(output, messages.TurnComplete) and self.turn_taking.caller_speaking:
                # To the model that window is answered, and the next handle has it: it is not to be replayed.
                self.uplink.replay_buffer.answered()
        actions = [*unstoppable, *self.carry_out(decision, now)]
        return [*actions, *self.uplink.interrupt_model()] if decision.unsolicited else actions

    def _unstoppable(self, output: ModelOutput, now: float) -> list[Action]:
        """Let an unsolicited reply pass when enough of them were interrupted: better that than a silent call."""
        enough = self.uplink.interruptions >= MAX_INTERRUPTIONS and not isinstance(output, messages.ToolCallReceived)
        if not enough or not self.turn_taking.is_unsolicited(output):
            return []
        self.turn_taking.expected_answer.input_sent()
        self.uplink.interruptions += 1
        noted = self.uplink.interruptions > MAX_INTERRUPTIONS + 1
        return [] if noted else [Note(events.ProblemSeen(now, "model", UNSTOPPABLE))]

    def carry_out(self, decision: Decision, now: float) -> list[Action]:
        """Do as was decided about whose turn it is to speak."""
        actions: list[Action] = [Note(event) for event in decision.events]
        actions += self.uplink.refuse(decision.refuse, now)
        for output in decision.accept:
            actions += self._accept(output, now)
            if not self.connection.up:
                break  # the session was left for this output; the rest is its output, too
        return actions

    def on_connection(self, changes: Sequence[ConnectionAction], now: float) -> list[Action]:
        """The actions of the connection, with those of the clean-up where it ended."""
        actions: list[Action] = []
        for change in changes:
            actions += self._connection_ended(now) if isinstance(change, ConnectionEnded) else [change]
        return actions

    def _connection_ended(self, now: float) -> list[Action]:
        """Clean up the reply that was under way and the function calls that were pending."""
        self.watchdog.stop()
        self.reply.drop()
        self._interrupted = False
        actions = self.end_late_text(now)
        actions += self.carry_out(self.turn_taking.connection_ended(now), now)
        actions += self.reply.finish(now, interrupted=True, connection_lost=True)
        return [*actions, *self.uplink.connection_ended()]

    def _accept(self, output: ModelOutput, now: float) -> list[Action]:
        match output:
            case messages.ModelAudio(pcm, rate):
                self.watchdog.on_output(now, seconds(pcm, rate))
                return self._pass_on(Play(pcm, rate), now)
            case messages.OutputTranscribed(text):
                if self.reply.audible:
                    self.watchdog.on_output(now)  # else a reply is still expected: this may be text of the last one
                return self._pass_on(Caption(text), now)
            case messages.GenerationComplete():
                return self._generation_complete(now)
            case messages.TurnComplete(reason):
                return self.turn_complete(now, wants_more=reason == "NEED_MORE_INPUT")
            case messages.ToolCallReceived():
                return self._tool_called(output, now)
            case _:
                assert_never(output)

    def _pass_on(self, speech: Play | Caption, now: float) -> list[Action]:
        # No reply is played after the end of the call, and what comes while the caller speaks is the tail of the reply
        # that he interrupted.
        if self.call_is_over or (self.turn_taking.caller_speaking and self.turn_taking.mode != "off"):
            self.watchdog.stop()
            return []
        self.turn_taking.expected_answer.reply_accepted()
        if isinstance(speech, Play):
            self.uplink.tool_calls.spoke()
        context, actions = self.reply.add(speech, now)
        return self.context_lost(now) if context is ContextState.LOST else [*actions]

    def _generation_complete(self, now: float) -> list[Action]:
        context, actions = self.reply.generation_complete(now)
        if context is ContextState.LOST:
            return self.context_lost(now)
        self.watchdog.generation_complete(now)
        self.late_text.open = self.late_text.open or self.reply.audible
        if not self.watchdog.awaiting_reply:
            self.uplink.replay_buffer.answered()
        return [*actions]

    def turn_complete(self, now: float, *, wants_more: bool = False) -> list[Action]:
        """The model's turn is complete; with `wants_more` it waits for the user, whether or not it has replied."""
        self.turn_taking.expected_answer.turn_complete()
        actions: list[Action] = [*self.reply.release(now)]
        echoed = self.uplink.tool_calls.echoed_by(self.reply.silent_text)
        actions += (silent := self.drop_silent_text(now))
        if self._interrupted:
            self._interrupted = False  # the end of an interrupted reply says nothing about the turn that interrupted it
            return [*actions, *self.reply.finish(now, interrupted=True), WindowClosed(acknowledged=False)]
        self.late_text.open = self.late_text.open or self.reply.audible
        lacks_audio = silent and not echoed and not wants_more and not self.call_is_over
        if lacks_audio and not self.uplink.tool_calls.pending:
            return [*actions, *self._ask_for_audio(now)]
        if self.watchdog.awaiting_reply and not wants_more and not echoed:
            self.watchdog.empty_turn(now)
            return actions
        self.connection.model_answered()
        self.uplink.replay_buffer.answered()
        self.uplink.replay_buffer.recorded()
        self.watchdog.stop()
        if self.turn_taking.caller_speaking:
            self.idle_timer.stop()
        else:
            self.idle_timer.start(now)
        return [*actions, *self.reply.turn_complete(now), *self.rotate_if_quiet(now)]

    def interrupted(self, now: float) -> list[Action]:
        """The service has cut off its reply."""
        self._interrupted = True
        actions = self.end_late_text(now)
        actions += self.carry_out(self.turn_taking.interrupted(now), now)
        self.uplink.replay_buffer.interrupted()
        if self.reply.speaking:
            actions.append(CutSpeech())
        actions += [*self.reply.finish(now, interrupted=True), *self.drop_silent_text(now)]
        if not self.turn_taking.caller_speaking and (closed := self.uplink.close_window_if_unanswered()):
            self.turn_taking.expected_answer.input_sent()  # the reply to that window is not unsolicited
            actions += closed
            self.expect_reply(now)
        return actions

    def drop_silent_text(self, now: float) -> list[Action]:
        """Suppress text whose audio has not come by now: it goes into the log, but is no part of the exam."""
        text = self.reply.drop_silent_text()
        return [Note(events.ReplySuppressed(now, "mute", text, 0.0))] if text else []

    def nudge(self, now: float) -> list[Action]:
        """Ask a model that has not replied in time to go on."""
        self.turn_taking.expected_answer.input_sent()
        if self.uplink.tool_calls.echoed_by(self.reply.silent_text):
            return self.turn_complete(now)  # though turnComplete has not come, there is nothing to wait for
        if silent := self.drop_silent_text(now):
            self.uplink.replay_buffer.answered()  # as text; only the audio is missing
        nudge = self.uplink.instruct(NO_AUDIO) if silent else self.uplink.instruct(NUDGE, replayable=False)
        return [*silent, Note(events.ModelLate(now, "nudge")), *nudge]

    def _ask_for_audio(self, now: float) -> list[Action]:
        if self.watchdog.turn_without_audio(now) is Alarm.RECONNECT:
            return self.on_connection(self.connection.reconnect(now), now)
        # It has answered; what is missing, on this connection or on another, is the audio.
        self.uplink.replay_buffer.answered()
        self.turn_taking.expected_answer.input_sent()
        self.idle_timer.start(now)
        return [Note(events.ModelLate(now, "repeat")), *self.uplink.instruct(NO_AUDIO)]

    def _tool_called(self, call: messages.ToolCallReceived, now: float) -> list[Action]:
        if call.name not in self.functions:
            return self.uplink.refuse([call], now, {"error": f"there is no function {call.name}"})
        self.uplink.tool_calls.called(call.id, call.name, call.args)
        self.uplink.tool_calls.received(call.id)  # before anyone else acts: from here on nothing else is sent
        self.watchdog.stop()
        self.uplink.replay_buffer.answered()
        return [Note(events.ToolCalled(now, call.id, call.name, call.args)), CallTool(call.id, call.name, call.args)]

    def context_lost(self, now: float) -> list[Action]:
        """The model has begun the exam anew, and none of it was played: a new session is seeded."""
        self.reply.drop()
        # Though seeded, it may still put an old question once more; from here on only a greeting counts.
        self.reply.context_check.questions.clear()
        return self.on_connection(self.connection.context_lost(now), now)

    def expect_reply(self, now: float) -> None:
        """It is the model's turn, unless the caller speaks or somebody else is still busy."""
        if self.turn_taking.caller_speaking:
            return
        self.idle_timer.start(now)
        if self.uplink.awaiting_reply:
            self.watchdog.await_reply(now)

    def rotate_if_quiet(self, now: float) -> list[Action]:
        """Leave a connection that is about to end, if nobody is speaking and nothing is pending."""
        busy = self.turn_taking.caller_speaking or self.reply.speaking or self.reply.holding or self.uplink.busy
        return [] if busy else self.on_connection(self.connection.rotate(now), now)
