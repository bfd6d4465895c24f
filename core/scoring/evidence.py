"""Whether a candidate said what is quoted as evidence: word by word, whatever the spelling, with few words astray."""

import re
import unicodedata
from collections.abc import Iterable

from core.events import UtteranceSpoken
from core.scoring.words import plain, row, tokens

# Of so many words of a quote one may differ: a transcript and whoever quotes it spell differently.
WORDS_AN_ERROR = 5
# A single word shows something only if it is not one of those that everybody says.
ENOUGH_LETTERS = 5
# Quotes are sentences.
LONGEST = 400

_NUMBERS = {
    word: number
    for number, word in enumerate(
        row(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
            " seventeen eighteen nineteen"
        )
    )
} | {character: number for number, character in enumerate("〇一二三四五六七八九")}
_TENS = {
    word: 10 * number
    for number, word in enumerate(row("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
# Scripts that put no blanks between words, in which a character counts as one: Thai to Myanmar, Khmer, kana, Han.
_UNSPACED = re.compile("[\u0e00-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LEFT_OUT = re.compile(r"\.{2,}|…|\[[^\]]*\]|[;\n|/]")
# Whoever quotes a dialogue writes the names that stand in the transcript; what is the examiner's shows nothing.
_EXAMINER = re.compile(r"\bexaminer\s*:.*?(?=\b(?:caller|candidate)\s*:|$)", re.IGNORECASE | re.DOTALL)
_CALLER = re.compile(r"\b(?:caller|candidate)\s*:", re.IGNORECASE)
_QUOTED = re.compile(
    r"\"([^\"]+)\"|[“„«]([^”“»]+)[”“»]|「([^」]+)」|『([^』]+)』|(?<!\w)['‘]([^'‘]+(?:['’]\w[^'‘]*)*?)['’](?!\w)"
)
_LISTED = re.compile(r"[,，、。.!?！？]")
# "Examiner, give me nine" was said, and shows nothing.
_ASKS = re.compile(r"\b(?:give|award|grant|score|mark|rate|grade) (?:me|us|my)\b.*\d|\b(?:score|band|mark|grade)\b.*\d")
SHORT = 12


class CandidateWords:
    """What the candidate said in a call, for holding quotes against it."""

    def __init__(self, said: Iterable[UtteranceSpoken]) -> None:
        self._said = [unit for one in said if one.speaker == "caller" for unit in units(one.text)]
        self._text = f" {' '.join(self._said)} "

    def missing(self, quote: str) -> str:
        """Why a quote is no evidence, as the rest of a sentence that names it; nothing when it is."""
        quote = _CALLER.sub(";", _EXAMINER.sub(";", quote))
        words = units(quote)
        if not _is_enough(words):
            return "too little is quoted for it"
        if len(words) <= SHORT and _ASKS.search(" ".join(words)):
            return "what is quoted for it asks for a score and shows nothing"
        spoken = [part for found in _QUOTED.finditer(quote) for part in found.groups() if part]
        for parts in (_LEFT_OUT.split(quote), [piece for one in spoken for piece in _LEFT_OUT.split(one)]):
            rows = [found for found in map(units, parts) if found]
            if _is_enough([unit for one in rows for unit in one]) and all(map(self._was_said, rows)):
                return ""
        listed = [found for found in map(units, _LISTED.split(quote)) if found]
        if all(self._was_said(one) and _is_enough(one) for one in listed):
            return ""
        return "the candidate did not say what is quoted for it"

    def _was_said(self, words: list[str]) -> bool:
        if f" {' '.join(words)} " in self._text:
            return True
        return len(words) <= LONGEST and _fewest_errors(words, self._said) <= len(words) // WORDS_AN_ERROR


def units(text: str) -> list[str]:
    """The words of a text for comparing: lower case, no marks or accents, numbers in digits, no word twice in a row.

    Of scripts without blanks each character is a unit.
    """
    bare = "".join(char for char in unicodedata.normalize("NFD", plain(text)) if unicodedata.category(char) != "Mn")
    out: list[str] = []
    for token in tokens(unicodedata.normalize("NFC", bare)):
        if token.kind == "mark":
            continue
        parts = _UNSPACED.sub(lambda found: f" {found[0]} ", token.text).split()
        for part in (str(_NUMBERS.get(part, _TENS.get(part, part))) for part in parts):
            if out and part.isdigit() and 0 < int(part) < 10 and token.text in _NUMBERS and out[-1] in _ROUND:
                out[-1] = str(int(out[-1]) + int(part))  # "twenty five"
            elif not out or out[-1] != part:
                out.append(part)
    return out


_ROUND = frozenset(str(tens) for tens in _TENS.values())


def _is_enough(words: list[str]) -> bool:
    return len(words) > 1 or any(len(word) >= ENOUGH_LETTERS for word in words)


def _fewest_errors(words: list[str], text: list[str]) -> int:
    """The least number of words changed, added or left out that turns `words` into some stretch of `text`.

    The columns of the usual table are held as the bits of two numbers: which entries are one more, or less, than the
    one above (G. Myers, "A fast bit-vector algorithm for approximate string matching", 1999).
    """
    length = len(words)
    whole, last = (1 << length) - 1, 1 << (length - 1)
    at: dict[str, int] = {}
    for n, word in enumerate(words):
        at[word] = at.get(word, 0) | 1 << n
    more, less, errors = whole, 0, length
    fewest = errors
    for word in text:
        same = at.get(word, 0)
        unchanged = same | less
        diagonal = (((same & more) + more) ^ more) | same
        right_more = less | ~(diagonal | more) & whole
        right_less = more & diagonal
        errors += bool(right_more & last) - bool(right_less & last)
        fewest = min(fewest, errors)
        right_more, right_less = (right_more << 1) & whole, (right_less << 1) & whole
        more = right_less | ~(unchanged | right_more) & whole
        less = right_more & unchanged
    return fewest
