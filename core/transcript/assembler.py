"""Fragments of transcription, late ones too, to utterances in order: which turn each belongs to.

The service sends its input and output transcription in fragments that arrive at any time: the caller's words often
after the reply to them has begun. An utterance is handed over once, when no more of it is expected; utterances are
ordered by when they began, not by when they were handed over. docs/transcript.md has the rules.
"""

from core.events import Speaker
from core.transcript.pending import PendingUtterance
from core.transcript.repeats import repeats, without_repeat_of
from core.transcript.spacing import Spacing
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan

# Seconds after the end of a turn, or the last of its text, in which more text may arrive: 2 to 4 were seen.
LATE_TEXT = 5.0
# Seconds after a replayed turn was recorded in which its second transcription may still begin.
LATE_REPLAY = 15.0


class TranscriptAssembler:
    """Turn edges and fragments of text in, finished utterances out."""

    def __init__(self) -> None:
        self._caller: PendingUtterance | None = None
        self._caller_open = False
        self._examiner: PendingUtterance | None = None
        self._reply_expected = False  # the caller has finished since the examiner last began
        self._caller_stopped_at = self._caller_voice_ended = 0.0
        self._spacing: dict[Speaker, Spacing] = {"caller": Spacing(), "examiner": Spacing()}
        self._recorded: list[Fragment] = []  # of the caller's last utterance
        self._unanswered: list[Fragment] = []  # of those that were recorded and not answered: they may be replayed
        self._replayed: list[Fragment] = []  # of those that were, and may still be transcribed a second time
        self._replayed_until: float | None = None  # until when; None while the reply has not come
        self._voice_known = False  # voice is detected at all in this call

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
        return max(self._caller_stopped_at, self._caller.last_text_at or 0.0) + LATE_TEXT

    @property
    def caller_pending(self) -> tuple[tuple[Fragment, ...], tuple[VoiceSpan, ...]]:
        """The fragments and the voice of the caller's unfinished utterance."""
        return (tuple(self._caller.said()), tuple(self._caller.voice)) if self._caller else ((), ())

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        if self._caller is None or self._caller.answered_at is None:
            return None
        return max(self._caller.answered_at, self._caller.last_text_at or 0.0) + LATE_TEXT

    def tick(self, now: float) -> list[FinishedUtterance]:
        """Hand over an answered turn that has waited long enough for its second transcription."""
        deadline = self.deadline()
        return [] if deadline is None or now < deadline else self._finish_caller(now)

    def caller_started(self, now: float) -> list[FinishedUtterance]:
        """The caller has begun to speak."""
        finished: list[FinishedUtterance] = []
        if self._caller is not None and self._caller.text():
            finished = self._finish_caller(now, answered=self._caller.answered_at is not None)
        # Without a word so far, its text is still on the way: it belongs to whatever the caller says from here on.
        if self._caller is None:
            self._caller = PendingUtterance("caller", now, now)
        else:
            self._caller.windows += 1
        self._caller_open = True
        self._spacing["caller"].turn_started()
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
            self._voice_known = True
            self._caller.voice.append(VoiceSpan(started, ended))

    def caller_transcribed(self, text: str, now: float, *, finished: bool = False) -> list[FinishedUtterance]:
        """A fragment of the caller's text was received; `finished` when the service has declared its end with it."""
        if text:
            if self._caller is None:
                # Late: the turn was recorded already. It becomes an utterance of its own, in its place.
                when = self._caller_voice_ended or now
                self._caller = PendingUtterance("caller", when, when, late=True)
            self._caller.add(text, now, self._spacing["caller"])
            if self._caller_open:
                self._caller.ended = now
        if finished:
            self._spacing["caller"].transcription_finished()
        return []

    def window_closed(self, *, acknowledged: bool = True) -> None:
        """A window of the turn is closed; `acknowledged` when the closed windows will not be replayed."""
        if self._caller is not None:
            self._caller.window_closed(acknowledged=acknowledged)
        if not acknowledged:
            self._spacing["caller"].window_closed()

    def audio_replayed(self, *, whole: bool = False) -> None:
        """The unacknowledged audio of the turn was replayed, or the `whole` of it: it is transcribed a second time, and
        the better of the two transcriptions is kept.
        """
        if self._caller is not None:
            self._caller.audio_replayed(whole=whole, going_on=self._caller_open)
        if self._unanswered:
            self._replayed, self._replayed_until = self._unanswered, None

    def examiner_transcribed(self, text: str, now: float, *, finished: bool = False) -> list[FinishedUtterance]:
        """A fragment of the examiner's text was received; empty for audio without text. `finished` when the service has
        declared its end with it.
        """
        done: list[FinishedUtterance] = []
        if self._examiner is not None and (self._reply_expected or self._examiner.interrupted):
            # A new answer although the last one was never declared over (seen on 3.1: no turnComplete).
            done = self._finish_examiner(now, ended=self._examiner.ended)
        self._reply_expected = False
        if self._examiner is None:
            self._examiner = PendingUtterance("examiner", now, now)
            self._spacing["examiner"].turn_started()
        if text:
            self._examiner.add(text, now, self._spacing["examiner"])
        if finished:
            self._spacing["examiner"].transcription_finished()
        self._examiner.ended = now
        return done

    def examiner_interrupted(self, now: float) -> None:
        """The caller barged in; `reply_done` says how much of the reply was played."""
        if self._examiner is not None and not self._examiner.interrupted:
            self._examiner.interrupted, self._examiner.ended = True, now

    def reply_done(
        self, now: float, *, interrupted: bool = False, played_share: float | None = None
    ) -> list[FinishedUtterance]:
        """The examiner's turn is over, and with it the caller's turn that it answered: unless it was interrupted, for
        then the caller's turn may be replayed and answered anew; or it was replayed, lacks words and waits for its
        second transcription. `played_share` is 0 to 1; None is all of the reply.
        """
        finished: list[FinishedUtterance] = []
        if not interrupted and not self._caller_open:
            self._unanswered = []
            if self._replayed and self._replayed_until is None:
                self._replayed_until = now + LATE_REPLAY
        if self._caller is not None and not self._caller_open and not interrupted:
            if self._caller.lacks_second_transcription and self._caller.lacks_words:
                self._caller.answered_at = self._caller.answered_at or now
            else:
                finished += self._finish_caller(now)
        if self._examiner is not None:
            finished += self._finish_examiner(now, interrupted=interrupted, played_share=played_share)
        return finished

    def finish(self, now: float) -> list[FinishedUtterance]:
        """The call is over: pending utterances are handed over and marked as partial."""
        pending = [one for one in (self._caller, self._examiner) if one is not None]
        finished: list[FinishedUtterance] = []
        for one in sorted(pending, key=lambda one: one.started):
            if one is self._caller:
                finished += self._finish_caller(now, partial=one.answered_at is None)
            else:
                finished += one.finished(now, partial=True)
        self._caller = self._examiner = None
        self._caller_open = False
        return finished

    def _finish_caller(self, now: float, *, answered: bool = True, partial: bool = False) -> list[FinishedUtterance]:
        caller, self._caller = self._caller, None
        assert caller is not None
        said = whole = caller.said()
        if self._replayed and (self._replayed_until is None or (caller.first_text_at or now) < self._replayed_until):
            said = without_repeat_of(self._replayed, whole, voiced=bool(caller.voice) or not caller.late)
        elif caller.late and self._voice_known and not caller.voice and repeats(whole, self._recorded):
            said = []  # sent once more, after it was recorded, and nobody has spoken since
        if len(said) < len(whole):
            self._replayed = []
        if said:
            self._recorded = said
            if caller.lacks_second_transcription:
                self._replayed, self._replayed_until = said, now + LATE_REPLAY
            if not answered:
                self._unanswered = [*self._unanswered, *said]
        return caller.finished(now, said=said, partial=partial)

    def _finish_examiner(
        self, now: float, *, interrupted: bool = False, played_share: float | None = None, ended: float | None = None
    ) -> list[FinishedUtterance]:
        examiner, self._examiner = self._examiner, None
        assert examiner is not None
        if not examiner.interrupted:
            examiner.ended = now if ended is None else ended
        return examiner.finished(now, interrupted=interrupted, played_share=played_share)
