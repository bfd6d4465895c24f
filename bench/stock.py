"""Pipecat as its documentation puts it together: its transport, its user aggregator, its Gemini service.

The pipeline is that of `examples/realtime/realtime-gemini-live-locally-driven-turns.py` in pipecat-ai/pipecat, the
stock arrangement that, like ours, decides by itself when a turn ends: Silero for the voice, and the default turn
strategies, whose end is the smart-turn model's. It keeps no record and scores nothing.
"""

import asyncio
import os
import ssl

from google.genai.types import HttpOptions
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.services.google.gemini_live.llm import GeminiLiveLLMService, GeminiVADParams
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.request_handler import (
    SmallWebRTCRequest,
    SmallWebRTCRequestHandler,
)
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.workers.runner import WorkerRunner

from bench.listener import run

handler = SmallWebRTCRequestHandler()
calls: set[asyncio.Task[None]] = set()


async def hold(connection: SmallWebRTCConnection) -> None:
    """One call, from its connection to its end."""
    transport = SmallWebRTCTransport(connection, TransportParams(audio_in_enabled=True, audio_out_enabled=True))
    trusting = ssl.create_default_context(cafile=os.environ["BENCH_CA_FILE"])
    llm = GeminiLiveLLMService(
        api_key="none",
        http_options=HttpOptions(base_url=os.environ["BENCH_URL"], async_client_args={"ssl": trusting}),
        settings=GeminiLiveLLMService.Settings(voice="Aoede", vad=GeminiVADParams(disabled=True)),
    )
    context = LLMContext([{"role": "user", "content": "The candidate is on the line. Begin."}])
    user, assistant = LLMContextAggregatorPair(
        context,
        realtime_service_mode=True,
        user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer()),
    )
    worker = PipelineWorker(
        Pipeline([transport.input(), user, llm, transport.output(), assistant]),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
        cancel_runner_on_idle_timeout=False,
    )

    @transport.event_handler("on_client_connected")
    async def connected(*_: object) -> None:
        await worker.queue_frames([LLMRunFrame()])

    @transport.event_handler("on_client_disconnected")
    async def disconnected(*_: object) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
    await runner.add_workers(worker)
    await runner.run()


async def answer(sdp: str) -> dict[str, str]:
    """Answer an offer, and hold its call."""

    async def begin(connection: SmallWebRTCConnection) -> None:
        task = asyncio.create_task(hold(connection))
        calls.add(task)
        task.add_done_callback(calls.discard)

    return await handler.handle_web_request(SmallWebRTCRequest(sdp, "offer"), begin) or {}


if __name__ == "__main__":
    run(answer)
