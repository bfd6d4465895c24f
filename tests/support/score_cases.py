"""The table of what examiners say and which scores that states."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.events import UtteranceSpoken
from core.scoring import Reading, Rubric, Stated

ROOT = Path(__file__).parents[2]
SHORT = {"f": "fluency", "v": "vocabulary", "g": "grammar", "p": "pronunciation", "o": "overall"}

Scores = dict[str, float | str]


@cache
def rubric(name: str = "speaking") -> Rubric:
    """One of the rubrics that come with the project."""
    text = (ROOT / "configs" / "rubrics" / f"{name}.yaml").read_text()
    return Rubric.model_validate(yaml.safe_load(text))


def talk(*lines: str) -> list[UtteranceSpoken]:
    """Utterances five seconds long, one a second later: "E: ..." examiner, "C: ..." caller, "E~: ..." broken off."""
    out: list[UtteranceSpoken] = []
    for index, line in enumerate(lines):
        who, text = line.split(": ", 1)
        start = 6.0 * index
        speaker = "caller" if who == "C" else "examiner"
        out.append(UtteranceSpoken(start + 5, speaker, text, start, start + 5, interrupted=who == "E~"))
    return out


def scores(readings: list[Reading]) -> Scores:
    """The values of readings by criterion, labels where the scale has them."""
    return {r.criterion: r.label or r.value for r in readings if isinstance(r, Stated)}


@dataclass(frozen=True)
class Case:
    """A line of the table; `said` are utterances or, for calls and answers, their content.

    `unread`: what it states is known not to be read in full.
    """

    category: str
    said: Any
    expected: Scores
    rubric: Rubric
    unread: bool = False

    @property
    def utterances(self) -> list[UtteranceSpoken]:
        """What was said, as the transcript holds it."""
        return talk(*([f"E: {self.said}"] if isinstance(self.said, str) else self.said))


@cache
def cases() -> tuple[Case, ...]:
    """The whole table."""
    table: Mapping[str, list[list[Any]]] = yaml.safe_load((ROOT / "tests" / "data" / "score_cases.yaml").read_text())
    return tuple(_case(category, *row) for category, rows in table.items() for row in rows)


def _case(category: str, said: Any, expected: Scores, name: str = "speaking", mark: str = "") -> Case:
    if name == "speaking":
        expected = {SHORT[letter]: value for letter, value in expected.items()}
    return Case(category, said, expected, rubric(name), mark == "unread")


@dataclass
class Tally:
    """How often a reader was right, wrong, and silent where there was something to read."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, got: Scores, expected: Scores) -> None:
        """Count one case."""
        right = sum(1 for name, value in got.items() if expected.get(name) == value)
        self.right += right
        self.wrong += len(got) - right
        self.missed += len(expected) - right

    @property
    def precision(self) -> float:
        """The share of the values read that were stated."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of the values stated that were read."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0
