"""The utterances of one side, joined into one text in which every place has its time."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from core.events import Speaker, UtteranceSpoken
from core.scoring import cues
from core.scoring.amounts import UNITS
from core.scoring.words import CUT, ENDS, FILLERS, PAUSES, TURN, Token, normalised, plain, tokens, wordset

# A speaker who stops on one of these has not finished the sentence.
# Nor is the next one another: "not" and "A seven".
LEADS_ON = wordset("not between than nearly almost around about above below")
UNFINISHED = wordset("and or but so as not because both point")
DANGLING = cues.LIGHT | cues.LOCAL | cues.NUMBERED | cues.PREPOSITIONS | UNFINISHED
KNOWN = DANGLING | cues.REPAIR_WORDS | cues.FOLLOWS | cues.LEADS_IN | wordset("scale candidate speaker half")

# Words of the other side between two utterances, up to which they may be one: "sorry, could you say that again?"
INTERJECTION = 7
# A longer utterance that comes again, letter by letter, was delivered twice, and not said twice.
REPEATABLE = 40
# So was a shorter one that stops in mid-sentence.
UNFINISHED_REPEATABLE = 15


@dataclass(frozen=True, slots=True)
class SpeakerText:
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


def join_utterances(
    utterances: Sequence[UtteranceSpoken],
    speaker: Speaker,
    lexicon: Collection[str] = (),
    names: frozenset[str] = frozenset(),
) -> SpeakerText:
    """Join one speaker's utterances.

    Where one was broken off the next token is torn; where one was finished a line ends. Words of the `lexicon` that
    are split in two and misspelt `names` are corrected. A long utterance delivered twice counts once.
    """
    text = ""
    found: list[Token] = []
    starts: list[int] = []
    joined: list[UtteranceSpoken] = []
    delivered: set[str] = set()
    known = KNOWN.union(lexicon)
    between = 0
    for utterance in utterances:
        said = plain(utterance.text)
        if utterance.speaker != speaker:
            between += len(said.split())
            continue
        following = tokens(said, len(text))
        words = " ".join(said.casefold().split())
        long = len(words) > (REPEATABLE if words[-1:] in ENDS else UNFINISHED_REPEATABLE)
        if not following or (long and any(whole.startswith(words) for whole in delivered)):
            continue
        delivered.add(words)
        if found and between > INTERJECTION:
            found += [_mark("\n", len(text)), _mark(TURN, len(text)), _mark("\n", len(text))]
        elif found:
            following = _joined(found, following, joined[-1], said.lstrip()[0].islower(), known)
        between = 0
        found += following
        starts.append(len(text))
        joined.append(utterance)
        text += said + " "
    if joined and broken_off(joined[-1]):
        found.append(_mark(CUT, found[-1].end))
    return SpeakerText(text, normalised(found, lexicon, names), starts, joined)


def _joined(
    found: list[Token], following: list[Token], before: UtteranceSpoken, small: bool, known: Collection[str]
) -> list[Token]:
    """The tokens of an utterance as they follow those `found`, the last of which may lose its mark to them."""
    last, first, rest = found[-1], following[0], following[1:]
    whole = last.text + first.text
    if whole in FILLERS:
        found.pop()
        return rest
    if last.kind == first.kind == "word" and whole in known and not (last.text in known and first.text in known):
        found.pop()
        return [replace(last, text=whole, end=first.end), *rest]
    if last.kind == "word" and len(last.text) == 1 and (first.kind == "number" or first.text in UNITS):
        return following  # "B" and "2"
    if first.kind == "number" and (last.kind == "number" or last.text == "."):
        return [replace(first, torn=True), *rest]  # "6." and "5"
    if broken_off(before):
        anew = not small and not before.text.isupper() and first.kind == "word" and last.text not in LEADS_ON
        return [*([_mark("\n", last.end)] if anew else []), replace(first, torn=True), *rest]
    if last.text in ENDS or small or first.kind != "word" or last.text in DANGLING or last.text in PAUSES:
        return following
    return [_mark("\n", last.end), *following]


def broken_off(utterance: UtteranceSpoken) -> bool:
    """Whether more may have been meant than its text holds."""
    return utterance.interrupted or utterance.partial


def _mark(text: str, at: int) -> Token:
    return Token("mark", text, at, at)
