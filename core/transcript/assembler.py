"""Fragments of text to utterances in order.

The service sends what it heard and what it says as small pieces that come whenever they come: the caller's words often
arrive after the reply to them has begun. An utterance is handed over once, when nothing more of it is expected;
utterances are ordered by when they began, not by when they were handed over. docs/transcript.md tells the rules.
"""

from dataclasses import dataclass, field

from core.events import Speaker, UtteranceSpoken
from core.text import cut
from core.transcript.spacing import Spacing
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan

# Seconds after the end of a turn, or the last of its text, in which more text may come: 2 to 4 were seen.
LATEST = 5.0


@dataclass
class _Pending:
    """An utterance that is not finished."""

    speaker: Speaker
    started: float
    ended: float
    pieces: list[Fragment] = field(default_factory=list[Fragment])
    voice: list[VoiceSpan] = field(default_factory=list[VoiceSpan])
    edge: int = 0  # pieces of the windows that are over
    kept: int = 0  # ... of which so many will not come again
    stale: bool = False  # those after them will: the next piece replaces them
    cut: bool = False  # the caller broke in; how much of it was heard is still to be told

    def text(self) -> str:
        return " ".join("".join(piece.text for piece in self.pieces).split())

    def said(
        self, at: float, *, interrupted: bool = False, partial: bool = False, heard: float | None = None
    ) -> list[FinishedUtterance]:
        text = self.text() if heard is None else cut(self.text(), heard)
        if not text and not self.voice:
            return []
        spoken = UtteranceSpoken(at, self.speaker, text, self.started, self.ended, interrupted or self.cut, partial)
        return [FinishedUtterance(spoken, tuple(self.pieces), tuple(self.voice))]


class TranscriptAssembler:
    """Turn edges and pieces of text in, finished utterances out."""

    def __init__(self) -> None:
        self._caller: _Pending | None = None
        self._caller_open = False
        self._examiner: _Pending | None = None
        self._answer_due = False  # the caller has finished since the examiner last began
        self._caller_closed = self._caller_ended = 0.0
        self._seams = Spacing()

    @property
    def examiner_text(self) -> str:
        """What the examiner has said so far in the utterance that is not finished."""
        return self._examiner.text() if self._examiner else ""

    def began(self, speaker: Speaker, now: float) -> float:
        """When the utterance began that somebody has not finished; now if there is none."""
        pending = self._caller if speaker == "caller" else self._examiner
        return now if pending is None else pending.started

    @property
    def unfinished(self) -> list[tuple[Speaker, str, float, float]]:
        """Who is not finished: the words so far, when they began and when the last of them came or was spoken."""
        pending = [one for one in (self._caller, self._examiner) if one is not None]
        return [(one.speaker, text, one.started, one.ended) for one in pending if (text := one.text())]

    @property
    def caller_open(self) -> bool:
        """Whether the caller is in the middle of a turn."""
        return self._caller_open

    @property
    def caller_settles(self) -> float | None:
        """When the caller's turn, which is over, will have had time for all of its text; None while it is not over."""
        if self._caller is None or self._caller_open or not self._caller.voice:
            return None
        return max([self._caller_closed, *(piece.at for piece in self._caller.pieces[-1:])]) + LATEST

    @property
    def caller_so_far(self) -> tuple[tuple[Fragment, ...], tuple[VoiceSpan, ...]]:
        """The pieces and the voice of the caller's utterance that is not finished."""
        return (tuple(self._caller.pieces), tuple(self._caller.voice)) if self._caller else ((), ())

    def caller_opened(self, now: float) -> list[FinishedUtterance]:
        """The caller has begun to speak."""
        finished: list[FinishedUtterance] = []
        if self._caller is not None and self._caller.text():
            finished, self._caller = self._caller.said(now), None
        # Without a word so far, its text is still on the way: it belongs to whatever the caller says from here on.
        if self._caller is None:
            self._caller = _Pending("caller", now, now)
        self._caller_open = True
        self._seams.turn()
        return finished

    def caller_closed(self, now: float, spoke_until: float) -> list[FinishedUtterance]:
        """The caller has finished; `spoke_until` is when the last voice was heard."""
        self._caller_open, self._answer_due = False, True
        self._caller_closed, self._caller_ended = now, spoke_until
        if self._caller is not None:
            self._caller.ended = max(self._caller.started, spoke_until)
        # A reply that was cut off is told of at once; if not by now, never.
        return self._examiner_over(now) if self._examiner is not None and self._examiner.cut else []

    def caller_voice(self, started: float, ended: float) -> None:
        """A stretch of the caller's voice."""
        if self._caller is not None and ended > started:
            self._caller.voice.append(VoiceSpan(started, ended))

    def caller_text(self, text: str, now: float) -> list[FinishedUtterance]:
        """A piece of what the caller said."""
        if not text:
            return []
        if self._caller is None:
            # Late: the turn was recorded already. It is kept as words of its own, in its place.
            when = self._caller_ended or now
            self._caller = _Pending("caller", when, when)
        caller = self._caller
        if caller.stale:
            # Not before: a connection that dies again must not take with it what the one before had heard.
            del caller.pieces[caller.kept :]
            caller.edge, caller.stale = caller.kept, False
        caller.pieces.append(Fragment(self._seams.joined(caller.pieces[-1].text if caller.pieces else "", text), now))
        if self._caller_open:
            caller.ended = now
        return []

    def caller_text_kept(self, *, safe: bool = True) -> None:
        """A window of the turn is over; `safe` when the windows that are over will not be heard again."""
        caller = self._caller if self._caller is not None and not self._caller.stale else None
        if safe:
            if caller is not None:
                caller.kept = caller.edge
            return
        if caller is not None:
            caller.edge = len(caller.pieces)
        self._seams.window()

    def caller_heard_again(self) -> None:
        """The rest of the turn is heard a second time: its text replaces what there is of it."""
        if self._caller is not None:
            self._caller.stale = True

    def examiner_spoke(self, text: str, now: float) -> list[FinishedUtterance]:
        """A piece of what the examiner says; empty for audio without text."""
        finished: list[FinishedUtterance] = []
        if self._examiner is not None and (self._answer_due or self._examiner.cut):
            # A new answer although the last one was never declared over (seen on 3.1: no turnComplete).
            finished = self._examiner_over(now, ended=self._examiner.ended)
        self._answer_due = False
        if self._examiner is None:
            self._examiner = _Pending("examiner", now, now)
        if text:
            self._examiner.pieces.append(Fragment(text, now))
        self._examiner.ended = now
        return finished

    def examiner_cut(self, now: float) -> None:
        """The caller broke in; `examiner_done` tells how much of the reply was heard."""
        if self._examiner is not None and not self._examiner.cut:
            self._examiner.cut, self._examiner.ended = True, now

    def examiner_done(
        self, now: float, *, interrupted: bool = False, heard: float | None = None
    ) -> list[FinishedUtterance]:
        """The examiner's turn is over, and with it the caller's turn that it answered: unless it was cut off, for
        then the caller's turn may be heard and answered again. `heard` is the share of the reply that was played, 0 to
        1; None is all of it.
        """
        finished: list[FinishedUtterance] = []
        if self._caller is not None and not self._caller_open and not interrupted:
            finished += self._caller.said(now)
            self._caller = None
        if self._examiner is not None:
            finished += self._examiner_over(now, interrupted=interrupted, heard=heard)
        return finished

    def end(self, now: float) -> list[FinishedUtterance]:
        """The call is over: what is pending is kept and marked as partial."""
        finished: list[FinishedUtterance] = []
        for pending in sorted(filter(None, (self._caller, self._examiner)), key=lambda p: p.started):
            finished += pending.said(now, partial=True)
        self._caller = self._examiner = None
        self._caller_open = False
        return finished

    def _examiner_over(
        self, now: float, *, interrupted: bool = False, heard: float | None = None, ended: float | None = None
    ) -> list[FinishedUtterance]:
        examiner, self._examiner = self._examiner, None
        assert examiner is not None
        if not examiner.cut:
            examiner.ended = now if ended is None else ended
        return examiner.said(now, interrupted=interrupted, heard=heard)
