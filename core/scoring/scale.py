"""The values a score can have: numbers in steps, or labels; only such as can be told apart when they are said."""

import json
from functools import cached_property
from itertools import combinations, product
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from core.scoring.labels import alike, spoken_forms

JsonSchema = dict[str, Any]

# "One thousand two hundred" is no number to the readers of speech.
MOST_SAID = 999


class Part(BaseModel):
    """A part of a rubric: closed, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class OffScale(ValueError):
    """A value that the scale does not have; the message says why."""


class NumericScale(Part):
    """Numbers from `min` to `max` in equal steps, such as can be said: 0 to 999, with two decimals at most."""

    min: float
    max: float
    step: float = Field(gt=0)

    @model_validator(mode="after")
    def _whole_steps(self) -> "NumericScale":
        if self.max <= self.min:
            raise ValueError(f"the scale ends at {self.max:g}, which is not above its start {self.min:g}")
        steps = (self.max - self.min) / self.step
        if abs(steps - round(steps)) > 1e-6:
            raise ValueError(f"steps of {self.step:g} do not lead from {self.min:g} to {self.max:g}")
        if self.min < 0:
            raise ValueError(f"the scale begins at {self.min:g}; a value below 0 is said like the one above it")
        if self.max > MOST_SAID:
            raise ValueError(
                f"the scale ends at {self.max:g}; numbers above {MOST_SAID} are not read when they are said"
            )
        if any(abs(value * 100 - round(value * 100)) > 1e-6 for value in (self.min, self.step)):
            raise ValueError(
                f"steps of {self.step:g} from {self.min:g} need more than the two decimals that can be said"
            )
        return self

    def take(self, number: float) -> float:
        """The scale's own value for a number. Raises OffScale for one it does not have."""
        if not self.min <= number <= self.max:
            raise OffScale(f"{number:g} is outside {self.min:g} to {self.max:g}")
        steps = (number - self.min) / self.step
        if abs(steps - round(steps)) > 1e-6:
            raise OffScale(f"{number:g} is not on a step of {self.step:g}")
        return round(self.min + round(steps) * self.step, 6)

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest value."""
        return self.min, self.max

    def label(self, value: float) -> str:
        """Numbers carry no label."""
        return ""

    def shown(self, value: float) -> str:
        """A value as people write it."""
        return f"{value:g}"

    def describe(self) -> str:
        """The scale in words, for a prompt."""
        return f"a number from {self.min:g} to {self.max:g} in steps of {self.step:g}"

    def value_schema(self) -> JsonSchema:
        """JSON Schema of one value."""
        return {"type": "number", "minimum": self.min, "maximum": self.max, "description": self.describe()}


class Label(Part):
    """One grade of a scale of labels."""

    label: str = Field(min_length=1)
    synonyms: tuple[str, ...] = ()
    """Other words an examiner says for it."""


def _plain_label(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("YAML takes yes, no, on and off for true and false; put the label in quotes")
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:g}"
    return {"label": value} if isinstance(value, str) else value


class LabelScale(Part):
    """Named grades from the lowest to the highest; a score's number is its place, counted from 0."""

    labels: tuple[Annotated[Label, BeforeValidator(_plain_label)], ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _distinct(self) -> "LabelScale":
        names = [name.strip().casefold() for label in self.labels for name in (label.label, *label.synonyms)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"the scale names {', '.join(twice)} twice")
        for label in self.labels:
            for name in label.synonyms:
                if not spoken_forms(name):
                    raise ValueError(f"{name!r}, a synonym of {label.label!r}, cannot be said; leave it out")
            if not any(map(spoken_forms, (label.label, *label.synonyms))):
                raise ValueError(f"the label {label.label!r} cannot be said; give it a synonym in words")
        if any(("i",) in spoken_forms(name) for label in self.names for name in label):
            raise ValueError("the label 'I' is said like the word I; write it as 1, or with a word before it")
        for one, other in combinations(self.names, 2):
            for this, that in product(one, other):
                if alike(this, that):
                    raise ValueError(f"{this!r} and {that!r} cannot be told apart when they are said")
        return self

    @cached_property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """All that each label is called by, from the lowest."""
        return tuple((label.label, *label.synonyms) for label in self.labels)

    def place_of(self, name: str) -> float | None:
        """The place of the label that is called exactly so, in upper or lower case; None when there is none."""
        wanted = name.strip().casefold()
        places = (n for n, names in enumerate(self.names) if wanted in {one.strip().casefold() for one in names})
        return next(map(float, places), None)

    def said_as(self, words: tuple[str, ...]) -> str:
        """The label that is said in these words, or nothing."""
        return next((label[0] for label in self.names if any(words in spoken_forms(name) for name in label)), "")

    def take(self, number: float) -> float:
        """The scale's own value for a label's place. Raises OffScale for a place it does not have."""
        if number not in range(len(self.labels)):
            raise OffScale(f"{number:g} is not {self.describe()}")
        return float(number)

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest place."""
        return 0.0, len(self.labels) - 1.0

    def label(self, value: float) -> str:
        """The label at a place."""
        return self.labels[int(value)].label

    def shown(self, value: float) -> str:
        """A value as people write it."""
        return self.label(value)

    def describe(self) -> str:
        """The scale in words, for a prompt."""
        return "one of " + ", ".join(label.label for label in self.labels)

    def value_schema(self) -> JsonSchema:
        """JSON Schema of one value."""
        return {
            "type": "string",
            "enum": [label.label for label in self.labels],
            "description": self.describe(),
        }


Scale = NumericScale | LabelScale


def _kind(value: object) -> str:
    """Which of the two a scale is meant to be, so that its errors speak of that one only."""
    labelled = "labels" in value if isinstance(value, dict) else isinstance(value, LabelScale)
    return "labels" if labelled else "numbers"


AnyScale = Annotated[
    Annotated[NumericScale, Tag("numbers")] | Annotated[LabelScale, Tag("labels")], Discriminator(_kind)
]


def quoted(value: object) -> str:
    """A value as it stood, short enough for a sentence."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return repr(text if len(text) <= 60 else text[:57] + "...")
