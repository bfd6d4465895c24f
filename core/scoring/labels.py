"""How the labels of a scale are written and said: "B+" is also "B plus", "A1" also "A one"."""

import re
from itertools import product

from core.scoring.words import plain, row

_ONES = row(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = row("twenty thirty forty fifty sixty seventy eighty ninety")
_LETTERS = {"a": ("ay",), "b": ("bee",), "c": ("cee", "sea")}
# A sign of a grade follows it: "B+", "A**". The dash of "pre-A1" is none.
SIGNS = {"+": "plus", "-": "minus"}
_PART = re.compile(r"(?P<word>[^\W\d_]+)|(?P<digits>\d+)|(?P<sign>[+]|-(?![\w-]))")


def spoken_forms(label: str) -> frozenset[tuple[str, ...]]:
    """Every row of tokens that stands for a label; empty when it holds nothing that can be said."""
    ways: list[list[tuple[str, ...]]] = []
    said = False
    for part in _PART.finditer(plain(label).casefold()):
        text = part.group()
        if part["sign"]:
            ways.append([(text,), (SIGNS[text],)])
            continue
        said = True
        number = _number(text) if part["digits"] else None
        ways.append([(text,), *([number] if number else []), *((letter,) for letter in _LETTERS.get(text, ()))])
    if not said:
        return frozenset()
    return frozenset(tuple(word for part in chosen for word in part) for chosen in product(*ways[:8]))


def alike(one: str, other: str) -> bool:
    """Whether nobody could tell two labels apart when they are said."""
    return not spoken_forms(one).isdisjoint(spoken_forms(other))


def _number(digits: str) -> tuple[str, ...] | None:
    if len(digits) > 2:
        return None
    tens, ones = divmod(int(digits), 10)
    if tens < 2:
        return (_ONES[int(digits)],)
    return (_TENS[tens - 2], *((_ONES[ones],) if ones else ()))
