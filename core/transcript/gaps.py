"""Where the caller was heard to speak and the transcript has too few words for it.

Words carry no times, only when their text came. So each word is placed as late as its arrival, the order of the words
and the pace of the speaker allow, on an axis of voiced seconds; a stretch with next to no words is then a hole whatever
the true times were. Whoever speaks says 2 to 3 words in a second of voice (conversational English is 140 to 180 words a
minute, pauses included: Tauroza and Allison, Applied Linguistics 11, 1990), a learner at least one; a stall gives none.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from core.transcript.values import Fragment, VoiceSpan

# Text of one message, and of those right behind it, came at one moment.
_MOMENT = 0.5
# Seconds that a service's text is behind the voice; 2 to 4 were seen. The lag that explains most is taken.
_LAGS = (0.0, 1.0, 2.0, 3.0, 4.0)
# Words a second of voice. Without better knowledge a lump of text is of a slow speaker, and a jam of a usual one.
_SLOW = 1.0
# A word is placed at its middle, and lasts about as long again.
_WORD = 0.2
# Voice at the end of a turn that broke off is missed from here on: it holds a word or two.
LEAST_UNTOLD = 0.5
_USUAL = 2.5


@dataclass(frozen=True, slots=True)
class GapPolicy:
    """A hole is a `window` of voiced seconds with fewer than `least_rate` words a second.

    A turn with less voice than `least_voice` is not judged: a cough is no word.
    """

    window: float = 5.0
    least_rate: float = 0.5
    least_voice: float = 2.0


@dataclass(frozen=True, slots=True)
class Gap:
    """From `started` to `ended` the caller spoke for `voiced` seconds, and there are `words` words for it."""

    started: float
    ended: float
    voiced: float
    words: int

    def meets(self, other: "Gap") -> bool:
        """Whether the two have a moment in common."""
        return self.started < other.ended and other.started < self.ended


@dataclass(frozen=True, slots=True)
class Placed:
    """A word and about when it was said."""

    text: str
    at: float


class Axis:
    """The stretches of voice of a turn, put end to end."""

    def __init__(self, voice: Sequence[VoiceSpan]) -> None:
        self._stretches: list[VoiceSpan] = []
        for one in sorted(voice, key=lambda stretch: stretch.started):
            begun = max(one.started, self._stretches[-1].ended) if self._stretches else one.started
            if one.ended > begun:
                self._stretches.append(VoiceSpan(begun, one.ended))
        self._sums = [0.0]
        for one in self._stretches:
            self._sums.append(self._sums[-1] + one.ended - one.started)

    @property
    def length(self) -> float:
        """All of the voice, in seconds."""
        return self._sums[-1]

    def voiced_by(self, when: float) -> float:
        """Seconds of voice before a time of the call."""
        n = bisect_right(self._stretches, when, key=lambda stretch: stretch.started)
        return min(self._sums[n], self._sums[n - 1] + when - self._stretches[n - 1].started) if n else 0.0

    def time_of(self, voiced: float, *, ending: bool = False) -> float:
        """The time of the call at which so many seconds of voice were over; at a pause, the end before it when
        `ending`, else the start after it.
        """
        if not self._stretches:
            return 0.0
        n = len(self._stretches) - 1
        for index, stretch in enumerate(self._stretches):
            length = stretch.ended - stretch.started
            if voiced < self._sums[index] + length or (ending and voiced <= self._sums[index] + length):
                n = index
                break
        return min(self._stretches[n].started + voiced - self._sums[n], self._stretches[n].ended)


def words_of(pieces: Sequence[Fragment]) -> list[Fragment]:
    """The words of the pieces, each with the time at which its first letter came."""
    words: list[Fragment] = []
    inside = False
    for piece in pieces:
        parts = piece.text.split()
        if parts and inside and not piece.text[0].isspace():
            words[-1] = Fragment(words[-1].text + parts.pop(0), words[-1].at)
        words += [Fragment(part, piece.at) for part in parts]
        if piece.text:
            inside = bool(words) and not piece.text[-1].isspace()
    return words


def placed(voice: Sequence[VoiceSpan], pieces: Sequence[Fragment], policy: GapPolicy | None = None) -> list[Placed]:
    """Each word of the pieces, in order, at the time of the call when it was about said."""
    axis, words = Axis(voice), words_of(pieces)
    best = min(
        (_places(axis, words, lag) for lag in _LAGS), key=lambda places: _lacking(axis, places, policy or GapPolicy())
    )
    return [Placed(word.text, axis.time_of(at)) for word, at in zip(words, best, strict=True)]


def find_gaps(
    voice: Sequence[VoiceSpan], pieces: Sequence[Fragment], policy: GapPolicy, *, over: bool = True
) -> list[Gap]:
    """The holes of a turn, in order; while it is not `over`, only those with enough text behind them."""
    axis = Axis(voice)
    if axis.length < policy.least_voice:
        return []
    words = words_of(pieces)
    places = min((_places(axis, words, lag) for lag in _LAGS), key=lambda one: _lacking(axis, one, policy))
    windows = _windows(axis.length, policy.window)
    if not over:
        windows = windows[: _decided(windows, words, places)]
    found: list[tuple[float, float, int]] = []
    for begin, end, count in _counted(windows, places):
        if count >= policy.least_rate * (end - begin):
            continue
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end, found[-1][2] + count)
        else:
            found.append((begin, end, count))
    if over and found and words and words[-1].at - words[0].at < _MOMENT:
        # It came in one lump, which does not tell where in the turn words are missing.
        found = [(0.0, axis.length, len(words))]
    return [Gap(axis.time_of(begin), axis.time_of(end, ending=True), end - begin, count) for begin, end, count in found]


def trailing_gap(voice: Sequence[VoiceSpan], pieces: Sequence[Fragment], policy: GapPolicy) -> Gap | None:
    """The voice behind the last word: of an utterance whose text nobody waits for any more, all of it is missing."""
    axis, words = Axis(voice), placed(voice, pieces, policy)
    begin = axis.voiced_by(words[-1].at) + _WORD if words else 0.0
    if policy.least_rate == 0 or axis.length - begin < LEAST_UNTOLD:
        return None
    return Gap(axis.time_of(begin), axis.time_of(axis.length, ending=True), axis.length - begin, 0)


def reach(hole: Gap, voice: Sequence[VoiceSpan], pieces: Sequence[Fragment], margin: float) -> tuple[float, float]:
    """The stretch that surely holds the hole: further by `margin` seconds on both sides, and by the whole of a lump of
    text next to it, whose words may be from anywhere since the text before.
    """
    words = list(zip(words_of(pieces), placed(voice, pieces), strict=True))
    first, last = hole.started - margin, hole.ended + margin
    if before := [word.at for word, place in words if place.at < hole.started]:
        earlier = [at for at in before if at < before[-1] - _MOMENT]
        first = min(first, earlier[-1] - _LAGS[-1] if earlier else voice[0].started)
    if after := [word.at for word, place in words if place.at >= hole.ended]:
        last = max(last, after[0])
    return max(first, min(one.started for one in voice)), min(last, max(one.ended for one in voice))


def _windows(length: float, window: float) -> list[tuple[float, float]]:
    count = max(1, int(length / window))  # what is left of it is part of the last one
    return [(n * window, length if n == count - 1 else (n + 1) * window) for n in range(count)]


def _counted(windows: Sequence[tuple[float, float]], places: Sequence[float]) -> list[tuple[float, float, int]]:
    last = len(windows) - 1
    return [
        (begin, end, sum(1 for at in places if begin <= at and (at < end or n == last)))
        for n, (begin, end) in enumerate(windows)
    ]


def _lacking(axis: Axis, places: Sequence[float], policy: GapPolicy) -> float:
    counted = _counted(_windows(axis.length, policy.window), places)
    return sum(end - begin for begin, end, count in counted if count < policy.least_rate * (end - begin))


def _decided(windows: Sequence[tuple[float, float]], words: Sequence[Fragment], places: Sequence[float]) -> int:
    """How many windows have so much text behind them that none will come for them: late text comes in a jam."""
    for n in range(len(windows) - 1, 0, -1):
        behind = [word.at for word, at in zip(words, places, strict=True) if at >= windows[n][0]]
        if len(behind) >= 8 and behind[-1] - behind[0] >= 5.0:
            return n
    return 0


def _places(axis: Axis, words: Sequence[Fragment], lag: float) -> list[float]:
    """The place of each word on the axis, never falling."""
    lumps: list[tuple[float, int]] = []  # voiced seconds when a lump of text came, and its words
    came = 0.0
    for word in words:
        if not lumps or word.at - came >= _MOMENT:
            lumps.append((axis.voiced_by(word.at - lag), 0))
            came = word.at
        lumps[-1] = (lumps[-1][0], lumps[-1][1] + 1)
    own = _own_pace(lumps)
    slow, usual = (max(_SLOW, 0.7 * own), max(_SLOW, own)) if own else (_SLOW, _USUAL)
    places: list[float] = []
    before = 0.0
    for end, count in lumps:
        begin = max(before, end - count / slow)
        places += [begin + (end - begin) * (n + 0.5) / count for n in range(count)]
        before = end
    # A jam: more words at one place than anybody says. They were said before it; those that came when all was said may
    # be from anywhere.
    latest = axis.length
    for n in range(len(places) - 1, -1, -1):
        places[n] = max(0.0, min(places[n], latest))
        latest = places[n] - 1 / (slow if axis.voiced_by(words[n].at - lag) >= axis.length else usual)
    return places


def _own_pace(lumps: Sequence[tuple[float, int]]) -> float | None:
    """Words a second of voice where text came steadily; None when too little did."""
    seconds, words, before = 0.0, 0, 0.0
    for end, count in lumps:
        span, before = end - before, end
        if 0 < span <= 15.0 and count >= _SLOW * span:
            seconds, words = seconds + span, words + count
    return words / seconds if seconds >= 10.0 else None
