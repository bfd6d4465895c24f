"""Google's transcription model through Pipecat's service, on the emulator's model of that name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pipecat.clocks.system_clock import SystemClock
from pipecat.frames.frames import UserStartedSpeakingFrame
from pipecat.processors.frame_processor import FrameProcessorSetup
from pipecat.utils.asyncio.task_manager import TaskManager

from core.audio import pcm
from core.events import ProblemSeen
from gemini_live_emulator import Emulator, Scenario
from processors.frames import CallerStoppedFrame, ShadowTextFrame
from processors.gemini_live.settings import http_options
from processors.shadow import google_stt
from processors.shadow.google_stt import GoogleTranscriber
from processors.shadow.stage import MODELS, Shadow, ShadowSettings
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed
from support.clips import ANSWERS, READ
from support.frames import chunks, running
from support.session import FakeSession
from support.word_recall import recall

pytestmark = pytest.mark.real_time

SCRIPTED = Scenario.load("scripted").changed(examiner={"heard": []})
SHORT = READ.pcm[: pcm.size(2.0, TRANSCRIBER_RATE)]
# What the emulator transcribes where nothing is scripted.
LONG_TEXT, SHORT_TEXT = f"({READ.seconds:.1f} s of speech)", "(2.0 s of speech)"


def setup() -> FrameProcessorSetup:
    """What a pipeline would set the service up with."""
    nobody: Any = None
    return FrameProcessorSetup(SystemClock(), TaskManager(), nobody)


@asynccontextmanager
async def transcriber_at(scenario: Scenario, truth: Path | None = None) -> AsyncIterator[GoogleTranscriber]:
    async with Emulator(scenario, truth=truth) as emulator:
        transcriber = GoogleTranscriber(MODELS["google_stt"], "any", http_options(emulator.url, emulator.ca_file))
        try:
            await transcriber.open(setup())
            yield transcriber
        finally:
            await transcriber.close()


def faulty(*faults: dict[str, Any]) -> Scenario:
    return SCRIPTED.changed(faults=faults)


async def shadowed(scenario: Scenario, audio: bytes, **settings: Any) -> tuple[str, list[Any]]:
    """What the whole stage makes of a turn, and the problems it reports."""
    session = FakeSession()
    async with Emulator(scenario) as emulator:
        there = {"transcriber": "google_stt", "when": "always", "base_url": emulator.url, "ca_file": emulator.ca_file}
        async with running(Shadow(ShadowSettings.model_validate(there | settings), session)) as ends:
            await ends.push(UserStartedSpeakingFrame(), *chunks(audio), CallerStoppedFrame(spoke_until=99.0))
            await ends.until(lambda: ends.got(ShadowTextFrame), 60.0)
    [shadow] = ends.got(ShadowTextFrame)
    return shadow.text, session.of(ProblemSeen)


async def test_a_service_that_refuses_is_a_sentence_and_no_turn_waits_for_it() -> None:
    text, [problem] = await shadowed(SCRIPTED, READ.pcm, model="gemini-9-transcribe-live")
    assert problem.what.startswith("Google's transcription cannot be reached: the service answered 1008")
    assert text == ""


async def test_recorded_speech_is_transcribed_by_the_whole_stage() -> None:
    # Of more than one chunk, so that the texts of several windows follow each other.
    text, problems = await shadowed(Scenario.load("plain"), ANSWERS[1].pcm + READ.pcm)
    assert recall(" ".join((*ANSWERS[1].words, *READ.words)), text) == 1.0, text
    assert len(text.split()) < 45, "nothing stands twice"
    assert problems == []


async def test_each_chunk_is_a_window_with_one_final_text_and_interim_ones_do_not_count(tmp_path: Path) -> None:
    said = ["One two three four.", "Five six."]
    examiner = {"heard": said, "words_per_second": 2.0}  # so that each word draws an interim text
    async with transcriber_at(SCRIPTED.changed(examiner=examiner), tmp_path / "truth.jsonl") as transcriber:
        assert [await transcriber.transcribe(READ.pcm) for _ in said] == said
    lines = (tmp_path / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    windows = [line for line in lines if '"window.closed"' in line]
    assert len([line for line in lines if '"connection.opened"' in line]) == 1
    assert len(windows) == 2 and all(f'"samples": {len(READ.pcm) // 2}' in line for line in windows)


async def test_text_that_arrives_too_late_is_not_taken_for_the_next_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_stt, "_TEXT_TIMEOUT", 0.8)
    late = {"fault": "transcription_late", "seconds": 1.2, "connection": 1}
    async with transcriber_at(faulty(late)) as transcriber:
        assert await transcriber.transcribe(READ.pcm) == ""
        assert await transcriber.transcribe(SHORT) == SHORT_TEXT


async def test_a_connection_that_is_lost_is_dialed_once_more_for_the_current_chunk() -> None:
    async with transcriber_at(faulty({"fault": "internal_error", "on": "activityEnd", "connection": 1})) as transcriber:
        assert await transcriber.transcribe(READ.pcm) == LONG_TEXT
        assert await transcriber.transcribe(SHORT) == SHORT_TEXT


async def test_a_connection_that_is_lost_between_two_chunks_costs_nothing() -> None:
    async with transcriber_at(
        faulty({"fault": "internal_error", "on": "generationComplete", "connection": 1})
    ) as transcriber:
        assert await transcriber.transcribe(READ.pcm) == LONG_TEXT
        assert await transcriber.transcribe(SHORT) == SHORT_TEXT


async def test_one_that_is_lost_twice_or_does_not_answer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    async with transcriber_at(faulty({"fault": "internal_error", "on": "activityEnd", "times": 0})) as transcriber:
        with pytest.raises(TranscriptionFailed, match=r"lost twice in one chunk: .*1011"):
            await transcriber.transcribe(SHORT)
    monkeypatch.setattr(google_stt, "_TEXT_TIMEOUT", 0.5)
    async with transcriber_at(faulty({"fault": "mute", "times": 0})) as transcriber:
        with pytest.raises(TranscriptionFailed, match=r"lost twice in one chunk: no answer in 0\.5 s"):
            await transcriber.transcribe(SHORT)


async def test_a_window_without_a_word_is_known_to_be_closed() -> None:
    async with transcriber_at(faulty({"fault": "transcription_missing", "times": 0})) as transcriber:
        assert await transcriber.transcribe(SHORT) == ""


async def test_a_service_that_was_unavailable_at_first_is_tried_once_more() -> None:
    async with Emulator(faulty({"fault": "unavailable", "on": "setup", "times": 2})) as emulator:
        transcriber = GoogleTranscriber(MODELS["google_stt"], "any", http_options(emulator.url, emulator.ca_file))
        with pytest.raises(TranscriptionFailed, match="cannot be reached"):
            await transcriber.open(setup())
        with pytest.raises(TranscriptionFailed, match="cannot be reached"):
            await transcriber.transcribe(SHORT)
        assert await transcriber.transcribe(SHORT) == SHORT_TEXT
        await transcriber.close()
