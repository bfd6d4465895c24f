"""The second ears hear every turn beside the dialogue, and hold nothing up."""

import asyncio
from collections.abc import Callable

import pytest
from pipecat.frames.frames import InputAudioRawFrame, StartFrame, TranscriptionFrame, UserStartedSpeakingFrame
from pipecat.processors.frame_processor import FrameProcessorSetup
from pydantic import ValidationError

from core.events import ProblemSeen
from processors.frames import CallerStoppedFrame, FlushFrame, GapFrame, ShadowReadyFrame, ShadowTextFrame
from processors.shadow import stage
from processors.shadow.stage import Shadow, ShadowSettings
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed
from support.frames import CHUNK, Ends, chunks, hush, running, talk
from support.session import FakeSession

SECOND = 2 * TRANSCRIBER_RATE


class FakeEars:
    """Tells how many tenths of a second it heard, after a while."""

    def __init__(self, said: Callable[[bytes], str] | None = None, takes: float = 0.5) -> None:
        self.pieces: list[bytes] = []
        self.closed = False
        self._said = said or (lambda pcm: f"heard{round(len(pcm) / SECOND * 10)}")
        self._takes = takes

    async def open(self, setup: FrameProcessorSetup) -> None:
        await asyncio.sleep(0)

    async def transcribe(self, audio: bytes) -> str:
        await asyncio.sleep(self._takes)
        self.pieces.append(audio)
        return self._said(audio)

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
    session, ears = FakeSession(), FakeEars(takes=60.0)
    async with running(Shadow(ShadowSettings(when="always"), session, ears)) as ends:
        audio = marked(1.0, 3)
        before = session.now()
        await ends.push(UserStartedSpeakingFrame(), *audio, FlushFrame(), CallerStoppedFrame(spoke_until=1.0))
        await ends.until(lambda: ends.got(CallerStoppedFrame))
        assert session.now() == before
        assert [frame.audio for frame in ends.got(InputAudioRawFrame)] == [frame.audio for frame in audio]
        assert ends.got(FlushFrame)
    assert ears.closed


async def test_it_says_that_it_is_there() -> None:
    for when in ("holes", "always"):
        async with running(Shadow(ShadowSettings(when=when), FakeSession(), FakeEars())) as ends:
            await ends.until(lambda: ends.got(ShadowReadyFrame))
        assert [frame.always for frame in ends.got(ShadowReadyFrame)] == [when == "always"]
        order = [type(frame) for frame in ends.down]
        assert order.index(StartFrame) < order.index(ShadowReadyFrame)


async def test_a_turn_is_transcribed_in_pieces_and_told_as_one() -> None:
    session, ears = FakeSession(), FakeEars()
    async with running(Shadow(ShadowSettings(when="always"), session, ears)) as ends:
        audio = marked(8.0, 40) + hush(0.4) + marked(5.0, 40) + hush(1.0)
        began = await turn(ends, session, audio, until=13.4)
        await ends.until(lambda: ends.got(ShadowTextFrame))
    [told] = ends.got(ShadowTextFrame)
    first, second = ears.pieces
    assert 8.0 <= len(first) / SECOND <= 8.4
    assert len(first + second) / SECOND == pytest.approx(13.7, abs=0.05), "quiet behind the last word is left out"
    assert told.text == f"heard{round(len(first) / SECOND * 10)} heard{round(len(second) / SECOND * 10)}"
    assert (told.started, told.ended) == pytest.approx((began + 0.2, began + 13.4), abs=0.05)
    middle = began + len(first) / SECOND
    assert " ".join(text for text, _, _ in told.heard) == told.text
    edges = [edge for _, started, ended in told.heard for edge in (started, ended)]
    assert edges == pytest.approx([began, middle, middle, began + 13.7], abs=0.05)
    assert not told.repaired


@pytest.mark.real_time
async def test_a_hole_of_any_turn_is_heard_again() -> None:
    session, ears = FakeSession(), FakeEars(takes=0.0)
    async with running(Shadow(ShadowSettings(), session, ears)) as ends:
        began = await turn(ends, session, marked(0.4, 1) + marked(0.6, 2) + marked(0.4, 3))
        await turn(ends, session, marked(0.4, 4))
        assert ears.pieces == [], "it listens only when asked"
        await ends.pull(GapFrame(started=began + 0.4, ended=began + 1.0))
        await ends.until(lambda: ends.got(ShadowTextFrame))
    [heard] = ears.pieces
    assert len(heard) == round(0.6 * SECOND)
    assert heard.count(2) > 0.9 * len(heard), "to some hundredths of a second"
    [told] = ends.got(ShadowTextFrame)
    assert (told.text, told.started, told.ended, told.repaired) == ("heard6", began + 0.4, began + 1.0, True)
    assert ends.rose(GapFrame) == [], "it is for nobody else"


@pytest.mark.real_time
async def test_what_is_long_ago_comes_from_the_file() -> None:
    session, ears = FakeSession(), FakeEars(takes=0.0)
    async with running(Shadow(ShadowSettings(memory=0.5), session, ears)) as ends:
        began = await turn(ends, session, marked(0.6, 1) + marked(0.6, 2))
        await turn(ends, session, marked(0.3, 3))
        await ends.pull(GapFrame(started=began - 5, ended=began + 60))
        await ends.until(lambda: ends.got(ShadowTextFrame))
    mark = [bytes([n]) * round(size * SECOND) for n, size in ((1, 0.6), (2, 0.6), (3, 0.3))]
    assert b"".join(ears.pieces) == b"".join(mark)


async def test_a_hole_where_nobody_spoke_has_no_words() -> None:
    session, ears = FakeSession(), FakeEars()
    async with running(Shadow(ShadowSettings(), session, ears)) as ends:
        await ends.pull(GapFrame(started=2.0, ended=5.0))
        await ends.until(lambda: ends.got(ShadowTextFrame))
    assert ends.got(ShadowTextFrame)[0].text == "" and ears.pieces == []


async def test_ears_that_fail_say_so_once_and_answer_nothing() -> None:
    def deaf(_: bytes) -> str:
        raise TranscriptionFailed("the line is down")

    session = FakeSession()
    async with running(Shadow(ShadowSettings(when="always"), session, FakeEars(deaf))) as ends:
        for _ in range(2):
            await turn(ends, session, marked(1.0, 1))
        await ends.until(lambda: len(ends.got(ShadowTextFrame)) == 2)
    assert [frame.text for frame in ends.got(ShadowTextFrame)] == ["", ""]
    assert [fact.what for fact in session.of(ProblemSeen)] == ["the line is down"]


@pytest.mark.real_time
async def test_ears_that_cannot_keep_up_leave_the_newest_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "MOST_WAITING", 2)
    session, ears = FakeSession(), FakeEars(takes=0.2)
    async with running(Shadow(ShadowSettings(), session, ears)) as ends:
        began = await turn(ends, session, marked(0.4, 1))
        await ends.pull(*(GapFrame(started=began, ended=began + 0.4) for _ in range(9)))
        await ends.until(lambda: len(ends.got(ShadowTextFrame)) >= 2)
    assert len(ears.pieces) <= 3
    [problem] = session.of(ProblemSeen)
    assert "what follows is left out" in problem.what


async def test_audio_of_another_rate_is_refused_in_a_sentence() -> None:
    session = FakeSession()
    shadow = Shadow(ShadowSettings(), session, FakeEars())
    shadow._in_turn = True
    with pytest.raises(ValueError, match="16000 Hz only and got 8000: put it behind manual_vad"):
        shadow._hear(chunks(bytes(320), 8000)[0], 0.0)


def test_a_service_needs_a_key_and_offline_ears_do_not() -> None:
    in_config = {"emulated": False}
    with pytest.raises(ValidationError, match="there is no key"):
        ShadowSettings.model_validate({"ears": "live"}, context=in_config)
    assert ShadowSettings.model_validate({"ears": "live"}, context={"emulated": True})
    assert ShadowSettings.model_validate({"ears": "live", "key": "k"}, context=in_config)
    assert ShadowSettings.model_validate({}, context=in_config).ears == "offline"


async def test_what_the_dialogue_hears_is_nothing_to_it() -> None:
    session = FakeSession()
    async with running(Shadow(ShadowSettings(when="always"), session, FakeEars())) as ends:
        await ends.push(TranscriptionFrame("Hello", "caller", "now"))
        await ends.until(lambda: ends.got(TranscriptionFrame))
    assert ends.got(ShadowTextFrame) == []
