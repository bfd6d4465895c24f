"""Text as words, numbers and marks, with spoken numbers put together: "six, um, point five" is 6.5."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from core.scoring.rubric import LabelScale, Scale, key

# Where one utterance was broken off and the next goes on. No transcript holds it.
CUT = "\x00"
# Where the other side spoke at length in between.
TURN = "\x01"


def _row(words: str) -> list[str]:
    return words.split()


def wordset(words: str) -> frozenset[str]:
    """Words as a set."""
    return frozenset(words.split())


ENDS = frozenset(".!?\n")
PAUSES = frozenset({",", "…", "-", CUT})

UNITS = {
    word: float(number)
    for number, word in enumerate(
        _row(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
            "sixteen seventeen eighteen nineteen"
        )
    )
} | {"nought": 0.0, "nil": 0.0}
TENS = {
    word: 10.0 * number
    for number, word in enumerate(_row("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
# "straight sixes", "all sevens"
PLURALS = {
    f"{word}{'es' if word == 'six' else 's'}": UNITS[word] for word in _row("three four five six seven eight nine")
}
NUMBER_WORDS = frozenset({*UNITS, *TENS, *PLURALS, "hundred", "point", "half"})

FILLERS = wordset("um umm uh uhh uhm er erm err hm hmm mm mmm ah eh")
SUFFIXES = {"d": "would", "s": "is", "ll": "will", "re": "are", "ve": "have", "m": "am", "t": "not"}
RUN_TOGETHER = {
    "id": ("i", "would"),
    "ill": ("i", "will"),
    "thats": ("that", "is"),
    "youd": ("you", "would"),
    "dont": ("do", "not"),
    "doesnt": ("does", "not"),
    "didnt": ("did", "not"),
    "isnt": ("is", "not"),
    "wasnt": ("was", "not"),
    "cant": ("can", "not"),
    "cannot": ("can", "not"),
    "wont": ("will", "not"),
    "wouldnt": ("would", "not"),
    "couldnt": ("could", "not"),
    "havent": ("have", "not"),
    "lets": ("let", "us"),
    "won't": ("will", "not"),
    "can't": ("can", "not"),
    "let's": ("let", "us"),
}
# Shorter words are too like others to be guessed at: "flow" and "slow".
MISSPELT = 6
LETTER_NAMES = {"a": ("ay",), "b": ("bee",), "c": ("cee", "sea")}

_PLAIN = {ord("•"): ";", ord("&"): " and ", ord(CUT): " "}
_TOKEN = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)*)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<pause>\.{2,}|…)"
    r"|(?P<mark>[.!?,;:\-/()\[\]=|%+<>{}]|\n+)"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word in lower case, a number in digits, or a mark; `glued` when nothing stands before it but a token."""

    kind: Literal["word", "number", "mark"]
    text: str
    start: int
    end: int
    glued: bool = False


@dataclass(frozen=True, slots=True)
class Amount:
    """A number or label on tokens `first` to `last`.

    `value` is None when only a part of it is there ("six point"). `open` when more might have followed it, had the
    speaker not been cut off: after "six" comes "point five", after "6.5" nothing.
    """

    value: float | None
    first: int
    last: int
    open: bool = False


def plain(text: str) -> str:
    """Text with one spelling of quotes, dashes, digits and halves."""
    text = re.sub(r"(\d)\s?½", r"\1.5", text).replace("½", " and a half")
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[‘’ʼ`´]", "'", text)
    return re.sub("[‐‑‒–—―−]", "-", text).translate(_PLAIN)


def tokens(text: str, offset: int = 0) -> list[Token]:
    """The tokens of `plain` text, without fillers; contractions are taken apart."""
    found: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(text):
        start, glued = match.start(), match.start() == end
        end = match.end()
        token = Token("mark", match.group(), start + offset, end + offset, glued)
        if match["number"]:
            found.append(replace(token, kind="number"))
        elif match["word"]:
            found += [replace(token, kind="word", text=word) for word in _spelled_out(match.group().casefold())]
        elif match["pause"]:
            found.append(replace(token, text="…"))
        elif match.group() != "-" or not _hyphen(text, start):
            found.append(replace(token, text=token.text[0]))
    return _without_fillers(found)


def _spelled_out(word: str) -> tuple[str, ...]:
    if word in RUN_TOGETHER:
        return RUN_TOGETHER[word]
    stem, apostrophe, suffix = word.rpartition("'")
    if not apostrophe or suffix not in SUFFIXES:
        return (word.replace("'", ""),)
    if suffix == "t":
        return (stem.removesuffix("n"), "not")
    return (stem, SUFFIXES[suffix])


def _hyphen(text: str, at: int) -> bool:
    """Whether the dash there joins a compound ("six-and-a-half", "B-2"), and is no range ("6-7")."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return before.isalnum() and after.isalnum() and not (before.isdigit() and after.isdigit())


def _without_fillers(found: list[Token]) -> list[Token]:
    kept: list[Token] = []
    dropped = False
    for token in found:
        if token.text in FILLERS:
            dropped = True
            continue
        # "six, um, point five": the filler goes with one of its commas
        if dropped and token.text in {",", "…"} and kept and kept[-1].text in {",", "…"}:
            continue
        dropped = False
        kept.append(token)
    return kept


def mended(found: Sequence[Token], lexicon: Collection[str]) -> list[Token]:
    """The tokens with known words put right that were torn in two ("gram mar") or misspelt ("grammer")."""
    out: list[Token] = []
    for token in found:
        before = next((one for one in reversed(out[-2:]) if one.end > one.start), None)
        if token.kind == "word" and token.text not in lexicon:
            whole = before.text + token.text if before and before.kind == "word" else ""
            if whole in lexicon and before:
                while out.pop() is not before:
                    pass
                token = replace(before, text=whole, end=token.end)
            elif len(token.text) >= MISSPELT:
                known = next((word for word in lexicon if len(word) >= MISSPELT and _one_off(word, token.text)), None)
                token = replace(token, text=known or token.text)
        elif before and before.text + token.text in lexicon and before.text not in lexicon and before.kind == "word":
            while out.pop() is not before:
                pass
            token = replace(before, text=before.text + token.text, end=token.end)
        out.append(token)
    return out


def _one_off(one: str, other: str) -> bool:
    """Whether one letter makes the difference: changed, added, left out, or swapped with the next."""
    short, long = sorted((one, other), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    return short[at + 1 :] == long[at + 1 :] or (
        short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    )


def amounts(found: Sequence[Token], scale: Scale) -> list[Amount]:
    """The numbers, or on a scale of labels the labels, in order."""
    read = _label_at if isinstance(scale, LabelScale) else _number_at
    out: list[Amount] = []
    i = 0
    while i < len(found):
        amount = read(found, i, scale)
        if amount is not None:
            out.append(amount)
            i = amount.last
        i += 1
    return out


@lru_cache
def _spoken_labels(labels: tuple[tuple[str, ...], ...]) -> tuple[tuple[tuple[str, ...], float], ...]:
    forms: list[tuple[tuple[str, ...], float]] = []
    digits = {f"{number:g}": word for word, number in UNITS.items()}
    for place, names in enumerate(labels):
        for name in names:
            words = key(name)
            ways: list[tuple[str, ...]] = [()]
            for word in words:
                said = (word, *LETTER_NAMES.get(word, ()), *((digits[word],) if word in digits else ()))
                ways = [(*way, one) for way in ways for one in said]
            forms += [(way, float(place)) for way in ways]
    return tuple(sorted(forms, key=lambda form: -len(form[0])))


def _label_at(found: Sequence[Token], i: int, scale: Scale) -> Amount | None:
    assert isinstance(scale, LabelScale)
    for words, place in _spoken_labels(scale.names):
        last = i + len(words) - 1
        if tuple(token.text for token in found[i : last + 1]) != words:
            continue
        # "a two minute talk" is not the level A2
        if words[0] == "a" and not (len(words) > 1 and found[i + 1].glued) and not _names_a_label(found, i):
            continue
        return Amount(place, i, last)
    return None


def _names_a_label(found: Sequence[Token], i: int) -> bool:
    return i > 0 and found[i - 1].text in {"an", "level", "grade", "at", "is", ":", "-", "="}


def _number_at(found: Sequence[Token], i: int, scale: Scale) -> Amount | None:
    token = found[i]
    if token.kind == "number":
        value = _digits(token.text)
        last = i + 1 if _text(found, i + 1) == "s" else i  # "all 6s"
        if not token.text.isdigit():
            return Amount(value, i, last)
    else:
        worded = _worded(found, i)
        if worded is None:
            return None
        value, last = worded
        if token.text in PLURALS:
            return Amount(value, i, last)
    assert value is not None
    return _with_fraction(found, Amount(value, i, last, open=True))


def _digits(text: str) -> float | None:
    """What digits say; None where commas and points make no number."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+", text):
        return float(text.replace(",", ""))
    if re.fullmatch(r"\d+([.,]\d+)?", text):
        return float(text.replace(",", "."))
    return None


def _worded(found: Sequence[Token], i: int) -> tuple[float, int] | None:
    word = found[i].text
    if word in PLURALS:
        return PLURALS[word], i
    if word in TENS:
        after = i + 2 if _text(found, i + 1) == CUT else i + 1
        unit = UNITS.get(_text(found, after), 0.0)
        return (TENS[word] + unit, after) if 1 <= unit <= 9 else (TENS[word], i)
    if word == "hundred" or (word in {"a", "one"} and _text(found, i + 1) == "hundred"):
        last = i if word == "hundred" else i + 1
        more = last + 2 if _text(found, last + 1) == "and" else last + 1
        rest = _worded(found, more) if _text(found, more) in UNITS | TENS else None
        return (100.0, last) if rest is None else (100.0 + rest[0], rest[1])
    return (UNITS[word], i) if word in UNITS else None


def _with_fraction(found: Sequence[Token], amount: Amount) -> Amount:
    """The amount with "point five", "and a half" or a torn-off ".5" behind it."""
    assert amount.value is not None
    after = _past_pauses(found, amount.last + 1)
    word = _text(found, after)
    if word in {"point", "decimal"}:
        digit = _past_pauses(found, after + 1)
        fraction = _single_digit(found, digit)
        if fraction is None:
            return Amount(None, amount.first, after)
        return Amount(amount.value + fraction / 10, amount.first, digit)
    if word == "and":
        half = _past_pauses(found, after + 1)
        if _text(found, half) == "a":
            half = _past_pauses(found, half + 1)
        if _text(found, half) == "half" and _text(found, half + 1) != "of":
            return Amount(amount.value + 0.5, amount.first, half)
    if _text(found, after) == "1" and _text(found, after + 1) == "/" and _text(found, after + 2) == "2":
        return Amount(amount.value + 0.5, amount.first, after + 2)
    torn = _torn_digit(found, amount.last)
    if torn is not None:
        return Amount(amount.value + torn[0] / 10, amount.first, torn[1])
    return amount


def _single_digit(found: Sequence[Token], i: int) -> float | None:
    word = _text(found, i)
    if word in {"oh", "o"}:
        return 0.0
    number = UNITS.get(word, float(word) if word.isdigit() else 10.0)
    return number if number < 10 else None


def _torn_digit(found: Sequence[Token], last: int) -> tuple[float, int] | None:
    """The 5 of "6. 5" or "6 .5", where it cannot be a score of its own ("6. 5 for vocabulary")."""
    dot = last + 1 if _text(found, last + 1) != CUT else last + 2
    if _text(found, dot) != ".":
        return None
    digit = dot + 1 if _text(found, dot + 1) != CUT else dot + 2
    word = _text(found, digit)
    if not (word.isdigit() and len(word) == 1):
        return None
    alone = digit + 1 >= len(found) or found[digit + 1].kind == "mark" or found[digit + 1].text == "out"
    return (float(word), digit) if found[digit].glued or alone else None


def _past_pauses(found: Sequence[Token], i: int) -> int:
    while _text(found, i) in PAUSES:
        i += 1
    return i


def _text(found: Sequence[Token], i: int) -> str:
    return found[i].text if 0 <= i < len(found) else ""


def denominator(found: Sequence[Token], amount: Amount, scale: Scale) -> tuple[int, str]:
    """Where "out of 9", "/9", "percent" or "points" behind an amount ends, and why it is none of this scale's."""
    last = amount.last
    for words in (("out", "of"), ("/",), ("of",)):
        start = last + 1 + len(words)
        if isinstance(scale, LabelScale) or tuple(token.text for token in found[last + 1 : start]) != words:
            continue
        if words == ("out", "of") and _text(found, start) in {"a", "the"} and _text(found, start + 1) != "hundred":
            start += 2 if _text(found, start + 1) == "possible" else 1
        most = _number_at(found, start, scale) if start < len(found) else None
        if most is None:
            continue
        last = most.last
        if most.value != scale.max:
            return last, f"it is out of {most.value or 0:g}, not out of {scale.max:g}"
        break
    if _text(found, last + 1) in {"%", "percent", "percentage"} or (_text(found, last + 1), _text(found, last + 2)) == (
        "per",
        "cent",
    ):
        last += 2 if found[last + 1].text == "per" else 1
        if isinstance(scale, LabelScale) or scale.max != 100:
            return last, "it is a percentage"
    if _text(found, last + 1) in {"points", "marks", "bands"}:
        last += 1
    return last, ""


def mentions(found: Sequence[Token], names: dict[tuple[str, ...], str]) -> Iterator[tuple[str, int, int]]:
    """Which of the names stand where, the longest first: (what the name is for, first token, last token)."""
    longest = max(map(len, names))
    i = 0
    while i < len(found):
        for length in range(min(longest, len(found) - i), 0, -1):
            name = names.get(tuple(token.text for token in found[i : i + length]))
            if name is not None:
                yield name, i, i + length - 1
                i += length - 1
                break
        i += 1
