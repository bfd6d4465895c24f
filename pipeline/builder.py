"""Config + call + session -> a worker that holds the call."""

from dataclasses import dataclass
from typing import Any

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import Frame, LLMContextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.llm_service import LLMService

from pipeline.config import Config
from pipeline.session import CallSession
from processors.stage import Stage
from transports.call import Call


@dataclass(frozen=True, slots=True)
class Built:
    """A call's worker, and the stages of ours in it."""

    worker: PipelineWorker
    processors: tuple[FrameProcessor, ...]

    @property
    def stages(self) -> list[Stage[Any]]:
        """Our own stages, in order."""
        return [one for one in self.processors if isinstance(one, Stage)]

    def opening(self, tools: list[dict[str, Any]]) -> list[Frame]:
        """What Pipecat's own model services are to be told when the caller is there. Ours begins by itself."""
        if not any(isinstance(one, LLMService) for one in self.processors):
            return []
        context = LLMContext([{"role": "user", "content": "The candidate is on the line. Begin."}])
        context.set_tools(ToolsSchema([_function(tool) for tool in tools]))
        return [LLMContextFrame(context)]


def build(config: Config, call: Call, session: CallSession) -> Built:
    """Put a call together. Raises ValueError, in a sentence, when a stage cannot be made."""
    middle = [plan.build(session) for plan in config.stages]
    processors = (call.transport.input(), *middle, call.transport.output())
    built = Built(
        PipelineWorker(
            Pipeline(list(processors)),
            params=PipelineParams(audio_in_sample_rate=call.rate_in, audio_out_sample_rate=call.rate_out),
            enable_rtvi=call.door == "webrtc",
            # A call ends by its own limits, which the record knows; not because a candidate thinks for long.
            idle_timeout_secs=None,
            enable_turn_tracking=False,
        ),
        processors,
    )
    session.stages = built.stages
    session.tools = [tool for stage in built.stages for tool in stage.tools()]
    return built


def _function(tool: dict[str, Any]) -> FunctionSchema:
    parameters = tool.get("parameters", {})
    return FunctionSchema(
        tool["name"], tool.get("description", ""), parameters.get("properties", {}), parameters.get("required", [])
    )
