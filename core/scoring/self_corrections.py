"""Slips of the tongue inside a sentence: what is said right after "sorry" or "no" stands instead."""

from collections.abc import Sequence

from core.scoring import cues
from core.scoring.sentence import Item, Named, Number
from core.scoring.words import CUT, Token


class Repairs:
    """Takes back the items of a sentence that were corrected in it."""

    def __init__(self, found: Sequence[Token]) -> None:
        self._found = found
        self._dropped: set[int] = set()

    def repaired(self, items: list[Item]) -> tuple[list[Item], frozenset[int]]:
        """The items without those that were taken back in the same breath, and the tokens that went with them."""
        remaining: list[Item] = []
        for index, item in enumerate(items):
            following = items[index + 1 :]
            before = remaining[-1] if remaining else item
            if self._is_slow(remaining, item, following):
                self._drop(remaining.pop(), item)
                before = item
            if remaining and isinstance(item, Number):
                owned = (
                    len(remaining) > 1 and isinstance(remaining[-2], Named) and self._is_for_another(following, item)
                )
                if isinstance(before, Number) and self._is_repair(before, item) and not owned:
                    self._drop(remaining.pop(), item)
                elif (
                    isinstance(before, Named)
                    and len(remaining) > 1
                    and isinstance(remaining[-2], Number)
                    and self._is_for(remaining[-2], before)
                    and self._is_repair(before, item)
                    and not self._is_for_another(following, item)
                ):
                    self._drop(remaining[-2], before)
                    remaining[-2:] = [before]
                    # the number now follows its name, as "grammar, seven" does
            elif remaining and isinstance(item, Named):
                if self._is_renamed(remaining, item, following):
                    self._dropped |= set(range(before.last + 1, item.last + 1))
                    continue
                own = following and isinstance(following[0], Number) and not self._is_own_start(following)
                if (
                    isinstance(before, Named)
                    and before.criteria != item.criteria
                    and self._is_repair(before, item)
                    and (len(remaining) == 1 or not isinstance(remaining[-2], Number) or not own)
                ):
                    self._drop(remaining.pop(), item)
            remaining.append(item)
        return remaining, frozenset(self._dropped)

    def _drop(self, item: Item, until: Item) -> None:
        self._dropped |= set(range(item.first, until.first))

    def _is_renamed(self, remaining: list[Item], item: Named, following: list[Item]) -> bool:
        """Whether only the name is put right, by another of its criterion: "80 for content, sorry, for the task"."""
        if (
            len(remaining) < 2
            or not isinstance(before := remaining[-1], Named)
            or not isinstance(remaining[-2], Number)
        ):
            return False
        if (
            before.criteria != item.criteria
            or not self._is_for(remaining[-2], before)
            or not self._is_repair(before, item)
        ):
            return False
        number = following[0] if following else None
        return not isinstance(number, Number) or self._leads_on(number)

    def _is_slow(self, remaining: list[Item], item: Item, following: list[Item]) -> bool:
        """Whether a number is said again in full: "fluency, a six, a six and a half"."""
        if not remaining or not isinstance(item, Number) or (following and isinstance(following[0], Number)):
            return False
        before = remaining[-1]
        names = [isinstance(other, Named) for other in remaining[-3:-1]]
        if not isinstance(before, Number) or names[-1:] != [True]:
            return False
        if names == [True, True] and self._is_listed(remaining[-3], remaining[-2]):
            return False  # "fluency and vocabulary: 6, 6.5"
        words = {token.text for token in self._found[before.last + 1 : item.first]}
        same = before.value is None or item.value in (before.value, before.value + 0.5)
        return same and words <= {",", "a", "an", "band", "…"} and not self._is_for_another(following, item)

    def _is_listed(self, one: Item, other: Item) -> bool:
        if isinstance(one, Named) and isinstance(other, Named) and one.criteria == other.criteria:
            return False
        return {token.text for token in self._found[one.last + 1 : other.first]} <= cues.CO_ORDINATES

    def _is_own_start(self, following: list[Item]) -> bool:
        return len(following) > 1 and isinstance(following[1], Named)

    def _is_for_another(self, following: list[Item], number: Number) -> bool:
        """Whether the number goes on to a name of its own, so that it corrects nothing."""
        if not following:
            return self._leads_on(number) and self._text(number.last + 2) == CUT
        return isinstance(following[0], Named) and self._is_for(number, following[0])

    def _is_for(self, number: Item, name: Item) -> bool:
        """Whether "six" goes on with "for fluency"."""
        return self._leads_on(number) and number.last + 1 < name.first

    def _leads_on(self, number: Item) -> bool:
        return self._text(number.last + 1) in {"for", "in", "on"}

    def _text(self, i: int) -> str:
        return self._found[i].text if i < len(self._found) else ""

    def _is_repair(self, one: Item, other: Item) -> bool:
        words = [token.text for token in self._found[one.last + 1 : other.first] if token.kind != "mark"]
        if "to" in words[-2:] and set(words) & cues.REVISES and isinstance(other, Number):
            return True  # "a five for grammar, but I am going to change that to a six"
        if isinstance(other, Named) and not all(word in cues.REPAIR_WORDS or word in {"in", "on"} for word in words):
            return False
        if isinstance(one, Number) and isinstance(other, Number) and set(words) & cues.IN_ONE_BREATH:
            return True
        said = f" {' '.join(words)} "
        if isinstance(other, Number) and set(words) & cues.TURNS:
            ahead = f" {' '.join(words[-5:])} "
            if any(f" {phrase} " in ahead for phrase in cues.TURNS_TO):
                return True
        return any(f" {phrase} " in said for phrase in cues.REPAIRS)
