"""Pipecat's stock GeminiLiveLLMService against the emulator: two turns, a call, a resume."""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

import pytest
from google.genai.types import HttpOptions
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService, GeminiVADParams
from pipecat.workers.runner import WorkerRunner

from gemini_live_emulator import Emulator, Scenario
from gemini_live_emulator.session.simulated_client import LOUD

pytestmark = pytest.mark.real_time

QUICK = Scenario.load("scripted").changed(
    examiner={"latency": 0.0, "questions": ["Why?"], "heard": ["Because it is so."]},
    model={"holds": False, "speed": 100.0},
    # After the greeting's last handle, the connection ends as connections do.
    faults=[{"fault": "aborted", "on": "sessionResumptionUpdate", "nth": 3}],
)


class Collector(FrameProcessor):
    """Keeps what came and tells whoever waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []
        self._came = asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        self.frames.append(frame)
        self._came.set()
        await self.push_frame(frame, direction)

    def text(self) -> str:
        return " ".join(frame.text.strip() for frame in self.frames if isinstance(frame, TTSTextFrame))

    def heard(self) -> str:
        return " ".join(frame.text.strip() for frame in self.frames if isinstance(frame, TranscriptionFrame))

    async def until(self, test: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not test():
                self._came.clear()
                await self._came.wait()


@pytest.mark.parametrize("model", ["models/gemini-3.8-live", "models/gemini-2.5-flash-native-audio-preview-12-2025"])
async def test_the_stock_service_holds_an_exam(model: str) -> None:
    calls: list[Any] = []

    async def report(params: Any) -> None:
        calls.append(dict(params.arguments))
        await params.result_callback({"status": "ok"})

    schema = FunctionSchema(
        name="report_score", description="Report.", properties={"overall": {"type": "number"}}, required=[]
    )
    async with Emulator(QUICK) as emulator:
        context = ssl.create_default_context(cafile=str(emulator.ca_file))
        service = GeminiLiveLLMService(
            api_key="any",
            tools=ToolsSchema(standard_tools=[schema]),
            settings=GeminiLiveLLMService.Settings(model=model, vad=GeminiVADParams(disabled=True)),
            http_options=HttpOptions(base_url=emulator.url, async_client_args={"ssl": context}),
        )
        service.register_function("report_score", report)
        # Transcripts of the user go up the pipeline, everything else goes down.
        above, collector = Collector(), Collector()
        worker = PipelineWorker(Pipeline([above, service, collector]), cancel_on_idle_timeout=False)
        runner = WorkerRunner()
        await runner.add_workers(worker)

        async def talk() -> None:
            await worker.queue_frame(LLMContextFrame(LLMContext([{"role": "user", "content": "Begin."}])))
            await collector.until(lambda: "Why?" in collector.text())
            # The service reconnects by itself; what is said meanwhile would be lost.
            await emulator.until("setup", 2)
            await worker.queue_frame(UserStartedSpeakingFrame())
            for _ in range(10):
                await worker.queue_frame(InputAudioRawFrame(LOUD, 16_000, 1))
            await worker.queue_frame(UserStoppedSpeakingFrame())
            await collector.until(lambda: "Goodbye." in collector.text())
            await worker.queue_frame(EndFrame())

        await asyncio.gather(runner.run(), talk())
    assert collector.text().startswith("Hello, and welcome. Why?")
    assert "overall 6.5." in collector.text()
    assert above.heard() == "Because it is so."
    assert calls == [{"overall": 6.5}]
    assert sum(len(frame.audio) for frame in collector.frames if isinstance(frame, TTSAudioRawFrame)) > 100_000
