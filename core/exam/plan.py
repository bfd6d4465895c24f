"""What an exam asks, in which order, and for how long: data, and its text for the system instruction."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

AnswerKind = Literal["yes_no", "short", "long"]


@dataclass(frozen=True, slots=True)
class Expected:
    """How an answer of a kind usually goes, in seconds: its length, the quiet that ends it (None: as configured for
    the call), the speech below which it is hardly finished, and the time to think before it begins.
    """

    seconds: float
    silence: float | None
    at_least: float
    thinking: float = 0.0


# A yes is over at once. Who speaks at length pauses in mid-thought for two seconds, and is not done after ten.
ANSWERS: dict[AnswerKind, Expected] = {
    "yes_no": Expected(3.0, 0.8, 0.0),
    "short": Expected(25.0, None, 1.0),
    "long": Expected(90.0, 3.0, 20.0),
}


# Seconds of thanks, question and pause around an answer.
EXAMINER = 12.0


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class _Answered(_Part):
    """What kind of answer is expected. Whatever is left out follows from `answer`."""

    answer: AnswerKind = "short"
    seconds: float | None = Field(None, gt=0)
    """How long the answer usually is."""
    silence: float | None = Field(None, gt=0)
    """Seconds of quiet that end the answer."""
    at_least: float | None = Field(None, ge=0)
    """Seconds of speech below which the answer is hardly finished."""
    thinking: float = Field(0.0, ge=0)
    """Seconds the candidate may think before the answer, in which nobody asks whether they are still there."""

    @property
    def expected(self) -> Expected:
        """How the answer goes, with what is left out filled in."""
        usual = ANSWERS[self.answer]
        return Expected(
            usual.seconds if self.seconds is None else self.seconds,
            usual.silence if self.silence is None else self.silence,
            usual.at_least if self.at_least is None else self.at_least,
            self.thinking,
        )


class Question(_Answered):
    """One question, in the words in which it may be asked."""

    text: str = Field(min_length=1)


def _question(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


Asked = Annotated[Question, BeforeValidator(_question)]


class Choice(_Answered):
    """Questions that the model chooses: `choose` of a list, or that many of its own on a topic."""

    choose: int = Field(ge=1, le=50)
    of: tuple[Asked, ...] = ()
    topic: str = ""
    """What questions of its own are about."""

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Choice":
        if bool(self.of) == bool(self.topic):
            raise ValueError("a choice has either a list, `of`, or a `topic`")
        if self.of and self.choose > len(self.of):
            raise ValueError(f"{self.choose} of {len(self.of)} questions cannot be chosen")
        return self


def _kind(value: object) -> str:
    """Which of the two a YAML item is, so that its errors speak of that one only."""
    chooses = "choose" in value if isinstance(value, dict) else isinstance(value, Choice)
    return "choice" if chooses else "question"


Item = Annotated[
    Annotated[Asked, Tag("question")] | Annotated[Choice, Tag("choice")],
    Discriminator(_kind),
]


class Part(_Part):
    """A stretch of the exam."""

    name: str = Field(min_length=1)
    introduction: str = ""
    """What the examiner says before the first question, word for word."""
    instructions: str = ""
    """Instructions to the examiner for this part, not to be said."""
    questions: tuple[Item, ...] = Field(min_length=1)
    minutes: float | None = Field(None, gt=0)
    """After so long the examiner is instructed to go on, at the next quiet moment."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the exam where one question is asked; `texts` are those it may be, empty for one of the model's own.

    Slots of one choice share its `group`. Numbers count from 1.
    """

    number: int
    part: int
    group: int
    texts: tuple[str, ...]
    expected: tuple[Expected, ...]
    about: str

    def waits(self, text: int | None) -> Expected:
        """How the answer goes to this slot's question of that index; None when it is not known which was asked."""
        return self.expected[text if text is not None else 0]


class ExamPlan(_Part):
    """An exam as data."""

    name: str = Field(min_length=1)
    parts: tuple[Part, ...] = Field(min_length=1)
    closing: str = "Thank you. That is the end of the test."
    """What the examiner says when the last answer is complete."""
    minutes: float | None = Field(None, gt=0)
    """After so long the exam is brought to its end, at the next quiet moment."""
    scoring: Literal["last answer", "time limit"] = "last answer"
    """When scores are expected: after the answer to the last question, or only when the minutes are over."""

    @model_validator(mode="after")
    def _consistent(self) -> "ExamPlan":
        names = [part.name for part in self.parts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two parts are called {twice[0]!r}")
        if self.scoring == "time limit" and self.minutes is None:
            raise ValueError("scoring at the time limit needs one: set `minutes`")
        return self

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The questions of the exam in order."""
        slots: list[Slot] = []
        group = 0
        for part, content in enumerate(self.parts):
            for item in content.questions:
                group += 1
                if isinstance(item, Question):
                    texts, expected, about, count = (item.text,), (item.expected,), item.text, 1
                elif item.of:
                    texts, expected = tuple(q.text for q in item.of), tuple(q.expected for q in item.of)
                    about, count = f"one of these: {' / '.join(texts)}", item.choose
                else:
                    texts, expected, about, count = (
                        (),
                        (item.expected,),
                        f"one of your own on {item.topic}",
                        item.choose,
                    )
                slots += [Slot(len(slots) + 1 + n, part, group, texts, expected, about) for n in range(count)]
        return tuple(slots)

    @property
    def seconds(self) -> float:
        """How long the exam usually takes: the examiner's part of each question, and its answer."""
        return sum(EXAMINER + max(one.seconds for one in slot.expected) for slot in self.slots)

    def outline(self) -> list[str]:
        """The plan in lines to read."""
        count, parts = len(self.slots), len(self.parts)
        limit = f", {self.minutes:g} minutes at most" if self.minutes else ""
        lines = [
            f"{self.name}: {count} question{'s' * (count > 1)} in {parts} part{'s' * (parts > 1)},"
            f" about {max(1, round(self.seconds / 60))} min{limit}"
        ]
        for number, part in enumerate(self.parts):
            lines.append(f"{number + 1}. {part.name}" + (f" ({part.minutes:g} min)" if part.minutes else ""))
            lines += [f"   {numbers}. {_listed(item)}" for numbers, item in self._numbered(number)]
        return lines

    def instructions(self) -> str:
        """The plan's part of the system instruction."""
        about = f" It takes about {self.minutes:g} minutes." if self.minutes else ""
        lines = [
            "# The test",
            "",
            f"It has {len(self.parts)} part{'s' * (len(self.parts) > 1)} and {len(self.slots)} questions.{about} Keep"
            " to this order. Ask each question in these words or very near to them. Leave out a question that the"
            " candidate has already answered.",
        ]
        for place, part in enumerate(self.parts):
            limit = f", about {part.minutes:g} minutes" if part.minutes else ""
            lines += ["", f"## Part {place + 1}: {part.name}{limit}", ""]
            lines += [line for line in (_say(part.introduction), part.instructions) if line]
            lines += [f"{numbers}. {_for_prompt(item)}" for numbers, item in self._numbered(place)]
        end = (
            "After the last question stop talking and wait for the whole answer. When it is complete, say:"
            if self.scoring == "last answer"
            else "Go on with questions on the same topics until you are told that the time is over. Then say:"
        )
        return "\n".join([*lines, "", f'{end} "{self.closing}"'])

    def _numbered(self, part: int) -> Iterator[tuple[str, Question | Choice]]:
        """A part's items, each with the number of its question, or numbers ("4 to 6")."""
        number = sum(1 for slot in self.slots if slot.part < part)
        for item in self.parts[part].questions:
            first, number = number + 1, number + (1 if isinstance(item, Question) else item.choose)
            yield (str(first) if number == first else f"{first} to {number}"), item


def _say(words: str) -> str:
    return f'Begin it with: "{words}"' if words else ""


def _listed(item: Question | Choice) -> str:
    match item:
        case Question():
            return item.text
        case Choice(of=()):
            return f"its own on {item.topic}"
        case _:
            return f"{item.choose} of {len(item.of)}: " + " | ".join(one.text for one in item.of)


def _for_prompt(item: Question | Choice) -> str:
    match item:
        case Question():
            return f"{item.text}{_wait(item)}"
        case Choice(of=()):
            many = (
                f"{item.choose} questions of your own, one at a time,"
                if item.choose > 1
                else "one question of your own"
            )
            return f"Ask {many} on {item.topic}.{_wait(item)}"
        case _:
            listed = "".join(f"\n   - {one.text}{_wait(one)}" for one in item.of)
            return f"Choose {item.choose} of these:{listed}"


def _wait(item: _Answered) -> str:
    if item.answer == "yes_no":
        return " (Expect a yes or a no.)"
    if item.answer == "short":
        return ""
    return f" (Expect an answer of up to {_length(item.expected.seconds)}; do not interrupt it.)"


def _length(seconds: float) -> str:
    return f"{seconds:g} seconds" if seconds < 120 else f"{seconds / 60:.2g} minutes"
