"""Instructions to the examiner about scores, made from the rubric."""

from collections.abc import Sequence

from core.scoring.rubric import Criterion, Rubric
from core.scoring.scale import LabelScale

_COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def results(rubric: Rubric) -> str:
    """How the examiner is to give the results, for its prompt."""
    count = _count(len(rubric.criteria))
    lines = [
        "# The results",
        "",
        "The results come right after the words that close the test: in that same turn and without waiting, speak all"
        f" {count}. Each is {rubric.scale.describe()}: one sentence for the value, in this form, and one for the"
        " reason, with something the candidate really said.",
        "",
        *(f'{n}. "{sentence(rubric, one)}" {_remark(rubric, one)}' for n, one in enumerate(rubric.criteria, start=1)),
        "",
        f"Say all {count}; do not stop after one or two. Immediately afterwards call the function {rubric.function}"
        f" with the same {count} values. Do not say its name, and do not say that you are calling it. When it has been"
        " answered, say goodbye in one sentence and end there.",
        "",
        "If the test ends early, do the same with what you heard. Give no value for which you heard too little: say so"
        " instead.",
    ]
    return "\n".join(lines)


def sentence(rubric: Rubric, criterion: Criterion, value: str = "[value]") -> str:
    """A criterion's value as the examiner is to say it."""
    if rubric.overall is not None and criterion.name == rubric.overall.criterion:
        return f"Your {criterion.shown.lower()} is {value}."
    return f"For {criterion.shown.lower()}, I give you {value}."


def ask_scores(rubric: Rubric, missing: Sequence[str]) -> str:
    """The instruction to an examiner that has left scores out."""
    names = [rubric.criterion(name).shown.lower() for name in missing]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return (
        f"The candidate has not heard these results yet. Continue with {listed}, now, in the form you were given and"
        f" without asking anything, then call {rubric.function} with all {_count(len(rubric.criteria))} values."
    )


def ask_call(rubric: Rubric) -> str:
    """The instruction to an examiner that has said all scores and not reported them."""
    return (
        f"Now call {rubric.function} with the values you have just given. Say nothing before it, and only goodbye, in"
        " one sentence, after it."
    )


GOODBYE = (
    "Give no more results and ask nothing. Tell the candidate in one sentence that the test is over and that the"
    " results follow in writing, and say goodbye."
)
"""The instruction to an examiner that does not complete its scores."""


def not_yet(function: str) -> str:
    """The answer to a model that reports scores before the exam is over."""
    return f"The test is not over. Go on where you are, and call {function} after the last answer."


def progress_summary(rubric: Rubric, missing: Sequence[str]) -> str:
    """Where the exam is once scores are expected, for a model that has lost the context."""
    given = [name for name in rubric.names if name not in missing]
    if not missing:
        return f"All questions are answered and all results have been said. {ask_call(rubric)}"
    said = f" The results so far: {', '.join(rubric.criterion(name).shown.lower() for name in given)}." if given else ""
    return f"All questions are answered; ask none of them again.{said} {ask_scores(rubric, missing)}"


def _count(number: int) -> str:
    return _COUNTS[number] if number < len(_COUNTS) else str(number)


def _remark(rubric: Rubric, criterion: Criterion) -> str:
    if rubric.overall is None or criterion.name != rubric.overall.criterion:
        return _sentence(criterion.description)
    if isinstance(rubric.scale, LabelScale):
        return "It is the mean of the others." if rubric.overall.compute else "It sums the others up."
    step = rubric.overall.round or rubric.scale.step
    return f"It is the mean of the others, rounded to a step of {step:g}."


def _sentence(text: str) -> str:
    return f"({text[:1].upper()}{text[1:]}.)" if text else ""
