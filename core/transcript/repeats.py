"""The same speech transcribed twice stands once: replayed audio, and a text that the service has sent twice.

A person who says something twice has said it twice. So text counts as sent twice only where no voice was detected
between the two, and where nobody could have said both.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from core.transcript.gaps import VoiceAxis
from core.transcript.overlap import normalized
from core.transcript.values import Fragment, VoiceSpan

# A second transcription that has this share of the words of the first, and no fewer words, takes its place.
_SAME = 0.6
# The last words of a transcription may be misheard: only more than these are missing in the other.
_UNSURE_WORDS = 3
# Words that are repeated by chance; fewer are never taken for a text that was sent twice.
_LEAST_WORDS = 3
# Words in a second of voice from which on a window's text that stands twice was sent twice. What is only part of a
# window may be repeated by the speaker, unless it is more than anybody says.
_MOST_OF_ONE_WINDOW, _MOST_WORDS = 2.5, 4.0
# A word, or a character of a script without blanks, with the blanks before it.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_UNIT = re.compile(rf"\s*(?:[{_UNSPACED}]|[^\s{_UNSPACED}]+)")
_NEEDS_BLANK = re.compile(rf"(?![{_UNSPACED}])\w")


@dataclass(frozen=True, slots=True)
class _Unit:
    """A word with the blanks before it; `first`: a fragment begins with it."""

    text: str
    at: float
    plain: str
    first: bool


def better_of(first: Sequence[Fragment], second: Sequence[Fragment], *, went_on: bool) -> list[Fragment]:
    """The better of two transcriptions of replayed audio: the second, unless it lacks words that the first has.

    They are cut at the last word they have in common, and the longer beginning and the longer end are taken. Where the
    speaker `went_on`, the second has words of later audio behind those.
    """
    one, other = _units(first), _units(second)
    if not one or not other:
        return list(second if other else first)
    pairs = _matches(one, other)
    if len(other) >= len(one) and len(pairs) >= _SAME * len(one):
        return list(second)
    if not pairs and not went_on:
        return list(second if len(other) >= len(one) else first)
    if went_on:
        # What is common to the first and to later speech says nothing: only the beginning of the second repeats it.
        repeated = _repeated(pairs, len(other))
        pairs = [pair for pair in pairs if pair[1] < repeated]
        if not pairs:
            return _joined(one, other)
    n, m = pairs[-1]
    beginning = other[: m + 1] if m >= n else one[: n + 1]
    end, of_first = other[m + 1 :], one[n + 1 :]
    if went_on and len(of_first) > _UNSURE_WORDS:
        end = [*of_first, *end]
    elif not went_on and len(of_first) > len(end):
        end = of_first
    return _joined(beginning, end) if len(beginning) + len(end) >= len(one) else list(first)


def lacks_words(second: Sequence[Fragment], first: Sequence[Fragment]) -> bool:
    """Whether a second transcription has fewer words than the first: more of it may be on its way."""
    return len(_units(second)) < len(_units(first))


def without_repeat_of(earlier: Sequence[Fragment], later: Sequence[Fragment], *, voiced: bool) -> list[Fragment]:
    """`later` without the words at its beginning that transcribe `earlier` a second time.

    Where `later` has words of new voice (`voiced`), some words in common prove nothing: they have to be most of
    `earlier`.
    """
    one, other = _units(earlier), _units(later)
    pairs = _matches(one, other)
    end = _repeated(pairs, len(other))
    repeated = [m for _, m in pairs if m < end]
    enough = max(_LEAST_WORDS, _SAME * len(one)) if voiced else min(_LEAST_WORDS, len(other))
    return _joined(other[repeated[-1] + 1 :], []) if repeated and len(repeated) >= enough else list(later)


def same_words(one: Sequence[Fragment], other: Sequence[Fragment]) -> bool:
    """Whether two texts are the same but for capitals and punctuation."""
    return [unit.plain for unit in _units(one)] == [unit.plain for unit in _units(other)]


def repeats(later: Sequence[Fragment], earlier: Sequence[Fragment]) -> bool:
    """Whether `later` has the words of `earlier` or, if it is not too short to tell, of a part of it."""
    one, other = ([unit.plain for unit in _units(text)] for text in (earlier, later))
    if len(other) < _LEAST_WORDS:
        return one == other
    return any(one[n : n + len(other)] == other for n in range(len(one) - len(other) + 1))


def once(fragments: Sequence[Fragment], voice: Sequence[VoiceSpan], windows: int) -> list[Fragment]:
    """The fragments of a turn of so many `windows`, without text that the service has sent twice."""
    if not voice or len(fragments) < 2:
        return list(fragments)
    units, axis = _units(fragments), VoiceAxis(voice)
    words = [unit.plain for unit in units]
    begun: dict[str, list[int]] = {}  # where fragments begin with a word
    changed, n = False, 0
    while n < len(units):
        copies = begun.get(words[n], []) if units[n].first else []
        sizes = (n - start for start in copies if _LEAST_WORDS <= n - start <= len(words) - n)
        # The last word first: it tells most of them apart without a copy of all of their words.
        likely = (size for size in sizes if words[n + size - 1] == words[n - 1])
        size = next((size for size in likely if words[n - size : n] == words[n : n + size]), 0)
        if size and _sent_twice(units, n, size, axis, windows):
            del units[n : n + size], words[n : n + size]
            changed = True
            continue
        if units[n].first:
            begun.setdefault(words[n], []).append(n)
        n += 1
    return _joined(units, []) if changed else list(fragments)


def _sent_twice(units: Sequence[_Unit], n: int, size: int, axis: VoiceAxis, windows: int) -> bool:
    """Whether the `size` words from `n` on, which are the same as those before them, were not said once more."""
    arrived = axis.voiced_by(units[n - 1].at)
    if axis.voiced_by(units[n].at) > arrived:
        return False
    start = n - size
    whole = start == 0 or not any(unit.first for unit in units[start + 1 : n])
    voiced = arrived - (axis.voiced_by(units[start - 1].at) if start else 0.0)
    # Text that arrived together with what was before it: only that of the whole turn can be held against its voice.
    count, voiced = (2 * size, voiced) if voiced > 0 else (len(units), axis.length)
    return count > voiced * (_MOST_OF_ONE_WINDOW if whole and windows == 1 else _MOST_WORDS)


def _units(fragments: Sequence[Fragment]) -> list[_Unit]:
    """The words of the fragments, each with the time at which its first letter arrived. A fragment of several words
    begins with a word, though there is no blank before it: it may be a text that was sent once more.
    """
    units: list[_Unit] = []
    inside = False  # of a word, which the next fragment may go on with
    for fragment in fragments:
        parts: list[str] = _UNIT.findall(fragment.text)
        for n, text in enumerate(parts):
            plain = normalized(text)
            goes_on = n == 0 and inside and len(parts) == 1 and _NEEDS_BLANK.match(text)
            if units and (goes_on or not plain):
                last = units[-1]
                units[-1] = replace(last, text=last.text + text, plain=last.plain + plain)
            else:
                units.append(_Unit(text, fragment.at, plain, first=n == 0))
        if units and not parts:
            units[-1] = replace(units[-1], text=units[-1].text + fragment.text)
        if fragment.text:
            inside = not fragment.text[-1].isspace()
    return units


def _matches(one: Sequence[_Unit], other: Sequence[_Unit]) -> list[tuple[int, int]]:
    """The places of the words that both have, in order."""
    # Of texts of 200 words and more, common words match only next to a rarer one (`autojunk`): a tenth of the time.
    matcher = SequenceMatcher(None, [unit.plain for unit in one], [unit.plain for unit in other])
    pairs: list[tuple[int, int]] = []
    n = m = 0
    for block in matcher.get_matching_blocks():
        # A single word far ahead in the one and near in the other is common by chance.
        if block.size == 1 and block.a - n > block.b - m + _UNSURE_WORDS:
            continue
        pairs += [(block.a + k, block.b + k) for k in range(block.size)]
        n, m = block.a + block.size, block.b + block.size
    return pairs


def _repeated(pairs: Sequence[tuple[int, int]], words: int) -> int:
    """How many of the second text's words, from its beginning, are more likely of the first text than not."""
    matched = {m for _, m in pairs}
    score = end = 0
    for m in range(words):
        score += 1 if m in matched else -1
        if score > 0:
            end = m + 1
    return end


def _joined(units: Sequence[_Unit], more: Sequence[_Unit]) -> list[Fragment]:
    """Both as fragments, with a blank between them."""
    joined = [Fragment(unit.text, unit.at) for unit in (*units, *more)]
    if units and more and _NEEDS_BLANK.match(more[0].text):
        joined[len(units)] = Fragment(f" {more[0].text}", more[0].at)
    return joined
