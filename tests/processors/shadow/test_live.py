"""A second Live session transcribes chunk by chunk, survives its connections, and is billed for its audio."""

from collections.abc import AsyncIterator
from typing import cast

import pytest
from pipecat.processors.frame_processor import FrameProcessorSetup
from pydantic import SecretStr

from core.live.messages import Incoming, InputTranscribed
from gemini_live_emulator import Emulator, Scenario
from processors.gemini_live.connection import Connection
from processors.gemini_live.settings import http_options
from processors.shadow import live as module
from processors.shadow.live import LiveTranscriber, live_transcriber
from processors.shadow.transcriber import TranscriptionFailed
from support.clips import READ
from support.session import FakeSession

pytestmark = pytest.mark.real_time

SETUP: FrameProcessorSetup = None  # pyright: ignore[reportAssignmentType] - this transcriber needs none
# What the emulator writes for a turn that answers no question, and for one that does.
TEXTS = [f"({READ.seconds:.1f} s of speech)", "What was said."]
PLAIN = Scenario.load("scripted").changed(examiner={"latency": 0.0, "opening": "", "heard": TEXTS[1:]})
MODELS = ["gemini-3.8-live", "gemini-2.5-flash-native-audio-preview-12-2025"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MORE_TEXT", 0.3)


def transcriber_at(emulator: Emulator, session: FakeSession, model: str = MODELS[0]) -> LiveTranscriber:
    return live_transcriber(model, None, emulator.url, emulator.ca_file, session)


@pytest.mark.parametrize("model", MODELS)
async def test_each_chunk_has_its_text_and_its_price(model: str) -> None:
    session = FakeSession()
    async with Emulator(PLAIN) as emulator:
        transcriber = transcriber_at(emulator, session, model)
        await transcriber.open(SETUP)
        assert [await transcriber.transcribe(READ.pcm) for _ in TEXTS] == TEXTS
        await transcriber.close()
    assert len(session.charges) >= 2
    assert {name for name, _ in session.charges} == {model}
    assert all(counted.prompt["audio"] > 100 for _, counted in session.charges)


async def test_a_connection_that_is_lost_is_dialed_once_more_for_the_current_chunk() -> None:
    scenario = PLAIN.changed(faults=[{"fault": "internal_error", "on": "activityEnd", "connection": 1}])
    async with Emulator(scenario) as emulator:
        transcriber = transcriber_at(emulator, FakeSession())
        assert await transcriber.transcribe(READ.pcm)
        await transcriber.close()


async def test_a_service_that_cannot_be_reached_is_a_sentence() -> None:
    scenario = PLAIN.changed(faults=[{"fault": "refuse_503", "times": 0}])
    async with Emulator(scenario) as emulator:
        transcriber = transcriber_at(emulator, FakeSession())
        with pytest.raises(TranscriptionFailed, match="the second Live session cannot transcribe: "):
            await transcriber.transcribe(READ.pcm)
        await transcriber.close()


async def test_a_new_session_is_opened_before_the_context_is_expensive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SESSION_LENGTH", READ.seconds * 1.5)
    session = FakeSession()
    async with Emulator(PLAIN) as emulator:
        transcriber = transcriber_at(emulator, session)
        for _ in range(3):
            assert await transcriber.transcribe(READ.pcm)
        await transcriber.close()
    tokens = [counted.prompt["audio"] for _, counted in session.charges]
    assert max(tokens) < 2.5 * READ.seconds * 25


def test_without_a_key_and_an_address_there_is_no_transcriber() -> None:
    with pytest.raises(ValueError, match="no key"):
        live_transcriber(MODELS[0], None, None, None, FakeSession())


async def test_pipecats_services_reach_the_same_place() -> None:
    async with Emulator(PLAIN) as emulator:
        options = http_options(emulator.url, emulator.ca_file)
    assert options.base_url == emulator.url and options.async_client_args
    assert http_options(None, None).async_client_args is None


async def test_two_transcriptions_of_one_chunk_are_apart() -> None:
    class Received:
        async def events(self) -> AsyncIterator[Incoming]:
            for message in (InputTranscribed("I live here", True), InputTranscribed("", True), InputTranscribed("and")):
                yield message

    transcriber = live_transcriber(MODELS[0], SecretStr("key"), None, None, FakeSession())
    await transcriber._receive(cast("Connection", Received()))
    assert transcriber._text == "I live here and"
