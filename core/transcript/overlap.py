"""Two transcripts that share a stretch, joined: the words both have stand once.

Recognisers disagree on single words, punctuation and capitals, so the shared stretch is found by runs of the same
words near the joint, not by equality.
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

# The stretch that was heard twice is some ten seconds long; nobody says more than four words a second.
_REACH = 40
# A single word proves an overlap if it is not one of the small ones.
_TELLING = 5

_FILLERS = frozenset({"uh", "um", "ah", "er", "erm", "hm", "hmm", "mm", "mhm"})


def bare(word: str) -> str:
    """The word without capitals and punctuation."""
    return re.sub(r"[^\w']", "", word.casefold()).strip("'_")


def content(text: str) -> int:
    """How many words a text has, fillers not counted: some recognisers write them and some do not."""
    return sum(1 for word in text.split() if (plain := bare(word)) and plain not in _FILLERS)


def appended(kept: Sequence[str], more: Sequence[str]) -> list[str]:
    """`more` behind `kept`, without the words at its beginning that repeat the end of `kept`."""
    left, right = [bare(word) for word in kept[-_REACH:]], [bare(word) for word in more[:_REACH]]
    # Words of `kept` behind the run stand for as many of `more`. The longest run is the likeliest to be the stretch.
    runs = [(size, at - len(left), there + len(left) - at) for at, there, size in _runs(left, right)]
    near = [(size, behind, until) for size, behind, until in runs if size + behind >= -_slack(size)]
    return [*kept, *more[max(near)[2] if near else _likeness(left, right) :]]


def prepended(more: Sequence[str], kept: Sequence[str]) -> list[str]:
    """`more` in front of `kept`, without the words at its end that repeat the beginning of `kept`."""
    return appended(kept[::-1], more[::-1])[::-1]


def share(part: str, whole: str) -> float:
    """How much of a text, 0 to 1, another one has in the same order."""
    words, among = [bare(word) for word in part.split()], [bare(word) for word in whole.split()]
    if not words:
        return 1.0
    return sum(size for _, _, size in SequenceMatcher(None, words, among, autojunk=False).get_matching_blocks()) / len(
        words
    )


def _slack(size: int) -> int:
    """How many words at the joint may have been heard differently: a short run proves something only right there."""
    return 4 if size >= 3 else size - 1


def _likeness(left: Sequence[str], right: Sequence[str]) -> int:
    """How many words at the start of `right` are the end of `left` as other ears heard it; 0 when none are."""
    best, found = 0.0, 0
    for until in range(2, len(right) + 1):
        width = min(8, until, len(left))
        pairs = zip(left[len(left) - width :], right[until - width : until], strict=True)
        like = sum(_alike(one, other) for one, other in pairs)
        if width >= 2 and like >= 0.75 * width and like > best:
            best, found = like, until
    return found


def _alike(one: str, other: str) -> bool:
    long = min(len(one), len(other)) >= 4
    return one == other or (long and SequenceMatcher(None, one, other, autojunk=False).ratio() >= 0.7)


def _runs(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int, int]]:
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    return [(a, b, size) for a, b, size in blocks if size >= 2 or (size == 1 and len(left[a]) >= _TELLING)]
