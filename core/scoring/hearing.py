"""What one side said, as one text in which every place still knows its time."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.events import Speaker, UtteranceSpoken
from core.scoring.amounts import TENS, UNITS
from core.scoring.words import CUT, ENDS, TURN, Token, mended, plain, tokens, wordset

# A speaker who stops on one of these has not finished the sentence.
DANGLING = wordset(
    "a an the for in on of at is are was be to and or but so your my you i we it that this with give gives giving gave "
    "award would will put score band point as than not also because both"
)
# The other side's words between two utterances, up to which they may still be one: "sorry, could you say that again?"
ASIDE = 7


@dataclass(frozen=True, slots=True)
class Heard:
    """One speaker's words in order. `text` is joined from the utterances' texts; `tokens` point into it."""

    text: str
    tokens: list[Token]
    starts: list[int]
    utterances: list[UtteranceSpoken]

    def index(self, place: int) -> int:
        """Which utterance holds a place in the text."""
        return max(0, bisect_right(self.starts, place) - 1)

    def at(self, place: int) -> float:
        """When the words at a place in the text were said, as near as the utterance's times tell."""
        index = self.index(place)
        utterance = self.utterances[index]
        length = max(1, len(utterance.text))
        share = min(1.0, max(0, place - self.starts[index]) / length)
        return round(utterance.started + share * (utterance.ended - utterance.started), 3)


def hear(utterances: Sequence[UtteranceSpoken], speaker: Speaker, lexicon: Collection[str] = ()) -> Heard:
    """Join one speaker's utterances.

    Between two of them stands a CUT when the first was broken off, a line's end when it was finished. Words of the
    `lexicon` are put right. A long utterance delivered twice is heard once.
    """
    text = ""
    found: list[Token] = []
    starts: list[int] = []
    kept: list[UtteranceSpoken] = []
    delivered: set[str] = set()
    before: UtteranceSpoken | None = None
    between = 0
    for utterance in utterances:
        said = plain(utterance.text)
        if utterance.speaker != speaker:
            between += len(said.split())
            continue
        if not said.strip():
            continue
        words = " ".join(said.casefold().split())
        if words in delivered and len(words) > 40:
            continue
        delivered.add(words)
        fresh = tokens(said, len(text))
        if before is not None and found:
            found += _between(found[-1], fresh, before)
            if between > ASIDE:
                found += [_mark("\n", found[-1].end), _mark(TURN, found[-1].end), _mark("\n", found[-1].end)]
        between = 0
        found += fresh
        starts.append(len(text))
        kept.append(utterance)
        text += said + " "
        before = utterance
    if before is not None and broken_off(before) and found:
        found.append(_mark(CUT, found[-1].end))
    return Heard(text, mended(found, lexicon) if lexicon else found, starts, kept)


def broken_off(utterance: UtteranceSpoken) -> bool:
    """Whether more may have been meant than its text holds."""
    return utterance.interrupted or utterance.partial


def _between(last: Token, fresh: list[Token], before: UtteranceSpoken) -> list[Token]:
    """What stands between two utterances of a speaker."""
    follows = [token.text for token in fresh[:3]]
    first = follows[0] if follows else ""
    if last.kind == "word" and len(last.text) == 1 and first.isdigit() and last.text not in DANGLING:
        return []  # "B" and "2"
    if last.kind == "mark" and last.text in ENDS and not broken_off(before) and not first.isdigit():
        return []
    goes_on = first in {"point", "half", "."} or (first == "and" and "half" in follows) or first.isdigit()
    goes_on = goes_on or (last.text in TENS and UNITS.get(first, 0.0) in range(1, 10))
    cut = broken_off(before) or goes_on or (last.kind == "word" and last.text in DANGLING)
    return [_mark(CUT if cut else "\n", last.end)]


def _mark(text: str, at: int) -> Token:
    return Token("mark", text, at, at)
