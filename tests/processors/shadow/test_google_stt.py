"""Google's transcription model through Pipecat's service: what can be tried without the service itself."""

from typing import Any

import pytest
from pipecat.frames.frames import InterimTranscriptionFrame, TranscriptionFrame, UserStartedSpeakingFrame
from support.clips import READ
from support.frames import chunks, running
from support.session import FakeSession

from core.events import ProblemSeen
from emulator import Emulator, Scenario
from processors.frames import CallerStoppedFrame, SecondTextFrame
from processors.shadow import google_stt
from processors.shadow.google_stt import GoogleEars, _Service
from processors.shadow.stage import Shadow, ShadowSettings

pytestmark = pytest.mark.real_time
MODEL = "gemini-3.5-transcribe-live"


async def test_a_service_that_refuses_is_a_sentence_and_no_turn_waits_for_it() -> None:
    session = FakeSession()
    async with Emulator(Scenario.load("scripted")) as emulator:  # which has no such model
        settings = ShadowSettings(ears="google_stt", when="always", base_url=emulator.url, ca_file=emulator.ca_file)
        async with running(Shadow(settings, session)) as ends:
            await ends.push(UserStartedSpeakingFrame(), *chunks(READ.pcm), CallerStoppedFrame(spoke_until=99.0))
            await ends.until(lambda: ends.got(SecondTextFrame), 5.0)
    [problem] = session.of(ProblemSeen)
    assert problem.what.startswith("Google's transcription cannot be reached: 1008")
    assert ends.got(SecondTextFrame)[0].text == ""


async def test_only_final_text_counts_and_silence_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_stt, "_FINAL", 0.2)
    monkeypatch.setattr(google_stt, "_SETTLED", 0.05)
    ears = GoogleEars(MODEL, "any")
    ears._deaf = None
    service = ears._service

    async def sent(audio: bytes) -> None:
        service.sent += len(audio)  # pyright: ignore[reportAttributeAccessIssue]

    async def ended(*_: Any) -> None:
        await service.push_frame(InterimTranscriptionFrame("one", "", ""))
        for text in service.answers.pop(0):  # pyright: ignore[reportAttributeAccessIssue]
            await service.push_frame(TranscriptionFrame(text, "", ""))

    service.sent, service.answers = 0, [["One.", " Two. "], [" "]]  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setattr(service, "_send_audio", sent)
    monkeypatch.setattr(_Service, "process_frame", ended)
    assert await ears.transcribe(READ.pcm) == "One. Two."
    assert await ears.transcribe(READ.pcm) == ""
    assert service.sent == 2 * len(READ.pcm)  # pyright: ignore[reportAttributeAccessIssue]
