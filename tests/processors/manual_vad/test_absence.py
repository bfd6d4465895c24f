"""The caller's packets stop in the middle of an answer: no turn ends for that, and what went missing is said."""

import asyncio

import pytest
from pipecat.frames.frames import UserStartedSpeakingFrame

from core.events import AudioResumed, AudioStopped, TurnClosed
from processors.frames import (
    AudioMissingFrame,
    CallerAwayFrame,
    CallerBackFrame,
    CallerStoppedFrame,
    PacketsStoppedFrame,
    VoiceSpanFrame,
)
from processors.manual_vad.settings import ManualVadSettings
from processors.manual_vad.stage import ManualVad
from support.frames import Ends, chunks, hush, running, talk
from support.session import FakeSession


class Loudness:
    """Finds voice in everything but digital silence."""

    def confidence(self, audio: bytes, *, in_turn: bool) -> float:
        return 1.0 if any(audio) else 0.0


class LoudnessVad(ManualVad):
    Detector = Loudness


def stage(**settings: object) -> tuple[ManualVad, FakeSession]:
    session = FakeSession()
    return LoudnessVad(ManualVadSettings(above_noise=0, flush="none", **settings), session), session  # pyright: ignore


def speech(seconds: float) -> list:
    return chunks(b"\x10\x00" * round(seconds * 16000))


async def gone(ends: Ends, seconds: float) -> None:
    """Nothing comes for so long, which the transport reports after half a second."""
    await asyncio.sleep(0.5)
    await ends.push(PacketsStoppedFrame(silent_for=0.5))
    await asyncio.sleep(seconds - 0.5)


async def test_an_answer_goes_on_after_five_seconds_without_packets() -> None:
    vad, session = stage(silence=0.8)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + speech(3))
        await gone(ends, 5)
        assert session.of(TurnClosed) == []
        await talk(ends, speech(2) + hush(1.5))
    [stopped], [resumed], [closed] = session.of(AudioStopped), session.of(AudioResumed), session.of(TurnClosed)
    assert stopped.at - stopped.since == pytest.approx(1.0, abs=0.05)
    assert resumed.lasted == pytest.approx(5.0, abs=0.1) and resumed.missing == pytest.approx(5.0, abs=0.1)
    assert resumed.in_turn
    assert closed.why == "silence" and closed.voiced == pytest.approx(5.0, abs=0.1)
    assert len(ends.got(UserStartedSpeakingFrame)) == len(ends.got(CallerStoppedFrame)) == 1
    [missing] = ends.got(AudioMissingFrame)
    assert missing.seconds == pytest.approx(resumed.missing, abs=0.01)
    assert missing.ended - missing.started == pytest.approx(5.0, abs=0.1)
    [back] = ends.got(CallerBackFrame)
    assert back.in_turn and not back.too_long
    assert sum(span.ended - span.started for span in ends.got(VoiceSpanFrame)) == pytest.approx(5.0, abs=0.1)
    assert ends.got(PacketsStoppedFrame) == []


async def test_an_answer_that_came_late_lacks_nothing() -> None:
    vad, session = stage(silence=0.8)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + speech(1))
        await gone(ends, 3)
        await ends.push(*speech(3))
        await talk(ends, speech(1) + hush(1.5))
    [resumed], [closed] = session.of(AudioResumed), session.of(TurnClosed)
    assert resumed.missing == 0 and resumed.in_turn
    assert ends.got(AudioMissingFrame) == []
    assert closed.voiced == pytest.approx(5.0, abs=0.1)


async def test_an_answer_without_packets_for_longer_than_the_grace_ends_once_they_are_back() -> None:
    vad, session = stage(silence=0.8, grace=4)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + speech(2))
        await gone(ends, 10)
        assert session.of(TurnClosed) == [], "nobody would hear the reply"
        await talk(ends, speech(2) + hush(1.5))
    assert [closed.why for closed in session.of(TurnClosed)] == ["absence", "silence"]
    kinds = [type(frame) for frame in ends.down]
    assert kinds.index(AudioMissingFrame) < kinds.index(CallerBackFrame) < kinds.index(CallerStoppedFrame)
    [back], [missing] = ends.got(CallerBackFrame), ends.got(AudioMissingFrame)
    assert back.in_turn and back.too_long and missing.seconds == 4.0
    assert len(ends.got(UserStartedSpeakingFrame)) == 2, "what is said from there on is an answer of its own"


async def test_a_pause_before_the_packets_stop_is_no_part_of_the_pause_after_it() -> None:
    vad, session = stage(silence=0.8)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + speech(1) + hush(0.7))
        await gone(ends, 2)
        await talk(ends, hush(0.6))
        assert session.of(TurnClosed) == []
        await talk(ends, hush(0.3))
        assert [closed.why for closed in session.of(TurnClosed)] == ["silence"]


async def test_jitter_is_not_worth_a_word() -> None:
    vad, session = stage(silence=0.8, packet_gap=1.0)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + speech(1))
        await gone(ends, 0.9)
        await talk(ends, speech(1) + hush(1.5))
    assert session.of(AudioStopped) == session.of(AudioResumed) == []
    assert ends.got(CallerAwayFrame) == ends.got(CallerBackFrame) == []
    assert len(session.of(TurnClosed)) == 1


async def test_outside_a_turn_nothing_of_an_answer_is_missing() -> None:
    vad, session = stage(silence=0.8)
    async with running(vad) as ends:
        await talk(ends, hush(1.0))
        await gone(ends, 5)
        await talk(ends, speech(1) + hush(1.5))
    [away], [back], [resumed] = ends.got(CallerAwayFrame), ends.got(CallerBackFrame), session.of(AudioResumed)
    assert away.since == pytest.approx(1.0, abs=0.1)
    assert not back.in_turn and not resumed.in_turn and ends.got(AudioMissingFrame) == []


async def test_a_call_that_ends_while_the_caller_is_away_lacks_the_end_of_the_answer() -> None:
    vad, session = stage(silence=0.8)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + speech(2))
        await gone(ends, 5)
        await vad.finish()
    assert [closed.why for closed in session.of(TurnClosed)] == ["ended"]
    [missing] = ends.got(AudioMissingFrame)
    assert missing.seconds == pytest.approx(5.0, abs=0.1)
    assert session.of(AudioResumed) == []


async def test_two_absences_in_one_answer_are_both_missing() -> None:
    vad, session = stage(silence=0.8)
    async with running(vad) as ends:
        await talk(ends, hush(0.5) + speech(2))
        await gone(ends, 3)
        await talk(ends, speech(0.3))
        await gone(ends, 2)
        await talk(ends, speech(1) + hush(1.5))
    assert [resumed.missing for resumed in session.of(AudioResumed)] == [
        pytest.approx(3.0, abs=0.1),
        pytest.approx(2.0, abs=0.1),
    ]
    assert len(ends.got(AudioMissingFrame)) == 2 and len(session.of(TurnClosed)) == 1
