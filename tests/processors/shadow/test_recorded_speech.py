"""Half a minute of recorded speech whose live transcription stalls, on imagined time: no word of it is lost."""

import asyncio
from typing import Any

import pytest
from pipecat.frames.frames import Frame, InputAudioRawFrame, TranscriptionFrame, UserStartedSpeakingFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from core.audio import pcm
from core.events import GapFound, GapRepaired, UtteranceSpoken
from processors.frames import CallerStoppedFrame
from processors.manual_vad.settings import ManualVadSettings
from processors.manual_vad.stage import ManualVad
from processors.shadow.offline import OfflineTranscriber
from processors.shadow.stage import Shadow, ShadowSettings
from processors.shadow.transcriber import TRANSCRIBER_RATE
from processors.transcript import Transcript, TranscriptSettings
from support.clips import ANSWERS, READ
from support.frames import chunks, hush, running, talk
from support.session import FakeSession
from support.virtual_time import VirtualTimeLoop
from support.word_recall import lost

pytestmark = pytest.mark.usefixtures("threads_at_once")

SPOKEN = " ".join(clip.text for clip in (*ANSWERS, READ))
PAUSE = bytes(pcm.size(0.5, TRANSCRIBER_RATE))
SPEECH = PAUSE.join(clip.pcm for clip in (*ANSWERS, READ))
FIRST = " My name is Bruce Bravo Romeo Uniform Charlie Echo. I'm located in Sackville, New Brunswick."
SECOND = " And, uh, sackville is"


class Recogniser(OfflineTranscriber):
    """The offline transcriber, which takes a tenth of the audio's length however long it really takes."""

    async def transcribe(self, audio: bytes) -> str:
        await asyncio.sleep(pcm.seconds(audio, TRANSCRIBER_RATE) / 10)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        with loop.standing():
            return await super().transcribe(audio)


class Live(FrameProcessor):
    """Sends the live session's texts, each so many seconds into the caller's turn."""

    def __init__(self, texts: list[tuple[float, str]]) -> None:
        super().__init__()
        self._texts = texts
        self._sending: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, UserStartedSpeakingFrame):
            self._sending = asyncio.create_task(self._send())
        if not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)

    async def _send(self) -> None:
        now = 0.0
        for at, text in self._texts:
            await asyncio.sleep(at - now)
            now = at
            await self.push_frame(TranscriptionFrame(text, "caller", "now"))


async def said(lead: float, texts: list[tuple[float, str]], **shadow: Any) -> tuple[UtteranceSpoken, FakeSession]:
    """The utterance that becomes of the speech after so many seconds of silence, when these texts come of it."""
    session = FakeSession()
    stages = (
        ManualVad(ManualVadSettings.model_validate({"flush": "none", "silence": 2.5}), session),
        Shadow(ShadowSettings.model_validate(shadow), session, Recogniser()),
        Live(texts),
        Transcript(TranscriptSettings.model_validate({}), session),
    )
    async with running(*stages) as ends:
        await talk(ends, [*chunks(bytes(pcm.size(lead, TRANSCRIBER_RATE)) + SPEECH), *hush(3.0)])
        await ends.until(lambda: ends.got(CallerStoppedFrame))
        await asyncio.sleep(2.0)  # the last of the live text may be behind the turn
        await stages[-1].finish()
    [utterance] = session.utterances
    return utterance, session


AS_SAID = [(1.0 + n * 0.45, f" {word}") for n, word in enumerate((FIRST + SECOND).split())]


@pytest.mark.parametrize(
    ("lead", "texts", "gaps"),
    [
        pytest.param(1.0, AS_SAID, 1, id="as it is said, for nine seconds"),
        pytest.param(1.007, [(6.3, FIRST), (17.0, SECOND)], 2, id="in bursts"),
        pytest.param(1.013, [(31.0, FIRST + SECOND)], 1, id="all at the end"),
        pytest.param(1.019, [], 1, id="none"),
    ],
)
async def test_a_gap_is_filled_without_the_loss_of_a_word(
    lead: float, texts: list[tuple[float, str]], gaps: int
) -> None:
    utterance, session = await said(lead, texts)
    assert lost(SPOKEN, utterance.text) == [], utterance.text
    assert utterance.source == "repaired"
    assert len(session.of(GapFound)) == len(session.of(GapRepaired)) == gaps
    assert all(utterance.text.count(once) == 1 for once in ("Bruce", "university", "leisure")), "nothing stands twice"


async def test_a_turn_that_is_transcribed_whole_has_every_word() -> None:
    utterance, session = await said(1.003, [(1.0, FIRST)], when="always")
    assert lost(SPOKEN, utterance.text) == [], utterance.text
    assert utterance.source == "shadow" and session.of(GapRepaired) == []
