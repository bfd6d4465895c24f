"""Any rate goes in; even chunks of one rate come out, with every word still in them."""

import numpy as np
import pytest
from pipecat.frames.frames import InputAudioRawFrame, TextFrame

from core.audio.pcm import seconds
from processors.resampler import Resampler, ResamplerSettings
from support.clips import ANSWERS
from support.frames import chunks, running
from support.session import FakeSession


def tone(rate: int, duration: float, hz: float = 440.0) -> bytes:
    t = np.arange(round(rate * duration)) / rate
    return (np.sin(2 * np.pi * hz * t) * 12000).astype(np.int16).tobytes()


async def resampled(frames: list[InputAudioRawFrame], **settings: object) -> list[InputAudioRawFrame]:
    stage = Resampler(ResamplerSettings(**{"chunk": 0.02, **settings}), FakeSession())  # pyright: ignore
    async with running(stage) as ends:
        await ends.push(*frames)
    return ends.got(InputAudioRawFrame)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
async def test_a_second_in_is_a_second_out_at_the_models_rate(rate: int) -> None:
    out = await resampled(chunks(tone(rate, 1.0), rate))
    samples = np.frombuffer(b"".join(frame.audio for frame in out), np.int16)
    assert {(f.sample_rate, f.num_channels, len(f.audio)) for f in out} == {(16000, 1, 640)}
    assert len(samples) == pytest.approx(16000, abs=320)
    spectrum = np.abs(np.fft.rfft(samples[2000:14000]))
    assert np.argmax(spectrum) * 16000 / 12000 == pytest.approx(440, abs=2)


async def test_stereo_becomes_mono_without_losing_level() -> None:
    mono = np.frombuffer(tone(16000, 0.5), np.int16)
    both = np.repeat(mono, 2).tobytes()
    out = await resampled([InputAudioRawFrame(both[at : at + 1280], 16000, 2) for at in range(0, len(both), 1280)])
    assert b"".join(frame.audio for frame in out) == mono.tobytes()


async def test_audio_of_the_right_rate_is_not_touched() -> None:
    pcm = ANSWERS[0].pcm
    out = await resampled(chunks(pcm, duration=0.03), chunk=0.02)
    assert b"".join(frame.audio for frame in out)[: len(pcm)] == pcm


async def test_the_filter_holds_back_no_more_than_a_breath() -> None:
    stage = Resampler(ResamplerSettings(chunk=0.02), FakeSession())
    async with running(stage) as ends:
        for frame in chunks(tone(48000, 1.0), 48000):
            await ends.push(frame)
        await ends.push(TextFrame("now"))
        await ends.until(lambda: ends.got(TextFrame))
        held = 1.0 - len(ends.got(InputAudioRawFrame)) * 0.02
    assert held <= 0.06


async def test_a_call_that_changes_its_rate_goes_on() -> None:
    out = await resampled(chunks(tone(8000, 0.5), 8000) + chunks(tone(48000, 0.5), 48000))
    assert sum(seconds(frame.audio, 16000) for frame in out) == pytest.approx(1.0, abs=0.06)
