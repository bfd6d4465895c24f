"""Which number of a sentence belongs to which criterion: the cheapest way to read its items as statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.scoring import cues
from core.scoring.self_corrections import Repairs
from core.scoring.sentence import Named, Number, Sentence
from core.scoring.words import CUT, Token


@dataclass(frozen=True, slots=True)
class Statement:
    """A number and the criteria it is for."""

    criteria: tuple[str, ...]
    number: Number
    named: tuple[Named, ...]


# What a reading costs: an item that is left over, or a bond that is loose. Only the order of the sums matters.
LOOSE_NUMBER = 3.0
LOOSE_CUT = 0.2
LOOSE_NAME = 1.0
LOOSE_LAST_NAME = 0.9
LOOSE_ADVERB = 0.3
NEAR = 0.05
AND = 0.5
FAR = 0.6
ACROSS_RESULT = 0.6
ROBBED = 0.5
BARE = 0.7
BARE_OVERALL = 0.1
AFTER_COMMA = 0.7
SHARED = 0.3
# What stands between the items of a row.
ROW_GAPS = frozenset({",", ";", ":", "-", "and", "then", "your", "for", "a", "an", "the", "overall"})


class Linker:
    """Links the items of one sentence."""

    def __init__(self, found: Sequence[Token], sentence: Sentence, whole: str) -> None:
        self.found = found
        self.sentence = sentence
        self.whole = whole
        self.items, dropped = Repairs(found).repaired(sentence.items)
        self.dropped = sentence.skipped | dropped
        self.values_first = self.has_values_first()

    def statements(self) -> list[Statement]:
        """The statements that every cheapest reading agrees on."""
        best: list[tuple[float, list[frozenset[tuple[int, ...]]]]] = [(0.0, [frozenset()])]
        for end in range(1, len(self.items) + 1):
            ways: list[tuple[float, frozenset[tuple[int, ...]]]] = []
            for start in range(end):
                for cost, statements in self.readings(start, end):
                    total = round(best[start][0] + cost, 3)
                    ways += [(total, statements | before) for before in best[start][1]]
            least = min(cost for cost, _ in ways)
            best.append((least, list({statements for cost, statements in ways if cost == least})))
        agreed = frozenset[tuple[int, ...]].intersection(*best[-1][1])
        if self.is_shifted(agreed):
            return []
        linked = {i for pair in agreed for i in pair}
        unclear = self.unclear(linked)
        return [
            self.statement(pair)
            for pair in sorted(agreed)
            if pair[0] not in unclear and not self.is_torn_between(pair, linked)
        ]

    def is_shifted(self, agreed: frozenset[tuple[int, ...]]) -> bool:
        """Whether a value that is left over may be for what took the next one: "a seven, in fluency and a six ..."."""
        linked = {i for pair in agreed for i in pair}
        for number, *names in agreed:
            if not names[0] or names[0] - 1 in linked or names[-1] > number:
                continue
            one, other = self.items[names[0] - 1], self.items[number]
            differ = isinstance(one, Number) and isinstance(other, Number) and one.value != other.value
            if differ and self.gap(number - 1, number)[:1] in ([","], ["and"]):
                return True
        return False

    def unclear(self, linked: set[int]) -> set[int]:
        """The numbers of lists that have more of them than criteria: "six, six, five and seven: fluency, ..."."""
        out: set[int] = set()
        run: list[int] = []
        for i in range(len(self.items) + 1):
            if i < len(self.items) and isinstance(self.items[i], Number) and (not run or self.listed([i - 1, i])):
                run.append(i)
                continue
            values = {item.value for j in run if isinstance(item := self.items[j], Number)}
            if len(values) > 1 and not linked.issuperset(run):
                out.update(run)
            run = [i] if i < len(self.items) and isinstance(self.items[i], Number) else []
        return out

    def is_torn_between(self, pair: tuple[int, ...], linked: set[int]) -> bool:
        """Whether the speaker names several values for one thing: "six, seven, I cannot say"."""
        one = self.items[pair[0]]
        assert isinstance(one, Number)
        for i in (pair[0] - 1, pair[0] + 1, max(pair) + 1):
            other = self.items[i] if 0 <= i < len(self.items) and i not in linked else None
            if isinstance(other, Number) and other.strong and other.value != one.value:
                between = set(self.gap(i, pair[0]) if i < pair[0] else self.gap(i - 1, i))
                turns = bool(between & cues.TURNS)  # "six for fluency, but seven"
                if turns or (i - 1 not in pair[1:] and between <= cues.LIGHT | cues.REPAIR_WORDS | cues.PAUSED):
                    return True
        return False

    def statement(self, pair: tuple[int, ...]) -> Statement:
        number = self.items[pair[0]]
        named = tuple(item for i in pair[1:] if isinstance(item := self.items[i], Named))
        assert isinstance(number, Number)
        return Statement(tuple(dict.fromkeys(c for item in named for c in item.criteria)), number, named)

    def readings(self, start: int, end: int) -> list[tuple[float, frozenset[tuple[int, ...]]]]:
        """The ways to take items `start` to `end` as one statement: its cost, and (number, names) it statements."""
        if self.values_first:
            return self.pair_of_row(start, end)
        items = self.items[start:end]
        names = [i for i in range(start, end) if isinstance(self.items[i], Named)]
        numbers = [i for i in range(start, end) if isinstance(self.items[i], Number)]
        if len(items) == 1:
            return [(self.loose(start), frozenset())]
        if not names or not numbers:
            return []
        out: list[tuple[float, frozenset[tuple[int, ...]]]] = []
        names_first = names[-1] < numbers[0]
        if not names_first and numbers[-1] > names[0]:
            return []
        together = self.together(names)
        if len(numbers) == 1:
            if names_first and together:
                cost = self.forward(names[-1], numbers[0])
                if cost is not None:
                    out.append((cost + SHARED * (len(names) - 1), frozenset({(numbers[0], *names)})))
            elif names_first and self.topical(names):
                out.append((FAR + 0.05 * len(names), frozenset({(numbers[0], names[0])})))
            if not names_first and together and self.closed(names):
                cost = self.backward(numbers[0], names[0])
                if cost is not None:
                    out.append((cost + SHARED * (len(names) - 1), frozenset({(numbers[0], *names)})))
        elif len(numbers) == len(names) and together and self.listed(numbers) and not self.goes_on(names):
            if names_first and not self.is_light(self.gap(names[-1], numbers[0])):
                return []  # "fluency and grammar suffered six and seven"
            cost = self.forward(names[-1], numbers[0]) if names_first else self.backward(numbers[-1], names[0])
            whole = self.after(names[-1]) not in {CUT, "and", ","}
            if not names_first and whole and self.gap(numbers[-1], names[0]) in ([":"], ["-"]):
                cost = NEAR  # "seven, six, six: fluency, vocabulary, grammar"
            if cost is not None:
                out.append((cost + 0.2, frozenset(zip(numbers, names, strict=True))))
        return out

    # --- rows

    def has_values_first(self) -> bool:
        """Whether it is a row of values, each with its criterion behind it: "eight, pronunciation; seven, grammar"."""
        kinds = [isinstance(item, Number) for item in self.items]
        if len(kinds) < 3 or kinds != [n % 2 == 0 for n in range(len(kinds))]:
            return False
        gaps = [set(self.gap(i, i + 1)) for i in range(len(kinds) - 1)]
        broken_off = len(kinds) % 2 == 1 and any(";" not in gap for gap in gaps[1::2])
        return not broken_off and all(gap <= ROW_GAPS and gap & cues.CLAUSE_MARKS for gap in gaps)

    def pair_of_row(self, start: int, end: int) -> list[tuple[float, frozenset[tuple[int, ...]]]]:
        if end == start + 2 and start % 2 == 0:
            return [(BARE, frozenset({(start, start + 1)}))]
        return [(self.loose(start), frozenset())] if end == start + 1 else []

    # --- what stands between

    def gap(self, one: int, other: int) -> list[str]:
        between = range(self.items[one].last + 1, self.items[other].first)
        return [self.found[i].text for i in between if i not in self.dropped]

    def after(self, index: int) -> str:
        i = self.items[index].last + 1
        return self.found[i].text if i < self.sentence.end else ""

    def loose(self, index: int) -> float:
        item = self.items[index]
        if isinstance(item, Number):
            # what it is for may have been cut off
            rest = self.found[item.last + 1 : self.sentence.end]
            cut = index == len(self.items) - 1 and any(token.text == CUT for token in rest)
            return LOOSE_CUT if cut else LOOSE_NUMBER
        first = item.first == self.sentence.start or self.found[item.first - 1].text in cues.OPENERS | {","}
        if item.criteria == (self.whole,) and first and self.after(index) in {",", "i", "you", "your"}:
            return LOOSE_ADVERB
        return LOOSE_LAST_NAME if index == len(self.items) - 1 else LOOSE_NAME

    def together(self, names: list[int]) -> bool:
        """Whether the names stand in one list. "Overall, your fluency" is none."""
        for one, other in pairwise(names):
            if self.whole in self.criteria(one) + self.criteria(other) and "and" not in self.gap(one, other):
                return False
        return all(set(self.gap(one, other)) <= cues.CO_ORDINATES for one, other in pairwise(names))

    def goes_on(self, names: list[int]) -> bool:
        """Whether a list of names is but a part of a longer one."""
        around = ([names[0] - 1, names[0]], [names[-1], names[-1] + 1])
        ends = [pair for pair in around if pair[0] >= 0 and pair[1] < len(self.items)]
        return any(all(isinstance(self.items[i], Named) for i in pair) and self.together(pair) for pair in ends)

    def criteria(self, index: int) -> tuple[str, ...]:
        item = self.items[index]
        return item.criteria if isinstance(item, Named) else ()

    def listed(self, numbers: list[int]) -> bool:
        return all(
            set(self.gap(one, other)) <= {",", "and", "a", "an", ";", "then", "band"} and self.gap(one, other)
            for one, other in pairwise(numbers)
        )

    def topical(self, names: list[int]) -> bool:
        """Whether the sentence is about the first of the names and mentions the others in passing."""
        first, *others = (self.items[i] for i in names)
        number = self.items[names[-1] + 1]
        assert isinstance(first, Named)
        assert isinstance(number, Number)
        if not first.topical or not number.strong or any(isinstance(o, Named) and o.topical for o in others):
            return False
        return not self.is_light(self.gap(names[-1], names[-1] + 1)) and not self.claimed(names[-1] + 1)

    def claimed(self, number: int) -> bool:
        """Whether "for vocabulary" follows the number at once, or "for" and nothing more."""
        last = self.items[number].last
        if self.after(number) in cues.ASSIGNS and last + 2 < len(self.found) and self.found[last + 2].text == CUT:
            return True
        if number + 1 >= len(self.items) or not isinstance(self.items[number + 1], Named):
            return False
        between = self.gap(number, number + 1)
        return (
            bool(between) and between[0] in cues.PREPOSITIONS and set(between) <= cues.DETERMINERS | cues.PREPOSITIONS
        )

    def closed(self, names: list[int]) -> bool:
        """Whether the last of several names ends its clause, instead of beginning one about itself."""
        if len(names) == 1:
            return True
        if self.criteria(names[-1]) == (self.whole,) and "," in self.gap(names[-2], names[-1]):
            return False  # "eight for pronunciation, and the overall"
        rejoined = any(set(self.gap(one, other)) & cues.REJOINS for one, other in pairwise(names))
        after = self.after(names[-1])
        if rejoined:
            return not after or after in {"as", "too"}
        return not after or not after[0].isalpha() or after in cues.AFTER_GROUP

    @staticmethod
    def is_light(words: list[str]) -> bool:
        return all(word in cues.LIGHT or not word[0].isalnum() for word in words)

    def forward(self, name: int, number: int) -> float | None:
        """What it costs to take the number as said of the name before it."""
        words = self.gap(name, number)
        item = self.items[number]
        assert isinstance(item, Number)
        led = self.found[self.items[name].first - 1].text if self.items[name].first > self.sentence.start else ""
        anew = AND if words[:1] == ["and"] or words[:2] == [",", "and"] else NEAR
        cost = anew + (ROBBED if self.claimed(number) and led not in {"for", "in"} else 0.0)
        results = bool(set(words) & cues.RESULTS)
        if results and name > 0 and isinstance(self.items[name - 1], Named) and not self.together([name - 1, name]):
            return None
        if results:
            cost += ACROSS_RESULT if not self.is_light([w for w in words if w not in cues.RESULTS]) else 0.0
        if self.is_light([word for word in words if word not in cues.RESULTS]):
            return cost
        return cost + FAR

    def backward(self, number: int, name: int) -> float | None:
        """What it costs to take the number as said of the name behind it."""
        item = self.items[name]
        assert isinstance(item, Named)
        said = self.without_likewise([word for word in self.gap(number, name) if word != "each"])
        if said[:2] in (["for", "me"], ["from", "me"]):
            said = said[2:]
        words = said
        cost = 0.0
        while words and words[0] in {",", "-", ":", "…"}:
            cost, words = AFTER_COMMA, words[1:]
        if cost and words[:1] == ["and"] and tuple(words[1:3]) in cues.POINTING:
            words = words[1:]
        points = tuple(words[:2]) in cues.POINTING
        words = words[2:] if points else self.without_award(words)
        if (points and self.leads_back(words)) or (words and words[0] in cues.WHICH and words[0] != said[0]):
            return cost  # "six, that's my band for your grammar", "six is where your grammar ends up"
        if words and words[0] in cues.PREPOSITIONS and set(words[1:]) <= cues.DETERMINERS | {","}:
            return cost
        if set(words) <= cues.DETERMINERS - cues.PREPOSITIONS:
            if item.criteria == (self.whole,):
                return cost + BARE_OVERALL
            if len(item.criteria) > 1:
                return cost
            return None if cost and not points else cost + BARE
        return FAR if self.leads_back(said) else None

    @staticmethod
    def without_likewise(words: list[str]) -> list[str]:
        """The words without "again" and "too" before "that is"."""
        start = next((i for i, word in enumerate(words) if word not in cues.LIKEWISE), 0)
        points = words[start : start + 1] == [","] and tuple(words[start + 1 : start + 3]) in cues.POINTING
        return words[start:] if points else words

    @staticmethod
    def without_award(words: list[str]) -> list[str]:
        """The words without "is" and "has been given"."""
        start = next((i for i, word in enumerate(words) if word not in cues.PASSIVE), 0)
        if start and words[start] in cues.WHICH:
            return words[start:]
        given = words and (words[start].endswith("ed") or words[start] in cues.PARTICIPLES)
        return words[start + 1 :] if given else words

    @staticmethod
    def leads_back(words: list[str]) -> bool:
        """Whether a number goes on to its criterion over other words: "eight | that I have written down for"."""
        while words and words[-1] in cues.OWNERS:
            words = words[:-1]
        for phrase in cues.ALSO_ASSIGN:
            if tuple(words[-len(phrase) :]) == phrase:
                words = [*words[: -len(phrase)], "for"]
        if not words or words[-1] not in cues.ASSIGNS:
            return False
        words = words[:-1]
        if words[:1] == [","] and words[-1:] == [","]:
            return len(words) > 2  # "eight, and I mean it, for"
        return not any(not word[0].isalpha() or word in cues.BREAKS_OFF or word.endswith("ing") for word in words)
