"""Is the examiner saying the same thing again?"""

import re
from collections.abc import Iterable

_WORD = re.compile(r"[\w']+")
# Runs of three words: short enough to survive a changed name, long enough that "and can you" alone says nothing.
_RUN = 3
# Fewer words than this are a courtesy ("Thank you.") that may come as often as it likes.
_LEAST_WORDS = 6


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """The runs of three words in a text, ignoring case and punctuation."""
    words = _WORD.findall(text.lower())
    return frozenset(tuple(words[n : n + _RUN]) for n in range(len(words) - _RUN + 1))


def similarity(text: str, other: str) -> float:
    """How much of the shorter text is in the other, from 0 to 1."""
    ours, theirs = shingles(text), shingles(other)
    if not ours or not theirs:
        return 0.0
    return len(ours & theirs) / min(len(ours), len(theirs))


def repeated(text: str, earlier: Iterable[str], threshold: float = 0.8) -> float | None:
    """How much `text` resembles the nearest earlier utterance, when that is a repetition; else None."""
    if len(_WORD.findall(text)) < _LEAST_WORDS:
        return None
    best = max(
        (similarity(text, old) for old in earlier if len(_WORD.findall(old)) >= _LEAST_WORDS),
        default=0.0,
    )
    return best if best >= threshold else None
