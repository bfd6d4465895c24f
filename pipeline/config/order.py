"""Where in the row a stage must stand: behind the stages that give what it takes."""

from collections.abc import Iterator, Sequence

from pipeline.config.resolved import StagePlan
from processors.stage import Stage


def misplaced(stages: Sequence[StagePlan]) -> Iterator[tuple[int, str]]:
    """The index of each stage that stands before those that give it a kind of frame, and the rest of the sentence.

    Frames come down the row, so such a stage would never see one, and would do nothing without a word. A frame that no
    stage is known to give may come from one that does not say, such as another Pipecat processor: that is no mistake.
    """
    for index, stage in enumerate(stages):
        for frame in _declared(stage, "takes"):
            givers = [n for n, other in enumerate(stages) if frame in _declared(other, "gives")]
            if givers and min(givers) > index:
                giver = stages[min(givers)].name
                yield index, f'"{stage.name}" takes {frame.__name__}s, which "{giver}" gives; put it behind "{giver}"'
                break


def _declared(stage: StagePlan, what: str) -> tuple[type, ...]:
    return getattr(stage.cls, what) if issubclass(stage.cls, Stage) else ()
