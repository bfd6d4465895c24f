"""Pipecat's stock GeminiSTTService against the emulator, with its own ends of utterances and a reconnect."""

import asyncio
import ssl
from typing import Any

import pytest
from google.genai.types import HttpOptions
from pipecat.frames.frames import (
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.services.google.gemini_live.stt import GeminiSTTService
from pipecat.transcriptions.language import Language

from gemini_live_emulator import Emulator, Scenario
from support.clips import READ
from support.frames import chunks, running

pytestmark = pytest.mark.real_time

# The connection ends after the first utterance, and the script begins anew with the second one.
SCENARIO = Scenario.load("scripted").changed(
    examiner={"heard": ["So it is heard."], "words_per_second": 2.0},
    faults=[{"fault": "aborted", "on": "generationComplete", "connection": 1}],
)


@pytest.mark.parametrize("hints", [{}, {"languages": [Language.EN_US], "adaptation_phrases": ["oatmilk"]}])
async def test_the_stock_service_hears_two_utterances(hints: dict[str, list[str]]) -> None:
    async with Emulator(SCENARIO) as emulator:
        context = ssl.create_default_context(cafile=str(emulator.ca_file))
        service = GeminiSTTService(
            api_key="any",
            settings=GeminiSTTService.Settings(mode="SMART", **hints),
            http_options=HttpOptions(base_url=emulator.url, async_client_args={"ssl": context}),
        )
        connected = asyncio.Semaphore(0)

        @service.event_handler("on_connected")
        async def on_connected(*_: Any) -> None:
            connected.release()

        async with running(service) as ends:
            for said in (1, 2):
                await connected.acquire()  # until then the service drops what it is given
                await ends.push(VADUserStartedSpeakingFrame(), *chunks(READ.pcm), VADUserStoppedSpeakingFrame())
                await ends.until(lambda said=said: len(ends.got(TranscriptionFrame)) == said)
    assert [frame.text for frame in ends.got(TranscriptionFrame)] == ["So it is heard."] * 2
    interim = [frame.text for frame in ends.got(InterimTranscriptionFrame)]
    assert interim == ["So", "So it", "So it is", "So it is heard."] * 2
