"""Speech opens a turn with its onset in it, silence closes it, and a long turn is flushed."""

import asyncio

import numpy as np
import pytest
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    InputAudioRawFrame,
    InterruptionFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from support.clips import ANSWERS
from support.frames import chunks, hush, running, talk
from support.session import FakeSession

from core.events import ReplyStarted, TurnClosed, TurnFlushed, TurnOpened
from processors.frames import FlushFrame
from processors.manual_vad import ManualVad, ManualVadSettings


def stage(**settings: object) -> tuple[ManualVad, FakeSession]:
    session = FakeSession()
    return ManualVad(ManualVadSettings(**settings), session), session  # pyright: ignore


async def test_an_answer_is_one_turn_with_every_sample_of_its_speech() -> None:
    vad, session = stage(silence=0.8, flush_after=None)
    answer = ANSWERS[0].pcm
    async with running(vad) as ends:
        await talk(ends, hush(1.0) + chunks(answer) + hush(1.5))
    kinds = [type(frame) for frame in ends.down if not isinstance(frame, InputAudioRawFrame)]
    assert kinds.count(UserStartedSpeakingFrame) == 1
    heard = b"".join(frame.audio for frame in ends.got(InputAudioRawFrame))
    # From the first to the last loud sample of the recording, nothing is missing and nothing is moved.
    samples = np.abs(np.frombuffer(answer, np.int16).astype(int))
    loud = np.flatnonzero(samples > 0.1 * samples.max())
    speech = answer[2 * loud[0] : 2 * loud[-1] + 2]
    assert speech in heard
    [opened], [closed] = session.of(TurnOpened), session.of(TurnClosed)
    assert closed.why == "silence" and closed.voiced > 4
    assert opened.at < 2.0


async def test_silence_and_noise_open_nothing() -> None:
    vad, session = stage()
    noise = np.random.default_rng(7).normal(0, 300, 16000 * 3).astype(np.int16).tobytes()
    async with running(vad) as ends:
        await talk(ends, hush(1.0) + chunks(noise) + hush(0.5))
    assert session.events == [] and ends.got(InputAudioRawFrame) == []


async def test_a_turn_closes_even_when_the_source_stops_sending() -> None:
    vad, session = stage(silence=0.8)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + chunks(ANSWERS[0].pcm)[:150])
        await asyncio.sleep(2)
        assert len(ends.got(UserStoppedSpeakingFrame)) == 1
    assert [closed.why for closed in session.of(TurnClosed)] == ["silence"]


@pytest.mark.parametrize("flush_at", ["timer", "pause"])
async def test_a_long_answer_is_flushed_in_order_with_its_audio(flush_at: str) -> None:
    vad, session = stage(flush_after=3, flush_at=flush_at, silence=1.2)
    long = ANSWERS[0].pcm + ANSWERS[1].pcm
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + chunks(long) + hush(2))
    flushes = session.of(TurnFlushed)
    assert len(flushes) >= 3 and len(ends.got(FlushFrame)) == len(flushes)
    first = next(n for n, frame in enumerate(ends.down) if isinstance(frame, FlushFrame))
    assert isinstance(ends.down[first - 1], InputAudioRawFrame)
    assert len(ends.got(UserStartedSpeakingFrame)) == 1


async def test_speaking_over_the_examiner_stops_it_only_where_that_is_allowed() -> None:
    for barge_in in (True, False):
        vad, _ = stage(barge_in=barge_in)
        async with running(vad) as ends:
            await ends.pull(BotStartedSpeakingFrame())
            await talk(ends, hush(0.5) + chunks(ANSWERS[0].pcm)[:100])
        assert bool(ends.got(InterruptionFrame)) is barge_in


async def test_latency_is_counted_from_the_last_voice() -> None:
    vad, session = stage(silence=0.8)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + chunks(ANSWERS[0].pcm) + hush(1.5))
        await ends.pull(BotStartedSpeakingFrame(), BotStoppedSpeakingFrame(), BotStartedSpeakingFrame())
    [reply] = session.of(ReplyStarted)
    assert 1.0 < reply.latency < 2.5  # the pause that closed the turn, and what we waited after it


async def test_the_end_of_a_call_closes_an_open_turn() -> None:
    vad, session = stage()
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + chunks(ANSWERS[0].pcm)[:100])
        await vad.conclude()
    assert [closed.why for closed in session.of(TurnClosed)] == ["ended"]
    assert len(ends.got(UserStoppedSpeakingFrame)) == 1


async def test_audio_of_another_rate_is_refused_in_a_sentence() -> None:
    vad, _ = stage()
    errors: list[str] = []
    async with running(vad) as ends:

        @ends.worker.event_handler("on_pipeline_error")
        async def failed(_: object, frame: object) -> None:
            errors.append(str(frame.error))  # pyright: ignore

        await ends.push(*chunks(bytes(960), 48000))
        await asyncio.sleep(0.5)
    assert "put a resampler stage with rate 16000 before it" in errors[0]
