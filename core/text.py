"""Arithmetic of words: a text truncated to a share, and how alike two texts are."""

import re
from functools import lru_cache


def truncate(text: str, share: float) -> str:
    """The first `share` of a text, 0 to 1, to the end of the last whole word."""
    whole = text.rstrip()
    end = round(len(whole) * share)
    if end >= len(whole) or end <= 0:
        return whole if end > 0 else ""
    if not whole[end].isspace():
        end = max(whole.rfind(" ", 0, end), 0)
    return whole[:end].rstrip()


WORD = re.compile(r"[\w']+")


# Words of a shingle: few enough to survive a changed name, enough that "and can you" alone says nothing.
SHINGLE_SIZE = 3


@lru_cache(maxsize=1024)
def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """The runs of three words in a text, ignoring case and punctuation."""
    found = words(text)
    return frozenset(found[n : n + SHINGLE_SIZE] for n in range(len(found) - SHINGLE_SIZE + 1))


@lru_cache(maxsize=1024)
def words(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, without punctuation."""
    return tuple(WORD.findall(text.lower().replace("’", "'")))
