"""One sentence of a speaker's: its tokens, and what is found in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.scoring import cues
from core.scoring.amounts import Amount
from core.scoring.words import Token

# So many criteria, each with a number right behind it, are a row.
ROW = 3

Phrase = tuple[str, ...]


class Phrases:
    """Several words each, to be looked for at a token; of those that begin alike the first listed is found."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._by_first: dict[str, list[Phrase]] = {}
        for phrase in phrases:
            words = tuple(phrase.split())
            self._by_first.setdefault(words[0], []).append(words)

    def starting(self, word: str) -> Sequence[Phrase]:
        """Those that begin with a word."""
        return self._by_first.get(word, ())


REPAIRS = Phrases(cues.REPAIRS)
WITHDRAWS = Phrases(cues.WITHDRAWS)
BRINGS = Phrases(cues.BRINGS)
SWAPS = Phrases(cues.SWAPS)
SLIPS = Phrases(cues.SLIPS)
SAME = Phrases(cues.SAME)


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
    """Tokens `start` to `end` (exclusive), what was found in them, and how it was said.

    `repair`: it corrects something; `withdraws`, `swaps`: it takes the last score, or the last two, back;
    `trails`: it is the end of another one; `asks`: it is a question about something else;
    `slip`: it only says that something was wrong;
    `means`: it says what was meant; `both`: it speaks of the last two;
    `brings`: it says where something before it leads ("that brings it to");
    `supposes`: it supposes what is not so; `denied`: the values it says are not so;
    `amounts`: all values in it that count nothing, scores or not.
    """

    start: int
    end: int
    items: list[Item]
    skipped: frozenset[int]
    repair: bool = False
    withdraws: bool = False
    swaps: bool = False
    trails: bool = False
    asks: bool = False
    slip: bool = False
    means: bool = False
    both: bool = False
    brings: bool = False
    supposes: bool = False
    denied: frozenset[float | None] = frozenset()
    amounts: tuple[float | None, ...] = ()

    @property
    def named(self) -> list[Named]:
        """The criteria named in it."""
        return [item for item in self.items if isinstance(item, Named)]


@dataclass(slots=True)
class View:
    """Tokens `start` to `end` of a row, with the amounts and the criteria in them; outside stands nothing.

    `names` maps each token of a criterion's name to the criterion. `skipped` are tokens to be read over.
    """

    found: Sequence[Token]
    start: int
    end: int
    values: list[Amount]
    names: dict[int, Named] = field(default_factory=dict[int, Named])
    skipped: set[int] = field(default_factory=set[int])

    def text(self, i: int) -> str:
        """The token at a place."""
        return self.found[i].text if self.start <= i < self.end else ""

    def words(self, first: int, last: int) -> list[str]:
        """The tokens from one place up to another."""
        return [self.text(i) for i in range(first, last)]

    def at(self, i: int, phrases: Phrases) -> Phrase | None:
        """The first of the phrases that stands at a token."""
        if not self.start <= i < self.end:
            return None
        for phrase in phrases.starting(self.found[i].text):
            if len(phrase) == 1 or self.stands(i, phrase):
                return phrase
        return None

    def stands(self, i: int, phrase: Phrase) -> bool:
        """Whether the phrase stands at a token."""
        return tuple(self.words(i, i + len(phrase))) == phrase

    @property
    def listed(self) -> bool:
        """Whether it is a row of "fluency 6 ... vocabulary 7 ... grammar 6 ...", so that each of them is a score."""
        return sum(1 for amount in self.values if amount.first - 1 in self.names) >= ROW

    def value_at(self, i: int) -> Amount | None:
        """The amount that begins at a token, or behind its article."""
        while self.text(i) in cues.ARTICLES and i not in self.names:
            i += 1
        return next((amount for amount in self.values if amount.first == i), None)
