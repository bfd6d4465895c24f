"""Fragments of text to utterances in order.

The service sends what it heard and what it says as small pieces that come whenever they come: the caller's words often
arrive after the reply to them has begun. Leading spaces are part of the pieces. An utterance is recorded once, when
nothing more of it is expected; utterances are ordered by when they began, not by when they were recorded.
"""

from dataclasses import dataclass, field

from core.events import Speaker, UtteranceSpoken


@dataclass
class _Pending:
    """An utterance that is not finished."""

    speaker: Speaker
    started: float
    ended: float
    pieces: list[str] = field(default_factory=list[str])
    kept: int = 0  # pieces that will not come again
    stale: bool = False  # those after them will: the next piece replaces them

    def text(self) -> str:
        return " ".join("".join(self.pieces).split())

    def spoken(self, at: float, *, interrupted: bool = False, partial: bool = False) -> list[UtteranceSpoken]:
        if not (text := self.text()):
            return []
        return [UtteranceSpoken(at, self.speaker, text, self.started, self.ended, interrupted, partial)]


class TranscriptMachine:
    """Turn edges and pieces of text in, finished utterances out."""

    def __init__(self) -> None:
        self._caller: _Pending | None = None
        self._caller_open = False
        self._examiner: _Pending | None = None
        self._answer_due = False  # the caller has finished since the examiner last began
        self._caller_ended = 0.0

    @property
    def examiner_text(self) -> str:
        """What the examiner has said so far in the utterance that is not finished."""
        return self._examiner.text() if self._examiner else ""

    def caller_opened(self, now: float) -> list[UtteranceSpoken]:
        """The caller has begun to speak."""
        finished: list[UtteranceSpoken] = []
        if self._caller is not None and self._caller.pieces:
            finished, self._caller = self._caller.spoken(now), None
        # Without a word so far, its text is still on the way: it belongs to whatever the caller says from here on.
        if self._caller is None:
            self._caller = _Pending("caller", now, now)
        self._caller_open = True
        return finished

    def caller_closed(self, now: float, spoke_until: float) -> list[UtteranceSpoken]:
        """The caller has finished; `spoke_until` is when the last voice was heard."""
        self._caller_open, self._answer_due, self._caller_ended = False, True, spoke_until
        if self._caller is not None:
            self._caller.ended = max(self._caller.started, spoke_until)
        return []

    def caller_text(self, text: str, now: float) -> list[UtteranceSpoken]:
        """A piece of what the caller said."""
        if self._caller is None:
            # Late: the turn was recorded already. It is kept as words of its own, in its place.
            when = self._caller_ended or now
            self._caller = _Pending("caller", when, when)
        if self._caller.stale:
            # Not before: a connection that dies again must not take with it what the one before had heard.
            del self._caller.pieces[self._caller.kept :]
            self._caller.stale = False
        self._caller.pieces.append(text)
        if self._caller_open:
            self._caller.ended = now
        return []

    def caller_text_kept(self) -> None:
        """What has been heard of the turn so far will not be heard again."""
        if self._caller is not None and not self._caller.stale:
            self._caller.kept = len(self._caller.pieces)

    def caller_heard_again(self) -> None:
        """The rest of the turn is heard a second time: its text replaces what there is of it."""
        if self._caller is not None:
            self._caller.stale = True

    def examiner_spoke(self, text: str, now: float) -> list[UtteranceSpoken]:
        """A piece of what the examiner says; empty for audio without text."""
        finished: list[UtteranceSpoken] = []
        if self._examiner is not None and self._answer_due:
            # A new answer although the last one was never declared over (seen on 3.1: no turnComplete).
            finished, self._examiner = self._examiner.spoken(now), None
        self._answer_due = False
        if self._examiner is None:
            self._examiner = _Pending("examiner", now, now)
        if text:
            self._examiner.pieces.append(text)
        self._examiner.ended = now
        return finished

    def examiner_done(self, now: float, *, interrupted: bool = False) -> list[UtteranceSpoken]:
        """The examiner's turn is over, and with it the caller's turn that it answered: unless it was cut off, for
        then the caller's turn may be heard and answered again.
        """
        finished: list[UtteranceSpoken] = []
        if self._caller is not None and not self._caller_open and not interrupted:
            finished += self._caller.spoken(now)
            self._caller = None
        if self._examiner is not None:
            self._examiner.ended = now
            finished += self._examiner.spoken(now, interrupted=interrupted)
            self._examiner = None
        return finished

    def end(self, now: float) -> list[UtteranceSpoken]:
        """The call is over: what is pending is kept and marked as partial."""
        finished: list[UtteranceSpoken] = []
        for pending in sorted(filter(None, (self._caller, self._examiner)), key=lambda p: p.started):
            finished += pending.spoken(now, partial=True)
        self._caller = self._examiner = None
        self._caller_open = False
        return finished
