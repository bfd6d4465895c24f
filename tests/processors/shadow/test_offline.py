"""Offline ears hear real speech, one at a time, and never more than they can; clean speech has no holes."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from pipecat.processors.frame_processor import FrameProcessorSetup

from core.audio.chunker import cut
from core.transcript.gaps import GapPolicy, find_gaps
from core.transcript.values import Fragment, VoiceSpan
from processors.manual_vad.silero import SileroDetector
from processors.shadow import offline
from processors.shadow.offline import OfflineTranscriber
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed
from support.clips import ANSWERS, DATA, READ, Clip

pytestmark = pytest.mark.real_time

SETUP: FrameProcessorSetup = None  # pyright: ignore[reportAssignmentType] - offline ears need none
RECORDINGS = sorted(DATA.glob("*.wav"))


async def test_they_hear_what_was_said() -> None:
    ears = OfflineTranscriber()
    await ears.open(SETUP)
    texts = await asyncio.gather(*(ears.transcribe(clip.pcm) for clip in (*ANSWERS, READ)))
    for clip, text in zip((*ANSWERS, READ), texts, strict=True):
        assert all(word.lower() in text.lower() for word in clip.words), text
    await ears.close()


async def test_past_what_they_can_hear_the_newest_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "MOST_WAITING", 2)
    ears, others = OfflineTranscriber(), OfflineTranscriber()
    first = [asyncio.create_task(one.transcribe(READ.pcm)) for one in (ears, others)]
    await asyncio.sleep(0)
    with pytest.raises(TranscriptionFailed, match="2 pieces to hear already"):
        await others.transcribe(READ.pcm)
    assert all(await asyncio.gather(*first))
    assert await others.transcribe(READ.pcm), "they hear again"


async def test_ears_that_are_not_installed_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    offline._engine.cache_clear()
    monkeypatch.setattr(offline.importlib, "import_module", missing)
    monkeypatch.setattr(offline.importlib.util, "find_spec", lambda _: None)  # pyright: ignore[reportUnknownLambdaType]
    for deaf in (OfflineTranscriber().open(SETUP), OfflineTranscriber().transcribe(READ.pcm)):
        with pytest.raises(TranscriptionFailed, match="pip install 'colloquy\\[speech\\]'"):
            await deaf


async def test_a_package_without_its_model_says_which_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Empty:
        @staticmethod
        def get_model_path(name: str) -> Path:
            return tmp_path / name

    offline._engine.cache_clear()
    monkeypatch.setattr(offline.importlib, "import_module", lambda _: Empty)
    with pytest.raises(TranscriptionFailed, match="no model inside"):
        await OfflineTranscriber().transcribe(READ.pcm)


def voice_of(pcm: bytes) -> list[VoiceSpan]:
    """Where in a recording somebody speaks, pauses of 0.12 s and more left out."""
    detector, step = SileroDetector(), TRANSCRIBER_RATE // 50 * 2
    marks = [detector.confidence(pcm[at : at + step], in_turn=True) >= 0.5 for at in range(0, len(pcm), step)]
    stretches: list[VoiceSpan] = []
    for n, voiced in enumerate(marks):
        if voiced and stretches and n / 50 - stretches[-1].ended < 0.12:
            stretches[-1] = VoiceSpan(stretches[-1].started, (n + 1) / 50)
        elif voiced:
            stretches.append(VoiceSpan(n / 50, (n + 1) / 50))
    return stretches


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name)
@pytest.mark.parametrize("volume", [1.0, 0.2])
async def test_clean_speech_with_its_text_has_no_hole(path: Path, volume: float) -> None:
    pcm = (np.frombuffer(Clip(path, ()).pcm, np.int16) * volume).astype(np.int16).tobytes()
    voice = voice_of(pcm)
    ears = OfflineTranscriber()
    pieces, at = list[Fragment](), 0.0
    for audio in cut(pcm, TRANSCRIBER_RATE):
        at += len(audio) / 2 / TRANSCRIBER_RATE
        pieces.append(Fragment(f" {await ears.transcribe(audio)}", at))
    assert sum(one.ended - one.started for one in voice) > 1.0
    for lag in (0.3, 1.5, 4.0):
        late = [Fragment(piece.text, piece.at + lag) for piece in pieces]
        words = [Fragment(f" {word}", piece.at) for piece in late for word in piece.text.split()]
        for heard in (late, words, [Fragment(" ".join(piece.text for piece in late), at + lag)]):
            assert find_gaps(voice, heard, GapPolicy()) == []
