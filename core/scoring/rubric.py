"""What may be scored: criteria, their scale, and what is derived from them for the model."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from itertools import combinations
from typing import Literal

from pydantic import Field, model_validator

from core.scoring.scale import AnyScale, JsonSchema, LabelScale, NumericScale, OffScale, Part
from core.scoring.scale import Scale as Scale


class Criterion(Part):
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


class Overall(Part):
    """Which criterion sums the others up, and whether it may be computed from them."""

    criterion: str
    compute: Literal["mean"] | None = None
    """How it is computed; nothing: never. Labels are counted by their places."""
    when: Literal["missing", "always"] = "missing"
    """Whether it is computed where nobody stated it, or whatever was stated."""
    round: float | None = Field(None, gt=0)
    """The mean is rounded to a multiple of this, halves up; the scale's step when left out."""

    @model_validator(mode="after")
    def _said_how(self) -> "Overall":
        if self.when == "always" and self.compute is None:
            raise ValueError("overall is always computed, but not said how: add `compute: mean`")
        return self


class Rubric(Part):
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
            if self.overall.compute and not self.parts:
                raise ValueError("overall is to be computed, and there is no other criterion to compute it from")
            if isinstance(self.scale, LabelScale) and (self.overall.round or 1) != 1:
                raise ValueError("overall is rounded to a whole label; leave `round` out")
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
        """The overall value these values give, if the rubric wants it computed and no mandatory one is missing."""
        if self.overall is None or self.overall.compute is None:
            return None
        if any(part not in values for part in self.parts if self.criterion(part).mandatory):
            return None
        mean = self.mean(values)
        if mean is None:
            return None
        step = Decimal(str(self.overall.round or self._step))
        rounded = (mean / step).quantize(Decimal(1), ROUND_HALF_UP) * step
        try:
            return self.scale.take(float(rounded))
        except OffScale:
            return None

    def mean(self, values: dict[str, float]) -> Decimal | None:
        """The mean of the criteria other than the overall one that have a value; None where none has."""
        parts = [Decimal(str(values[part])) for part in self.parts if part in values]
        return sum(parts, Decimal(0)) / len(parts) if parts else None

    def is_far(self, overall: float, values: dict[str, float]) -> bool:
        """Whether a stated overall value is far from what at least two others give: over a step and a ninth of the
        scale away from their mean.
        """
        mean = self.mean(values)
        if mean is None or sum(part in values for part in self.parts) < 2:
            return False
        lowest, highest = self.scale.limits
        return abs(Decimal(str(overall)) - mean) > max(Decimal(str(self._step)), Decimal(str(highest - lowest)) / 9)

    @property
    def _step(self) -> float:
        return self.scale.step if isinstance(self.scale, NumericScale) else 1.0

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
