"""Where in the call the parts of an utterance were said, as far as anybody knows.

Neither the Live service nor the second ears time their words. Known are the voice, when a text came, and which stretch
of audio a piece was heard in.
"""

from collections.abc import Sequence
from dataclasses import replace

from core.events import Timed
from core.transcript.gaps import words_of
from core.transcript.values import Fragment, VoiceSpan

# Words that came within so many seconds are one part: text lags by more than that, and not evenly.
LUMP = 1.0

Heard = tuple[str, float, float]
"""A text, and from when to when the audio lasts that it was heard in."""


def of_arrivals(pieces: Sequence[Fragment], voice: Sequence[VoiceSpan]) -> tuple[Timed, ...]:
    """The parts of the text that these pieces make, each with the voice between the arrival of the part before it and
    its own. What came while nobody spoke belongs to the part before.
    """
    found: list[Timed] = []
    offset, before = 0, float("-inf")
    for words, at in _lumps(pieces):
        heard = [one for one in voice if max(one.started, before) < min(one.ended, at)]
        if heard:
            started = max(min(one.started for one in heard), before)
            ended = min(max(one.ended for one in heard), at)
            found.append(Timed(offset if found else 0, started, ended))
        offset += len(words) + 1
        before = max(before, at)
    return tuple(found)


def joined(heard: Sequence[Heard]) -> tuple[str, tuple[Timed, ...]]:
    """Texts in their order as one, and where each is in it."""
    text, times = "", list[Timed]()
    for words, started, ended in heard:
        if not words:
            continue
        text = f"{text} {words}" if text else words
        times.append(Timed(len(text) - len(words), started, ended))
    return text, tuple(times)


def within(times: Sequence[Timed], started: float, ended: float) -> tuple[Timed, ...]:
    """The same within an utterance's own time, in order and apart. Empty where that tells no more than its own time."""
    kept: list[Timed] = []
    last = started
    for one in times:
        begin, end = max(one.started, last), min(one.ended, ended)
        if end > begin:
            kept.append(replace(one, offset=one.offset if kept else 0, started=begin, ended=end))
            last = end
    return tuple(kept) if len(kept) > 1 else ()


def _lumps(pieces: Sequence[Fragment]) -> list[tuple[str, float]]:
    """The words, those together that came together, with the time when the last of them came."""
    lumps: list[tuple[str, float]] = []
    first = 0.0
    for word in words_of(pieces):
        if lumps and word.at < first + LUMP:
            lumps[-1] = (f"{lumps[-1][0]} {word.text}", max(lumps[-1][1], word.at))
        else:
            lumps.append((word.text, word.at))
            first = word.at
    return lumps
