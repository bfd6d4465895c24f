"""Gaps: where the caller's voice was detected and the transcript has too few words for it.

Words have no timing, only the arrival of their text. So each word is placed as late as its arrival, the order of the
words and the speaking rate allow, on an axis of voiced seconds; a window with next to no words is then a gap whatever
the true times were. Speech has 2 to 3 words in a second of voice (conversational English is 140 to 180 words a minute,
pauses included: Tauroza and Allison, Applied Linguistics 11, 1990), a learner's at least one; a stall gives none.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from core.text import word_spans
from core.transcript.values import Fragment, VoiceSpan

# Seconds within which the text of one message, and of those right behind it, arrives: a burst.
_BURST = 0.5
# Seconds that a service's text is behind the voice; 2 to 4 were seen. The lag that explains most is taken.
_LAGS = (0.0, 1.0, 2.0, 3.0, 4.0)
# Words a second of voice. Without better knowledge a burst of text is of a slow speaker, and a backlog of a usual one.
_SLOW_RATE = 1.0
_USUAL_RATE = 2.5
# A word is placed at its middle, and lasts about as long again.
HALF_WORD = 0.2
# Seconds of voice from which on words are missing where there are none: a "yes" with its voice detector's margins. A
# cough or a click is mostly shorter; one that is not costs a retranscription.
LEAST_SPEECH = 0.5


@dataclass(frozen=True, slots=True)
class GapPolicy:
    """A gap is a `window` of voiced seconds with fewer than `least_rate` words a second.

    A turn with less voice than `least_voice` is judged only where it has no word at all.
    """

    window: float = 5.0
    least_rate: float = 0.5
    least_voice: float = 2.0


@dataclass(frozen=True, slots=True)
class Gap:
    """From `started` to `ended` the caller spoke for `voiced` seconds, and the transcript has `words` words for it."""

    started: float
    ended: float
    voiced: float
    words: int

    def overlaps(self, other: "Gap") -> bool:
        """Whether the two overlap in time."""
        return self.started < other.ended and other.started < self.ended


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word and about when it was said."""

    text: str
    at: float


class VoiceAxis:
    """The voice spans of a turn, put end to end."""

    def __init__(self, voice: Sequence[VoiceSpan]) -> None:
        self._spans: list[VoiceSpan] = []
        for span in sorted(voice, key=lambda span: span.started):
            begun = max(span.started, self._spans[-1].ended) if self._spans else span.started
            if span.ended > begun:
                self._spans.append(VoiceSpan(begun, span.ended))
        self._sums = [0.0]
        for span in self._spans:
            self._sums.append(self._sums[-1] + span.ended - span.started)

    @property
    def length(self) -> float:
        """All of the voice, in seconds."""
        return self._sums[-1]

    def voiced_by(self, when: float) -> float:
        """Seconds of voice before a time of the call."""
        n = bisect_right(self._spans, when, key=lambda span: span.started)
        return min(self._sums[n], self._sums[n - 1] + when - self._spans[n - 1].started) if n else 0.0

    def time_of(self, voiced: float, *, ending: bool = False) -> float:
        """The time of the call after so many seconds of voice; at a pause, the end before it when `ending`, else the
        start after it.
        """
        if not self._spans:
            return 0.0
        n = len(self._spans) - 1
        for index, span in enumerate(self._spans):
            length = span.ended - span.started
            if voiced < self._sums[index] + length or (ending and voiced <= self._sums[index] + length):
                n = index
                break
        return min(self._spans[n].started + voiced - self._sums[n], self._spans[n].ended)


def split_words(fragments: Sequence[Fragment]) -> list[Fragment]:
    """The words of the fragments, each with the time at which its first letter arrived."""
    ends = list(accumulate(len(fragment.text) for fragment in fragments))
    text = "".join(fragment.text for fragment in fragments)
    return [Fragment(text[begin:end], fragments[bisect_right(ends, begin)].at) for begin, end in word_spans(text)]


def place_words(
    voice: Sequence[VoiceSpan], fragments: Sequence[Fragment], policy: GapPolicy | None = None
) -> list[PlacedWord]:
    """Each word of the fragments, in order, at the time of the call when it was about said."""
    axis, words = VoiceAxis(voice), split_words(fragments)
    positions = _best_positions(axis, words, policy or GapPolicy())
    return [PlacedWord(word.text, axis.time_of(at)) for word, at in zip(words, positions, strict=True)]


def find_gaps(
    voice: Sequence[VoiceSpan], fragments: Sequence[Fragment], policy: GapPolicy, *, finished: bool = True
) -> list[Gap]:
    """The gaps of a turn, in order; while it is not `finished`, only those with enough text behind them."""
    axis, words = VoiceAxis(voice), split_words(fragments)
    if axis.length < (policy.least_voice if words or not finished else LEAST_SPEECH):
        return []
    positions = _best_positions(axis, words, policy)
    windows = _windows(axis.length, policy.window)
    if not finished:
        windows = windows[: _complete_windows(windows, words, positions)]
    found: list[tuple[float, float, int]] = []
    for begin, end, count in _count_words(windows, positions):
        if count >= policy.least_rate * (end - begin):
            continue
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end, found[-1][2] + count)
        else:
            found.append((begin, end, count))
    if finished and found and words and words[-1].at - words[0].at < _BURST:
        # It arrived in one burst, which does not tell where in the turn words are missing.
        found = [(0.0, axis.length, len(words))]
    return [Gap(axis.time_of(begin), axis.time_of(end, ending=True), end - begin, count) for begin, end, count in found]


def trailing_gap(voice: Sequence[VoiceSpan], fragments: Sequence[Fragment], policy: GapPolicy) -> Gap | None:
    """The voice behind the last word, for an utterance that gets no more text; None when too little to hold a word."""
    axis, words = VoiceAxis(voice), place_words(voice, fragments, policy)
    begin = axis.voiced_by(words[-1].at) + HALF_WORD if words else 0.0
    if policy.least_rate == 0 or axis.length - begin < LEAST_SPEECH:
        return None
    return Gap(axis.time_of(begin), axis.time_of(axis.length, ending=True), axis.length - begin, 0)


def span_around(
    gap: Gap, voice: Sequence[VoiceSpan], fragments: Sequence[Fragment], margin: float
) -> tuple[float, float]:
    """The span of the call that surely holds the gap: wider by `margin` seconds on both sides, and by the whole of a
    burst of text next to it, whose words may be from anywhere since the text before.
    """
    words = list(zip(split_words(fragments), place_words(voice, fragments), strict=True))
    first, last = gap.started - margin, gap.ended + margin
    if before := [word.at for word, place in words if place.at < gap.started]:
        earlier = [at for at in before if at < before[-1] - _BURST]
        first = min(first, earlier[-1] - _LAGS[-1] if earlier else voice[0].started)
    if after := [word.at for word, place in words if place.at >= gap.ended]:
        last = max(last, after[0])
    return max(first, min(span.started for span in voice)), min(last, max(span.ended for span in voice))


def _windows(length: float, window: float) -> list[tuple[float, float]]:
    count = max(1, int(length / window))  # what is left of it is part of the last one
    return [(n * window, length if n == count - 1 else (n + 1) * window) for n in range(count)]


def _count_words(windows: Sequence[tuple[float, float]], positions: Sequence[float]) -> list[tuple[float, float, int]]:
    last = len(windows) - 1
    return [
        (begin, end, sum(1 for at in positions if begin <= at and (at < end or n == last)))
        for n, (begin, end) in enumerate(windows)
    ]


def _seconds_missing(axis: VoiceAxis, positions: Sequence[float], policy: GapPolicy) -> float:
    """Voiced seconds of the windows with too few words."""
    counted = _count_words(_windows(axis.length, policy.window), positions)
    return sum(end - begin for begin, end, count in counted if count < policy.least_rate * (end - begin))


def _complete_windows(windows: Sequence[tuple[float, float]], words: Sequence[Fragment], positions: list[float]) -> int:
    """How many windows have so much text behind them that no more arrives for them: late text arrives as a backlog."""
    for n in range(len(windows) - 1, 0, -1):
        behind = [word.at for word, at in zip(words, positions, strict=True) if at >= windows[n][0]]
        if len(behind) >= 8 and behind[-1] - behind[0] >= 5.0:
            return n
    return 0


def _best_positions(axis: VoiceAxis, words: Sequence[Fragment], policy: GapPolicy) -> list[float]:
    """The positions at the lag that leaves the fewest seconds without words."""
    candidates = (_positions(axis, words, lag) for lag in _LAGS)
    return min(candidates, key=lambda positions: _seconds_missing(axis, positions, policy))


def _positions(axis: VoiceAxis, words: Sequence[Fragment], lag: float) -> list[float]:
    """The position of each word on the axis, never falling."""
    bursts: list[tuple[float, int]] = []  # voiced seconds when a burst of text arrived, and its words
    arrived = 0.0
    for word in words:
        if not bursts or word.at - arrived >= _BURST:
            bursts.append((axis.voiced_by(word.at - lag), 0))
            arrived = word.at
        bursts[-1] = (bursts[-1][0], bursts[-1][1] + 1)
    own = _speaking_rate(bursts)
    slow, usual = (max(_SLOW_RATE, 0.7 * own), max(_SLOW_RATE, own)) if own else (_SLOW_RATE, _USUAL_RATE)
    positions: list[float] = []
    before = 0.0
    for end, count in bursts:
        begin = max(before, end - count / slow)
        positions += [begin + (end - begin) * (n + 0.5) / count for n in range(count)]
        before = end
    # A backlog: more words at one position than anybody says. They were said before it; those that arrived when all was
    # said may be from anywhere.
    latest = axis.length
    for n in range(len(positions) - 1, -1, -1):
        positions[n] = max(0.0, min(positions[n], latest))
        latest = positions[n] - 1 / (slow if axis.voiced_by(words[n].at - lag) >= axis.length else usual)
    return positions


def _speaking_rate(bursts: Sequence[tuple[float, int]]) -> float | None:
    """Words a second of voice where text arrived steadily; None when too little did."""
    seconds, words, before = 0.0, 0, 0.0
    for end, count in bursts:
        span, before = end - before, end
        if 0 < span <= 15.0 and count >= _SLOW_RATE * span:
            seconds, words = seconds + span, words + count
    return words / seconds if seconds >= 10.0 else None
