"""Aligns the ends of two texts of overlapping audio, so that words which both have stand once.

Recognisers disagree on single words, punctuation and capitals, so the overlap is found by runs of equal words near the
joint, not by equality.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

# The audio that was transcribed twice is some ten seconds long; nobody says more than four words a second.
_SEARCH_WORDS = 40
# A single word proves an overlap if it has so many letters.
_DISTINCTIVE = 5

_FILLERS = frozenset({"uh", "um", "ah", "er", "erm", "hm", "hmm", "mm", "mhm"})


def normalized(word: str) -> str:
    """The word without capitals and punctuation."""
    return re.sub(r"[^\w']", "", word.casefold()).strip("'_")


def content_words(text: str) -> int:
    """How many words a text has, fillers not counted: some recognisers write them and some do not."""
    return sum(1 for word in text.split() if (plain := normalized(word)) and plain not in _FILLERS)


def appended(base: Sequence[str], more: Sequence[str]) -> list[str]:
    """`more` behind `base`, without the words at its beginning that repeat the end of `base`."""
    left = [normalized(word) for word in base[-_SEARCH_WORDS:]]
    right = [normalized(word) for word in more[:_SEARCH_WORDS]]
    # Words of `base` behind the run stand for as many of `more`. The longest run is the likeliest to be the overlap.
    runs = [(size, at - len(left), there + len(left) - at) for at, there, size in _equal_runs(left, right)]
    near = [(size, behind, until) for size, behind, until in runs if size + behind >= -_tolerance(size)]
    return [*base, *more[max(near)[2] if near else _similar_prefix(left, right) :]]


def prepended(more: Sequence[str], base: Sequence[str]) -> list[str]:
    """`more` in front of `base`, without the words at its end that repeat the beginning of `base`."""
    return appended(base[::-1], more[::-1])[::-1]


def shared_words(part: str, whole: str) -> float:
    """The share of the words of `part`, 0 to 1, that `whole` has in the same order."""
    words, among = [normalized(word) for word in part.split()], [normalized(word) for word in whole.split()]
    if not words:
        return 1.0
    return sum(size for _, _, size in SequenceMatcher(None, words, among, autojunk=False).get_matching_blocks()) / len(
        words
    )


def _tolerance(size: int) -> int:
    """How many words at the joint may be transcribed differently: a short run proves an overlap only right there."""
    return 4 if size >= 3 else size - 1


def _similar_prefix(left: Sequence[str], right: Sequence[str]) -> int:
    """How many words at the start of `right` resemble the end of `left`, word by word; 0 when none do."""
    best, found = 0.0, 0
    for until in range(2, len(right) + 1):
        width = min(8, until, len(left))
        pairs = zip(left[len(left) - width :], right[until - width : until], strict=True)
        similar = sum(_similar(one, other) for one, other in pairs)
        if width >= 2 and similar >= 0.75 * width and similar > best:
            best, found = similar, until
    return found


def _similar(one: str, other: str) -> bool:
    long = min(len(one), len(other)) >= 4
    return one == other or (long and SequenceMatcher(None, one, other, autojunk=False).ratio() >= 0.7)


def _equal_runs(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int, int]]:
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    return [(a, b, size) for a, b, size in blocks if size >= 2 or (size == 1 and len(left[a]) >= _DISTINCTIVE)]
