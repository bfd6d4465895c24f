"""Config + call + session -> a worker that holds the call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.llm_service import LLMService

from pipeline.call.session import CallSession
from pipeline.config.resolved import Config
from processors.stage import Stage
from transports.call import Call


@dataclass(frozen=True, slots=True)
class Built:
    """A call's worker, and the stages of ours in it."""

    worker: PipelineWorker
    stages: Sequence[Stage[Any]]


def build(config: Config, call: Call, session: CallSession) -> Built:
    """Put a call together. Raises ValueError, in a sentence, when a stage cannot be made."""
    made = [plan.build(session) for plan in config.stages]
    stages = [one for one in made if isinstance(one, Stage)]
    session.stages = stages
    session.tools = [tool for stage in stages for tool in stage.tools()]
    listeners = [listener for stage in stages if (listener := stage.listener()) is not None]
    processors = [call.transport.input(), *_linked(made, session), call.transport.output(), *listeners]
    worker = PipelineWorker(
        Pipeline(processors),
        params=PipelineParams(
            audio_in_sample_rate=call.rate_in,
            audio_out_sample_rate=call.rate_out,
            # Only Pipecat's own services report tokens that way.
            enable_usage_metrics=len(stages) < len(made),
        ),
        enable_rtvi=call.rtvi,
        # A call ends by its own limits, which the record knows; not because a candidate thinks for long.
        idle_timeout_secs=None,
        enable_turn_tracking=False,
    )
    return Built(worker, stages)


def _linked(made: Sequence[FrameProcessor], session: CallSession) -> Iterator[FrameProcessor]:
    """The processors, with what a model service of Pipecat's own needs around it."""
    for one in made:
        if isinstance(one, LLMService):
            from processors.pipecat_llm import PipecatModel, TranscriptionTurnedBack

            yield from (TranscriptionTurnedBack(), one, PipecatModel(one, session))
        else:
            yield one
