"""Which criterion a key means, whatever its spelling: "grammarRangeAccuracy", "score_for_fluency", "Overall-Band"."""

import re
from collections.abc import Sequence
from functools import cached_property

from core.scoring.rubric import Rubric, key
from core.scoring.words import Token, plain, wordset

# Words of a key that say nothing about which criterion it names: "fluencyBandScore", "score_for_fluency".
NOISE = wordset("band bands score scores rating value grade mark level the your candidate for of points point")
# "Grammatical range and accuracy" is "range_accuracy_grammatical" in a key.
JOINTS = wordset("and in of the with plus for to a an your s")
# A key of a row of text, in front of its mark.
_KEY = re.compile(r"[^\W\d_][\w&/' -]{0,80}(?=\s*(?:[:=|]|[-=]>))")


class Names:
    """The names of a rubric's criteria, as keys of calls and blocks spell them."""

    def __init__(self, rubric: Rubric) -> None:
        self._rubric = rubric
        self._exact: dict[tuple[str, ...], str] = {}
        for criterion in rubric.criteria:
            for name in (criterion.name, *criterion.names):
                words = key(name)
                self._exact[words] = criterion.name
                if bare := _without(words, NOISE):
                    self._exact.setdefault(bare, criterion.name)

    def named(self, text: object) -> str | None:
        """The criterion that a key means; None where it means none, or more than one."""
        found = self.candidates(text)
        return found[0] if len(found) == 1 else None

    def candidates(self, text: object) -> tuple[str, ...]:
        """The criteria that a key may mean: the one it names, or else those it holds the names of."""
        if not isinstance(text, str) or len(text) > 200:
            return ()
        for words in (key(text), key(text.casefold())):
            if name := self._exact.get(words) or self._exact.get(_without(words, NOISE)):
                return (name,)
        if name := self._collapsed.get("".join(key(text.casefold()))):
            return (name,)
        said = frozenset(_without(key(text), NOISE | JOINTS))
        holding = [name for name, names in self._bare.items() if any(one <= said for one in names)]
        whole = [name for name in holding if said <= self._vocabulary[name]]
        return tuple(whole or (holding if len(holding) > 1 else ()))

    def put_in(self, found: Sequence[Token], text: str, offset: int) -> list[Token]:
        """The tokens of rows of "key: value" with each key that names a criterion in the words of its name.

        `text` is what the tokens were read from, and begins at `offset`.
        """
        out: list[Token] = []
        keys = [
            (match.start() + offset, match.end() + offset, name)
            for match in _KEY.finditer(text)
            if (name := self.named(match.group().strip()))
        ]
        for start, end, name in keys:
            out += [token for token in found if token.end <= start and (not out or token.start >= out[-1].end)]
            out += [Token("word", word, start, end) for word in key(name)]
        return [*out, *(token for token in found if not out or token.start >= out[-1].end)]

    @cached_property
    def _bare(self) -> dict[str, list[frozenset[str]]]:
        """The names of each criterion as sets of the words that carry meaning."""
        bare = {
            criterion.name: [frozenset(_without(key(name), NOISE | JOINTS)) for name in criterion.names]
            for criterion in self._rubric.criteria
        }
        return {name: [words for words in names if words] for name, names in bare.items()}

    @cached_property
    def _vocabulary(self) -> dict[str, frozenset[str]]:
        return {name: frozenset[str]().union(*names) for name, names in self._bare.items()}

    @cached_property
    def _collapsed(self) -> dict[str, str]:
        """Names without their blanks: "fluencyandcoherence", "grammaraccuracyscore"."""
        found: dict[str, set[str]] = {}
        for criterion in self._rubric.criteria:
            for name in criterion.names:
                words = key(name)
                for shortened in (words, _without(words, JOINTS), _without(words, NOISE)):
                    for tail in ("", "score", "band", "bandscore", "level", "mark", "grade"):
                        found.setdefault("".join(shortened) + tail, set()).add(criterion.name)
        return {spelt: next(iter(names)) for spelt, names in found.items() if spelt and len(names) == 1}


def _without(words: Sequence[str], left_out: frozenset[str]) -> tuple[str, ...]:
    return tuple(word for word in map(plain, words) if word not in left_out)
