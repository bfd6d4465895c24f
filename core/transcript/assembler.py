"""Fragments of transcription, late ones too, to utterances in order: which turn each belongs to.

The service sends its input and output transcription in fragments that arrive at any time: the caller's words often
after the reply to them has begun. An utterance is handed over once, when no more of it is expected; utterances are
ordered by when they began, not by when they were handed over. docs/transcript.md has the rules.
"""

from dataclasses import dataclass, field

from core.events import Speaker, UtteranceSpoken
from core.text import truncate
from core.transcript.spacing import Spacing
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan

# Seconds after the end of a turn, or the last of its text, in which more text may arrive: 2 to 4 were seen.
LATE_TEXT = 5.0


@dataclass
class _Pending:
    """An utterance that is not finished."""

    speaker: Speaker
    started: float
    ended: float
    fragments: list[Fragment] = field(default_factory=list[Fragment])
    voice: list[VoiceSpan] = field(default_factory=list[VoiceSpan])
    closed: int = 0  # fragments of the windows that are closed
    acknowledged: int = 0  # ... of which so many will not be transcribed a second time
    replayed: bool = False  # those after them will: the next fragment replaces them
    interrupted: bool = False  # barge-in; how much of it was played is not known yet

    def text(self) -> str:
        return " ".join("".join(fragment.text for fragment in self.fragments).split())

    def finished(
        self, at: float, *, interrupted: bool = False, partial: bool = False, played_share: float | None = None
    ) -> list[FinishedUtterance]:
        text = self.text() if played_share is None else truncate(self.text(), played_share)
        if not text and not self.voice:
            return []
        interrupted = interrupted or self.interrupted
        utterance = UtteranceSpoken(at, self.speaker, text, self.started, self.ended, interrupted, partial)
        return [FinishedUtterance(utterance, tuple(self.fragments), tuple(self.voice))]


class TranscriptAssembler:
    """Turn edges and fragments of text in, finished utterances out."""

    def __init__(self) -> None:
        self._caller: _Pending | None = None
        self._caller_open = False
        self._examiner: _Pending | None = None
        self._reply_expected = False  # the caller has finished since the examiner last began
        self._caller_stopped_at = self._caller_voice_ended = 0.0
        self._spacing = Spacing()

    def started_at(self, speaker: Speaker, now: float) -> float:
        """When the unfinished utterance of a speaker began; now if there is none."""
        pending = self._caller if speaker == "caller" else self._examiner
        return now if pending is None else pending.started

    @property
    def unfinished(self) -> list[tuple[Speaker, str, float, float]]:
        """The unfinished utterances: the speaker, the text so far, when it began and when the last of it was received
        or spoken.
        """
        pending = [one for one in (self._caller, self._examiner) if one is not None]
        return [(one.speaker, text, one.started, one.ended) for one in pending if (text := one.text())]

    @property
    def caller_open(self) -> bool:
        """Whether the caller is in the middle of a turn."""
        return self._caller_open

    @property
    def caller_text_deadline(self) -> float | None:
        """Until when text of the caller's turn, which is over, may arrive; None while it is not over."""
        if self._caller is None or self._caller_open or not self._caller.voice:
            return None
        return max([self._caller_stopped_at, *(last.at for last in self._caller.fragments[-1:])]) + LATE_TEXT

    @property
    def caller_pending(self) -> tuple[tuple[Fragment, ...], tuple[VoiceSpan, ...]]:
        """The fragments and the voice of the caller's unfinished utterance."""
        return (tuple(self._caller.fragments), tuple(self._caller.voice)) if self._caller else ((), ())

    def caller_started(self, now: float) -> list[FinishedUtterance]:
        """The caller has begun to speak."""
        finished: list[FinishedUtterance] = []
        if self._caller is not None and self._caller.text():
            finished, self._caller = self._caller.finished(now), None
        # Without a word so far, its text is still on the way: it belongs to whatever the caller says from here on.
        if self._caller is None:
            self._caller = _Pending("caller", now, now)
        self._caller_open = True
        self._spacing.turn_started()
        return finished

    def caller_stopped(self, now: float, spoke_until: float) -> list[FinishedUtterance]:
        """The caller has finished; `spoke_until` is when voice was last detected."""
        self._caller_open, self._reply_expected = False, True
        self._caller_stopped_at, self._caller_voice_ended = now, spoke_until
        if self._caller is not None:
            self._caller.ended = max(self._caller.started, spoke_until)
        # The end of a reply that was interrupted is reported at once; if not by now, never.
        return self._finish_examiner(now) if self._examiner is not None and self._examiner.interrupted else []

    def voice_detected(self, started: float, ended: float) -> None:
        """The caller's voice was detected from `started` to `ended`."""
        if self._caller is not None and ended > started:
            self._caller.voice.append(VoiceSpan(started, ended))

    def caller_transcribed(self, text: str, now: float) -> list[FinishedUtterance]:
        """A fragment of the caller's text was received."""
        if not text:
            return []
        if self._caller is None:
            # Late: the turn was recorded already. It becomes an utterance of its own, in its place.
            when = self._caller_voice_ended or now
            self._caller = _Pending("caller", when, when)
        caller = self._caller
        if caller.replayed:
            # Not before: a connection that is lost before it transcribes the replay must not cost the text there is.
            del caller.fragments[caller.acknowledged :]
            caller.closed, caller.replayed = caller.acknowledged, False
        before = caller.fragments[-1].text if caller.fragments else ""
        caller.fragments.append(Fragment(self._spacing.spaced(before, text), now))
        if self._caller_open:
            caller.ended = now
        return []

    def window_closed(self, *, acknowledged: bool = True) -> None:
        """A window of the turn is closed; `acknowledged` when the closed windows will not be replayed."""
        caller = self._caller if self._caller is not None and not self._caller.replayed else None
        if acknowledged:
            if caller is not None:
                caller.acknowledged = caller.closed
            return
        if caller is not None:
            caller.closed = len(caller.fragments)
        self._spacing.window_closed()

    def audio_replayed(self, *, whole: bool = False) -> None:
        """The unacknowledged audio of the turn was replayed, or the `whole` of it: new text replaces its old."""
        if self._caller is not None:
            self._caller.replayed = True
            if whole:
                self._caller.acknowledged = 0

    def examiner_transcribed(self, text: str, now: float) -> list[FinishedUtterance]:
        """A fragment of the examiner's text was received; empty for audio without text."""
        finished: list[FinishedUtterance] = []
        if self._examiner is not None and (self._reply_expected or self._examiner.interrupted):
            # A new answer although the last one was never declared over (seen on 3.1: no turnComplete).
            finished = self._finish_examiner(now, ended=self._examiner.ended)
        self._reply_expected = False
        if self._examiner is None:
            self._examiner = _Pending("examiner", now, now)
        if text:
            self._examiner.fragments.append(Fragment(text, now))
        self._examiner.ended = now
        return finished

    def examiner_interrupted(self, now: float) -> None:
        """The caller barged in; `reply_done` says how much of the reply was played."""
        if self._examiner is not None and not self._examiner.interrupted:
            self._examiner.interrupted, self._examiner.ended = True, now

    def reply_done(
        self, now: float, *, interrupted: bool = False, played_share: float | None = None
    ) -> list[FinishedUtterance]:
        """The examiner's turn is over, and with it the caller's turn that it answered: unless it was interrupted, for
        then the caller's turn may be replayed and answered anew. `played_share` is 0 to 1; None is all of the reply.
        """
        finished: list[FinishedUtterance] = []
        if self._caller is not None and not self._caller_open and not interrupted:
            finished += self._caller.finished(now)
            self._caller = None
        if self._examiner is not None:
            finished += self._finish_examiner(now, interrupted=interrupted, played_share=played_share)
        return finished

    def finish(self, now: float) -> list[FinishedUtterance]:
        """The call is over: pending utterances are handed over and marked as partial."""
        finished: list[FinishedUtterance] = []
        for pending in sorted(filter(None, (self._caller, self._examiner)), key=lambda p: p.started):
            finished += pending.finished(now, partial=True)
        self._caller = self._examiner = None
        self._caller_open = False
        return finished

    def _finish_examiner(
        self, now: float, *, interrupted: bool = False, played_share: float | None = None, ended: float | None = None
    ) -> list[FinishedUtterance]:
        examiner, self._examiner = self._examiner, None
        assert examiner is not None
        if not examiner.interrupted:
            examiner.ended = now if ended is None else ended
        return examiner.finished(now, interrupted=interrupted, played_share=played_share)
