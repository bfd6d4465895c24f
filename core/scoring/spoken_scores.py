"""Scores out of what the examiner said aloud."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from core.events import Speaker, UtteranceSpoken
from core.scoring import cues
from core.scoring.amounts import NUMBER_WORDS, amounts
from core.scoring.binding import Linker, Statement
from core.scoring.block import BlockReader, shortened
from core.scoring.grammar import Grammar
from core.scoring.injections import instructs
from core.scoring.ranges import left_open
from core.scoring.readings import Injected, Reading, Refused, Stated, following
from core.scoring.rubric import Rubric
from core.scoring.sentence import Named, Number, Sentence
from core.scoring.speaker_text import SpeakerText, join_utterances
from core.scoring.words import TURN, mentions, plain, tokens

# A heading is spoken of for so many sentences: "Fluency and coherence. You ... You ... That is a six."
TOPIC_LASTS = 6
# A caller's "my fluency is a nine" is as much of an attempt as "your fluency is a nine".
MINE = re.compile(r"\bmy\b", re.IGNORECASE)
# So many tokens hold nothing but a number: "My error, it is a six and a half".
SHORT = 16
# A correction follows what announces it within so many sentences: "Let me recheck the sums. Right. It is a seven."
SLIP_LASTS = 2


@dataclass(slots=True)
class _Talk:
    """What a sentence must know of those before it."""

    topic: tuple[str, ...] = ()
    heading: bool = False
    age: int = 0
    last: tuple[str, ...] = ()
    last_value: float | None = None
    last_at: int = -9
    two: tuple[str, ...] = ()
    alone: Number | None = None
    slip: int = 0
    supposed: bool = False


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
            if utterance.speaker != "caller":
                continue
            as_examiner = replace(utterance, text=MINE.sub("your", utterance.text))
            states = any(isinstance(reading, Stated) for reading in self._said([as_examiner], "caller").values())
            if states or instructs(tokens(plain(utterance.text)), self.rubric):
                out.append(Injected(self.source, shortened(utterance.text), utterance.started))
        return out

    def _said(self, utterances: Sequence[UtteranceSpoken], speaker: Speaker) -> dict[str, Stated | Refused]:
        speech = self._without_blocks(join_utterances(utterances, speaker, self._lexicon, self._names))
        said: dict[str, Stated | Refused] = {}
        talk = _Talk()
        delivered: set[str] = set()
        for index, sentence in enumerate(self._grammar.sentences(speech.tokens)):
            if speech.tokens[sentence.start].text == TURN:
                talk = _Talk(last=talk.last, last_value=talk.last_value)
                continue
            text = self._text(speech, sentence)
            if self._is_supposed(speech, sentence, talk):
                continue
            statements = self._resolved(
                Linker(speech.tokens, sentence, self._grammar.whole).statements(), said, talk, index
            )
            if statements and text.casefold() in delivered:
                talk.topic = ()
                talk.last, talk.last_value, talk.last_at = statements[-1].criteria, statements[-1].number.value, index
                continue
            if all(statement.number.value is not None for statement in statements):
                delivered.add(text.casefold())
            if sentence.withdraws and not any(isinstance(item, Number) for item in sentence.items):
                for criterion in talk.two if sentence.swaps else talk.last:
                    said.pop(criterion, None)
                talk.topic, talk.heading, talk.age = talk.last, True, 0
                continue
            statements = self._ahead(sentence, speech, talk, index, statements) + statements
            statements = (
                statements
                or self._labelled(sentence, speech, talk)
                or self._pointed(sentence, speech, talk)
                or self._carried(speech, sentence, talk)
            )
            statements = [one for one in statements if not self._is_of_topic(speech, sentence, one, talk)]
            if not talk.slip:
                statements = [
                    statement for statement in statements if not self._is_echo(speech, sentence, statement, utterances)
                ]
            if not statements and (renamed := self._renamed(sentence, talk, index)):
                for criterion in talk.last:
                    said.pop(criterion, None)
                statements = renamed
            if not statements and self._gainsays(speech, sentence, talk, index):
                for criterion in talk.last:
                    said.pop(criterion, None)
            corrects = sentence.repair or sentence.slip or sentence.withdraws or bool(talk.slip)
            for statement in statements:
                for criterion in statement.criteria:
                    now = self._reading(speech, criterion, statement, text)
                    if isinstance(now, Stated):
                        said[criterion] = following(said.get(criterion), now, corrects)
                    elif now.why != "it was cut off" or criterion not in said:
                        said[criterion] = now
                talk.two = (talk.last + statement.criteria)[-2:]
                talk.last, talk.last_value, talk.last_at = statement.criteria, statement.number.value, index
            found = speech.tokens[sentence.start : sentence.end + 1]
            for one in left_open(found, self.rubric, self._grammar.names, shortened(text), speech.at):
                said.setdefault(one.criterion, one)
            self._follow(talk, sentence, statements)
        return said

    def _without_blocks(self, speech: SpeakerText) -> SpeakerText:
        spans = self._blocks.spans(speech)
        outside = [token for token in speech.tokens if not any(start <= token.start < end for start, end in spans)]
        return SpeakerText(speech.text, outside, speech.starts, speech.utterances)

    def _resolved(
        self, statements: list[Statement], said: dict[str, Stated | Refused], talk: _Talk, index: int
    ) -> list[Statement]:
        """The statements with "the same" replaced by what it is the same as."""
        out: list[Statement] = []
        for statement in statements:
            number = statement.number
            if not number.alike:
                out.append(statement)
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
                out.append(
                    Statement(
                        statement.criteria, Number(number.first, number.last, value, strong=True), statement.named
                    )
                )
        return out

    @staticmethod
    def _is_for_unnamed(speech: SpeakerText, sentence: Sentence, number: Number) -> bool:
        """Whether a number goes on to a criterion that was not understood: "it is a six for your pro-"."""
        return number.last + 1 < sentence.end and speech.tokens[number.last + 1].text in cues.ASSIGNS

    def _carried(self, speech: SpeakerText, sentence: Sentence, talk: _Talk) -> list[Statement]:
        """A number alone in its sentence: it corrects the last score, or is for the criterion spoken of."""
        numbers = [item for item in sentence.items if isinstance(item, Number)]
        explicit = [number for number in numbers if not number.alike]
        if not explicit and talk.last_value is not None:
            explicit = [replace(number, value=talk.last_value, alike=False) for number in numbers if not number.like]
        numbers = explicit
        if sentence.repair and numbers:
            numbers = numbers[-1:]
        if len(numbers) != 1 or not numbers[0].strong:
            return []
        if not talk.topic and self._is_for_unnamed(speech, sentence, numbers[0]):
            return []
        if any(isinstance(item, Named) for item in sentence.items) or (sentence.trails and not sentence.repair):
            return []
        leads_back = not talk.topic or (sentence.brings and not talk.heading)
        if (sentence.repair or talk.slip) and talk.last and leads_back:
            return [Statement(talk.two if sentence.both else talk.last, numbers[0], ())]
        if talk.topic:
            return [Statement(talk.topic, numbers[0], ())]
        return []

    def _is_echo(
        self, speech: SpeakerText, sentence: Sentence, statement: Statement, utterances: Sequence[UtteranceSpoken]
    ) -> bool:
        """Whether the number only says again what the other side has just said: "Seven." "Seven, okay."."""
        words = {token.text for token in speech.tokens[sentence.start : sentence.end]}
        if words & (cues.GIVING | cues.AGREES):
            return False
        here = speech.utterances[speech.index(speech.tokens[statement.number.first].start)]
        before = next((one for one, other in pairwise(utterances) if other is here), None)
        if before is None or before.speaker == here.speaker:
            return False
        said = tokens(plain(before.text))
        if statement.named:
            names = {name for name, _, _ in mentions(said, self._grammar.names)}
            if not names & set(statement.criteria):
                return False
        return statement.number.value in {amount.value for amount in amounts(said, self.rubric.scale)}

    def _is_of_topic(self, speech: SpeakerText, sentence: Sentence, statement: Statement, talk: _Talk) -> bool:
        """Whether "all in all I'd call it a six" may sum up the criterion spoken of instead of the exam."""
        if not talk.heading or not talk.topic or statement.criteria != (self._grammar.whole,) or not statement.named:
            return False
        named = statement.named[0]
        between = {token.text for token in speech.tokens[named.last + 1 : statement.number.first]}
        return named.leading and bool(between & {"it", "that", "this"})

    def _labelled(self, sentence: Sentence, speech: SpeakerText, talk: _Talk) -> list[Statement]:
        """A value and what it is for, and no more: "Seven, fluency. Six, vocabulary."."""
        if (talk.topic and talk.heading) or len(sentence.items) != 2:
            return []
        number, named = sentence.items
        if not isinstance(number, Number) or not isinstance(named, Named) or named.first < number.last:
            return []
        if named.last + 1 < sentence.end and speech.tokens[named.last + 1].text not in cues.CLAUSE_MARKS:
            return []
        if number.value == 1:
            return []  # "One: fluency" begins a list
        lead = number.first - 1
        while lead >= sentence.start and speech.tokens[lead].text in cues.ARTICLES:
            lead -= 1
        before = speech.tokens[lead].text if lead >= sentence.start else ":"
        between = {token.text for token in speech.tokens[number.last + 1 : named.first]}
        return [Statement(named.criteria, number, (named,))] if before == ":" and between <= {",", ":", "-"} else []

    def _pointed(self, sentence: Sentence, speech: SpeakerText, talk: _Talk) -> list[Statement]:
        """The number alone in the sentence before, if this one says what it was: "Seven. That is for fluency."."""
        names = tuple(item for item in sentence.items if isinstance(item, Named))
        first = speech.tokens[sentence.start].text
        if talk.alone is None or first not in {"that", "this"} or len(names) != 1 or len(sentence.items) != 1:
            return []
        return [Statement(names[0].criteria, talk.alone, names)]

    def _is_supposed(self, speech: SpeakerText, sentence: Sentence, talk: _Talk) -> bool:
        """Whether it only says what would follow from the sentence before: "That would make a six overall."."""
        said = [token.text for token in speech.tokens[sentence.start : sentence.end]]
        while said and said[0] in cues.OPENERS:
            del said[0]
        follows = said[:1] != [] and said[0] in cues.FOLLOWING_FROM and "would" in said[1:3]
        supposed, talk.supposed = talk.supposed, sentence.supposes
        return supposed and follows

    def _ahead(
        self, sentence: Sentence, speech: SpeakerText, talk: _Talk, index: int, statements: list[Statement]
    ) -> list[Statement]:
        """A number ahead of the first criterion of a sentence, if it is for one before: "It goes up to a six, and"."""
        first, second = (*sentence.items[:2], None, None)[:2]
        if not statements or not isinstance(first, Number) or not isinstance(second, Named) or first.value is None:
            return []
        said = [token.text for token in speech.tokens[sentence.start : first.first]]
        moves = any(one == "it" and other in cues.RISES for one, other in pairwise(said))
        if any(statement.number.first == first.first for statement in statements):
            return []
        if moves and index <= talk.last_at + SLIP_LASTS:
            return [Statement(talk.last, first, ())]
        awarded = first.strong and talk.heading and talk.age == 0 and not cues.AWARDS.isdisjoint(said)
        closed = speech.tokens[first.last + 1].text in {",", ";", "and"}
        return [Statement(talk.topic, first, ())] if awarded and closed and talk.topic else []

    def _renamed(self, sentence: Sentence, talk: _Talk, index: int) -> list[Statement]:
        """The last value given to the criterion that was meant: "Seven for grammar. Sorry, I meant fluency."."""
        only = sentence.items[0] if len(sentence.items) == 1 else None
        short = sentence.end - sentence.start <= SHORT
        if not (sentence.means and short and isinstance(only, Named) and index == talk.last_at + 1):
            return []
        if only.last + 1 < sentence.end or only.criteria == talk.last or talk.last_value is None:
            return []
        return [Statement(only.criteria, Number(only.first, only.last, talk.last_value, strong=True), (only,))]

    def _gainsays(self, speech: SpeakerText, sentence: Sentence, talk: _Talk, index: int) -> bool:
        """Whether another number for what was just scored stands alone there, unexplained: "My error, B1."."""
        if index > talk.last_at + SLIP_LASTS:
            return False
        if talk.last_value in sentence.denied:
            return True  # "I cannot justify a seven."
        others = {value for value in sentence.amounts if value != talk.last_value} - sentence.denied
        if sentence.repair and others and not sentence.named:
            return True  # "No, I would knock it back: six."
        if talk.topic or len(sentence.items) != 1 or sentence.trails:
            return False
        number = sentence.items[0]
        if not isinstance(number, Number) or not number.strong or number.alike:
            return False
        if self._is_for_unnamed(speech, sentence, number):
            return False
        headed = speech.tokens[number.first - 1].text == ":"  # "Errors in a minute: 5."
        if headed or sentence.end - sentence.start > SHORT:
            return False
        # "Seven." alone may be for what comes next.
        bare = number.first - sentence.start <= 1 and number.last + 1 == sentence.end
        if number.value is None or talk.last_value is None or number.value == talk.last_value:
            return False
        return not bare or abs(number.value - talk.last_value) < 1  # "It is a six. ... Six and a half."

    def _follow(self, talk: _Talk, sentence: Sentence, statements: list[Statement]) -> None:
        talk.slip = SLIP_LASTS if sentence.slip else 0 if statements else max(0, talk.slip - 1)
        if sentence.asks:
            talk.topic = ()
        only = sentence.items[0] if len(sentence.items) == 1 and not statements else None
        talk.alone = only if isinstance(only, Number) and only.strong and not only.alike else None
        if statements and statements[-1].number.value is None:
            talk.topic, talk.heading, talk.age = statements[-1].criteria, True, 0  # "a six point" waits for its end
            return
        named = [item for item in sentence.items if isinstance(item, Named)]
        linked = {id(item) for statement in statements for item in statement.named}
        if statements and not named:
            talk.topic = ()
            return
        if not named:
            talk.age += 1
            if talk.age >= TOPIC_LASTS:
                talk.topic = ()
            return
        after = max((index for index, item in enumerate(named) if id(item) in linked), default=-1) + 1
        rest = named[after:]
        about = [item for item in rest if item.topical] or (
            [] if talk.heading and talk.topic and not statements else rest
        )
        if not about:
            if statements or any(item.leading and item.criteria != talk.topic for item in rest):
                talk.topic = ()
            else:
                talk.age += 1
            return
        criteria = tuple(dict.fromkeys(name for item in about for name in item.criteria))
        talk.topic = criteria if len(criteria) == 1 else ()
        talk.heading = about[0].topical
        talk.age = 0

    def _reading(self, speech: SpeakerText, criterion: str, statement: Statement, text: str) -> Stated | Refused:
        at, evidence = speech.at(speech.tokens[statement.number.first].start), shortened(text)
        value = statement.number.value
        if value is None:
            return Refused(criterion, self.source, statement.number.why, evidence, at)
        return Stated(criterion, value, self.source, evidence, at, self.rubric.scale.label(value))

    def _text(self, speech: SpeakerText, sentence: Sentence) -> str:
        first, last = speech.tokens[sentence.start], speech.tokens[sentence.end - 1]
        return re.sub(r"\s+", " ", speech.text[first.start : last.end].replace("*", "")).strip()
