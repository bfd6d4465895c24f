"""Whose turn it is to speak: what the caller's turns and the exam plan mean for the model's output.

Three kinds of reply are suppressed: the reply to a flush, the reply to a pause that was taken for the end of a long
answer, and the unsolicited reply, which replies to nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from core.events import ReplySuppressed
from core.live.expected_answer import ExpectedAnswer
from core.live.messages import GenerationComplete, OutputTranscribed, ToolCallReceived, TurnComplete
from core.live.reply_gate import ModelOutput, ReplyGate

ReplyGateMode = Literal["hold", "drop", "off"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done now: `accept` these messages of the service as the examiner's, `refuse` these function calls,
    record these `events`. `unsolicited`: an unsolicited reply has begun. `discarded`: the message was of a suppressed
    turn.
    """

    accept: Sequence[ModelOutput] = ()
    refuse: Sequence[ToolCallReceived] = ()
    events: Sequence[ReplySuppressed] = ()
    unsolicited: bool = False
    discarded: bool = False


@dataclass
class TurnTaking:
    """Turn edges, questions and the model's output in, decisions out.

    `grace`: seconds after the end of too short an answer in which the reply is held; 0 for never.
    """

    mode: ReplyGateMode
    grace: float
    caller_speaking: bool = False
    expected_answer: ExpectedAnswer = field(default_factory=ExpectedAnswer)
    text_suppressed: bool = False  # text was suppressed that the model takes for played
    _gate: ReplyGate = field(default_factory=ReplyGate)
    _flushed_at: float | None = None  # the last flush in the caller's turn
    _stopped_at: float | None = None  # when the caller's last turn closed
    _call_is_over: bool = False

    @property
    def holding(self) -> bool:
        """Whether a reply is held."""
        return self._gate.holding

    def deadline(self) -> float | None:
        """When `release` is to be called."""
        return self._gate.deadline()

    def continues_answer(self, now: float) -> bool:
        """Whether a caller who starts now goes on with an answer that was taken for finished."""
        return self._stopped_at is not None and now <= self._stopped_at + self.grace

    def caller_started(self, now: float) -> Decision:
        """The caller starts to speak. A reply that was held for this is suppressed."""
        decision = self._suppress("premature", now)
        self._gate.open()
        self.caller_speaking = True
        return decision

    def caller_voiced(self, until: float, now: float) -> Decision:
        """VAD found the caller's voice until then: whoever goes on after a flush had not finished with it."""
        after = self._flushed_at is not None and until > self._flushed_at
        return self._suppress("flush", now) if after else Decision()

    def before_flush(self, now: float) -> Decision:
        """Another flush is about to be sent: the caller has gone on since the last."""
        return self._suppress("flush", now)

    def flushed(self, at: float) -> None:
        """The user's turn was ended for the model with the audio before `at`, and not by the caller."""
        if self.mode != "off":
            self._gate.close("flush")
            self._flushed_at = at

    def caller_had_finished(self, spoke_until: float | None) -> bool:
        """Whether the reply that is held replies to all the caller has said: no voice was found since the flush."""
        flushed = self._flushed_at
        silent = flushed is not None and spoke_until is not None and spoke_until <= flushed
        return silent and self._gate.holding and self.mode == "hold"

    def caller_stopped(self, now: float, voiced: float | None, spoke_until: float | None) -> Decision:
        """The caller's turn is closed. Nothing is accepted as long as the caller may go on."""
        decision = Decision() if self.caller_had_finished(spoke_until) else self._suppress("flush", now)
        self.caller_speaking, self._flushed_at, self._stopped_at = False, None, now
        if self.expected_answer.answered(voiced) and self.grace > 0 and not self._call_is_over:
            self._gate.close("premature", now + self.grace)
            return decision
        return Decision(self._gate.open(), decision.refuse, decision.events)

    def release(self) -> Decision:
        """The caller has not gone on: what was held is the reply."""
        return Decision() if self.caller_speaking else Decision(self._gate.open())

    def finish(self) -> Decision:
        """The call is over: the caller does not go on speaking."""
        self._call_is_over = True
        return self.release()

    def on_output(self, output: ModelOutput, interrupted: bool, now: float) -> Decision:
        """The model has sent something; `interrupted` until the turnComplete of a turn that was interrupted."""
        suppressed, events = self._gate.suppresses(output, now)
        if suppressed:
            self.text_suppressed = self.text_suppressed or isinstance(output, OutputTranscribed)
            return Decision((), [output] if isinstance(output, ToolCallReceived) else (), events, discarded=True)
        if self.is_unsolicited(output):
            self._gate.hold(output)
            decision = self._suppress("premature", now)
            return Decision((), decision.refuse, [*events, *decision.events], unsolicited=True)
        if self._gate.closed_for and not self._bypasses_gate(output, interrupted):
            self._gate.hold(output)
            return Decision((), (), events)
        return Decision([output], (), events)

    def interrupted(self, now: float) -> Decision:
        """The service has cut off its own reply: what is held of it is suppressed, and no more of it comes."""
        events, calls = self._gate.suppress(self._gate.closed_for or "flush", now, over=True)
        return Decision((), calls, events)

    def calls_cancelled(self, ids: Sequence[str]) -> None:
        """The model no longer waits for these function calls."""
        self._gate.cancel(ids)

    def connection_ended(self, now: float) -> Decision:
        """The connection is gone: a turn that is replayed to the next is one window, and its reply another."""
        self._flushed_at, self.text_suppressed = None, False
        return Decision((), (), self._gate.reset(now))

    def _suppress(self, why: Literal["flush", "premature"], now: float) -> Decision:
        self.text_suppressed = self.text_suppressed or self._gate.holds_text
        events, calls = self._gate.suppress(why, now)
        return Decision((), calls, events)

    def is_unsolicited(self, output: ModelOutput) -> bool:
        """Whether an unsolicited reply begins with this: the candidate has still to answer the question."""
        if self._gate.suppressing or isinstance(output, GenerationComplete | TurnComplete):
            return False
        if self.caller_speaking or self.grace == 0 or self._call_is_over:
            return False
        expected = self.expected_answer
        return expected.reply_is_unsolicited or (expected.awaited and isinstance(output, ToolCallReceived))

    def _bypasses_gate(self, output: ModelOutput, interrupted: bool) -> bool:
        """Whether this belongs to no reply that could be held."""
        if isinstance(output, GenerationComplete | TurnComplete):
            return interrupted or (self._gate.closed_for == "premature" and not self._gate.holding)
        return interrupted and self.caller_speaking and not isinstance(output, ToolCallReceived)
