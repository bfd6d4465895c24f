"""What stands in the sentences of a speaker: the criteria they name, and the numbers in them that are scores."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.scoring import cues
from core.scoring.adjacent_words import number
from core.scoring.amounts import UNITS, Amount, amounts
from core.scoring.non_scores import governed, is_question
from core.scoring.pairs import names_of
from core.scoring.rubric import Rubric
from core.scoring.sentence import (
    BRINGS,
    REPAIRS,
    SAME,
    SLIPS,
    SWAPS,
    WITHDRAWS,
    Item,
    Named,
    Number,
    Phrase,
    Phrases,
    Sentence,
    View,
)
from core.scoring.words import CUT, ENDS, Token, mentions, text_at

ALL = Phrases(cues.ALL)
SUPPOSES = Phrases(cues.SUPPOSES)
# A question of more words asks about something else: "Only six?" does not.
SHORT_QUESTION = 4
MEANS = frozenset({"mean", "meant"})
DENIALS = frozenset({"not", "never"})


class Grammar:
    """Reads sentences for one rubric."""

    def __init__(self, rubric: Rubric) -> None:
        self.rubric = rubric
        self.names = names_of(rubric)
        self.whole = rubric.overall.criterion if rubric.overall else ""

    def sentences(self, found: Sequence[Token]) -> Iterator[Sentence]:
        """The sentences of a row of tokens, in order."""
        named = list(mentions(found, self.names))
        found = _unnumbered(found, named)
        values = amounts(found, self.rubric.scale)
        inside = {i for amount in values for i in range(amount.first, amount.last + 1)}
        start = 0
        for end in range(len(found) + 1):
            if end < len(found) and (found[end].text not in ENDS or end in inside):
                continue
            if end > start:
                here = [amount for amount in values if start <= amount.first < end]
                yield self._sentence(View(found, start, end, here), [name for name in named if start <= name[1] < end])
            start = end + 1

    def _sentence(self, view: View, mentioned: list[tuple[str, int, int]]) -> Sentence:
        named = self._mentioned(view, mentioned)
        view.names = {i: item for item in named for i in range(item.first, item.last + 1)}
        items: list[Item] = []
        if not is_question(view):
            alike = list(_alike(view))
            dead = governed(view) if view.values or alike else set[int]()
            judged = [
                number(view, amount, self.rubric.scale) for amount in view.values if amount.first not in view.names
            ]
            found = [item for item in [*judged, *(same for same, _ in alike)] if item and item.first not in dead]
            # the nine of "six out of a possible nine" is no second score
            items += [item for item in found if not any(one.first < item.first <= one.last for one in found)]
            items = [item for item in items if not self._is_spelt_out(view, item, items)]
            named = [item for item in named if item.first not in {other for _, other in alike}]
        items = sorted([*items, *named], key=lambda item: item.first)
        places = range(view.start, view.end)
        repair = any(view.at(i, REPAIRS) for i in places) or any(_is_moved(view, amount) for amount in view.values)
        swaps = any(view.at(i, SWAPS) for i in places)
        withdraws = swaps or any(view.at(i, WITHDRAWS) for i in places)
        asks = not items and view.end - view.start > SHORT_QUESTION and is_question(view)
        wrong = repair or any(view.at(i, SLIPS) for i in places)
        last = max((item.last for item in items if isinstance(item, Number)), default=-1)
        slip = wrong if last < 0 else any(view.at(i, SLIPS) for i in range(last, view.end))
        return Sentence(
            view.start,
            view.end,
            items,
            frozenset(view.skipped),
            repair=repair,
            withdraws=withdraws,
            swaps=swaps,
            trails=_trails(view),
            asks=asks,
            slip=slip,
            supposes=any(view.at(i, SUPPOSES) for i in places),
            brings=any(view.at(i, BRINGS) for i in places),
            means=not MEANS.isdisjoint(view.words(view.start, view.end)),
            both="both" in view.words(view.start, view.end),
            denied=frozenset(a.value for a in view.values if not DENIALS.isdisjoint(view.words(view.start, a.first))),
            amounts=tuple(a.value for a in view.values if not _is_counted(view, a)),
        )

    @staticmethod
    def _is_spelt_out(view: View, same: Item, items: list[Item]) -> bool:
        """Whether "the same" is followed by what it comes to: "vocabulary, the same again, six"."""
        if not isinstance(same, Number) or not same.alike:
            return False
        for other in items:
            if isinstance(other, Number) and not other.alike and other.first > same.last:
                between = view.words(same.last + 1, other.first)
                return set(between) <= {",", "-", ":", "…", "again", "so", "at", "a", "an", "band", "that", "is"}
        return False

    def _mentioned(self, view: View, named: list[tuple[str, int, int]]) -> list[Named]:
        out: list[Named] = []
        for name, first, last in named:
            # "two grammar mistakes", "vocabulary items": a word of the trade, not the criterion
            if view.text(last + 1) in cues.NOUNS and view.text(last + 2) != "to":  # "points to"
                continue
            if _is_special(view, last, named):
                continue
            following = next((n for n in named if n[1] == last + 1), None)
            if name == self.whole and following and following[0] != name:
                continue  # "your overall fluency"
            led = view.text(last + 1) in cues.REJOINS and any(last + 2 <= one[1] <= last + 3 for one in named)
            if name == self.whole and first == last and led:
                continue  # "six overall on fluency"
            after = view.text(last + 1)
            begins = following or after in cues.AFTER_OVERALL or any(one.first == last + 1 for one in view.values)
            begins = begins or (view.text(last + 2) in cues.COPULAS and view.value_at(last + 3))
            if name == self.whole and first == last and after.isalpha() and not begins:
                continue  # "your overall impression"
            leading = self._is_leading(view, first)
            out.append(Named((name,), first, last, leading, leading and self._is_topic(view, last, len(named) == 1)))
        for i in range(view.start, view.end):
            length = self._all_of(view, i)
            relative = view.text(i) == "everything" and view.text(i + 1) in {"i", "you", "we"}
            if length and not relative and view.text(i + length) not in {"together", "combined", "into"}:
                group = self._group(view, i)
                if any(name == self.whole and first < i for name, first, _ in named) and view.text(i - 1) in {
                    "of",
                    "taking",
                }:
                    continue  # "overall, the average of all four"
                if _is_cut_short(view, i + length, named):
                    continue
                if cues.EXCEPT & set(view.words(i + length, view.end)):
                    others = {name for name, _, _ in named}
                    group = tuple(name for name in self.rubric.parts if name not in others)
                out.append(Named(group, i, i + length - 1))
        return out

    def _all_of(self, view: View, i: int) -> int:
        phrase = view.at(i, ALL)
        if phrase:
            return len(phrase)
        if view.text(i) == "all" and view.text(i + 1) in cues.COUNTS:
            counted = cues.COUNTS[view.text(i + 1)]
            noun = 3 if view.text(i + 2) in {"of", "the"} else 2
            if counted in {len(self.rubric.names), len(self.rubric.parts)}:
                return noun + 1 if view.text(i + noun) in {"criteria", "categories", "areas", "them"} else 2
        return 0

    def _group(self, view: View, i: int) -> Phrase:
        counted = cues.COUNTS.get(view.text(i + 1))
        rubric = self.rubric
        return rubric.names if counted == len(rubric.names) else rubric.parts

    def _is_leading(self, view: View, first: int) -> bool:
        i = first - 1
        while view.text(i) in cues.LEADS_IN and view.text(i) not in cues.CLAUSE_WORDS:
            i -= 1
        return i < view.start or view.text(i) in cues.CLAUSE_MARKS | cues.CLAUSE_WORDS

    def _is_topic(self, view: View, last: int, alone: bool) -> bool:
        after = view.text(last + 1)
        alone = alone and last + 2 >= view.end  # "vocabulary next"
        return alone or not after or after in cues.CLAUSE_MARKS or after in cues.COPULAS


def _unnumbered(found: Sequence[Token], named: list[tuple[str, int, int]]) -> Sequence[Token]:
    """The tokens with the numbering of a list made into ends of sentences: "1. Grammar: 7 2. Fluency: 6"."""
    starts = {first for _, first, _ in named}
    numbered: list[int] = []
    for i, token in enumerate(found):
        before = text_at(found, i - 1)
        marked = text_at(found, i + 1) in {".", ")", ":", ",", "-"} and i + 2 in starts
        if i not in starts and ((marked and not before.isalpha()) or before == "number"):
            place = UNITS.get(token.text, float(token.text) if token.text.isdigit() else 0.0)
            if place == len(numbered) + 1:
                numbered.append(i)
            elif numbered and place > len(numbered):
                return found  # "one, fluency; three, vocabulary": values
    if len(numbered) < 2 or not starts or min(starts) < numbered[0]:  # a list of something else than criteria
        return found
    ends = {i: replace(found[i], kind="mark", text="\n") for i in numbered}
    return [ends.get(i, token) for i, token in enumerate(found)]


def _is_special(view: View, last: int, named: list[tuple[str, int, int]]) -> bool:
    """Whether a criterion that ends at a token is meant for one field only: "fluency in Spanish"."""
    what = view.text(last + 2)
    if view.text(last + 1) not in {"in", "for", "about"} or not what.isalpha() or what in cues.NOT_SPECIAL:
        return False
    return view.value_at(last + 2) is None and all(first != last + 2 for _, first, _ in named)


def _is_cut_short(view: View, after: int, named: list[tuple[str, int, int]]) -> bool:
    """Whether the speaker was broken off before he judged what is left out: "everything was a seven apart from"."""
    cut = next((i for i in range(after, view.end) if view.text(i) == CUT), None)
    if cut is None:
        return False
    said = [i for i in range(after, cut) if view.text(i)[:1].isalnum()]
    if not said:
        return any(first < after for _, first, _ in named)
    if any(view.text(i) == "else" for i in said) and not any(first < after for _, first, _ in named):
        return True
    but = max((i for i in said if view.text(i) in cues.EXCEPT - {"else", "others", "rest"}), default=None)
    return but is not None and not any(first > but for _, first, _ in named)


def _is_moved(view: View, amount: Amount) -> bool:
    """Whether something before it is moved to a value: "I would push it to seven"."""
    i = amount.first - 1
    while view.text(i) in cues.ARTICLES:
        i -= 1
    moved = view.text(i) == "to" and view.text(i - 2 if view.text(i - 1) in {"up", "down", "back"} else i - 1)
    return moved in {"it", "that"} and not any(view.at(k, BRINGS) for k in range(view.start, i))


def _is_counted(view: View, amount: Amount) -> bool:
    after = view.text(amount.last + 1)
    if amount.value is None or view.text(amount.first) == "one":
        return True
    return after.isalpha() and after not in cues.FOLLOWS and amount.last + 1 not in view.names


def _trails(view: View) -> bool:
    """Whether the sentence is the end of another one: "and a seven"."""
    first = view.text(view.start)
    return first in {"or", "to"} or (first == "and" and view.text(view.start + 1) in {"a", "an"})


def _names_after(view: View, phrase: Phrase, last: int) -> bool:
    """Whether a criterion follows "the same" at once, or "so is" with its "your"."""
    owned = phrase in cues.SO_IS and view.text(last + 1) in {"your", "the"}
    return last + (2 if owned else 1) in view.names


def _alike(view: View) -> Iterator[tuple[Number, int]]:
    """Every "the same", and on which token stands the criterion it is the same as; -1: the last one scored."""
    i = view.start
    while i < view.end:
        phrase = view.at(i, SAME)
        if phrase is None:
            i += 1
            continue
        last = i + len(phrase) - 1
        after = view.text(last + 1)
        if after == "as":
            k = last + 2
            while view.text(k) in {"your", "the", "for", "with"} and k not in view.names:
                k += 1
            other = view.names.get(k)
            if other is not None:
                yield Number(i, other.last, strong=True, alike=True, like=other.criteria[0]), other.first
                i = other.last
        elif not after or after in cues.CLAUSE_MARKS | cues.AFTER_SAME or _names_after(view, phrase, last):
            yield Number(i, last, strong=True, alike=True), -1
        i = max(i, last) + 1
