"""Speech opens a turn with its onset in it, silence closes it, and a long turn is flushed."""

import asyncio
import re
from itertools import pairwise

import numpy as np
import pytest
from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)

from core.audio.pcm import level
from core.events import KeyPressed, ReplyStarted, TurnClosed, TurnOpened
from processors.frames import AnswerExpectedFrame, CallerStoppedFrame, FlushFrame, VoiceSpanFrame
from processors.manual_vad.settings import PROFILES, ManualVadSettings
from processors.manual_vad.stage import ManualVad
from support.clips import ANSWERS
from support.frames import chunks, hush, running, talk
from support.session import FakeSession


def stage(**settings: object) -> tuple[ManualVad, FakeSession]:
    session = FakeSession()
    return ManualVad(ManualVadSettings(**settings), session), session  # pyright: ignore


class Certain:
    """Finds voice everywhere."""

    def confidence(self, audio: bytes, *, in_turn: bool) -> float:
        return 1.0


class Loudness:
    """Finds voice in everything but digital silence."""

    def confidence(self, audio: bytes, *, in_turn: bool) -> float:
        return 1.0 if any(audio) else 0.0


class LoudnessVad(ManualVad):
    Detector = Loudness


async def test_an_answer_is_one_turn_with_every_sample_of_its_speech() -> None:
    vad, session = stage(silence=0.8, flush="none")
    answer = ANSWERS[0].pcm
    async with running(vad) as ends:
        await talk(ends, hush(1.0) + chunks(answer) + hush(1.5))
    kinds = [type(frame) for frame in ends.down if not isinstance(frame, InputAudioRawFrame)]
    assert kinds.count(UserStartedSpeakingFrame) == 1
    passed_on = b"".join(frame.audio for frame in ends.got(InputAudioRawFrame))
    # From the first to the last loud sample of the recording, nothing is missing and nothing is moved.
    samples = np.abs(np.frombuffer(answer, np.int16).astype(int))
    loud = np.flatnonzero(samples > 0.1 * samples.max())
    speech = answer[2 * loud[0] : 2 * loud[-1] + 2]
    assert speech in passed_on
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


@pytest.mark.parametrize("flush", ["timer", "valley"])
async def test_a_long_answer_is_flushed_in_order_with_its_audio(flush: str) -> None:
    vad, _ = stage(flush=flush, flush_after=3, flush_ceiling=4, silence=1.2)
    long = ANSWERS[0].pcm + ANSWERS[1].pcm
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + chunks(long) + hush(2))
    flushes = ends.got(FlushFrame)
    assert len(flushes) >= 3 and [flush.at for flush in flushes] == sorted(flush.at for flush in flushes)
    first = next(n for n, frame in enumerate(ends.down) if isinstance(frame, FlushFrame))
    assert isinstance(ends.down[first - 1], InputAudioRawFrame)
    assert len(ends.got(UserStartedSpeakingFrame)) == 1
    passed_on = b"".join(frame.audio for frame in ends.got(InputAudioRawFrame))
    assert long[: len(long) // 640 * 640] in passed_on, "not a sample is lost, and none is moved"


async def test_without_a_pause_the_cut_is_far_softer_than_the_speech_around_it() -> None:
    vad, _ = stage(flush_after=1.2, flush_ceiling=1.7)
    fluent = ANSWERS[1].pcm
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + chunks(fluent, duration=0.032) + hush(1), 0.032)
    ceilings = [frame for frame in ends.got(FlushFrame) if frame.why == "ceiling"]
    assert ceilings
    for flush in ceilings:
        n = ends.down.index(flush)
        before = next(frame for frame in reversed(ends.down[:n]) if isinstance(frame, InputAudioRawFrame))
        after = next(frame for frame in ends.down[n:] if isinstance(frame, InputAudioRawFrame))
        # -10 dB of the mean of the whole answer, its own pauses included
        assert (level(before.audio) + level(after.audio)) / 2 < 0.32 * level(fluent)


async def test_what_is_held_back_for_a_cut_is_not_lost_when_the_call_ends() -> None:
    vad, session = stage(flush_after=1.0, flush_ceiling=2.0, silence=3)
    loud = (np.sin(np.arange(16000 * 2) * 0.3) * 9000).astype(np.int16).tobytes()
    vad._detector = Certain()
    async with running(vad) as ends:
        await talk(ends, chunks(loud)[:95])
        sent = sum(len(frame.audio) for frame in ends.got(InputAudioRawFrame))
        assert sent < 95 * 640, "some of it is held back"
        await vad.finish()
    assert sum(len(frame.audio) for frame in ends.got(InputAudioRawFrame)) == 95 * 640
    assert isinstance(ends.down[-2], CallerStoppedFrame), "the end comes after the audio"
    assert [closed.why for closed in session.of(TurnClosed)] == ["ended"]


async def test_a_question_sets_how_long_its_answer_may_pause() -> None:
    for silence, until in ((0.4, 0.4), (3.0, 3.0), (None, 0.8)):
        vad, session = stage(silence=0.8)
        async with running(vad) as ends:
            await talk(ends, hush(0.5) + chunks(ANSWERS[0].pcm)[:150])
            await ends.pull(AnswerExpectedFrame(silence=silence))  # in mid-answer
            await talk(ends, hush(4))
            [stopped] = ends.got(CallerStoppedFrame)
            [closed] = session.of(TurnClosed)
        assert closed.at - stopped.spoke_until == pytest.approx(until, abs=0.05)
        assert ends.rose(AnswerExpectedFrame) == [], "it is for nobody else"


async def test_a_key_is_recorded_and_the_one_agreed_on_ends_the_answer() -> None:
    vad, session = stage(end_key="#")
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + chunks(ANSWERS[0].pcm)[:100])
        await ends.push(InputDTMFFrame(KeypadEntry.ONE), InputDTMFFrame(KeypadEntry.POUND))
        await ends.until(lambda: len(ends.got(InputDTMFFrame)) == 2)
    assert [pressed.key for pressed in session.of(KeyPressed)] == ["1", "#"]
    assert [closed.why for closed in session.of(TurnClosed)] == ["key"]


async def test_an_answer_without_end_is_ended_where_that_is_asked_for() -> None:
    vad, session = stage(longest_turn=3, silence=5)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + chunks(ANSWERS[0].pcm))
        assert [closed.why for closed in session.of(TurnClosed)][:1] == ["longest"]


async def test_voice_spans_are_sent_downstream_within_their_turn() -> None:
    vad, session = stage(silence=1.2)
    async with running(vad) as ends:
        await talk(ends, hush(1.0) + chunks(ANSWERS[0].pcm) + hush(2))
    spans = ends.got(VoiceSpanFrame)
    [closed], [stopped] = session.of(TurnClosed), ends.got(CallerStoppedFrame)
    assert len(spans) > 5
    assert all(one.ended <= other.started for one, other in pairwise(spans))
    assert all(frame.ended - frame.started < 1.2 for frame in spans)
    total = sum(frame.ended - frame.started for frame in spans)
    assert closed.voiced <= total + 0.05 and total < 1.2 * closed.voiced
    assert stopped.voiced == closed.voiced and spans[-1].ended == stopped.spoke_until


async def test_a_fan_that_passes_for_voice_does_not_keep_a_turn_open_for_ever() -> None:
    vad, session = stage()
    fan = np.random.default_rng(7).normal(0, 1500, 16000 * 8).astype(np.int16).tobytes()
    vad._detector = Certain()
    async with running(vad) as ends:
        await talk(ends, chunks(fan))
    [closed] = session.of(TurnClosed)
    assert closed.why == "silence" and closed.at < 6


async def test_a_stage_of_ones_own_may_bring_another_detector() -> None:
    session = FakeSession()
    vad = LoudnessVad(ManualVadSettings(above_noise=0), session)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + chunks(b"\x10\x00" * 16000) + hush(1))
    assert len(ends.got(UserStartedSpeakingFrame)) == 1
    assert [closed.voiced for closed in session.of(TurnClosed)] == [pytest.approx(1.0)]


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
        await vad.finish()
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


# --- settings


def test_a_profile_sets_what_the_config_leaves_out_and_nothing_else() -> None:
    assert ManualVadSettings() == ManualVadSettings(profile="headset")
    for profile, values in PROFILES.items():
        settings = ManualVadSettings.model_validate({"profile": profile})
        assert settings.model_dump(include=set(values)) == values
    mine = ManualVadSettings.model_validate({"profile": "noisy room", "silence": 2.5, "above_noise": 1})
    assert (mine.silence, mine.above_noise, mine.start_confidence) == (2.5, 1, 0.6)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"profile": "cellar"}, "'headset', 'phone' or 'noisy room'"),
        ({"profile": ["phone"]}, "'headset', 'phone' or 'noisy room'"),
        ({"start_confidence": 0.3}, "stop_confidence (0.35) is above start_confidence (0.3)"),
        ({"flush_after": 15}, "flush_ceiling (15) must be at least 0.5 s above flush_after (15)"),
        ({"end_key": "##"}, "end_key"),
        ("phone", "valid dictionary"),
    ],
)
def test_what_makes_no_sense_is_refused(values: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        ManualVadSettings.model_validate(values)


def test_a_ceiling_is_a_matter_of_valleys_only() -> None:
    assert ManualVadSettings(flush="timer", flush_after=15).flush_after == 15
