"""Merges two transcriptions of the same audio, the service's and the second transcriber's, into one transcript.

The Live session's input transcription is the first. Where it has a gap, the second transcriber is asked to retranscribe
that span; where the second transcriber transcribes every turn anyway, the better text of the two is taken. An utterance
waits for that a bounded time. The version that is not recorded as the utterance is recorded as an event of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from core.events import (
    AlternativeTranscribed,
    Event,
    GapFound,
    GapRepaired,
    SegmentTiming,
    UtteranceSpoken,
)
from core.events.speech import Source
from core.text import join_words, split_text
from core.transcript.completeness import Completeness
from core.transcript.gaps import (
    LEAST_SPEECH,
    Gap,
    GapPolicy,
    VoiceAxis,
    find_gaps,
    place_words,
    span_around,
    trailing_gap,
)
from core.transcript.language import ExpectedLanguage
from core.transcript.overlap import content_words, shared_words
from core.transcript.splice import join_overlapping, missing_words, splice, words_around
from core.transcript.timing import Segment, arrival_timing, clip_timing, join_segments
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan

# How much further than the gap is retranscribed, before and behind it: text is up to 4 s behind the voice and may
# arrive in bursts, so a gap is known to some seconds only. What is transcribed twice is found by its words.
MARGIN = 8.0
# Seconds from one search in an unfinished turn to the next: it costs a millisecond or two, between frames of audio.
SEARCH_INTERVAL = 2.0
# Seconds of waiting for each second of voice; the offline transcriber takes a tenth of it on an idle core.
_WAIT_PER_VOICED = 0.25
# Text that is late and of which the record has this share already is the same words.
_SAME = 0.6
# The second transcriber's text is fuller only with so many times the words: two recognisers never agree to the word.
_FULLER = 1.05

Prefer = Literal["live", "shadow", "fuller"]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class RecordUtterance:
    """Record this utterance."""

    utterance: UtteranceSpoken


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """Record this event."""

    event: Event


@dataclass(frozen=True, slots=True)
class Retranscribe:
    """Have the second transcriber transcribe this span; its answer has the same times."""

    started: float
    ended: float


Action = RecordUtterance | RecordEvent | Retranscribe


@dataclass(frozen=True, slots=True)
class RepairPolicy:
    """`wait` is how long an utterance waits for the second transcriber at least, in seconds; `languages` are the BCP 47
    codes of what the caller is to speak.
    """

    gaps: GapPolicy = field(default_factory=GapPolicy)
    wait: float = 5.0
    prefer: Prefer = "fuller"
    languages: tuple[str, ...] = ()


@dataclass
class _Waiting:
    """An utterance of the caller that waits for the second transcriber; `trusted` is it without another language."""

    finished: FinishedUtterance
    trusted: FinishedUtterance
    until: float
    gaps: list[Gap]


class TranscriptRepair:
    """Finished utterances, the second transcriber's text and time in; what to record and to retranscribe out."""

    def __init__(self, policy: RepairPolicy) -> None:
        self._policy = policy
        self._language = ExpectedLanguage(policy.languages)
        self._mode: Literal["none", "gaps", "always"] = "none"  # of the second transcriber
        self._waiting: list[_Waiting] = []
        self._requested: dict[Span, Gap] = {}  # by the span that was requested
        self._answers: dict[Span, str] = {}
        self._turns: list[tuple[Span, Sequence[Segment]]] = []  # whole turns that belong to no utterance yet
        self._late: dict[Span, FinishedUtterance] = {}  # requested, and recorded without it
        self._repaired: list[UtteranceSpoken] = []
        self._searched_at = 0.0
        self._completeness = Completeness(policy.gaps.least_rate)

    # --- in

    def transcriber_ready(self, always: bool) -> None:
        """There is a second transcriber; `always` when it sends the text of every turn unasked."""
        self._mode = "always" if always else "gaps"

    def progress(self, fragments: Sequence[Fragment], voice: Sequence[VoiceSpan], now: float) -> list[Action]:
        """The caller's utterance so far: a gap with enough text behind it is found at once."""
        if now < self._searched_at + SEARCH_INTERVAL:
            return []
        self._searched_at = now
        return self._report(voice, fragments, now, finished=False)[0]

    def text_complete(self, fragments: Sequence[Fragment], voice: Sequence[VoiceSpan], now: float) -> list[Action]:
        """The caller's utterance has all of its text, though it is not recorded yet: its gaps are known."""
        return self._report(voice, fragments, now)[0]

    def utterance_finished(self, finished: FinishedUtterance, now: float) -> list[Action]:
        """An utterance is finished."""
        utterance, voice, fragments = finished.utterance, finished.voice, finished.fragments
        if utterance.speaker == "examiner":
            self._language.examiner_said(utterance.text)
            return [RecordUtterance(utterance)]
        if not voice and (recorded := self._already_recorded(utterance, now)):
            return recorded
        actions, found = self._report(voice, fragments, now, partial=utterance.partial)
        voiced = VoiceAxis(voice).length
        self._completeness.spoken(voiced, found)
        if not voice and utterance.text:
            self._completeness.late_text(utterance)
        until = now + self._policy.wait + _WAIT_PER_VOICED * voiced
        waiting = _Waiting(finished, self._trusted(finished), until, found)
        if self._ready(waiting):
            return actions + self._record(waiting, now)
        self._waiting.append(waiting)
        return actions

    def transcribed(
        self, text: str, started: float, ended: float, repaired: bool, now: float, segments: Sequence[Segment] = ()
    ) -> list[Action]:
        """The second transcriber's text of a turn, or, when `repaired`, of a span that was requested; `segments` are
        the parts of the text with their timing, where it is known.
        """
        span, text = (started, ended), self._language.matching_text(text)
        if not repaired:
            parts = [(self._language.matching_text(words), begin, end) for words, begin, end in segments]
            self._turns.append((span, parts or [(text, started, ended)]))
        elif (gap := self._requested.get(span)) is not None and span not in self._answers:
            self._answers[span] = text
            actions: list[Action] = [RecordEvent(GapRepaired(now, gap.started, gap.ended, text))]
            if (finished := self._late.pop(span, None)) is not None:
                return actions + self._record_late(finished, gap, text, now)
            return actions + self._record_ready(now)
        return self._record_ready(now)

    @property
    def waiting(self) -> bool:
        """Whether an utterance waits for the second transcriber."""
        return bool(self._waiting)

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        return min((waiting.until for waiting in self._waiting), default=None)

    def tick(self, now: float) -> list[Action]:
        """Record the utterances that have waited long enough."""
        actions: list[Action] = []
        for waiting in [waiting for waiting in self._waiting if now >= waiting.until]:
            self._waiting.remove(waiting)
            actions += self._record(waiting, now)
        return actions

    def finish(self, now: float) -> list[Action]:
        """The call is over: nothing waits any more, and every word that was transcribed is recorded."""
        actions: list[Action] = []
        for waiting in self._waiting:
            actions += self._record(waiting, now)
        self._waiting = []
        for (started, ended), segments in self._turns:
            text, times = join_segments(segments)
            actions += self._record_alone(text, started, ended, "shadow", now, times)
        self._turns = []
        actions += map(RecordEvent, self._completeness.measured(now))
        return actions

    # --- gaps

    def _report(
        self,
        voice: Sequence[VoiceSpan],
        received: Sequence[Fragment],
        now: float,
        *,
        finished: bool = True,
        partial: bool = False,
    ) -> tuple[list[Action], list[Gap]]:
        """Find the gaps; record those that are new, and have them retranscribed. Words of another language are none."""
        policy, fragments = self._policy.gaps, self._language.matching(received)
        found = find_gaps(voice, fragments, policy, finished=finished)
        least = policy.least_voice
        if partial and not found and (end := trailing_gap(voice, fragments, policy)):
            # It broke off: with the call, or with a connection that was given up.
            found, least = [end], LEAST_SPEECH
        foreign = self._language.gaps(voice, received) if finished and policy.least_rate else []
        found = sorted(
            [*found, *(gap for gap in foreign if not any(map(gap.overlaps, found)))], key=lambda gap: gap.started
        )
        mismatch = self._language.mismatch(received)
        actions: list[Action] = []
        for gap in found:
            known = [one for one in self._requested.values() if one.overlaps(gap)]
            # Found while the turn went on, and longer now: only the rest is new.
            started = max((one.ended for one in known), default=gap.started)
            if known and gap.ended - started < least:
                continue
            new = replace(gap, started=started)
            why = mismatch if mismatch and (not fragments or any(map(gap.overlaps, foreign))) else "missing"
            actions.append(RecordEvent(GapFound(now, new.started, new.ended, new.words, why)))
            span = span_around(new, voice, fragments, MARGIN)
            self._requested[span] = new
            if self._mode == "gaps":
                actions.append(Retranscribe(*span))
        return actions, found

    def _trusted(self, finished: FinishedUtterance) -> FinishedUtterance:
        """The utterance without the words of another language."""
        if self._language.mismatch(finished.fragments) is None:
            return finished
        fragments = self._language.matching(finished.fragments)
        text = join_words(fragment.text.strip() for fragment in fragments)
        return replace(finished, utterance=replace(finished.utterance, text=text), fragments=fragments)

    def _record_late(self, finished: FinishedUtterance, gap: Gap, retranscribed: str, now: float) -> list[Action]:
        """The utterance is recorded and stays as it is; the missing words become one of their own, at their time."""
        before, after = words_around(place_words(finished.voice, finished.fragments, self._policy.gaps), gap)
        text = join_words(missing_words(before, split_text(retranscribed), after))
        if text:
            self._completeness.repaired([gap])
        return self._record_alone(text, gap.started, gap.ended, "repaired", now)

    def _in_utterance(self, gap: Gap, finished: FinishedUtterance) -> bool:
        return any(span.started <= gap.ended and gap.started <= span.ended for span in finished.voice)

    def _requests_of(self, finished: FinishedUtterance) -> list[tuple[Span, Gap]]:
        return sorted((span, gap) for span, gap in self._requested.items() if self._in_utterance(gap, finished))

    # --- utterances

    def _ready(self, waiting: _Waiting) -> bool:
        finished = waiting.finished
        if self._mode == "always":
            last = max((span[1] for span, _ in self._turns_of(finished)), default=0.0)
            return not finished.voice or last >= finished.voice[-1].ended - self._policy.gaps.least_voice
        if self._mode == "gaps":
            return not waiting.gaps or all(span in self._answers for span, _ in self._requests_of(finished))
        return True

    def _turns_of(self, finished: FinishedUtterance) -> list[tuple[Span, Sequence[Segment]]]:
        if not finished.voice:
            return []
        first, last = finished.voice[0].started, finished.voice[-1].ended
        return [turn for turn in self._turns if turn[0][0] < last and first < turn[0][1]]

    def _record_ready(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for waiting in [waiting for waiting in self._waiting if self._ready(waiting)]:
            self._waiting.remove(waiting)
            actions += self._record(waiting, now)
        return actions

    def _record(self, waiting: _Waiting, now: float) -> list[Action]:
        finished, trusted, live = waiting.finished, waiting.trusted, waiting.finished.utterance.text
        turns = self._turns_of(finished)
        self._turns = [turn for turn in self._turns if turn not in turns]
        shadow, times = join_segments([segment for _, segments in turns for segment in segments])
        requests = self._requests_of(finished)
        answered = [(span, gap, self._answers[span]) for span, gap in requests if span in self._answers]
        repairs = join_overlapping(answered)
        self._late |= {span: trusted for span, _ in requests if span not in self._answers and self._mode == "gaps"}
        utterance = replace(finished.utterance, times=arrival_timing(finished.fragments, finished.voice))
        if shadow and self._prefers_shadow(shadow, trusted.utterance.text):
            utterance = replace(utterance, text=shadow, source="shadow", times=times)
        elif waiting.gaps and (spliced := splice(trusted, repairs, self._policy.gaps)) is not None:
            # The timing of a text that was spliced is not known.
            utterance = replace(utterance, text=spliced, source="repaired", times=())
        utterance = replace(utterance, times=clip_timing(utterance.times, utterance.started, utterance.ended))
        if utterance.source != "live":
            self._repaired.append(utterance)
            known = [gap for gap, text in repairs if text]
            self._completeness.repaired(
                [gap for gap in waiting.gaps if utterance.source == "shadow" or any(map(gap.overlaps, known))]
            )
        versions: tuple[tuple[str, Source], ...] = ((live, "live"), (shadow, "shadow"))
        actions: list[Action] = [
            RecordEvent(AlternativeTranscribed(now, utterance.started, utterance.ended, text, source))
            for text, source in versions
            if text and text != utterance.text
        ]
        return [*actions, RecordUtterance(replace(utterance, at=now))] if utterance.text else actions

    def _prefers_shadow(self, shadow: str, live: str) -> bool:
        if self._policy.prefer == "fuller":
            return content_words(shadow) > _FULLER * content_words(live)
        return self._policy.prefer == "shadow" or not live

    def _already_recorded(self, utterance: UtteranceSpoken, now: float) -> list[Action]:
        """For text that was received after its turn was recorded with the second transcriber's text; else empty."""
        near = [one for one in self._repaired if one.started - 1 <= utterance.started <= one.ended + 1]
        if any(shared_words(utterance.text, one.text) >= _SAME for one in near):
            late = AlternativeTranscribed(now, utterance.started, utterance.ended, utterance.text, "live")
            return [RecordEvent(late)]
        return []

    def _record_alone(
        self, text: str, started: float, ended: float, source: Source, now: float, times: Sequence[SegmentTiming] = ()
    ) -> list[Action]:
        """Record a text as an utterance of its own."""
        if not text:
            return []
        known = clip_timing(times, started, ended)
        utterance = UtteranceSpoken(now, "caller", text, started, max(started, ended), source=source, times=known)
        self._repaired.append(utterance)
        return [RecordUtterance(utterance)]
