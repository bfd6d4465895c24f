"""The offline transcriber hears real speech, one chunk at a time, within its limit; clean speech has no gaps."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pipecat.processors.frame_processor import FrameProcessorSetup

from core.audio import pcm
from core.audio.chunker import cut
from core.transcript.gaps import GapPolicy, find_gaps
from core.transcript.values import Fragment, VoiceSpan
from processors.manual_vad.silero import SileroDetector
from processors.shadow import offline
from processors.shadow.offline import OfflineTranscriber, loops
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed
from support.clips import ANSWERS, DATA, READ, Clip

pytestmark = pytest.mark.real_time

SETUP: FrameProcessorSetup = None  # pyright: ignore[reportAssignmentType] - the offline transcriber needs none
RECORDINGS = sorted(DATA.glob("*.wav"))


async def test_it_transcribes_what_was_said() -> None:
    transcriber = OfflineTranscriber()
    await transcriber.open(SETUP)
    texts = await asyncio.gather(*(transcriber.transcribe(clip.pcm) for clip in (*ANSWERS, READ)))
    for clip, text in zip((*ANSWERS, READ), texts, strict=True):
        assert all(word.lower() in text.lower() for word in clip.words), text
    await transcriber.close()


async def test_past_its_limit_the_newest_chunk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "QUEUE_LIMIT", 2)
    transcriber, others = OfflineTranscriber(), OfflineTranscriber()
    first = [asyncio.create_task(one.transcribe(READ.pcm)) for one in (transcriber, others)]
    await asyncio.sleep(0)
    with pytest.raises(TranscriptionFailed, match="2 chunks wait for the offline transcriber already"):
        await others.transcribe(READ.pcm)
    assert all(await asyncio.gather(*first))
    assert await others.transcribe(READ.pcm), "it has room once more"


async def test_a_transcriber_that_is_not_installed_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    offline._engine.cache_clear()
    monkeypatch.setattr(offline.importlib, "import_module", missing)
    monkeypatch.setattr(offline.importlib.util, "find_spec", lambda _: None)  # pyright: ignore[reportUnknownLambdaType]
    for failing in (OfflineTranscriber().open(SETUP), OfflineTranscriber().transcribe(READ.pcm)):
        with pytest.raises(TranscriptionFailed, match="pip install 'colloquy\\[speech\\]'"):
            await failing


async def test_a_package_without_its_model_says_which_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Empty:
        @staticmethod
        def get_model_path(name: str) -> Path:
            return tmp_path / name

    offline._engine.cache_clear()
    monkeypatch.setattr(offline.importlib, "import_module", lambda _: Empty)
    with pytest.raises(TranscriptionFailed, match="no model inside"):
        await OfflineTranscriber().transcribe(READ.pcm)


class LosesTheThread:
    """An engine that repeats itself over chunks longer than this, in seconds."""

    def __init__(self, longest: float) -> None:
        self.longest = longest

    def transcribe_without_streaming(self, samples: Any, rate: int) -> Any:
        long = len(samples) / rate > self.longest
        text = "The verse of us, the verse of us, the verse of us, the verse of us, the" if long else f"{len(samples)}."
        return SimpleNamespace(lines=[SimpleNamespace(text=text)])


async def test_a_chunk_over_which_the_engine_repeats_itself_is_transcribed_in_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offline, "_engine", lambda: LosesTheThread(5.0))
    text = await OfflineTranscriber().transcribe(READ.pcm)
    sizes = [int(size) for size in text.replace(".", "").split()]
    assert len(sizes) == 2 and sum(sizes) == len(READ.pcm) // 2, "no sample of it is left out"
    monkeypatch.setattr(offline, "_engine", lambda: LosesTheThread(0.0))
    assert "the verse of us" in await OfflineTranscriber().transcribe(READ.pcm), "it comes to an end"


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        ("I'm a musician, I'm a musician, I'm a musician, I'm a musician, I'm a music", True),
        ("A verse between the two of us, " + "the verse between the two of us, " * 8, True),
        ("No, no, no, I think, I think that it is, it is very, very, very nice.", False),
        ("", False),
    ],
)
def test_what_is_said_three_times_is_no_loop(text: str, loop: bool) -> None:
    assert loops(text) == loop


def voice_of(audio: bytes) -> list[VoiceSpan]:
    """Where in a recording somebody speaks, pauses of 0.12 s and more left out."""
    detector, step = SileroDetector(), TRANSCRIBER_RATE // 50 * 2
    marks = [detector.confidence(audio[at : at + step], in_turn=True) >= 0.5 for at in range(0, len(audio), step)]
    spans: list[VoiceSpan] = []
    for n, voiced in enumerate(marks):
        if voiced and spans and n / 50 - spans[-1].ended < 0.12:
            spans[-1] = VoiceSpan(spans[-1].started, (n + 1) / 50)
        elif voiced:
            spans.append(VoiceSpan(n / 50, (n + 1) / 50))
    return spans


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
@pytest.mark.parametrize("volume", [1.0, 0.2])
async def test_clean_speech_with_its_text_has_no_gap(path: Path, volume: float) -> None:
    audio = (np.frombuffer(Clip(path, ()).pcm, np.int16) * volume).astype(np.int16).tobytes()
    voice = voice_of(audio)
    transcriber = OfflineTranscriber()
    fragments, at = list[Fragment](), 0.0
    for chunk in cut(audio, TRANSCRIBER_RATE):
        at += pcm.seconds(chunk, TRANSCRIBER_RATE)
        fragments.append(Fragment(f" {await transcriber.transcribe(chunk)}", at))
    assert sum(one.ended - one.started for one in voice) > 1.0
    for lag in (0.3, 1.5, 4.0):
        late = [Fragment(fragment.text, fragment.at + lag) for fragment in fragments]
        words = [Fragment(f" {word}", fragment.at) for fragment in late for word in fragment.text.split()]
        for received in (late, words, [Fragment(" ".join(fragment.text for fragment in late), at + lag)]):
            assert find_gaps(voice, received, GapPolicy()) == []
