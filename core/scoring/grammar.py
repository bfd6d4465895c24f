"""What stands in one sentence of an examiner's: the criteria it names, and the numbers in it that are scores."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.scoring import cues
from core.scoring.pairs import names_of
from core.scoring.rubric import LabelScale, OffScale, Rubric
from core.scoring.words import CUT, ENDS, Amount, Token, amounts, denominator, mentions

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Criteria named on tokens `first` to `last`.

    `leading` when they begin a clause; `topical` when it is about them, too ("For fluency, ...").
    """

    criteria: Phrase
    first: int
    last: int
    leading: bool = False
    topical: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A score on tokens `first` to `last`: its value, or why it has none.

    `strong` when it cannot well be anything else. `alike` for "the same"; then `like` is the criterion it is compared
    with, if one is named.
    """

    first: int
    last: int
    value: float | None = None
    why: str = ""
    strong: bool = False
    alike: bool = False
    like: str = ""


Item = Named | Number


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens `start` to `end` (exclusive), what was found in them, and how it was said."""

    start: int
    end: int
    items: list[Item]
    asides: frozenset[int]
    repair: bool = False
    withdraws: bool = False
    trails: bool = False
    slip: bool = False


def _phrases(words: Sequence[str]) -> list[Phrase]:
    return [tuple(phrase.split()) for phrase in words]


CUES = [(tuple(cue.words.split()), cue) for cue in cues.CUES]
EXEMPT = _phrases(cues.EXEMPT)
REPAIRS = _phrases(cues.REPAIRS)
WITHDRAWS = _phrases(cues.WITHDRAWS)
QUESTIONS = _phrases(cues.ALSO_QUESTIONS)
SAME = _phrases(cues.SAME)
ALL = _phrases(cues.ALL)


class Grammar:
    """Reads sentences for one rubric."""

    def __init__(self, rubric: Rubric) -> None:
        self.rubric = rubric
        self.names = names_of(rubric)
        self.whole = rubric.overall.criterion if rubric.overall else ""

    def sentences(self, found: Sequence[Token]) -> Iterator[Sentence]:
        """The sentences of a row of tokens, in order."""
        values = amounts(found, self.rubric.scale)
        inside = {i for amount in values for i in range(amount.first, amount.last + 1)}
        named = list(mentions(found, self.names))
        start = 0
        for end in range(len(found) + 1):
            if end < len(found) and (found[end].text not in ENDS or end in inside):
                continue
            if end > start:
                yield _Parse(
                    self,
                    found,
                    start,
                    end,
                    [amount for amount in values if start <= amount.first < end],
                    [(name, first, last) for name, first, last in named if start <= first < end],
                ).sentence()
            start = end + 1


class _Parse:
    def __init__(
        self,
        grammar: Grammar,
        found: Sequence[Token],
        start: int,
        end: int,
        values: list[Amount],
        named: list[tuple[str, int, int]],
    ) -> None:
        self.grammar = grammar
        self.scale = grammar.rubric.scale
        self.found = found
        self.start, self.end = start, end
        self.values = values
        self.named = named
        self.asides: set[int] = set()

    def sentence(self) -> Sentence:
        named = self.mentioned()
        asked = self.is_question()
        self.taken = {i: item for item in named for i in range(item.first, item.last + 1)}
        dead = self.governed()
        told = [] if asked else [amount for amount in self.values if amount.first not in self.taken]
        numbers = [n for n in map(self.number, told) if n and n.first not in dead]
        alike = [] if asked else list(self.alike())
        compared = {n.like_at for n in alike}
        named = [item for item in named if item.first not in compared]
        items: list[Item] = [*named, *numbers, *(n.number for n in alike if n.number.first not in dead)]
        repair = any(self.at(i, REPAIRS) for i in range(self.start, self.end))
        return Sentence(
            self.start,
            self.end,
            sorted(items, key=lambda item: item.first),
            frozenset(self.asides),
            repair,
            any(self.at(i, WITHDRAWS) for i in range(self.start, self.end)),
            self.trails(),
            repair and not items,
        )

    def trails(self) -> bool:
        """Whether the sentence is the end of another one: "and a seven"."""
        first = self.text(self.start)
        return first in {"or", "to"} or (first == "and" and self.text(self.start + 1) in {"a", "an"})

    # --- looking around

    def text(self, i: int) -> str:
        return self.found[i].text if self.start <= i < self.end else ""

    def words(self, first: int, last: int) -> list[str]:
        return [self.text(i) for i in range(first, last)]

    def at(self, i: int, phrases: Sequence[Phrase]) -> Phrase | None:
        """The first of the phrases that stands at a token."""
        for phrase in phrases:
            if self.text(i) == phrase[0] and tuple(self.words(i, i + len(phrase))) == phrase:
                return phrase
        return None

    def value_at(self, i: int) -> Amount | None:
        while self.text(i) in cues.ARTICLES and i not in self.taken:
            i += 1
        return next((amount for amount in self.values if amount.first == i), None)

    # --- criteria

    def mentioned(self) -> list[Named]:
        out: list[Named] = []
        for name, first, last in self.named:
            # "two grammar mistakes", "vocabulary items": a word of the trade, not the criterion
            if self.text(last + 1) in cues.NOUNS:
                continue
            following = next((n for n in self.named if n[1] == last + 1), None)
            if name == self.grammar.whole and following and following[0] != name:
                continue  # "your overall fluency"
            leading = self.is_leading(first)
            out.append(Named((name,), first, last, leading, leading and self.is_topic(last)))
        for i in range(self.start, self.end):
            length = self.all_of(i)
            if length:
                out.append(Named(self.group(i), i, i + length - 1))
        return out

    def all_of(self, i: int) -> int:
        phrase = self.at(i, ALL)
        if phrase:
            return len(phrase)
        if self.text(i) == "all" and self.text(i + 1) in cues.COUNTS:
            counted = cues.COUNTS[self.text(i + 1)]
            noun = 3 if self.text(i + 2) in {"of", "the"} else 2
            if counted in {len(self.grammar.rubric.names), len(self.grammar.rubric.parts)}:
                return noun + 1 if self.text(i + noun) in {"criteria", "categories", "areas", "them"} else 2
        return 0

    def group(self, i: int) -> Phrase:
        counted = cues.COUNTS.get(self.text(i + 1))
        rubric = self.grammar.rubric
        return rubric.names if counted == len(rubric.names) else rubric.parts

    def is_leading(self, first: int) -> bool:
        i = first - 1
        while self.text(i) in cues.LEADS_IN and self.text(i) not in cues.CLAUSE_WORDS:
            i -= 1
        return i < self.start or self.text(i) in cues.CLAUSE_MARKS | cues.CLAUSE_WORDS

    def is_topic(self, last: int) -> bool:
        after = self.text(last + 1)
        alone = len(self.named) == 1 and last + 2 >= self.end  # "vocabulary next"
        return alone or not after or after in cues.CLAUSE_MARKS or after in cues.COPULAS

    # --- what makes numbers no scores

    def is_question(self) -> bool:
        if self.end < len(self.found) and self.found[self.end].text == "?":
            comma = max((i for i in range(self.start, self.end) if self.text(i) in cues.CLAUSE_MARKS), default=-1)
            return tuple(self.words(comma + 1, self.end)) not in cues.TAGS if comma >= 0 else True
        i = self.start
        while self.text(i) in cues.OPENERS | {",", CUT}:
            i += 1
        return self.at(i, QUESTIONS) is not None

    def clause_end(self, i: int, far: bool) -> int:
        inside = {k for amount in self.values for k in range(amount.first, amount.last + 1)}
        while i < self.end:
            text = self.text(i)
            if i not in inside:
                if far and text in cues.CONTRASTS:
                    break
                if not far and (
                    text in cues.CLAUSE_MARKS - {CUT} or (text in cues.CLAUSE_WORDS and self.new_clause(i))
                ):
                    break
            i += 1
        return i

    def new_clause(self, i: int) -> bool:
        return self.text(i) != "and" or i + 1 in self.taken or self.text(i + 1) in cues.SUBJECTS

    def governed(self) -> set[int]:
        """The tokens that stand under a cue."""
        dead: set[int] = set()
        i = self.start
        while i < self.end:
            exempt = self.at(i, EXEMPT)
            if exempt:
                i += len(exempt)
                continue
            cue = next((cue for words, cue in CUES if self.at(i, [words])), None) or self.conditional(i)
            if cue is not None and i not in self.taken:
                length = len(cue.words.split())
                reach = range(i, min(self.clause_end(i + length, cue.far), i + length + cue.reach))
                inside = [amount.first for amount in self.values if amount.first in reach]
                dead |= set(inside[: cue.numbers]) | {k for k in reach if self.at(k, SAME)}
                if cue.back:
                    dead |= self.before(i)
            i += 1
        return dead

    def conditional(self, i: int) -> cues.Cue | None:
        """ "Better linking would give you a seven" is a condition; "that would be a seven" is politeness.

        Unless it goes on: "I would like to give you a seven, but", "that would be a seven, but you".
        """
        if self.text(i) != "would":
            return None
        polite = self.text(i - 1) in cues.POLITE or i - 1 in self.taken
        but = next((k for k in range(i, self.end) if self.text(k) == "but"), self.end)
        taken_back = self.text(i + 1) == "like" and but < self.end
        taken_back = taken_back or (self.text(i + 1) == "be" and self.text(but + 1) in {"you", "it", "there", "your"})
        return cues.Cue("would") if taken_back or not polite else None

    def before(self, i: int) -> set[int]:
        """The start of a number that ends just before a token: "a seven for grammar | requires"."""
        for amount in self.values:
            gap = range(amount.last + 1, i)
            if 0 <= i - amount.last - 1 <= 6 and not any(
                self.text(k) in cues.BREAKS or self.text(k) in cues.CLAUSE_MARKS for k in gap
            ):
                loose = [k for k in gap if k not in self.taken]
                if len(loose) <= 3:
                    return {amount.first}
        return set()

    # --- numbers

    def number(self, amount: Amount) -> Number | None:
        last, why = denominator(self.found, amount, self.scale)
        lead = amount.first - 1
        while self.text(lead) in cues.ARTICLES and lead not in self.taken:
            lead -= 1
        if self.text(lead) == "not":
            self.asides |= set(range(lead, last + 1))  # "a seven, not a six, for fluency"
        if not self.led_to(amount, lead, last) or not self.followed_by(amount, last):
            return None
        value = amount.value
        if not why and value is None:
            why = "it was cut off"
        if not why and amount.open and self.is_cut(last):
            why = "it was cut off"
        if not why:
            try:
                value = self.scale.take(value or 0.0)
            except OffScale as error:
                why = str(error)
        return Number(amount.first, last, None if why else value, why, self.is_strong(amount, lead, last))

    def is_cut(self, last: int) -> bool:
        i = last + 1
        while self.text(i) in {"and", "a", ","}:
            i += 1
        ended = [token.text for token in self.found[self.end : self.end + 2]]
        torn = ended == [".", CUT] and i == self.end and self.found[last].kind == "number"  # "6." of "6.5"
        return self.text(i) == CUT or torn

    def led_to(self, amount: Amount, lead: int, last: int) -> bool:
        word, before = self.text(lead), self.text(lead - 1)
        earlier = [other for other in self.values if other.last < amount.first]
        if self.text(amount.first) == "one" and self.text(amount.first - 1) not in cues.BEFORE_ONE:
            return False
        if self.text(amount.first - 1) in cues.NUMBERED and amount.first - 1 not in self.taken:
            return False
        if lead in self.taken:
            return True
        if word == "for" and before == "down":
            return True  # "I have you down for a six"
        if word == "worth":
            return last == amount.last  # "worth 25 percent" is a weight
        if word == "of":
            return before in cues.COUNTED or lead - 1 in self.taken
        if word == "to":
            return self.rises_to(lead, earlier)
        if word == "no":
            return bool(earlier)
        if word in cues.RANGE_MARKS:
            return not any(other.last == lead - 1 for other in earlier)
        return word not in cues.LOCAL

    def rises_to(self, lead: int, earlier: list[Amount]) -> bool:
        around = range(max(self.start, lead - 9), lead)
        if earlier and earlier[-1].last == lead - 1:
            verb = next((k for k in around if self.text(k) in cues.REVISES), None)
            return verb is not None and "from" in self.words(verb, lead) and self.text(verb - 1) != "you"
        return any(self.text(k) in cues.LEADS_TO for k in around if self.text(k))

    def followed_by(self, amount: Amount, last: int) -> bool:
        i = last + 1
        word = self.text(i)
        if not word or i in self.taken:
            return True
        if word in {"+", "%", "<", "="} or (word == ":" and self.found[min(i + 1, self.end - 1)].glued):
            return False
        beyond = self.value_at(i + 1) if word in {"-", "/", "to", "or"} else None
        if beyond is not None:
            return False
        adjacent = next((other for other in self.values if other.first == i), None)
        if adjacent is not None:
            self.asides |= set(range(amount.first, last + 1))  # "a seven seven"
            return False
        if self.found[i].kind == "mark":
            return True
        if i + 1 not in self.taken and any(tuple(self.words(i, i + len(phrase))) == phrase for phrase in cues.IN_TOTAL):
            return False
        if word in {"for", "in"} and self.is_talked_about(i):
            return False
        if word in cues.ABOUT_IT and not any(
            tuple(self.words(i, i + len(phrase))) == phrase for phrase in cues.GIVEN_AS
        ):
            return False
        return word in cues.FOLLOWS or self.at(i, REPAIRS) is not None

    def is_talked_about(self, i: int) -> bool:
        """Whether "seven in grammar" goes on with "means"."""
        i += 1
        while self.text(i) in {"your", "the"} and i not in self.taken:
            i += 1
        name = self.taken.get(i)
        return name is not None and self.text(name.last + 1) in cues.ABOUT_IT

    def is_strong(self, amount: Amount, lead: int, last: int) -> bool:
        if last > amount.last or (not amount.open and isinstance(self.scale, LabelScale)):
            return True
        shown = self.words(lead + 1, amount.first)
        if set(shown) & {"a", "an", "band", "bands", "score", "level", "grade", "mark"}:
            return True
        if self.text(lead) in cues.GIVING or self.text(lead) in {":", "-", "="}:
            return True
        if amount.value is not None and amount.value % 1:
            return True
        if any(self.at(i, REPAIRS) for i in range(max(self.start, amount.first - 4), amount.first)):
            return True
        isolated = lead < self.start or self.found[lead].kind == "mark"
        return isolated and (last + 1 >= self.end or self.found[last + 1].kind == "mark")

    # --- the same again

    def alike(self) -> "Iterator[_Alike]":
        i = self.start
        while i < self.end:
            phrase = self.at(i, SAME)
            if phrase is None:
                i += 1
                continue
            last = i + len(phrase) - 1
            after = self.text(last + 1)
            if after == "as":
                k = last + 2
                while self.text(k) in {"your", "the", "for", "with"} and k not in self.taken:
                    k += 1
                other = self.taken.get(k)
                if other is not None:
                    yield _Alike(Number(i, other.last, strong=True, alike=True, like=other.criteria[0]), other.first)
                    i = other.last
            elif not after or after in cues.CLAUSE_MARKS or after in cues.AFTER_SAME or last + 1 in self.taken:
                yield _Alike(Number(i, last, strong=True, alike=True), -1)
            i = max(i, last) + 1


@dataclass(frozen=True, slots=True)
class _Alike:
    number: Number
    like_at: int
