"""When the parts of an utterance's text were spoken, as closely as that is known.

Neither the Live service nor the second transcriber sends word timings. Known are the voice spans, when a fragment was
received, and from which audio a segment was transcribed.
"""

from collections.abc import Sequence
from dataclasses import replace

from core.events import SegmentTiming
from core.transcript.gaps import split_words
from core.transcript.values import Fragment, VoiceSpan

# Words received within so many seconds are one segment: text lags by more than that, and not evenly.
BURST = 1.0

Segment = tuple[str, float, float]
"""A text, and from when to when the audio lasts that it was transcribed from."""


def arrival_timing(fragments: Sequence[Fragment], voice: Sequence[VoiceSpan]) -> tuple[SegmentTiming, ...]:
    """The segments of the text that these fragments make, each with the voice between the arrival of the segment before
    it and its own. Text that arrived while nobody spoke belongs to the segment before.
    """
    timing: list[SegmentTiming] = []
    text = " ".join("".join(fragment.text for fragment in fragments).split())
    offset, before = 0, float("-inf")
    for words, at in _bursts(fragments):
        places = _places(text, words, offset)
        offset = places[0]
        spans = [span for span in voice if max(span.started, before) < min(span.ended, at)]
        if spans:
            started = max(min(span.started for span in spans), before)
            ended = min(max(span.ended for span in spans), at)
            timing.append(SegmentTiming(offset if timing else 0, started, ended))
        offset = places[-1] + len(words[-1])
        before = max(before, at)
    return tuple(timing)


def join_segments(segments: Sequence[Segment]) -> tuple[str, tuple[SegmentTiming, ...]]:
    """The segments in their order as one text, and the timing of each within it."""
    text, timing = "", list[SegmentTiming]()
    for words, started, ended in segments:
        if not words:
            continue
        text = f"{text} {words}" if text else words
        timing.append(SegmentTiming(len(text) - len(words), started, ended))
    return text, tuple(timing)


def clip_timing(timing: Sequence[SegmentTiming], started: float, ended: float) -> tuple[SegmentTiming, ...]:
    """The same clipped to an utterance, in order and without overlap. Empty where no more than one segment is left."""
    clipped: list[SegmentTiming] = []
    last = started
    for one in timing:
        begin, end = max(one.started, last), min(one.ended, ended)
        if end > begin:
            clipped.append(replace(one, offset=one.offset if clipped else 0, started=begin, ended=end))
            last = end
    return tuple(clipped) if len(clipped) > 1 else ()


def _places(text: str, words: Sequence[str], offset: int) -> list[int]:
    """Where in the text the words begin, which it has in this order from `offset` on."""
    places: list[int] = []
    for word in words:
        places.append(text.index(word, offset))
        offset = places[-1] + len(word)
    return places


def _bursts(fragments: Sequence[Fragment]) -> list[tuple[list[str], float]]:
    """Words that arrived together, with the time when the last of them arrived."""
    bursts: list[tuple[list[str], float]] = []
    first = 0.0
    for word in split_words(fragments):
        if bursts and word.at < first + BURST:
            bursts[-1] = ([*bursts[-1][0], word.text], max(bursts[-1][1], word.at))
        else:
            bursts.append(([word.text], word.at))
            first = word.at
    return bursts
