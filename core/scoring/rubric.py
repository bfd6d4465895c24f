"""What may be scored: criteria, their scale, and what is derived from them for the model."""

import json
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from itertools import combinations, product
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from core.scoring.labels import alike, spoken_forms

JsonSchema = dict[str, Any]

# "One thousand two hundred" is no number to the readers of speech.
MOST_SAID = 999


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class OffScale(ValueError):
    """A value that the scale does not have; the message says why."""


class NumericScale(_Part):
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


class Label(_Part):
    """One grade of a scale of labels."""

    label: str = Field(min_length=1)
    synonyms: tuple[str, ...] = ()
    """Other words an examiner says for it."""


def _plain_label(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:g}"
    return {"label": value} if isinstance(value, str) else value


class LabelScale(_Part):
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


class Criterion(_Part):
    """One thing that gets a score."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Its key in calls, blocks and records."""
    title: str = ""
    """Its name for people; the key when left out."""
    synonyms: tuple[str, ...] = ()
    """Other names an examiner may say."""
    description: str = ""
    """What it judges, in a sentence for the model."""
    descriptors: dict[str, str] = Field(default_factory=dict[str, str])
    """What a value means, by value: "6": "speaks at length, with some hesitation"."""
    mandatory: bool = True
    """Whether a result without it is incomplete."""

    @property
    def names(self) -> tuple[str, ...]:
        """All it is called by, without repetition."""
        return tuple(dict.fromkeys((self.name.replace("_", " "), self.shown.casefold(), *self.synonyms)))

    @property
    def shown(self) -> str:
        """Its name for people."""
        return self.title or self.name.replace("_", " ")


class Overall(_Part):
    """Which criterion sums the others up, and whether it may be computed from them."""

    criterion: str
    compute: Literal["mean"] | None = None
    """How it is computed when nobody stated it; nothing: never."""
    round: float | None = Field(None, gt=0)
    """The mean is rounded to a multiple of this, halves up; the scale's step when left out."""


class Rubric(_Part):
    """The criteria of an exam and their scale, as data."""

    name: str
    function: str = Field("reportScoringResults", pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,62}$")
    """The function the model reports scores with."""
    block: str = Field("BAND_SCORES", pattern=r"^[A-Z]+(_[A-Z]+)*$")
    """The mark that opens and closes a block of scores in text."""
    scale: AnyScale
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    overall: Overall | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Rubric":
        for criterion in self.criteria:
            for name in criterion.names:
                if not key(name):
                    raise ValueError(f"{criterion.name} has the name {name!r}, which cannot be said")
                if isinstance(self.scale, LabelScale) and (label := self.scale.said_as(key(name))):
                    raise ValueError(f"{name!r} names both the criterion {criterion.name} and the label {label!r}")
        for one, other in combinations(self.criteria, 2):
            shared = {key(name) for name in one.names} & {key(name) for name in other.names}
            if shared:
                raise ValueError(f"{one.name} and {other.name} share the name {' '.join(sorted(shared)[0])!r}")
        if self.overall is not None:
            if self.overall.criterion not in self.names:
                raise ValueError(f"overall names {self.overall.criterion!r}, which is not a criterion")
            if self.overall.compute and not isinstance(self.scale, NumericScale):
                raise ValueError("overall can be computed on a numeric scale only")
        return self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The keys of the criteria, in order."""
        return tuple(criterion.name for criterion in self.criteria)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The criteria other than the overall one."""
        whole = self.overall.criterion if self.overall else None
        return tuple(name for name in self.names if name != whole)

    def criterion(self, name: str) -> Criterion:
        """The criterion with that key."""
        return next(criterion for criterion in self.criteria if criterion.name == name)

    def computed(self, values: dict[str, float]) -> float | None:
        """The overall value these values give, if the rubric wants it computed and none of them is missing."""
        if self.overall is None or self.overall.compute is None or any(part not in values for part in self.parts):
            return None
        scale = cast(NumericScale, self.scale)
        parts = [Decimal(str(values[part])) for part in self.parts]
        step = Decimal(str(self.overall.round or scale.step))
        mean = sum(parts, Decimal(0)) / len(parts)
        rounded = (mean / step).quantize(Decimal(1), ROUND_HALF_UP) * step
        try:
            return scale.take(float(rounded))
        except OffScale:
            return None

    def declaration(self) -> JsonSchema:
        """The declaration of the reporting function for the model."""
        return {
            "name": self.function,
            "description": (
                "Report the candidate's final scores. Call it exactly once, when the exam is over, "
                "with the same values you said aloud."
            ),
            "parameters": self._object(nullable=False),
        }

    def schema(self) -> JsonSchema:  # pyright: ignore[reportIncompatibleMethodOverride]  # hides a deprecated classmethod
        """What the fallback text model must answer; null where the transcript holds too little evidence."""
        return self._object(nullable=True)

    def _object(self, nullable: bool) -> JsonSchema:
        return {
            "type": "object",
            "properties": {criterion.name: self._property(criterion, nullable) for criterion in self.criteria},
            "required": [criterion.name for criterion in self.criteria if nullable or criterion.mandatory],
        }

    def _property(self, criterion: Criterion, nullable: bool) -> JsonSchema:
        band = self.scale.value_schema()
        evidence: JsonSchema = {
            "type": "string",
            "description": "the candidate's own words that show it, quoted",
        }
        if nullable:
            band |= {"nullable": True}
            evidence |= {"nullable": True}
        description = [f"{criterion.shown}: {criterion.description}" if criterion.description else criterion.shown]
        description += [f"{value}: {meaning}" for value, meaning in criterion.descriptors.items()]
        return {
            "type": "object",
            "description": "; ".join(description),
            "properties": {"band": band, "evidence": evidence},
            "required": ["band", "evidence"] if nullable else ["band"],
        }


def key(text: str) -> tuple[str, ...]:
    """A name as its words, whatever its spelling: camelCase, snake_case, Title Case."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    return tuple(word.casefold() for word in re.findall(r"[^\W\d_]+|\d+", apart))


def quoted(value: object) -> str:
    """A value as it stood, short enough for a sentence."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return repr(text if len(text) <= 60 else text[:57] + "...")
