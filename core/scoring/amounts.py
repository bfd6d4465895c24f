"""Numbers and labels among words, with spoken numbers put together: "six, um, point five" is 6.5."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.scoring.labels import SIGNS, spoken_forms
from core.scoring.rubric import LabelScale, NumericScale, Scale
from core.scoring.words import PAUSES, Token, row, text_at

UNITS = {
    word: float(number)
    for number, word in enumerate(
        row(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
            "sixteen seventeen eighteen nineteen"
        )
    )
} | {"nought": 0.0, "nil": 0.0}
TENS = {
    word: 10.0 * number
    for number, word in enumerate(row("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
# "straight sixes", "all sevens"
PLURALS = {
    f"{word}{'es' if word == 'six' else 's'}": UNITS[word] for word in row("three four five six seven eight nine")
}
NUMBER_WORDS = frozenset({*UNITS, *TENS, *PLURALS, "hundred", "point", "half"})


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
    forms = {(way, float(place)) for place, names in enumerate(labels) for name in names for way in spoken_forms(name)}
    return tuple(sorted(forms, key=lambda form: (-len(form[0]), form)))


def _label_at(found: Sequence[Token], i: int, scale: Scale) -> Amount | None:
    assert isinstance(scale, LabelScale)
    for words, place in _spoken_labels(scale.names):
        here = found[i : i + len(words)]
        if tuple(token.text for token in here) != words or any(t.text in SIGNS and not t.glued for t in here):
            continue
        # "a two minute talk" is not the level A2
        if words[0] == "a" and not (len(words) > 1 and found[i + 1].glued) and not _names_a_label(found, i):
            continue
        last = i + len(words) - 1
        return Amount(None, i, last + 1) if _is_signed(found, last + 1) else Amount(place, i, last)
    return None


def _is_signed(found: Sequence[Token], i: int) -> bool:
    """Whether a sign stands there that makes the label before it one that the scale does not have: "B plus"."""
    word = text_at(found, i)
    if word in SIGNS:
        return found[i].glued
    ends = i + 1 >= len(found) or found[i + 1].kind == "mark" or found[i + 1].text in {"for", "in", "overall", "and"}
    return word in SIGNS.values() and ends


def _names_a_label(found: Sequence[Token], i: int) -> bool:
    return i > 0 and found[i - 1].text in {"an", "level", "grade", "at", "is", ":", "-", "="}


def _number_at(found: Sequence[Token], i: int, scale: Scale) -> Amount | None:
    token = found[i]
    most = scale.max if isinstance(scale, NumericScale) else 0.0
    if token.kind == "number":
        value = _digits(token.text)
        if i + 1 < len(found) and found[i + 1].torn and found[i + 1].kind == "number":
            return Amount(None, i, i + 1)  # "7" and "5%"
        last = i + 1 if text_at(found, i + 1) == "s" else i  # "all 6s"
        if not token.text.isdigit():
            return Amount(value, i, last)
    else:
        worded = _worded(found, i, most)
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


def _worded(found: Sequence[Token], i: int, most: float) -> tuple[float, int] | None:
    word = found[i].text
    if word in PLURALS:
        return PLURALS[word], i
    if word in TENS:
        unit = UNITS.get(text_at(found, i + 1), 0.0)
        return (TENS[word] + unit, i + 1) if 1 <= unit <= 9 else (TENS[word], i)
    if word == "hundred" or (word in {"a", "one"} and text_at(found, i + 1) == "hundred"):
        last = i if word == "hundred" else i + 1
        more = last + 2 if text_at(found, last + 1) == "and" else last + 1
        rest = _worded(found, more, 0) if text_at(found, more) in UNITS | TENS else None
        return (100.0, last) if rest is None else (100.0 + rest[0], rest[1])
    if word not in UNITS:
        return None
    hundreds = UNITS[word] if most > 100 else 10.0
    rest = _worded(found, i + 1, 0) if 1 <= hundreds <= most / 100 and text_at(found, i + 1) in UNITS | TENS else None
    if rest is not None and rest[0] >= 10:
        return 100 * hundreds + rest[0], rest[1]  # "one fifteen"
    return UNITS[word], i


def _with_fraction(found: Sequence[Token], amount: Amount) -> Amount:
    """The amount with "point five", "and a half" or a torn-off ".5" behind it."""
    assert amount.value is not None
    after = _past_pauses(found, amount.last + 1)
    if text_at(found, after) == "." and text_at(found, after + 1) == "point":
        after += 1  # "Six. Point five."
    word = text_at(found, after)
    if word in {"point", "decimal"}:
        digit = _past_pauses(found, after + 1)
        fraction = _single_digit(found, digit)
        if fraction is None:
            return Amount(None, amount.first, after)
        second = _single_digit(found, digit + 1)
        if second is not None and text_at(found, digit + 2) not in {"for", "in", "point"}:
            fraction, digit = fraction + second / 10, digit + 1  # "seven point two five"
        return Amount(amount.value + fraction / 10, amount.first, digit)
    if word == "and":
        half = _past_pauses(found, after + 1)
        while text_at(found, half) in {"and", "a", "one"}:  # or "a, a half"
            half = _past_pauses(found, half + 1)
        if text_at(found, half) == "half" and text_at(found, half + 1) != "of":
            return Amount(amount.value + 0.5, amount.first, half)
    if text_at(found, after) == "1" and text_at(found, after + 1) == "/" and text_at(found, after + 2) == "2":
        return Amount(amount.value + 0.5, amount.first, after + 2)
    torn = _torn_digit(found, amount.last)
    if torn is not None:
        return Amount(None if torn[0] is None else amount.value + torn[0] / 10, amount.first, torn[1])
    return amount


def _single_digit(found: Sequence[Token], i: int) -> float | None:
    word = text_at(found, i)
    if word in {"oh", "o"}:
        return 0.0
    number = UNITS.get(word, float(word) if word.isdigit() else 10.0)
    return number if number < 10 else None


def _torn_digit(found: Sequence[Token], last: int) -> tuple[float | None, int] | None:
    """The 5 of "6. 5" or "6 .5", unless it is its own score ("6. 5 for vocabulary"); None where nobody can tell."""
    digit = last + 2
    word = text_at(found, digit)
    if text_at(found, last + 1) != "." or not (word.isdigit() and len(word) == 1):
        return None
    alone = digit + 1 >= len(found) or found[digit + 1].kind == "mark" or found[digit + 1].text in {"out", "and"}
    if alone or found[digit].glued:
        return float(word), digit
    return (None, digit) if found[digit].torn else None


def _past_pauses(found: Sequence[Token], i: int) -> int:
    while text_at(found, i) in PAUSES:
        i += 1
    return i


def denominator(found: Sequence[Token], amount: Amount, scale: Scale) -> tuple[int, str]:
    """Where "out of 9", "/9", "percent" or "points" behind an amount ends, and why it is none of this scale's."""
    last = amount.last
    if text_at(found, last + 1) in {"points", "marks"} and text_at(found, last + 2) == "out":
        last += 1
    for words in (("out", "of"), ("/",), ("of",)):
        start = last + 1 + len(words)
        if isinstance(scale, LabelScale) or tuple(token.text for token in found[last + 1 : start]) != words:
            continue
        if words != ("/",) and text_at(found, start) in {"a", "the"} and text_at(found, start + 1) != "hundred":
            start += 2 if text_at(found, start + 1) == "possible" else 1
        most = _number_at(found, start, scale) if start < len(found) else None
        if most is None:
            continue
        last = most.last
        if most.value != scale.max:
            return last, f"it is out of {most.value or 0:g}, not out of {scale.max:g}"
        break
    if text_at(found, last + 1) in {"%", "percent", "percentage"} or (
        text_at(found, last + 1),
        text_at(found, last + 2),
    ) == (
        "per",
        "cent",
    ):
        last += 2 if found[last + 1].text == "per" else 1
        if isinstance(scale, LabelScale) or scale.max != 100:
            return last, "it is a percentage"
    if text_at(found, last + 1) in {"points", "marks", "band", "level", "mark", "grade"}:
        last += 1
    return last, ""
