"""Arithmetic of words: cutting a text to a share, and how alike two texts are."""

import re
from functools import lru_cache


def cut(text: str, share: float) -> str:
    """The first `share` of a text, to the end of the last word that was spoken whole; a word half said is not kept."""
    whole = text.rstrip()
    end = round(len(whole) * share)
    if end >= len(whole) or end <= 0:
        return whole if end > 0 else ""
    if not whole[end].isspace():
        end = max(whole.rfind(" ", 0, end), 0)
    return whole[:end].rstrip()


WORD = re.compile(r"[\w']+")


# Runs of three words: short enough to survive a changed name, long enough that "and can you" alone says nothing.
RUN = 3


@lru_cache(maxsize=1024)
def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """The runs of three words in a text, ignoring case and punctuation."""
    found = words(text)
    return frozenset(found[n : n + RUN] for n in range(len(found) - RUN + 1))


@lru_cache(maxsize=1024)
def words(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(text.lower().replace("’", "'")))
