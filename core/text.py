"""Arithmetic of words: what a word is in which script, a text truncated to a share, and how alike two texts are."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate

from icu4py.breakers import WordBreaker

# Letters and punctuation of scripts that are written without blanks between words: Thai, Lao, Burmese, Khmer, Chinese
# and Japanese. ICU knows their words from dictionaries.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
_RUN = re.compile(r"\S+")


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where each word of a text begins and ends; punctuation belongs to the word before it, or to the first.

    Words are what stands between blanks, and in scripts without blanks what ICU's dictionaries have as words: English
    has 2 to 3 a second of speech by this count, and so have Chinese, Japanese and Thai.
    """
    spans: list[tuple[int, int]] = []
    for run in _RUN.finditer(text):
        begin, end = run.span()
        if _UNSPACED.search(run[0]) is None:
            spans.append((begin, end))
            continue
        parts = _segments(run[0])
        ends = accumulate(map(len, parts), initial=begin)
        starts = [start for part, start in zip(parts, ends, strict=False) if _is_word(part)]
        spans += zip([begin, *starts[1:]], [*starts[1:], end], strict=True)
    return spans


def split_text(text: str) -> list[str]:
    """The words of a text with their punctuation; see `word_spans`."""
    return [text[begin:end] for begin, end in word_spans(text)]


def join_words(words: Iterable[str]) -> str:
    """Words as one text, with blanks where their script has them."""
    text = ""
    for word in words:
        attached = not text or (_UNSPACED.match(text[-1]) and _UNSPACED.match(word))
        text += word if attached else f" {word}"
    return text


def truncate(text: str, share: float) -> str:
    """The first `share` of a text, 0 to 1, to the end of the last whole word."""
    whole = text.rstrip()
    cut = round(len(whole) * share)
    return whole[: max((end for _, end in word_spans(whole) if end <= cut), default=0)]


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
    plain = text.lower().replace("’", "'")
    if plain.isascii():
        return tuple(WORD.findall(plain))
    return tuple(filter(_is_word, _segments(plain)))


def _segments(text: str) -> list[str]:
    # Which words there are depends on the script, not on the language named here.
    return list(WordBreaker(text.encode(errors="replace").decode(), "en"))  # half a surrogate pair is no character


def _is_word(segment: str) -> bool:
    return any(map(str.isalnum, segment))
