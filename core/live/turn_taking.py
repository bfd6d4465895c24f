"""Whose turn it is to speak: what the caller's turns and the exam plan mean for what the model says.

Beside the obvious it rules on three replies that nobody should hear: the one to a flush, the one to a pause that was
taken for the end of a long answer, and the one to no answer at all.
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
    """What is to be done now: `take` these events of the service as the examiner's, `refuse` these calls, record
    these facts. `unprompted`: a turn has begun that answers nothing. `swallowed`: the event belonged to a lost turn.
    """

    take: Sequence[ModelOutput] = ()
    refuse: Sequence[ToolCallReceived] = ()
    facts: Sequence[ReplySuppressed] = ()
    unprompted: bool = False
    swallowed: bool = False


@dataclass
class TurnTaking:
    """Turn edges, questions and the model's words in, rulings out."""

    mode: ReplyGateMode
    grace: float
    caller_speaking: bool = False
    due: ExpectedAnswer = field(default_factory=ExpectedAnswer)
    unheard: bool = False  # words of the model were lost that it takes for heard
    _gate: ReplyGate = field(default_factory=ReplyGate)
    _flushed_at: float | None = None  # last, in the caller's turn
    _stopped_at: float | None = None  # when the caller's last turn closed
    _closed: bool = False  # the call is ending

    @property
    def holding(self) -> bool:
        """Whether a reply is held back."""
        return self._gate.holding

    def deadline(self) -> float | None:
        """When `let_go` is due."""
        return self._gate.deadline()

    def resumed(self, now: float) -> bool:
        """Whether a caller who begins now goes on with what was taken for finished."""
        return self._stopped_at is not None and now <= self._stopped_at + self.grace

    def began(self, now: float) -> Decision:
        """The caller has the floor. A reply that waited for this is lost."""
        ruling = self._lose("premature", now)
        self._gate.open()
        self.caller_speaking = True
        return ruling

    def voiced(self, until: float, now: float) -> Decision:
        """The caller's voice was heard until then: whoever goes on after a flush had not finished with it."""
        after = self._flushed_at is not None and until > self._flushed_at
        return self._lose("flush", now) if after else Decision()

    def flushing(self, now: float) -> Decision:
        """Another flush is due: the caller has gone on since the last."""
        return self._lose("flush", now)

    def flushed(self, at: float) -> None:
        """The user's turn was ended for the model with what was heard before `at`, and not by the caller."""
        if self.mode != "off":
            self._gate.close("flush")
            self._flushed_at = at

    def had_finished(self, spoke_until: float | None) -> bool:
        """Whether the reply that is held answers all the caller has said: nothing was heard of him since the flush."""
        flushed = self._flushed_at
        silent = flushed is not None and spoke_until is not None and spoke_until <= flushed
        return silent and self._gate.holding and self.mode == "hold"

    def stopped(self, now: float, voiced: float | None, spoke_until: float | None) -> Decision:
        """The caller has finished, it seems. `take` is empty as long as he may go on."""
        ruling = Decision() if self.had_finished(spoke_until) else self._lose("flush", now)
        self.caller_speaking, self._flushed_at, self._stopped_at = False, None, now
        if self.due.answered(voiced) and self.grace > 0 and not self._closed:
            self._gate.close("premature", now + self.grace)
            return ruling
        return Decision(self._gate.open(), ruling.refuse, ruling.facts)

    def let_go(self) -> Decision:
        """The caller has not gone on: what was held is the answer."""
        return Decision() if self.caller_speaking else Decision(self._gate.open())

    def conclude(self) -> Decision:
        """The call is ending: nobody goes on speaking."""
        self._closed = True
        return self.let_go()

    def hears(self, event: ModelOutput, cut: bool, now: float) -> Decision:
        """The model says something; `cut` while a turn of its that was interrupted has not been declared over."""
        lost, facts = self._gate.loses(event, now)
        if lost:
            self.unheard = self.unheard or isinstance(event, OutputTranscribed)
            return Decision((), [event] if isinstance(event, ToolCallReceived) else (), facts, swallowed=True)
        if self.unprompted(event):
            self._gate.hold(event)
            ruling = self._lose("premature", now)
            return Decision((), ruling.refuse, [*facts, *ruling.facts], unprompted=True)
        if self._gate.shut and not self._goes_by(event, cut):
            self._gate.hold(event)
            return Decision((), (), facts)
        return Decision([event], (), facts)

    def interrupted(self, now: float) -> Decision:
        """The service has cut its own reply off: what is held of it is lost, and no more of it comes."""
        facts, calls = self._gate.lose(self._gate.shut or "flush", now, over=True)
        return Decision((), calls, facts)

    def withdrawn(self, ids: Sequence[str]) -> None:
        """The model no longer waits for these calls."""
        self._gate.cancel(ids)

    def forget(self, now: float) -> Decision:
        """The connection is gone: a turn that is said again to the next is one window, and its reply another."""
        self._flushed_at, self.unheard = None, False
        return Decision((), (), self._gate.forget(now))

    def _lose(self, why: Literal["flush", "premature"], now: float) -> Decision:
        self.unheard = self.unheard or self._gate.wordy
        facts, calls = self._gate.lose(why, now)
        return Decision((), calls, facts)

    def unprompted(self, event: ModelOutput) -> bool:
        """Whether a turn begins with this that answers nothing: the candidate has still to answer the question."""
        if self._gate.losing or isinstance(event, GenerationComplete | TurnComplete):
            return False
        if self.caller_speaking or self.grace == 0 or self._closed:
            return False
        return self.due.unprompted or (self.due.open and isinstance(event, ToolCallReceived))

    def _goes_by(self, event: ModelOutput, cut: bool) -> bool:
        """Whether this belongs to no reply that could be held."""
        if isinstance(event, GenerationComplete | TurnComplete):
            return cut or (self._gate.shut == "premature" and not self._gate.holding)
        return cut and self.caller_speaking and not isinstance(event, ToolCallReceived)
