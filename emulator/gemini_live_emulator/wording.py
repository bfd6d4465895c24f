"""How a score is written and said: numbers of any scale, and labels such as B2."""

from __future__ import annotations

from typing import Final

Value = float | str  # a number, or a label

_ONES: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def written(score: Value) -> str:
    """A score in digits, or the label itself."""
    return score if isinstance(score, str) else f"{score:g}"


def in_words(score: Value) -> str:
    """A score as it is said: "six point five", "one hundred and fifteen"; a label as it is. Numbers are 0 to 999."""
    if isinstance(score, str):
        return score
    whole, _, decimals = f"{score:g}".partition(".")
    said = _whole(int(whole))
    return f"{said} point {' '.join(_ONES[int(digit)] for digit in decimals)}" if decimals else said


def _whole(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if hundreds:
        return f"{_ONES[hundreds]} hundred" + (f" and {_whole(rest)}" if rest else "")
    if rest < len(_ONES):
        return _ONES[rest]
    tens, ones = divmod(rest, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")
