"""Rows of "criterion: value" in free text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.scoring.amounts import Amount, amounts, denominator
from core.scoring.rubric import Rubric, key
from core.scoring.scale import Scale
from core.scoring.words import Token, mentions, plain, wordset

# What may stand between a criterion and its value.
BETWEEN = frozenset(
    [*":-=|>([{,/…\n", *wordset("band score is of a an at mark grade level rating the value receives gets")]
)
SEPARATORS = frozenset(":=|>-")


@dataclass(frozen=True, slots=True)
class Entry:
    """A criterion, named on token `named`, and the words of its value on tokens `first` to `last`.

    No words when nothing readable stands there.
    """

    criterion: str
    said: str
    first: int
    last: int
    named: int


def entries(found: Sequence[Token], rubric: Rubric) -> list[Entry]:
    """Every "criterion: value" in a row of tokens; or every "value criterion", if it begins and ends that way."""
    values = {amount.first: amount for amount in amounts(found, rubric.scale)}
    named = list(mentions(found, names_of(rubric)))
    if values and named and min(values) < named[0][1] and max(values) < named[-1][1]:
        return list(_value_first(found, named, values, rubric.scale))
    firsts = {first for _, first, _ in named}
    out: list[Entry] = []
    for name, first, last in named:
        at = last + 1
        while at < len(found) and found[at].text in BETWEEN and at not in values and at not in firsts:
            at += 1
        amount = values.get(at)
        if amount is not None:
            out.append(Entry(name, *_phrase(found, amount, values, rubric.scale), first))
        elif any(token.text in SEPARATORS for token in found[last + 1 : at]):
            out.append(Entry(name, "", first, last, first))
    return out


def _value_first(
    found: Sequence[Token], named: list[tuple[str, int, int]], values: dict[int, Amount], scale: Scale
) -> Iterator[Entry]:
    starts = {first: name for name, first, _ in named}
    for amount in values.values():
        said, first, last = _phrase(found, amount, values, scale)
        at = last + 1
        while at < len(found) and found[at].text in (BETWEEN | {"for", "in"}) - {"\n"}:
            at += 1
        if at in starts:
            yield Entry(starts[at], said, first, last, first)


def _phrase(found: Sequence[Token], amount: Amount, values: dict[int, Amount], scale: Scale) -> tuple[str, int, int]:
    """The words of a value, with whatever makes it none behind it: "6-7", "6+"."""
    last, _ = denominator(found, amount, scale)
    after = found[last + 1].text if last + 1 < len(found) else ""
    if after in {"-", "/", "to", "or", "and"} and last + 2 in values:
        last = values[last + 2].last
    elif after in {"+", "plus"}:
        last += 1
    words = found[amount.first : last + 1]
    return "".join(token.text if token.glued else f" {token.text}" for token in words).strip(), amount.first, last


def names_of(rubric: Rubric) -> dict[tuple[str, ...], str]:
    """Every name of every criterion as its words."""
    return {key(plain(name)): criterion.name for criterion in rubric.criteria for name in criterion.names}
