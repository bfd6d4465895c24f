"""Aligns the ends of two texts of overlapping audio, so that words which both have stand once.

Recognisers disagree on single words, punctuation and capitals, and most where the audio was cut. So the overlap is the
alignment of the end of the one text with the beginning of the other that has most words in common, not equality.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from unicodedata import category

from core.text import split_text

# The audio that was transcribed twice is some twenty seconds long at most; nobody says more than four words a second.
_SEARCH_WORDS = 60
# What an alignment gains by two words, and what it loses by a word that only one of the texts has.
_DISTINCTIVE, _EQUAL, _SIMILAR, _DIFFERENT, _ALONE = 3.0, 2.0, 1.0, -0.5, -1.0
_DISTINCTIVE_LETTERS = 5
# What it loses at most by words at the beginning of the second text: the first may lack what was said there.
_BEGINNING = 4.0
# What proves an overlap: one distinctive word, even beside one that differs, or two others.
_PROOF = 2.5

_FILLERS = frozenset({"uh", "um", "ah", "er", "erm", "hm", "hmm", "mm", "mhm"})


@lru_cache(maxsize=8192)
def normalized(word: str) -> str:
    """The word without capitals and punctuation."""
    # Vowel signs are marks, not letters: without them words of Hindi or Thai are alike that are not.
    letters = (one for one in word.casefold() if one.isalnum() or one in "_'" or category(one).startswith("M"))
    return "".join(letters).strip("'_")


def content_words(text: str) -> int:
    """How many words a text has, fillers not counted: some recognisers write them and some do not."""
    return sum(1 for word in split_text(text) if (plain := normalized(word)) and plain not in _FILLERS)


def appended(base: Sequence[str], more: Sequence[str]) -> list[str]:
    """`more` behind `base`, without the words at its beginning that repeat the end of `base`."""
    pairs = overlap(base, more)
    return [*base, *more[pairs[-1][1] + 1 if pairs else 0 :]]


def prepended(more: Sequence[str], base: Sequence[str]) -> list[str]:
    """`more` in front of `base`, without the words at its end that repeat the beginning of `base`."""
    return appended(base[::-1], more[::-1])[::-1]


def joined(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """`first` and `second` with what both have once: `first` up to the middle of it, for the end of its audio may be
    within a word, and from there on `second`, for the beginning of its audio may be too.
    """
    pairs = overlap(first, second)
    equal = [(n, m) for n, m in pairs if normalized(first[n]) == normalized(second[m])] or pairs
    if not equal:
        return [*first, *second]
    n, m = equal[len(equal) // 2]
    return [*first[:n], *second[m:]]


def shared_words(part: str, whole: str) -> float:
    """The share of the words of `part`, 0 to 1, that `whole` has in the same order."""
    words, among = ([normalized(word) for word in split_text(text)] for text in (part, whole))
    if not words:
        return 1.0
    return sum(size for _, _, size in SequenceMatcher(None, words, among, autojunk=False).get_matching_blocks()) / len(
        words
    )


def overlap(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """The places in `first` and in `second` of the words that stand for each other; none where nothing overlaps."""
    left = [normalized(word) for word in first[-_SEARCH_WORDS:]]
    right = [normalized(word) for word in second[:_SEARCH_WORDS]]
    # scores[n][m] is of the best alignment of words before `n` in `left` with all of those before `m` in `right`.
    starts = [-min(_BEGINNING, float(m)) for m in range(len(right) + 1)]
    scores, steps = [starts], [["start"] * len(starts)]
    for word in left:
        above, row, chosen = scores[-1], [0.0], ["start"]
        for m, other in enumerate(right):
            score, step = max(
                (above[m] + _likeness(word, other), "both"),
                (above[m + 1] + _alone(word), "left"),
                (row[m] + _alone(other), "right"),
                (starts[m + 1], "start"),
                key=lambda choice: choice[0],
            )
            row.append(score)
            chosen.append(step)
        scores.append(row)
        steps.append(chosen)
    n, m = len(left), scores[-1].index(max(scores[-1]))
    if scores[n][m] < _PROOF:
        return []
    pairs: list[tuple[int, int]] = []
    while (step := steps[n][m]) != "start":
        n -= step != "right"
        m -= step != "left"
        if step == "both":
            pairs.append((len(first) - len(left) + n, m))
    return pairs[::-1]


def _alone(word: str) -> float:
    return 0.0 if not word or word in _FILLERS else _ALONE


@lru_cache(maxsize=8192)
def _likeness(one: str, other: str) -> float:
    if not one or not other or (one in _FILLERS) != (other in _FILLERS):
        return 2 * _ALONE  # no word stands for a filler
    if one == other:
        return 0.0 if one in _FILLERS else _DISTINCTIVE if len(one) >= _DISTINCTIVE_LETTERS else _EQUAL
    if min(len(one), len(other)) < 4 or any(map(str.isdigit, one + other)):
        return _DIFFERENT
    return _SIMILAR if SequenceMatcher(None, one, other, autojunk=False).ratio() >= 0.7 else _DIFFERENT
