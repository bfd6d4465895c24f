"""The second transcriber transcribes beside the Live session, and holds nothing up."""

import asyncio
from collections.abc import Callable

import pytest
from pipecat.frames.frames import InputAudioRawFrame, StartFrame, TranscriptionFrame, UserStartedSpeakingFrame
from pipecat.processors.frame_processor import FrameProcessorSetup
from pydantic import ValidationError

from core.events import ProblemSeen
from processors.frames import CallerStoppedFrame, FlushFrame, GapFrame, ShadowReadyFrame, ShadowTextFrame
from processors.shadow import stage
from processors.shadow.stage import LEADING_SILENCE, TRAILING_SILENCE, Shadow, ShadowSettings
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed
from support.frames import CHUNK, Ends, chunks, hush, running, talk
from support.session import FakeSession

SECOND = 2 * TRANSCRIBER_RATE


class FakeTranscriber:
    """Answers, after a while, with how many tenths of a second it was given."""

    def __init__(self, text: Callable[[bytes], str] | None = None, takes: float = 0.5) -> None:
        self.chunks: list[bytes] = []
        self.closed = False
        self._text = text or (lambda pcm: f"tenths{round(len(pcm) / SECOND * 10)}")
        self._takes = takes

    async def open(self, setup: FrameProcessorSetup) -> None:
        await asyncio.sleep(0)

    async def transcribe(self, audio: bytes) -> str:
        await asyncio.sleep(self._takes)
        self.chunks.append(audio)
        return self._text(audio)

    async def close(self) -> None:
        self.closed = True


def marked(seconds: float, mark: int) -> list[InputAudioRawFrame]:
    """Audio whose bytes are all `mark`."""
    return chunks(bytes([mark]) * round(seconds * TRANSCRIBER_RATE) * 2)


async def turn(ends: Ends, session: FakeSession, audio: list[InputAudioRawFrame], until: float | None = None) -> float:
    """The caller says this, with 0.2 s of pre-roll; when they began."""
    await ends.push(UserStartedSpeakingFrame(), *audio[:10])
    began = session.now() - 11 * CHUNK  # the next frame ends now
    await talk(ends, audio[10:])
    await ends.push(CallerStoppedFrame(spoke_until=session.now() if until is None else began + until))
    return began


async def test_everything_passes_at_once_and_untouched() -> None:
    session, transcriber = FakeSession(), FakeTranscriber(takes=60.0)
    async with running(Shadow(ShadowSettings(when="always"), session, transcriber)) as ends:
        audio = marked(1.0, 3)
        before = session.now()
        await ends.push(UserStartedSpeakingFrame(), *audio, FlushFrame(), CallerStoppedFrame(spoke_until=1.0))
        await ends.until(lambda: ends.got(CallerStoppedFrame))
        assert session.now() == before
        assert [frame.audio for frame in ends.got(InputAudioRawFrame)] == [frame.audio for frame in audio]
        assert ends.got(FlushFrame)
    assert transcriber.closed


async def test_it_announces_itself() -> None:
    for when in ("gaps", "always"):
        async with running(Shadow(ShadowSettings(when=when), FakeSession(), FakeTranscriber())) as ends:
            await ends.until(lambda: ends.got(ShadowReadyFrame))
        assert [frame.always for frame in ends.got(ShadowReadyFrame)] == [when == "always"]
        order = [type(frame) for frame in ends.down]
        assert order.index(StartFrame) < order.index(ShadowReadyFrame)


async def test_a_turn_is_transcribed_in_chunks_and_sent_as_one_text() -> None:
    session, transcriber = FakeSession(), FakeTranscriber()
    async with running(Shadow(ShadowSettings(when="always"), session, transcriber)) as ends:
        audio = marked(8.0, 40) + hush(0.4) + marked(5.0, 40) + hush(1.0)
        began = await turn(ends, session, audio, until=13.4)
        await ends.until(lambda: ends.got(ShadowTextFrame))
    [shadow] = ends.got(ShadowTextFrame)
    first, second = transcriber.chunks
    assert 8.0 <= len(first) / SECOND <= 8.4
    assert len(first + second) / SECOND == pytest.approx(13.7, abs=0.05), "silence behind the last word is left out"
    assert shadow.text == f"tenths{round(len(first) / SECOND * 10)} tenths{round(len(second) / SECOND * 10)}"
    assert (shadow.started, shadow.ended) == pytest.approx((began + 0.2, began + 13.4), abs=0.05)
    middle = began + len(first) / SECOND
    assert " ".join(text for text, _, _ in shadow.segments) == shadow.text
    edges = [edge for _, started, ended in shadow.segments for edge in (started, ended)]
    assert edges == pytest.approx([began, middle, middle, began + 13.7], abs=0.05)
    assert not shadow.repaired


@pytest.mark.usefixtures("threads_at_once")
async def test_a_gap_of_any_turn_is_retranscribed_with_the_edges_of_its_first_and_last_word() -> None:
    session, transcriber = FakeSession(), FakeTranscriber(takes=0.0)
    async with running(Shadow(ShadowSettings(), session, transcriber)) as ends:
        began = await turn(ends, session, marked(0.6, 1) + marked(1.0, 2) + marked(0.6, 3))
        await turn(ends, session, marked(0.4, 4))
        assert transcriber.chunks == [], "it transcribes only when asked"
        await ends.pull(GapFrame(started=began + 0.6, ended=began + 1.6))
        await ends.until(lambda: ends.got(ShadowTextFrame))
    [chunk] = transcriber.chunks
    marks = [chunk.count(mark) / SECOND for mark in (1, 2, 3, 4)]
    assert marks == pytest.approx([LEADING_SILENCE, 1.0, TRAILING_SILENCE, 0.0], abs=0.05)
    [shadow] = ends.got(ShadowTextFrame)
    assert (shadow.text, shadow.repaired) == ("tenths18", True)
    assert (shadow.started, shadow.ended) == (began + 0.6, began + 1.6), "it answers what was asked"
    assert ends.rose(GapFrame) == [], "it is for nobody else"


@pytest.mark.usefixtures("threads_at_once")
async def test_audio_of_long_ago_is_read_from_the_file() -> None:
    session, transcriber = FakeSession(), FakeTranscriber(takes=0.0)
    async with running(Shadow(ShadowSettings(memory=0.5), session, transcriber)) as ends:
        began = await turn(ends, session, marked(0.6, 1) + marked(0.6, 2))
        await turn(ends, session, marked(0.3, 3))
        await ends.pull(GapFrame(started=began - 5, ended=began + 60))
        await ends.until(lambda: ends.got(ShadowTextFrame))
    mark = [bytes([n]) * round(size * SECOND) for n, size in ((1, 0.6), (2, 0.6), (3, 0.3))]
    assert b"".join(transcriber.chunks) == b"".join(mark)


async def test_a_gap_where_nobody_spoke_has_no_words() -> None:
    session, transcriber = FakeSession(), FakeTranscriber()
    async with running(Shadow(ShadowSettings(), session, transcriber)) as ends:
        await ends.pull(GapFrame(started=2.0, ended=5.0))
        await ends.until(lambda: ends.got(ShadowTextFrame))
    assert ends.got(ShadowTextFrame)[0].text == "" and transcriber.chunks == []


async def test_a_transcriber_that_fails_is_reported_once_and_answers_with_no_text() -> None:
    def failing(_: bytes) -> str:
        raise TranscriptionFailed("the network is down")

    session = FakeSession()
    async with running(Shadow(ShadowSettings(when="always"), session, FakeTranscriber(failing))) as ends:
        for _ in range(2):
            await turn(ends, session, marked(1.0, 1))
        await ends.until(lambda: len(ends.got(ShadowTextFrame)) == 2)
    assert [frame.text for frame in ends.got(ShadowTextFrame)] == ["", ""]
    assert [problem.what for problem in session.of(ProblemSeen)] == ["the network is down"]


async def test_of_silence_behind_a_cut_no_word_is_made() -> None:
    session, transcriber = FakeSession(), FakeTranscriber()
    async with running(Shadow(ShadowSettings(when="always"), session, transcriber)) as ends:
        await turn(ends, session, marked(11.5, 40) + hush(1.5), until=11.5)
        await ends.until(lambda: ends.got(ShadowTextFrame))
    [chunk] = transcriber.chunks
    assert chunk.count(40) == round(11.5 * SECOND), "it was cut in the silence, and all of the voice is before that"


@pytest.mark.usefixtures("threads_at_once")
async def test_a_transcriber_that_cannot_keep_up_leaves_the_newest_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "QUEUE_LIMIT", 2)
    session, transcriber = FakeSession(), FakeTranscriber(takes=0.2)
    async with running(Shadow(ShadowSettings(), session, transcriber)) as ends:
        began = await turn(ends, session, marked(0.4, 1))
        await ends.pull(*(GapFrame(started=began, ended=began + 0.4) for _ in range(9)))
        await ends.until(lambda: len(ends.got(ShadowTextFrame)) >= 2)
    assert len(transcriber.chunks) <= 3
    [problem] = session.of(ProblemSeen)
    assert "what follows is left out" in problem.what


async def test_audio_of_another_rate_is_refused_in_a_sentence() -> None:
    session = FakeSession()
    shadow = Shadow(ShadowSettings(), session, FakeTranscriber())
    shadow._in_turn = True
    with pytest.raises(ValueError, match="16000 Hz only and got 8000: put it behind manual_vad"):
        shadow._on_audio(chunks(bytes(320), 8000)[0], 0.0)


def test_a_service_needs_a_key_and_the_offline_transcriber_does_not() -> None:
    in_config = {"emulated": False}
    with pytest.raises(ValidationError, match="there is no key"):
        ShadowSettings.model_validate({"transcriber": "live"}, context=in_config)
    assert ShadowSettings.model_validate({"transcriber": "live"}, context={"emulated": True})
    assert ShadowSettings.model_validate({"transcriber": "live", "key": "k"}, context=in_config)
    assert ShadowSettings.model_validate({}, context=in_config).transcriber == "offline"


def test_former_names_are_answered_with_the_present_ones() -> None:
    with pytest.raises(ValidationError) as refused:
        ShadowSettings.model_validate({"ears": "live", "ears_model": "gemini-3.8-live", "when": "holes"})
    assert [error["msg"] for error in refused.value.errors()] == [
        "ears is now called transcriber",
        "ears_model is now called model",
        '"holes" is now called "gaps"',
    ]


async def test_the_live_sessions_transcription_passes_untouched() -> None:
    session = FakeSession()
    async with running(Shadow(ShadowSettings(when="always"), session, FakeTranscriber())) as ends:
        await ends.push(TranscriptionFrame("Hello", "caller", "now"))
        await ends.until(lambda: ends.got(TranscriptionFrame))
    assert ends.got(ShadowTextFrame) == []
