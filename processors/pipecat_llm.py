"""Two adapters that let one of Pipecat's own LLM services take the place of `gemini_live`.

Such a service pushes the caller's transcription upstream, for its user aggregator; runs functions itself; reports
tokens as metrics; and begins with a context frame. `TranscriptionTurnedBack` stands in front of it, `PipecatModel`
behind it.
"""

import asyncio
from typing import Any

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    ClientConnectedFrame,
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMMessagesAppendFrame,
    MetricsFrame,
    TranscriptionFrame,
)
from pipecat.metrics.metrics import LLMTokenUsage, LLMUsageMetricsData
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.llm_service import FunctionCallParams, LLMService

from core import events
from core.billing.usage import Counted
from core.ports import Session
from processors.frames import InstructionFrame, ReplyDoneFrame, ToolAnswerFrame, ToolCallFrame

OPENING = "The candidate is on the line. Begin."


class TranscriptionTurnedBack(FrameProcessor):
    """In front of the service: pushes the caller's transcription downstream as well, to our stages."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if direction is FrameDirection.UPSTREAM and isinstance(frame, TranscriptionFrame):
            await self.push_frame(TranscriptionFrame(frame.text, frame.user_id, frame.timestamp))
        await self.push_frame(frame, direction)


class PipecatModel(FrameProcessor):
    """Behind the service: begins the exam, passes its function calls to our stages, and charges its tokens."""

    def __init__(self, service: LLMService[Any], session: Session) -> None:
        super().__init__()
        self._session = session
        self._results: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._context = LLMContext([{"role": "user", "content": OPENING}])
        self._context.set_tools(ToolsSchema([_schema(tool) for tool in session.tools]))
        for tool in session.tools:
            service.register_function(tool["name"], self._on_function_call)

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        match frame:
            case ClientConnectedFrame() if direction is FrameDirection.DOWNSTREAM:
                await self.push_frame(LLMContextFrame(self._context), FrameDirection.UPSTREAM)
            case ToolAnswerFrame():
                if (result := self._results.pop(frame.call_id, None)) is not None and not result.done():
                    result.set_result(frame.result)
                return
            case InstructionFrame(text=text):
                message = LLMMessagesAppendFrame([{"role": "user", "content": text}])
                await self.push_frame(message, FrameDirection.UPSTREAM)
                await self.push_frame(LLMContextFrame(self._context), FrameDirection.UPSTREAM)
                return
            case LLMFullResponseEndFrame() if direction is FrameDirection.DOWNSTREAM:
                await self.push_frame(ReplyDoneFrame())
            case MetricsFrame():
                for data in frame.data:
                    if isinstance(data, LLMUsageMetricsData):
                        self._session.charge(data.model or "unknown", _counted(data.value))
            case _:
                pass
        await self.push_frame(frame, direction)

    async def _on_function_call(self, params: FunctionCallParams) -> None:
        result = self._results[params.tool_call_id] = asyncio.get_running_loop().create_future()
        args = dict(params.arguments)
        self._session.record(events.ToolCalled(self._session.now(), params.tool_call_id, params.function_name, args))
        await self.push_frame(ToolCallFrame(call_id=params.tool_call_id, function=params.function_name, args=args))
        await params.result_callback(await result)
        self._session.record(events.ToolAnswered(self._session.now(), params.tool_call_id, params.function_name))


def _schema(tool: dict[str, Any]) -> FunctionSchema:
    parameters = tool.get("parameters", {})
    return FunctionSchema(
        tool["name"], tool.get("description", ""), parameters.get("properties", {}), parameters.get("required", [])
    )


def _counted(usage: LLMTokenUsage) -> Counted:
    """Pipecat counts the audio tokens of both sides; the rest is text. Its completion tokens include the thoughts."""
    audio_in, audio_out = usage.input_audio_tokens or 0, usage.output_audio_tokens or 0
    thoughts = usage.reasoning_tokens or 0
    return Counted(
        prompt={"audio": audio_in, "text": max(0, usage.prompt_tokens - audio_in)},
        response={"audio": audio_out, "text": max(0, usage.completion_tokens - audio_out - thoughts)},
        thoughts=thoughts,
        estimated=usage.input_audio_tokens is None,
    )
