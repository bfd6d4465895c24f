"""What a call's readings amount to: a value a criterion, where it is from, and how far it can be trusted."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from core.scoring.readings import Injected, Reading, Refused, Stated
from core.scoring.rubric import Rubric

# Raised when a key of `as_record` is renamed, removed or changes its meaning; not when one is added.
VERSION = 1
ORDER = ("call", "block", "speech", "text")

Status = Literal["complete", "partial", "insufficient"]
Agreement = Literal["none", "single", "agree", "conflict"]
Flag = Literal[
    "conflict",
    "ambiguous",
    "out of range",
    "computed",
    "inconsistent",
    "repaired transcript",
    "early",
    "incomplete",
    "questions left out",
    "candidate injection",
]
DOUBTS: tuple[Flag, ...] = ("conflict", "ambiguous")
# Those of the whole verdict, and of no criterion.
OF_THE_WHOLE: frozenset[Flag] = frozenset({"incomplete", "questions left out", "candidate injection"})


@dataclass(frozen=True, slots=True)
class CriterionVerdict:
    """One criterion's result; `value` is None when nobody stated one that can be accepted.

    `readings` holds what each source stated, in order of trust. The value is the first of them.
    """

    criterion: str
    mandatory: bool
    value: float | None = None
    label: str = ""
    source: str = ""
    evidence: str = ""
    at: float | None = None
    agreement: Agreement = "none"
    readings: tuple[tuple[str, float], ...] = ()
    flags: tuple[Flag, ...] = ()
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Questions:
    """How many questions of the exam's plan were asked, of how many."""

    asked: int
    planned: int

    @property
    def left_out(self) -> str:
        """That questions were left out, as a sentence without its end; nothing when none was."""
        return f"{self.asked} of {self.planned} questions asked" if self.asked < self.planned else ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of an exam, whatever became of the call.

    `questions` is None without a plan. `ignored` says what was reported and does not count, while something is missing.
    """

    rubric: Rubric
    scores: list[CriterionVerdict]
    flags: tuple[Flag, ...] = ()
    injections: tuple[str, ...] = ()
    questions: Questions | None = None
    ignored: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The mandatory criteria without a value, in the rubric's order."""
        return [score.criterion for score in self.scores if score.mandatory and score.value is None]

    @property
    def status(self) -> Status:
        """Complete when no mandatory criterion is missing, insufficient when nothing has a value."""
        if not self.missing:
            return "complete"
        return "insufficient" if all(score.value is None for score in self.scores) else "partial"

    def as_record(self) -> dict[str, Any]:
        """The verdict as plain JSON values (docs/scoring.md); it says all that is needed to read it elsewhere."""
        return {
            "version": VERSION,
            "rubric": self.rubric.name,
            "scale": self.rubric.scale.model_dump(mode="json"),
            "status": self.status,
            "missing": self.missing,
            "flags": list(self.flags),
            "injections": list(self.injections),
            "questions": None if self.questions is None else asdict(self.questions),
            "ignored": list(self.ignored),
            "criteria": [_record(score, self.rubric) for score in self.scores],
        }


def _record(score: CriterionVerdict, rubric: Rubric) -> dict[str, Any]:
    evidence = None if score.value is None else {"quote": score.evidence, "at": score.at}
    return {
        "criterion": score.criterion,
        "title": rubric.criterion(score.criterion).shown,
        "mandatory": score.mandatory,
        "value": score.value,
        "label": score.label,
        "source": score.source,
        "evidence": evidence,
        "agreement": score.agreement,
        "readings": [
            {"source": source, "value": value, "label": rubric.scale.label(value)} for source, value in score.readings
        ],
        "flags": list(score.flags),
        "refusals": list(score.refusals),
    }


def early(reading: Reading) -> Reading:
    """A reading of a function call from before the end of the exam: what it states is trusted least of all."""
    return reading if isinstance(reading, Injected) else replace(reading, source="early")


def decide(
    rubric: Rubric,
    readings: Iterable[Reading],
    order: Sequence[str] = ORDER,
    repaired: bool = False,
    questions: Questions | None = None,
    ignored: Iterable[str] = (),
) -> Verdict:
    """Compare all readings: a criterion's value is that of the first source in `order` that states one.

    Of one source's readings the last counts. Sources outside the order do not count. `repaired` says that some of
    the caller's words, which the text model judges, are from the second transcriber.
    """
    counted = [reading for reading in readings if reading.source in order]
    injections = tuple(dict.fromkeys(reading.evidence for reading in counted if isinstance(reading, Injected)))
    scores = [_criterion(rubric, name, counted, order, repaired) for name in rubric.names]
    scores = [_summed_up(rubric, score, scores) for score in scores]
    verdict = Verdict(rubric, scores)
    flags: list[Flag] = [flag for score in scores for flag in score.flags]
    if verdict.missing:
        flags.append("incomplete")
    if questions is not None and questions.left_out:
        flags.append("questions left out")
    if injections:
        flags.append("candidate injection")
    unread = tuple(dict.fromkeys(ignored)) if verdict.missing else ()
    return Verdict(rubric, scores, tuple(dict.fromkeys(flags)), injections, questions, unread)


def _criterion(
    rubric: Rubric, name: str, readings: list[Reading], order: Sequence[str], repaired: bool
) -> CriterionVerdict:
    stated: dict[str, Stated] = {}
    refused: list[Refused] = []
    for reading in readings:
        if isinstance(reading, Stated) and reading.criterion == name:
            stated[reading.source] = reading
        elif isinstance(reading, Refused) and reading.criterion == name:
            refused.append(reading)
    flags: list[Flag] = []
    if any(not reading.doubt for reading in refused):
        flags.append("out of range")
    doubts: set[str] = {reading.doubt for reading in (*refused, *stated.values())}
    flags.extend(doubt for doubt in DOUBTS if doubt in doubts)
    refusals = tuple(dict.fromkeys(f"{reading.source}: {reading.why}" for reading in refused))
    mandatory = rubric.criterion(name).mandatory
    trusted = [stated[source] for source in order if source in stated]
    if not trusted:
        return CriterionVerdict(name, mandatory, flags=tuple(flags), refusals=refusals)
    best = trusted[0]
    agreement: Agreement = "single"
    if len(trusted) > 1:
        agreement = "agree" if all(other.value == best.value for other in trusted) else "conflict"
    if agreement == "conflict" and "conflict" not in flags:
        flags.append("conflict")
    if repaired and best.source == "text":
        flags.append("repaired transcript")
    if best.source == "early":
        flags.append("early")
    return CriterionVerdict(
        name,
        mandatory,
        best.value,
        best.label,
        best.source,
        best.evidence,
        best.at,
        agreement,
        tuple((reading.source, reading.value) for reading in trusted),
        tuple(flags),
        refusals,
    )


def _summed_up(rubric: Rubric, score: CriterionVerdict, scores: list[CriterionVerdict]) -> CriterionVerdict:
    """A criterion as it is, and the overall one computed where the rubric wants that, or flagged where it is far."""
    whole = rubric.overall
    if whole is None or score.criterion != whole.criterion:
        return score
    values = {other.criterion: other.value for other in scores if other.value is not None}
    if score.value is not None and rubric.is_far(score.value, values):
        score = replace(score, flags=(*score.flags, "inconsistent"))
    if score.value is not None and whole.when == "missing":
        return score
    value = rubric.computed(values)
    if value is not None:
        return replace(
            score,
            value=value,
            label=rubric.scale.label(value),
            source="computed",
            evidence=f"the mean of {', '.join(part for part in rubric.parts if part in values)}",
            at=None,
            flags=(*score.flags, "computed"),
        )
    if score.value is None:
        return score
    lacking = [name for name in rubric.parts if name not in values and rubric.criterion(name).mandatory]
    why = f"it is always computed, and {', '.join(lacking) or 'their mean'} has no value on the scale"
    return replace(
        score,
        value=None,
        label="",
        source="",
        evidence="",
        at=None,
        refusals=(*score.refusals, f"{score.source}: {why}"),
    )
