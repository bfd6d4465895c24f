"""What the model says, and what it comes to: heard, held, lost, or a function to be called."""

from dataclasses import dataclass, field
from typing import assert_never

from core import events
from core.live import messages
from core.live.actions import Action, CallTool, Caption, CutSpeech, Note, Play, WindowClosed
from core.live.connection_log import Line
from core.live.context_check import ContextState
from core.live.idle import IdleTimer
from core.live.prompts import MUTE, NUDGE
from core.live.reply import Reply
from core.live.reply_gate import ModelOutput
from core.live.turn_taking import Decision, TurnTaking
from core.live.uplink import MOST_STOPPED, Uplink
from core.live.usage_estimate import UsageEstimate
from core.live.watchdog import Alarm, Watchdog

UNSTOPPABLE = "it spoke unasked again and again, and was heard"


@dataclass
class Downlink:
    """The examiner's side of the conversation, one turn of the model after the other."""

    line: Line
    uplink: Uplink
    floor: TurnTaking
    replies: Reply
    watch: Watchdog
    patience: IdleTimer
    functions: frozenset[str] = frozenset()
    muted: bool = False  # the call is ending: nobody hears what the model says
    bill: UsageEstimate = field(default_factory=UsageEstimate)
    _cut: bool = False  # the turn was interrupted and has not been declared over

    def said(self, event: ModelOutput, now: float) -> list[Action]:
        """A piece of the model's turn: counted in any case, heard if the floor is the model's."""
        if isinstance(event, messages.ModelAudio):
            self.bill.spoken(len(event.pcm) / 2 / event.rate)
        if not isinstance(event, messages.GenerationComplete):
            self.uplink.calls.taken()
        unstoppable = self._unstoppable(event, now)
        ruling = self.floor.hears(event, self._cut, now)
        if not ruling.take and not ruling.refuse:
            if isinstance(event, messages.ToolCallReceived):
                self.uplink.calls.asked(event.id)  # held, and from here on nothing else is sent
            if not ruling.swallowed:
                self.watch.rest()  # the reply that was due is there, though nobody hears it yet
            elif self.watch.waits_for_reply:
                self.watch.asked(now)  # the model comes to the caller's turn only after this one
            elif isinstance(event, messages.TurnComplete) and self.floor.caller_speaking:
                # To the model that window is answered, and the next handle knows it: it is not to be heard again.
                self.uplink.unanswered.answered()
        actions = [*unstoppable, *self.ruled(ruling, now)]
        return [*actions, *self.uplink.silence()] if ruling.unprompted else actions

    def _unstoppable(self, event: ModelOutput, now: float) -> list[Action]:
        """Stopped as often as is of use, a model that speaks unasked is heard: better that than a silent line."""
        stopped = self.uplink.stopped >= MOST_STOPPED and not isinstance(event, messages.ToolCallReceived)
        if not stopped or not self.floor.unprompted(event):
            return []
        self.floor.due.told()
        self.uplink.stopped += 1
        noted = self.uplink.stopped > MOST_STOPPED + 1
        return [] if noted else [Note(events.ProblemSeen(now, "model", UNSTOPPABLE))]

    def ruled(self, ruling: Decision, now: float) -> list[Action]:
        """Do as the floor rules."""
        actions: list[Action] = [Note(fact) for fact in ruling.facts]
        actions += self.uplink.refuse(ruling.refuse, now)
        for event in ruling.take:
            actions += self._take(event, now)
            if not self.line.link.up:
                break  # the session was left for what it said; the rest was said by it, too
        return actions

    def dropped(self, now: float) -> list[Action]:
        """The connection is gone, with the reply that was under way and the calls that were pending."""
        self.watch.rest()
        self.replies.drop()
        self._cut = False
        actions = self.ruled(self.floor.forget(now), now)
        return [*actions, *self.replies.finish(now, interrupted=True, dropped=True), *self.uplink.dropped()]

    def _take(self, event: ModelOutput, now: float) -> list[Action]:
        match event:
            case messages.ModelAudio(pcm, rate):
                self.watch.said(now, len(pcm) / 2 / rate)
                return self._speak(Play(pcm, rate), now)
            case messages.OutputTranscribed(text):
                if self.replies.sounding:
                    self.watch.said(now)  # else a reply that was due is still due: these may be the last one's words
                return self._speak(Caption(text), now)
            case messages.GenerationComplete():
                return self._generation_done(now)
            case messages.TurnComplete(reason):
                return self.turn_done(now, wants_more=reason == "NEED_MORE_INPUT")
            case messages.ToolCallReceived():
                return self._called(event, now)
            case _:
                assert_never(event)

    def _speak(self, what: Play | Caption, now: float) -> list[Action]:
        # After the call has ended nobody hears a reply, and what comes while the caller has the floor is the tail of
        # the reply that he interrupted.
        if self.muted or (self.floor.caller_speaking and self.floor.mode != "off"):
            self.watch.rest()
            return []
        self.floor.due.speaking()
        recall, speech = self.replies.say(what, now)
        return self.forgotten(now) if recall is ContextState.LOST else [*speech]

    def _generation_done(self, now: float) -> list[Action]:
        recall, speech = self.replies.complete(now)
        if recall is ContextState.LOST:
            return self.forgotten(now)
        self.watch.generated(now)
        if not self.watch.waits_for_reply:
            self.uplink.unanswered.answered()
        return [*speech]

    def turn_done(self, now: float, *, wants_more: bool = False) -> list[Action]:
        """The turn was declared over; with `wants_more` the model waits for the user, whatever it owed."""
        self.floor.due.turn_over()
        actions: list[Action] = [*self.replies.release(now), *(mute := self.mute(now))]
        if self._cut:
            self._cut = False  # the end of a reply that was cut off says nothing about the turn that cut it
            return [*actions, *self.replies.finish(now, interrupted=True), WindowClosed(safe=False)]
        if mute and not wants_more and not self.muted and not self.uplink.calls.pending:
            return [*actions, *self._say_again(now)]
        if self.watch.waits_for_reply and not wants_more:
            self.watch.hurry(now)
            return actions
        self.line.answered()
        self.uplink.unanswered.answered()
        self.uplink.unanswered.recorded()
        self.watch.rest()
        if self.floor.caller_speaking:
            self.patience.stop()
        else:
            self.patience.wait(now)
        return [*actions, *self.replies.declared_over(now), *self.move_if_quiet(now)]

    def interrupted(self, now: float) -> list[Action]:
        """The service has cut its reply off."""
        self._cut = True
        actions = self.ruled(self.floor.interrupted(now), now)
        self.uplink.unanswered.interrupted()
        if self.replies.speaking:
            actions.append(CutSpeech())
        actions += [*self.replies.finish(now, interrupted=True), *self.mute(now)]
        if not self.floor.caller_speaking and (ended := self.uplink.answer_after_all()):
            self.floor.due.told()  # it is asked to speak: what it says to that answers something
            actions += ended
            self.expect(now)
        return actions

    def mute(self, now: float) -> list[Action]:
        """The words whose sound has not come by now are not heard any more: that is a fact, not a part of the exam."""
        text = self.replies.mute()
        return [Note(events.ReplySuppressed(now, "mute", text, 0.0))] if text else []

    def nudge(self, now: float) -> list[Action]:
        """The model owes something and is silent: it is asked to go on."""
        self.floor.due.told()
        if mute := self.mute(now):
            self.uplink.unanswered.answered()  # in words; what it owes is a voice
        nudge = self.uplink.tell(MUTE) if mute else self.uplink.tell(NUDGE, remember=False)
        return [*mute, Note(events.ModelLate(now, "nudge")), *nudge]

    def _say_again(self, now: float) -> list[Action]:
        if self.watch.muted(now) is Alarm.RECONNECT:
            return self.line.leave(now)
        # It has answered; what it still owes, on this connection or on another, is a voice.
        self.uplink.unanswered.answered()
        self.floor.due.told()
        self.patience.wait(now)
        return [Note(events.ModelLate(now, "say again")), *self.uplink.tell(MUTE)]

    def _called(self, call: messages.ToolCallReceived, now: float) -> list[Action]:
        if call.name not in self.functions:
            return self.uplink.refuse([call], now, {"error": f"there is no function {call.name}"})
        self.uplink.calls.asked(call.id)  # before anyone is told: from here on nothing else is sent
        self.watch.rest()
        self.uplink.unanswered.answered()
        return [Note(events.ToolCalled(now, call.id, call.name, call.args)), CallTool(call.id, call.name, call.args)]

    def forgotten(self, now: float) -> list[Action]:
        """The model has begun the exam anew. Nobody has heard it yet: another session is told where the exam is."""
        self.replies.drop()
        # Told where the exam stands, it may still put an old question again; from here on only a greeting counts.
        self.replies.memory.asked.clear()
        return self.line.forgotten(now)

    def expect(self, now: float) -> None:
        """It is the model's turn, unless somebody else is still busy."""
        self.patience.wait(now)
        if not self.floor.caller_speaking and self.uplink.waits_for_answer:
            self.watch.asked(now)

    def move_if_quiet(self, now: float) -> list[Action]:
        """A connection that is about to end is left at a moment when nobody notices."""
        busy = self.floor.caller_speaking or self.replies.speaking or self.replies.holding or self.uplink.owes
        return [] if busy else self.line.quiet(now)
