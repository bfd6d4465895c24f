"""Ranges that an examiner leaves open: "your fluency is a six or a seven", "somewhere between B1 and B2"."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from core.scoring.amounts import Amount, amounts
from core.scoring.readings import Refused
from core.scoring.rubric import Rubric
from core.scoring.scale import OffScale
from core.scoring.words import Token, mentions, text_at, wordset

JOINS = wordset("or to and - and/or")
ARTICLES = wordset("a an band level maybe perhaps possibly even more like")
# What "six or seven" would count, were it no score, stands right behind it: "six or seven minutes".
BEHIND = wordset("for in on at i so but because overall out band bands level and")


def left_open(
    found: Sequence[Token],
    rubric: Rubric,
    names: dict[tuple[str, ...], str],
    text: str,
    at: Callable[[int], float],
) -> list[Refused]:
    """What a sentence of the examiner leaves between two values; `at` knows when a place of it was said."""
    if any(token.text == "?" for token in found):
        return []
    named = list(mentions(found, names))
    ranges = [pair for pair in _pairs(found, rubric) if _is_score(found, pair[1])]
    if len({name for name, _, _ in named}) != 1 or len(ranges) != 1:
        return []
    low, high = ranges[0]
    shown = [rubric.scale.shown(rubric.scale.take(one.value or 0.0)) for one in (low, high)]
    why = f"it is left open, {' or '.join(shown)}"
    return [Refused(named[0][0], "speech", why, text, at(found[low.first].start), doubt="ambiguous")]


def _pairs(found: Sequence[Token], rubric: Rubric) -> list[tuple[Amount, Amount]]:
    values = amounts(found, rubric.scale)
    pairs: list[tuple[Amount, Amount]] = []
    for low, high in pairwise(values):
        between = [token.text for token in found[low.last + 1 : high.first]]
        joined = [word for word in between if word in JOINS]
        before = {text_at(found, low.first - 1), text_at(found, low.first - 2)}
        if "from" in before or "difference" in {text_at(found, low.first - n) for n in (2, 3)}:
            continue  # "from 0 to 9" is the scale, and "from a six to a seven" a way to go
        # "Six and seven" are two scores, unless they are the ends of something.
        ends = joined != ["and"] or "between" in before
        if len(joined) == 1 and set(between) <= JOINS | ARTICLES and ends and low.value != high.value:
            try:
                rubric.scale.take(-1.0 if low.value is None else low.value)
                rubric.scale.take(-1.0 if high.value is None else high.value)
            except OffScale:
                continue
            pairs.append((low, high))
    return pairs


def _is_score(found: Sequence[Token], high: Amount) -> bool:
    behind = high.last + 1
    return behind >= len(found) or found[behind].kind == "mark" or found[behind].text in BEHIND
