"""Frames in, frames out, with the service played by a list of events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    ClientConnectedFrame,
    InputAudioRawFrame,
    InterruptionFrame,
    TTSAudioRawFrame,
    UserStartedSpeakingFrame,
)

from core.events import ReplySuppressed, UtteranceSpoken
from core.live.close_codes import CloseAction
from core.live.messages import (
    EndActivity,
    GenerationComplete,
    HandleUpdated,
    Incoming,
    InputTranscribed,
    InTurnText,
    ModelAudio,
    Outgoing,
    OutputTranscribed,
    TurnComplete,
)
from processors.frames import AnswerExpectedFrame, CallerStoppedFrame, FlushFrame, ReplyDoneFrame, VoiceSpanFrame
from processors.gemini_live import stage
from processors.gemini_live.connection import ConnectionLostError
from processors.gemini_live.settings import GeminiLiveSettings
from processors.transcript import Transcript, TranscriptSettings
from support.deadline import expecting
from support.frames import Ends, running
from support.session import FakeSession

VOICE = ModelAudio(bytes(48000), 24000)  # a second
WORDS = OutputTranscribed("Thank you. And where were you born and brought up, then?")
AUDIO = InputAudioRawFrame(bytes(640), 16000, 1)


class Service:
    """A connection that says what it is told to, and keeps what it is sent."""

    service_session = None

    def __init__(self, *_: Any) -> None:
        self.sent: list[Outgoing] = []
        self.says: asyncio.Queue[Incoming | ConnectionLostError] = asyncio.Queue()
        self.dialed, self.answers = asyncio.Event(), asyncio.Event()
        self.answers.set()

    async def open(self, *_: Any) -> None:
        """Dialed, and open as soon as the service answers."""
        self.dialed.set()
        await self.answers.wait()

    def send(self, *items: Outgoing) -> None:
        self.sent += items

    async def events(self) -> AsyncIterator[Incoming]:
        while True:
            said = await self.says.get()
            if isinstance(said, ConnectionLostError):
                raise said
            yield said

    async def close(self) -> None:
        """Nothing to close."""

    async def say(self, *events: Incoming | ConnectionLostError) -> None:
        """Say this, and give the stage time to hear it."""
        for event in events:
            self.says.put_nowait(event)
        await asyncio.sleep(0.1)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    one = Service()
    monkeypatch.setattr(stage, "Connection", lambda *_: one)
    return one


def examiner(session: FakeSession, **settings: Any) -> stage.GeminiLive:
    return stage.GeminiLive(GeminiLiveSettings.model_validate({"key": "none", **settings}), session)


async def begun(ends: Ends, service: Service) -> None:
    """The examiner may speak."""
    await ends.push(ClientConnectedFrame())
    await service.say(HandleUpdated("h1"))


async def test_a_barge_in_leaves_only_what_was_played_in_the_transcript(service: Service) -> None:
    session = FakeSession()
    async with running(examiner(session), Transcript(TranscriptSettings(), session)) as ends:
        await begun(ends, service)
        await service.say(WORDS, *[VOICE] * 4, GenerationComplete())
        await ends.pull(BotStartedSpeakingFrame())
        await asyncio.sleep(2.0)
        await ends.push(InterruptionFrame(), UserStartedSpeakingFrame())
        await ends.until(lambda: session.of(UtteranceSpoken))
        [done] = ends.got(ReplyDoneFrame)
        assert done.interrupted and done.played_share == pytest.approx(0.5, abs=0.05)
        [said] = session.of(UtteranceSpoken)
        assert said.interrupted and WORDS.text.startswith(said.text) and said.text.startswith("Thank you. And where")
        assert len(said.text) <= 0.55 * len(WORDS.text)


async def test_a_reply_to_a_flush_waits_for_the_end_of_the_turn_and_is_then_played_at_once(service: Service) -> None:
    session = FakeSession()
    async with running(examiner(session)) as ends:
        await begun(ends, service)
        await ends.push(UserStartedSpeakingFrame(), AUDIO, FlushFrame(at=session.now()), AUDIO)
        await ends.until(lambda: EndActivity(flush=True) in service.sent)
        await service.say(WORDS, VOICE)
        assert not ends.got(TTSAudioRawFrame)
        before = len(service.sent)
        await ends.push(CallerStoppedFrame(spoke_until=0.0, voiced=1.0))
        await ends.until(lambda: ends.got(TTSAudioRawFrame))
        assert service.sent[before:] == []


async def test_voice_after_the_flush_suppresses_the_reply_to_it(service: Service) -> None:
    session = FakeSession()
    async with running(examiner(session)) as ends:
        await begun(ends, service)
        await ends.push(UserStartedSpeakingFrame(), AUDIO, FlushFrame(at=session.now()), AUDIO)
        await ends.until(lambda: EndActivity(flush=True) in service.sent)
        await service.say(WORDS, VOICE)
        await ends.push(VoiceSpanFrame(started=session.now(), ended=session.now() + 0.1))
        await ends.until(lambda: ends.got(VoiceSpanFrame))
        await service.say(GenerationComplete(), TurnComplete())
        assert [event.why for event in session.of(ReplySuppressed)] == ["flush"]
        await ends.push(CallerStoppedFrame(spoke_until=session.now(), voiced=1.0))
        await ends.until(lambda: ends.got(CallerStoppedFrame))
        await service.say(WORDS, VOICE)
        assert len(ends.got(TTSAudioRawFrame)) == 1
        assert service.sent[-1] == EndActivity()


async def test_a_short_answer_to_a_question_that_asks_for_a_long_one_is_not_replied_to_at_once(
    service: Service,
) -> None:
    session = FakeSession()
    async with running(examiner(session, grace=1.5)) as ends:
        await begun(ends, service)
        await ends.pull(AnswerExpectedFrame(None, 10.0))
        await ends.until(lambda: ends.rose(AnswerExpectedFrame))
        await ends.push(UserStartedSpeakingFrame(), AUDIO, CallerStoppedFrame(spoke_until=0.0, voiced=1.0))
        await ends.until(lambda: ends.got(CallerStoppedFrame))
        stopped = session.now()
        await service.say(WORDS, VOICE)
        assert not ends.got(TTSAudioRawFrame)
        await ends.until(lambda: ends.got(TTSAudioRawFrame))
        assert session.now() - stopped == pytest.approx(1.5, abs=0.2)


async def test_a_session_is_given_what_was_said_by_the_time_it_opens(service: Service) -> None:
    session = FakeSession()
    async with running(examiner(session), Transcript(TranscriptSettings(), session)) as ends:
        await begun(ends, service)
        await ends.push(UserStartedSpeakingFrame(), AUDIO, CallerStoppedFrame(spoke_until=session.now(), voiced=1.0))
        await ends.until(lambda: ends.got(CallerStoppedFrame))
        await service.say(HandleUpdated(None), InputTranscribed(" In Sackville."), WORDS, VOICE, GenerationComplete())
        service.answers.clear()
        service.dialed.clear()
        await service.say(ConnectionLostError(1006, "", CloseAction.RESUME, "It was lost."))
        async with expecting("the next connection is dialed"):
            await service.dialed.wait()
        # The reply was cut off, so the answer to which it replied is recorded when the caller goes on.
        await ends.push(UserStartedSpeakingFrame(), AUDIO)
        await ends.until(lambda: any(one.speaker == "caller" for one in session.utterances))
        service.answers.set()
        await asyncio.sleep(0.1)
        [told] = [item.text for item in service.sent if isinstance(item, InTurnText)]
        assert "In Sackville." in told
