"""Scores out of what the examiner said aloud."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.events import Speaker, UtteranceSpoken
from core.scoring.amounts import NUMBER_WORDS
from core.scoring.block import BlockReader, shortened
from core.scoring.grammar import Grammar
from core.scoring.hearing import Heard, hear
from core.scoring.linking import Link, Linker
from core.scoring.readings import Injected, Reading, Refused, Stated
from core.scoring.rubric import Rubric
from core.scoring.sentence import Named, Number, Sentence
from core.scoring.words import TURN

# A heading is spoken of for so many sentences: "Fluency and coherence. You ... You ... That is a six."
TOPIC_LASTS = 6


@dataclass(slots=True)
class _Talk:
    """What a sentence must know of those before it."""

    topic: tuple[str, ...] = ()
    heading: bool = False
    age: int = 0
    last: tuple[str, ...] = ()
    last_value: float | None = None
    last_at: int = -9
    slip: bool = False


class SpeechReader:
    """Reads the examiner's speech with a small grammar; of several values for a criterion the last counts."""

    source = "speech"

    def __init__(self, rubric: Rubric) -> None:
        self.rubric = rubric
        self._grammar = Grammar(rubric)
        self._blocks = BlockReader(rubric)
        self._names = frozenset(word for name in self._grammar.names for word in name)
        self._lexicon = self._names | NUMBER_WORDS

    def read(self, utterances: Sequence[UtteranceSpoken]) -> list[Reading]:
        """What the examiner stated, one reading a criterion, and the callers' attempts to state a score."""
        said = self._said(utterances, "examiner")
        out: list[Reading] = [said[name] for name in self.rubric.names if name in said]
        for utterance in utterances:
            if utterance.speaker == "caller" and any(
                isinstance(reading, Stated) for reading in self._said([utterance], "caller").values()
            ):
                out.append(Injected(self.source, shortened(utterance.text), utterance.started))
        return out

    def _said(self, utterances: Sequence[UtteranceSpoken], speaker: Speaker) -> dict[str, Stated | Refused]:
        heard = self._without_blocks(hear(utterances, speaker, self._lexicon, self._names))
        said: dict[str, Stated | Refused] = {}
        talk = _Talk()
        delivered: set[str] = set()
        for index, sentence in enumerate(self._grammar.sentences(heard.tokens)):
            if heard.tokens[sentence.start].text == TURN:
                talk = _Talk(last=talk.last, last_value=talk.last_value)
                continue
            text = self._text(heard, sentence)
            links = self._resolved(Linker(heard.tokens, sentence, self._grammar.whole).links(), said, talk, index)
            if links and text.casefold() in delivered:
                talk.topic = ()
                talk.last, talk.last_value, talk.last_at = links[-1].criteria, links[-1].number.value, index
                continue
            if all(link.number.value is not None for link in links):
                delivered.add(text.casefold())
            if sentence.withdraws and not any(isinstance(item, Number) for item in sentence.items):
                for criterion in talk.last:
                    said.pop(criterion, None)
                talk.topic, talk.heading, talk.age = talk.last, True, 0
                continue
            links = links or self._carried(sentence, talk)
            for link in links:
                for criterion in link.criteria:
                    self._state(said, heard, criterion, link, text)
                talk.last, talk.last_value, talk.last_at = link.criteria, link.number.value, index
            self._follow(talk, sentence, links)
        return said

    def _without_blocks(self, heard: Heard) -> Heard:
        spans = self._blocks.spans(heard)
        kept = [token for token in heard.tokens if not any(start <= token.start < end for start, end in spans)]
        return Heard(heard.text, kept, heard.starts, heard.utterances)

    def _resolved(self, links: list[Link], said: dict[str, Stated | Refused], talk: _Talk, index: int) -> list[Link]:
        """The links with "the same" replaced by what it is the same as."""
        out: list[Link] = []
        for link in links:
            number = link.number
            if not number.alike:
                out.append(link)
                continue
            value: float | None = None
            like = said.get(number.like)
            here = next((other.number.value for other in reversed(out) if number.like in ("", *other.criteria)), None)
            if here is not None:
                value = here
            elif number.like:
                value = like.value if isinstance(like, Stated) else None
            elif talk.last_at >= index - 2:
                value = talk.last_value
            if value is not None:
                out.append(Link(link.criteria, Number(number.first, number.last, value, strong=True), link.named))
        return out

    def _carried(self, sentence: Sentence, talk: _Talk) -> list[Link]:
        """A number alone in its sentence: it corrects the last score, or is for the criterion spoken of."""
        numbers = [item for item in sentence.items if isinstance(item, Number)]
        told = [number for number in numbers if not number.alike]
        if not told and talk.last_value is not None:
            told = [replace(number, value=talk.last_value, alike=False) for number in numbers if not number.like]
        numbers = told
        if sentence.repair and numbers:
            numbers = numbers[-1:]
        if len(numbers) != 1 or not numbers[0].strong:
            return []
        if any(isinstance(item, Named) for item in sentence.items) or sentence.trails:
            return []
        if (sentence.repair or talk.slip) and talk.last and not talk.topic:
            return [Link(talk.last, numbers[0], ())]
        if talk.topic:
            return [Link(talk.topic, numbers[0], ())]
        return []

    def _follow(self, talk: _Talk, sentence: Sentence, links: list[Link]) -> None:
        talk.slip = sentence.slip
        if sentence.asks:
            talk.topic = ()
        named = [item for item in sentence.items if isinstance(item, Named)]
        linked = {id(item) for link in links for item in link.named}
        if links and not named:
            talk.topic = ()
            return
        if not named:
            talk.age += 1
            if talk.age >= TOPIC_LASTS:
                talk.topic = ()
            return
        after = max((index for index, item in enumerate(named) if id(item) in linked), default=-1) + 1
        rest = named[after:]
        about = [item for item in rest if item.topical] or ([] if talk.heading and talk.topic and not links else rest)
        if not about:
            if links or any(item.leading and item.criteria != talk.topic for item in rest):
                talk.topic = ()
            else:
                talk.age += 1
            return
        criteria = tuple(dict.fromkeys(name for item in about for name in item.criteria))
        talk.topic = criteria if len(criteria) == 1 else ()
        talk.heading = about[0].topical
        talk.age = 0

    def _state(self, said: dict[str, Stated | Refused], heard: Heard, criterion: str, link: Link, text: str) -> None:
        at = heard.at(heard.tokens[link.number.first].start)
        evidence = shortened(text)
        if link.number.value is not None:
            value = link.number.value
            said[criterion] = Stated(criterion, value, self.source, evidence, at, self.rubric.scale.label(value))
        elif link.number.why != "it was cut off" or criterion not in said:
            said[criterion] = Refused(criterion, self.source, link.number.why, evidence, at)

    def _text(self, heard: Heard, sentence: Sentence) -> str:
        first, last = heard.tokens[sentence.start], heard.tokens[sentence.end - 1]
        return re.sub(r"\s+", " ", heard.text[first.start : last.end].replace("*", "")).strip()
