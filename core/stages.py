"""`StageInfo`: what a stage says of itself (questions, criteria, scale), so that nobody has to know its class."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageInfo:
    """What a configured stage brings to an exam; the defaults are those of a stage that says nothing.

    `model` is the dialogue model. `questions` is their number, `outline` the plan in lines to read. `criteria` are the
    names of what gets a score, `scale` its lowest and highest number, None where the scale has labels.
    `owes_verdict` says that the session has to end with a verdict, which `colloquy jobs` gives when the call did not.
    """

    model: str = ""
    questions: int = 0
    criteria: tuple[str, ...] = ()
    scale: tuple[float, float] | None = None
    outline: tuple[str, ...] = ()
    owes_verdict: bool = False


def combined(stages: Iterable[StageInfo]) -> StageInfo:
    """What stages bring together: of each thing what the first stage says that has it, and every outline."""
    infos = tuple(stages)
    scored = next((info for info in infos if info.criteria), StageInfo())
    return StageInfo(
        model=next((info.model for info in infos if info.model), ""),
        questions=next((info.questions for info in infos if info.questions), 0),
        criteria=scored.criteria,
        scale=scored.scale,
        outline=tuple(text for info in infos for text in info.outline),
        owes_verdict=any(info.owes_verdict for info in infos),
    )
