"""The Live conversation: what is sent, what is played to the caller, and what survives a change of connection.

One machine for the whole of it. The shell reports the caller's turns and the service's messages, with the time, and
carries out the actions. Each part has a state of its own: the connection (when to dial), the uplink (what is sent, and
what is replayed), turn-taking (whose turn it is to speak), the downlink (the model's turns), the reply on its way to
the caller, the watchdog (is the model late) and the idle timer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass
from typing import Any

from core import events
from core.audio.pcm import seconds as seconds_of
from core.billing.usage import CHARACTERS_PER_TOKEN
from core.events import UtteranceSpoken
from core.live import messages, prompts
from core.live.actions import Action, CallerFragment, Note, Seed
from core.live.close_codes import CloseAction
from core.live.connection import ConnectionState, LiveConnectionMachine
from core.live.context_check import ContextState
from core.live.downlink import Downlink
from core.live.idle import IdleAction, IdleTimer
from core.live.policy import LivePolicy
from core.live.presence import Presence
from core.live.replay_buffer import AudioSpool, ReplayBuffer
from core.live.reply import Reply
from core.live.reseed import instruction_for_new_session, instruction_for_stale_session, seed
from core.live.tool_calls import ToolCalls
from core.live.transcription import TranscriptionReader
from core.live.turn_taking import Decision, TurnTaking
from core.live.uplink import Uplink
from core.live.watchdog import Alarm, Watchdog


@dataclass
class LiveConversationMachine:
    """Turns, messages and time in; actions out, in order."""

    policy: LivePolicy
    functions: InitVar[frozenset[str]] = frozenset()
    spool: AudioSpool | None = None
    _samples: int = 0  # of the caller's turn so far
    _rate: int = 0
    _acknowledged_until: float = 0.0  # up to when the session behind the newest handle has the call
    _unanswered_since: float = 0.0  # when the oldest turn began that is unanswered, if there is one

    def __post_init__(self, functions: frozenset[str]) -> None:
        policy = self.policy
        self._connection = LiveConnectionMachine(policy.connection)
        self._tool_calls = ToolCalls(policy.hold_during_calls)
        self.replay_buffer = ReplayBuffer(policy.spool_after, self.spool)
        self._uplink = Uplink(self._connection, self._tool_calls, self.replay_buffer)
        self._turn_taking = TurnTaking(policy.reply_gate, policy.grace)
        self._reply = Reply(policy.context_check)
        self._watchdog = Watchdog(policy.watchdog)
        self._idle_timer = IdleTimer(policy.idle_timeout)
        self.presence = Presence(self._idle_timer, self._reply, self._turn_taking, self._uplink)
        self._transcription = TranscriptionReader()
        self._downlink = Downlink(
            self._connection, self._uplink, self._turn_taking, self._reply, self._watchdog, self._idle_timer, functions
        )

    @property
    def state(self) -> ConnectionState:
        """The state of the connection."""
        return self._connection.state

    @property
    def caller_speaking(self) -> bool:
        """Whether the caller's turn is open."""
        return self._turn_taking.caller_speaking

    @property
    def replying(self) -> bool:
        """Whether the examiner's reply is being played, or about to be."""
        return self._reply.speaking

    @property
    def awaiting_answer(self) -> bool:
        """Whether an answer, and with it the text of the caller's last words, may still come."""
        return self._connection.up and (self.caller_speaking or self.replay_buffer.pending)

    # --- the call

    def serve(self, functions: frozenset[str]) -> None:
        """These functions have a stage that serves them; a call of another is refused."""
        self._downlink.functions = functions

    def start(self, now: float, instructions: str = "") -> list[Action]:
        """The call begins: connect, so that the examiner can speak when the caller is there.

        `instructions` is the system instruction of every connection.
        """
        self._downlink.usage.text_tokens = len(instructions) // CHARACTERS_PER_TOKEN
        return self._downlink.on_connection(self._connection.start(now), now)

    def finish(self, now: float) -> list[Action]:
        """The call is over: what the model sends from here on is not played, and the caller does not go on."""
        self._downlink.call_is_over = True
        self._idle_timer.stop()
        return self._downlink.carry_out(self._turn_taking.finish(), now)

    def charge_estimates(self) -> list[Action]:
        """The charge, as it is estimated, for a turn that no usage message came for."""
        return [*self._downlink.usage.finish()]

    def close(self, now: float) -> list[Action]:
        """Close the connection."""
        self._watchdog.stop()
        self._idle_timer.stop()
        actions = self._carry_on(self._transcription.connection_ended(now), now)
        actions += self.charge_estimates()
        actions += self._downlink.carry_out(self._turn_taking.connection_ended(now), now)
        return [*actions, *self._downlink.on_connection(self._connection.close(now), now)]

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        parts = (self._connection, self._watchdog, self._reply, self._turn_taking, self._idle_timer, self._downlink)
        return min((at for at in (part.deadline() for part in parts) if at is not None), default=None)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        actions = self._downlink.on_connection(self._connection.tick(now), now)
        if (until := self._turn_taking.deadline()) is not None and now >= until:
            actions += self._downlink.carry_out(self._turn_taking.release(), now)
        actions += self._downlink.tick(now)
        match self._watchdog.tick(now):
            case Alarm.NUDGE:
                actions += self._downlink.nudge(now)
            case Alarm.RECONNECT:
                actions += self._downlink.on_connection(self._connection.reconnect(now), now)
            case Alarm.COMPLETE:
                actions += self._downlink.turn_complete(now)
            case None:
                actions += self._idle(now)
        return actions

    # --- the caller

    def caller_started(self, now: float) -> list[Action]:
        """The caller's turn opens. Whatever is played is interrupted (barge-in)."""
        actions = self._downlink.caller_started(now)
        if self.replying and self._turn_taking.continues_answer(now):
            # The reply came too early, and a part of it was played all the same.
            text, seconds = self._reply.unplayed(now)
            actions += [Note(events.ReplySuppressed(now, "premature", text, round(seconds, 3)))] if seconds > 0 else []
        silent = self._downlink.drop_silent_text(now)
        if silent and self._watchdog.awaiting_reply:
            self._turn_taking.text_suppressed = True
        self._idle_timer.stop(caller_spoke=True)
        self._watchdog.stop()
        actions += silent
        self._reply.drop()
        if self.replying:
            self.replay_buffer.answered()  # the answer to it has begun to be played
        self.replay_buffer.recorded()
        self._turn_begins(now)
        return [*actions, *self._reply.finish(now, interrupted=True), *self._uplink.open_window()]

    def caller_audio(self, pcm: bytes, rate: int) -> list[Action]:
        """The audio of the caller's turn goes on; 16-bit mono at `rate` Hz."""
        if not self.caller_speaking:
            return []
        self._downlink.usage.caller_audio(seconds_of(pcm, rate))
        self._samples, self._rate = self._samples + len(pcm) // 2, rate
        return self._uplink.send(messages.Audio(pcm, rate))

    def caller_voiced(self, until: float, now: float) -> list[Action]:
        """VAD found the caller's voice until then."""
        return self._downlink.carry_out(self._turn_taking.caller_voiced(until, now), now)

    def flush(self, now: float, at: float | None = None, why: str = "") -> list[Action]:
        """Close the caller's window and open the next, which begins with the audio of time `at`; None is now."""
        if not self.caller_speaking:
            return []
        actions = self._downlink.before_flush(now)
        if self._tool_calls.pending:
            return actions  # input during a call ends the connection on 2.5 (discuss.ai.google.dev/t/114644)
        at = now if at is None else at
        self._turn_taking.flushed(at)
        actions.append(Note(events.TurnFlushed(at, why)))
        return [*actions, *self._uplink.send(messages.EndActivity(flush=True), messages.StartActivity())]

    def caller_stopped(
        self, now: float, *, voiced: float | None = None, spoke_until: float | None = None
    ) -> list[Action]:
        """The caller's turn closes, after `voiced` seconds of voice, the last of which was found at `spoke_until`."""
        actions = [*self._downlink.end_late_text(now), Note(events.TurnSent(now, self._samples, self._rate))]
        self._samples = 0
        answered = self._turn_taking.caller_had_finished(spoke_until)
        decision = self._turn_taking.caller_stopped(now, voiced, spoke_until)
        actions += self._downlink.carry_out(Decision((), decision.refuse, decision.events), now)
        if answered:
            self._uplink.leave_window_open()
        else:
            report = self._turn_taking.text_suppressed and self.policy.report_suppressed
            text = [messages.InTurnText(prompts.REPLY_SUPPRESSED)] if report else []
            actions += self._uplink.send(*text, messages.EndActivity())
        self._turn_taking.text_suppressed = False
        self._downlink.expect_reply(now)
        return [*actions, *self._downlink.carry_out(Decision(decision.accept), now)]

    def answer_expected(self, at_least: float, thinking: float = 0.0) -> None:
        """The examiner has put a question that asks for at least so many seconds of voice, after some of thought."""
        self._turn_taking.expected_answer.asked(at_least)
        self._idle_timer.thinking = thinking

    def instruct(self, text: str, now: float) -> list[Action]:
        """Send text that nobody spoke to the model."""
        self._turn_taking.expected_answer.input_sent()
        self._turn_begins(now)
        actions = [*self._downlink.end_late_text(now), *self._uplink.instruct(text, speaking=self.caller_speaking)]
        self._downlink.expect_reply(now)
        return actions

    def tool_answered(self, id: str, name: str, result: dict[str, Any], as_text: str, now: float) -> list[Action]:
        """A function has a result; `as_text` is the same in words, for a session that does not know the call."""
        if self._tool_calls.is_cancelled(id):
            return []
        self._turn_taking.expected_answer.input_sent()
        self._turn_begins(now)
        sent = self._uplink.tool_result(id, name, result, as_text, speaking=self.caller_speaking)
        actions = [*self._downlink.tool_answered(now), Note(events.ToolAnswered(now, id, name)), *sent]
        self._downlink.expect_reply(now)
        return actions

    def playback_started(self, now: float) -> None:
        """The examiner begins to be played to the caller."""
        self._reply.playback.started(now)

    def playback_stopped(self, now: float) -> list[Action]:
        """Nothing is left to be played to the caller."""
        self._idle_timer.extend(now)
        self._reply.playback.stopped(now)
        actions: list[Action] = []
        if self._reply.generated:
            self.replay_buffer.recorded()
            actions = [*self._reply.played(now), *self._downlink.rotate_if_quiet(now)]
        text = self.presence.playback_stopped(now)
        return [*actions, *self.instruct(text, now)] if text else actions

    # --- the connection

    def opened(
        self,
        took: float,
        service_session: str | None,
        utterances: Sequence[UtteranceSpoken],
        resumed: bool,
        now: float,
        *,
        progress_summary: str = "",
    ) -> list[Action]:
        """The connection is up, after `took` seconds. `utterances` are the conversation so far, for a session that does
        not have it, and `progress_summary` is where the exam is.
        """
        actions = self._carry_on(self._transcription.connection_ended(now), now)
        actions += self._connection.opened(took, service_session, now)
        if not self._connection.up:
            return actions  # the attempt had been abandoned
        self._uplink.preamble, whole = "", False
        if resumed and self.replay_buffer.handle_is_stale:
            # The handle is older than a turn that is over. Going on from it, the model would repeat that question.
            if self.policy.stale_handle == "new_session":
                redialed = self._connection.new_session("The handle is older than the last turn.", now)
                return actions + self._downlink.on_connection(redialed, now)
            self._uplink.preamble = instruction_for_stale_session(
                utterances, self._acknowledged_until, progress_summary
            )
            if as_text := self.replay_buffer.sent_as_text:
                actions.append(Note(events.TurnSentAsText(now, as_text[0], as_text[-1])))
        elif not resumed:
            whole = self.replay_buffer.seeded()
            if utterances:
                instruction = instruction_for_new_session(utterances, progress_summary)
                actions.append(Seed((*seed(utterances), ("user", instruction))))
        self._reply.context_check.reconnected()
        self._turn_taking.expected_answer.reply_accepted()
        if replayed := self._uplink.replay(now, whole=whole):
            self._downlink.expect_reply(now)
        return [*actions, *replayed]

    def lost(self, code: int, reason: str, action: CloseAction, meaning: str, number: int, now: float) -> list[Action]:
        """Connection `number` ended, or could not be opened."""
        lost = self._connection.lost(code, reason, action, meaning, number, now)
        return self._downlink.on_connection(lost, now)

    def on_server_message(self, message: messages.Incoming, number: int, now: float) -> list[Action]:
        """The service has sent this on connection `number`."""
        if number != self._connection.number or not self._connection.up:
            return []
        return self._carry_on(self._transcription.read(message, now), now)

    def _carry_on(self, read: Iterable[messages.Incoming | events.MarkersRemoved], now: float) -> list[Action]:
        actions: list[Action] = []
        for one in read:
            if isinstance(one, events.MarkersRemoved):
                actions.append(Note(one))
            elif self._connection.up or isinstance(one, messages.InputTranscribed):
                actions += self._on_message(one, now)
        return actions

    def _on_message(self, message: messages.Incoming, now: float) -> list[Action]:
        match message:
            case messages.InputTranscribed(text, finished):
                return [CallerFragment(text, finished)]
            case messages.Interrupted():
                return self._downlink.interrupted(now)
            case messages.ToolsCancelled(ids):
                self._tool_calls.cancel(ids)
                self._turn_taking.calls_cancelled(ids)
                return [*(Note(events.ToolCancelled(now, id)) for id in ids), *self._uplink.send_held()]
            case messages.GoAway(time_left):
                return [*self._connection.go_away(time_left, now), *self._downlink.rotate_if_quiet(now)]
            case messages.HandleUpdated(handle):
                if handle is None:
                    return [*self._connection.handle_updated(handle, now)]
                if not self._uplink.preamble:
                    # A turn that is unanswered may have been too late for this handle, whole or in part.
                    self._acknowledged_until = self._unanswered_since if self.replay_buffer.pending else now
                updated = self._connection.handle_updated(handle, now)
                return [*self._uplink.handle_updated(), *updated, *self._downlink.rotate_if_quiet(now)]
            case messages.TurnComplete():
                return [*self._downlink.usage.turn_complete(), *self._downlink.on_output(message, now)]
            case messages.UsageReceived(counts):
                unplayed = self._reply.holding or self._turn_taking.holding
                lost = self._reply.context_check.billed(counts.prompt_total) is ContextState.LOST and unplayed
                return [self._downlink.usage.charge(counts), *(self._downlink.context_lost(now) if lost else [])]
            case _:
                return self._downlink.on_output(message, now)

    def _turn_begins(self, now: float) -> None:
        if not self.replay_buffer.pending:
            self._unanswered_since = now

    def _idle(self, now: float) -> list[Action]:
        match self._idle_timer.tick(now):
            case IdleAction.PROMPT:
                return [Note(events.ModelLate(now, "prompt")), *self.instruct(prompts.IDLE, now)]
            case IdleAction.END:
                gave_up = self._connection.give_up("Nobody has spoken for a long time.", now)
                return self._downlink.on_connection(gave_up, now)
            case None:
                return []
