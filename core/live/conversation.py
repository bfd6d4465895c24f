"""The Live conversation: what is sent, what the caller gets to hear, and what survives a change of connection.

One machine for the whole of it. The shell tells it of the caller's turns and of what the service says, with the time,
and carries out what it answers. Each part keeps a state of its own: the link (when to dial), the uplink (what the model
is told, and what to say again), the floor (whose turn it is to speak), the model's turns, the replies on their way to
the caller, the watchdog (is the model late) and our patience with a silent caller.
"""

from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from typing import Any

from core import events
from core.billing.usage import CHARACTERS_PER_TOKEN
from core.events import UtteranceSpoken
from core.live import messages
from core.live.actions import Action, CallerFragment, Note, Seed
from core.live.close_codes import CloseAction
from core.live.connection import ConnectionState, LiveConnectionMachine
from core.live.connection_log import Line
from core.live.context_check import ContextState
from core.live.downlink import Downlink
from core.live.idle import IdleAction, IdleTimer
from core.live.policy import LivePolicy
from core.live.prompts import PROMPT, UNHEARD
from core.live.replay_buffer import AudioSpool, ReplayBuffer
from core.live.reply import Reply
from core.live.reseed import go_on, seed, since
from core.live.tool_calls import ToolCalls
from core.live.turn_taking import Decision, TurnTaking
from core.live.uplink import Uplink
from core.live.watchdog import Alarm, Watchdog


@dataclass
class LiveConversationMachine:
    """Turns, messages and time in; actions out, in order."""

    policy: LivePolicy
    functions: InitVar[frozenset[str]] = frozenset()
    shelf: AudioSpool | None = None
    _samples: int = 0  # of the caller's turn so far
    _rate: int = 0
    _known: float = 0.0  # up to when the session behind the newest handle knows the call

    def __post_init__(self, functions: frozenset[str]) -> None:
        policy = self.policy
        self._link = LiveConnectionMachine(policy.link)
        self._line = Line(self._link, lambda now: self._model.dropped(now))
        self._calls = ToolCalls(policy.hold_during_calls)
        self.unanswered = ReplayBuffer(policy.memory_seconds, self.shelf)
        self._uplink = Uplink(self._link, self._calls, self.unanswered)
        self._floor = TurnTaking(policy.gate, policy.grace)
        self._replies = Reply(policy.check)
        self._watch = Watchdog(policy.watch)
        self._patience = IdleTimer(policy.idle)
        self._model = Downlink(
            self._line, self._uplink, self._floor, self._replies, self._watch, self._patience, functions
        )

    @property
    def state(self) -> ConnectionState:
        """Where the link is."""
        return self._link.state

    @property
    def caller_speaking(self) -> bool:
        """Whether the caller has the floor."""
        return self._floor.caller_speaking

    @property
    def replying(self) -> bool:
        """Whether the caller is hearing the examiner, or about to."""
        return self._replies.speaking

    @property
    def owed(self) -> bool:
        """Whether an answer, and with it the text of the caller's last words, may still come."""
        return self._link.up and (self.caller_speaking or self.unanswered.pending)

    # --- the call

    def serve(self, functions: frozenset[str]) -> None:
        """These functions have somebody to serve them; another is refused."""
        self._model.functions = functions

    def start(self, now: float, instructions: str = "") -> list[Action]:
        """The call begins: connect, so that the examiner can speak when the caller is there.

        `instructions` is what the model is told with every connection.
        """
        self._model.bill.text = len(instructions) // CHARACTERS_PER_TOKEN
        return self._line.start(now)

    def conclude(self, now: float) -> list[Action]:
        """The call is ending: nobody hears what the model says from here on, and nobody goes on speaking."""
        self._model.muted = True
        self._patience.stop()
        return self._model.ruled(self._floor.conclude(), now)

    def settle(self) -> list[Action]:
        """What was not billed by now is estimated."""
        return [*self._model.bill.settle()]

    def close(self, now: float) -> list[Action]:
        """The call is over."""
        self._watch.rest()
        self._patience.stop()
        return [*self.settle(), *self._model.ruled(self._floor.forget(now), now), *self._line.close(now)]

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        parts = (self._link, self._watch, self._replies, self._floor, self._patience)
        return min((at for at in (part.deadline() for part in parts) if at is not None), default=None)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        actions = self._line.tick(now)
        if (until := self._floor.deadline()) is not None and now >= until:
            actions += self._model.ruled(self._floor.let_go(), now)
        actions += self._replies.tick(now)
        match self._watch.tick(now):
            case Alarm.NUDGE:
                actions += self._model.nudge(now)
            case Alarm.RECONNECT:
                actions += self._line.leave(now)
            case Alarm.SETTLE:
                actions += self._model.turn_done(now)
            case None:
                actions += self._idle(now)
        return actions

    # --- the caller

    def caller_began(self, now: float) -> list[Action]:
        """The caller has the floor."""
        actions = self._model.ruled(self._floor.began(now), now)
        if self.replying and self._floor.resumed(now):
            # The reply came too early, and has begun to be heard all the same.
            text, seconds = self._replies.unheard(now)
            actions += [Note(events.ReplySuppressed(now, "premature", text, round(seconds, 3)))] if seconds > 0 else []
        mute = self._model.mute(now)
        self._floor.unheard = self._floor.unheard or (bool(mute) and self._watch.waits_for_reply)
        self._patience.stop(heard=True)
        self._watch.rest()
        actions += mute
        self._replies.drop()
        if self.replying:
            self.unanswered.answered()  # the answer to it has begun to be heard
        self.unanswered.recorded()
        return [*actions, *self._replies.finish(now, interrupted=True), *self._uplink.begin()]

    def caller_audio(self, pcm: bytes, rate: int) -> list[Action]:
        """A piece of the caller's turn."""
        if not self.caller_speaking:
            return []
        self._model.bill.heard(len(pcm) / 2 / rate)
        self._samples, self._rate = self._samples + len(pcm) // 2, rate
        return self._uplink.say(messages.Audio(pcm, rate))

    def caller_voiced(self, until: float, now: float) -> list[Action]:
        """The caller's voice was heard until then."""
        return self._model.ruled(self._floor.voiced(until, now), now)

    def flush(self, now: float, at: float | None = None, why: str = "") -> list[Action]:
        """Close the caller's window and open the next, which begins with what was heard at `at`; None is now."""
        if not self.caller_speaking:
            return []
        actions = self._model.ruled(self._floor.flushing(now), now)
        if self._calls.pending:
            return actions  # input during a call ends the connection on 2.5 (discuss.ai.google.dev/t/114644)
        at = now if at is None else at
        self._floor.flushed(at)
        actions.append(Note(events.TurnFlushed(at, why)))
        return [*actions, *self._uplink.say(messages.EndActivity(flush=True), messages.StartActivity())]

    def caller_stopped(
        self, now: float, *, voiced: float | None = None, spoke_until: float | None = None
    ) -> list[Action]:
        """The caller has finished, after `voiced` seconds of voice of which the last was heard at `spoke_until`."""
        actions: list[Action] = [Note(events.TurnSent(now, self._samples, self._rate))]
        self._samples = 0
        answered = self._floor.had_finished(spoke_until)
        ruling = self._floor.stopped(now, voiced, spoke_until)
        actions += self._model.ruled(Decision((), ruling.refuse, ruling.facts), now)
        if answered:
            self._uplink.leave_open()
        else:
            untold = self._floor.unheard and self.policy.tell_unheard
            actions += self._uplink.say(*([messages.InTurnText(UNHEARD)] if untold else []), messages.EndActivity())
        self._floor.unheard = False
        self._model.expect(now)
        return [*actions, *self._model.ruled(Decision(ruling.take), now)]

    def answer_due(self, at_least: float, thinking: float = 0.0) -> None:
        """The examiner has put a question that asks for at least so many seconds of speech, after some of thought."""
        self._floor.due.asked(at_least)
        self._patience.thinking = thinking

    def tell(self, text: str, now: float) -> list[Action]:
        """Words for the model that nobody spoke."""
        self._floor.due.told()
        actions = self._uplink.tell(text, speaking=self.caller_speaking)
        self._model.expect(now)
        return actions

    def answer_tool(self, id: str, name: str, result: dict[str, Any], told: str, now: float) -> list[Action]:
        """A function has a result; `told` is the same in words, for a session that does not know the call."""
        if self._calls.is_withdrawn(id):
            return []
        self._floor.due.told()
        said = self._uplink.result(id, name, result, told, speaking=self.caller_speaking)
        actions = [Note(events.ToolAnswered(now, id, name)), *said]
        self._model.expect(now)
        return actions

    def audible(self, now: float) -> None:
        """The caller begins to hear the examiner."""
        self._replies.spoken.audible(now)

    def played(self, now: float) -> list[Action]:
        """Nothing is left for the caller to hear."""
        self._patience.extend(now)
        self._replies.spoken.silent(now)
        if not self._replies.generated:
            return []
        self.unanswered.recorded()
        return [*self._replies.finish(now, interrupted=False), *self._model.move_if_quiet(now)]

    # --- the link

    def opened(
        self,
        took: float,
        service_session: str | None,
        said: Sequence[UtteranceSpoken],
        resumed: bool,
        now: float,
        *,
        standing: str = "",
    ) -> list[Action]:
        """The connection is up. `said` is the conversation so far, for a session that does not know it, and
        `standing` is where the exam is.
        """
        actions, self._uplink.aside = self._line.opened(took, service_session, now), ""
        if resumed and self.unanswered.behind:
            # The handle is older than a turn that is over. Going on from it, the model would ask that question again.
            if self.policy.stale_handle == "fresh":
                return actions + self._line.begin_afresh("The handle is older than the last turn.", now)
            self._uplink.aside = since(said, self._known, standing)
            if told := self.unanswered.told:
                actions.append(Note(events.TurnSentAsText(now, told[0], told[-1])))
        elif not resumed:
            self.unanswered.known()
            if said:
                actions.append(Seed((*seed(said), ("user", go_on(said, standing)))))
        self._replies.memory.reconnected()
        self._floor.due.speaking()
        if again := self._uplink.again(now):
            self._model.expect(now)
        return [*actions, *again]

    def lost(self, code: int, reason: str, verdict: CloseAction, meaning: str, number: int, now: float) -> list[Action]:
        """Connection `number` ended, or could not be opened."""
        return self._line.lost(code, reason, verdict, meaning, number, now)

    def heard(self, event: messages.Incoming, number: int, now: float) -> list[Action]:
        """The service said something on connection `number`."""
        if number != self._link.number or not self._link.up:
            return []
        match event:
            case messages.InputTranscribed(text):
                return [CallerFragment(text)]
            case messages.Interrupted():
                return self._model.interrupted(now)
            case messages.ToolsCancelled(ids):
                self._calls.withdraw(ids)
                self._floor.withdrawn(ids)
                return [*(Note(events.ToolCancelled(now, id)) for id in ids), *self._uplink.let_in()]
            case messages.GoAway(time_left):
                return [*self._line.going_away(time_left, now), *self._model.move_if_quiet(now)]
            case messages.HandleUpdated(handle):
                if handle is None:
                    return self._line.handle(handle, now)
                if not self._uplink.aside:
                    self._known = now
                return [*self._uplink.handle(), *self._line.handle(handle, now), *self._model.move_if_quiet(now)]
            case messages.TurnComplete():
                return [*self._model.bill.turn_over(), *self._model.said(event, now)]
            case messages.UsageReceived(counts):
                unheard = self._replies.holding or self._floor.holding
                forgot = self._replies.memory.billed(counts.prompt_total) is ContextState.LOST and unheard
                return [self._model.bill.charge(counts), *(self._model.forgotten(now) if forgot else [])]
            case _:
                return self._model.said(event, now)

    def _idle(self, now: float) -> list[Action]:
        match self._patience.tick(now):
            case IdleAction.PROMPT:
                return [Note(events.ModelLate(now, "prompt")), *self.tell(PROMPT, now)]
            case IdleAction.END:
                return self._line.give_up("Nobody has spoken for a long time.", now)
            case None:
                return []
