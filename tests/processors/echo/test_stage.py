"""Echo of a played voice is found and muted at every gain, delay and rate; whoever speaks over it is let through."""

import asyncio
from itertools import permutations

import numpy as np
import pytest
import soxr
from pipecat.frames.frames import EndFrame, Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection

from core.audio.echo_gate import EchoGate, Fate
from core.events import EchoDetected
from processors.echo.adaptive_filter import BLOCK, RATE, Samples
from processors.echo.detector import EchoDetector, Found
from processors.echo.stage import Echo, EchoSettings
from support.clips import ANSWERS, READ, Clip
from support.frames import chunks, running
from support.session import FakeSession

CLIPS = (*ANSWERS, READ)
PAUSE = np.zeros(RATE)


def sound(clip: Clip) -> Samples:
    """A recording at 8 kHz, between two seconds of silence."""
    samples = np.frombuffer(clip.pcm, np.int16) / 32768
    return np.concatenate((PAUSE, soxr.resample(samples, 16000, RATE), PAUSE))


def echo_of(played: Samples, gain: float, delay: float, ringing: float = 0.3, noise: float = -65) -> Samples:
    """What a microphone receives of it (`gain`, `noise` in dB, `ringing` in seconds to -60 dB) through a telephone."""
    dice = np.random.default_rng(1)
    room = dice.standard_normal(round(ringing * RATE)) * 10 ** (-3 * np.linspace(0, 1, round(ringing * RATE)))
    room /= np.linalg.norm(room)
    room[0] += 1
    room /= np.linalg.norm(room)
    late = round(delay * RATE)
    microphone = np.convolve(played, room)[: len(played)] * 10 ** (gain / 20)
    microphone = np.concatenate((np.zeros(late), microphone))[: len(played)]
    return companded(microphone + dice.standard_normal(len(microphone)) * 10 ** (noise / 20))


def companded(samples: Samples) -> Samples:
    """Through the 8 bits of a telephone: mu-law, as ITU-T G.711 approximates it."""
    code = np.round(np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256) * 127) / 127
    return np.sign(code) * np.expm1(np.abs(code) * np.log(256)) / 255


def decided(played: Samples, microphone: Samples) -> tuple[list[Fate], list[Found]]:
    """The fate of every block of the microphone."""
    detector, gate = EchoDetector(1.0), EchoGate()
    fates: list[Fate] = []
    founds: list[Found] = []
    for at in range(0, min(len(played), len(microphone)) - BLOCK + 1, BLOCK):
        detector.on_playback(played[at : at + BLOCK], at)
        decision, found = detector.on_block(microphone[at : at + BLOCK])
        fates += gate.on_block(decision)
        founds += [found] if found else []
    return fates + gate.finish(), founds


def loud(samples: Samples, threshold: float) -> list[int]:
    """The blocks above a level in dB."""
    blocks = samples[: len(samples) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return [int(n) for n in np.flatnonzero((blocks**2).mean(axis=1) > 10 ** (threshold / 10))]


@pytest.mark.parametrize("gain", [-6, -18, -30])
@pytest.mark.parametrize("delay", [0.02, 0.15, 0.4])
def test_an_echo_is_muted_from_its_first_syllable(gain: float, delay: float) -> None:
    for clip in (ANSWERS[0], READ):
        played = sound(clip)
        microphone = echo_of(played, gain, delay)
        fates, [found] = decided(played, microphone)
        assert found.delay == pytest.approx(delay, abs=0.005) and found.likeness > 0.6
        passed = [n for n in loud(microphone, -58) if fates[n] is Fate.PASS]
        assert len(passed) <= 5, f"{len(passed) * BLOCK / RATE:.2f} s of echo were let through"


@pytest.mark.parametrize("delay", [0.38, 0.41])
def test_a_filter_that_adapted_to_the_wrong_path_is_trained_anew(delay: float) -> None:
    played = sound(ANSWERS[0])
    microphone = echo_of(played, -6, delay, noise=-80)
    fates, _ = decided(played, microphone)
    assert len([n for n in loud(microphone, -58) if fates[n] is Fate.PASS]) <= 5


def test_a_voice_over_the_echo_passes() -> None:
    for clip, caller in ((READ, ANSWERS[0]), (ANSWERS[1], READ)):
        played = sound(clip)
        echo = echo_of(played, -12, 0.15)
        voice = np.zeros(len(played))
        voice[3 * RATE :] = sound(caller)[RATE:][: len(voice) - 3 * RATE]
        spoken = loud(voice, -35)
        fates, _ = decided(played, echo + voice)
        passed = sum(fates[n] is Fate.PASS for n in spoken)
        assert passed >= 0.9 * len(spoken), f"{passed} of {len(spoken)} blocks of the caller were let through"
        before = [n for n in loud(echo, -50) if n < 3 * RATE // BLOCK]
        assert all(fates[n] is Fate.MUTE for n in before)


def test_an_echo_that_moves_is_followed() -> None:
    played = np.concatenate((sound(ANSWERS[0]), sound(READ)))
    half = len(sound(ANSWERS[0]))
    near, far = echo_of(played, -12, 0.15), echo_of(played, -12, 0.21)
    microphone = np.concatenate((near[:half], far[half:]))
    fates, founds = decided(played, microphone)
    assert len(founds) == 1, "it is one echo"
    assert len([n for n in loud(microphone, -58) if fates[n] is Fate.PASS]) <= 5


@pytest.mark.parametrize("noise", [-90, -60])
def test_no_clean_recording_is_detected_as_the_echo_of_another(noise: float) -> None:
    dice = np.random.default_rng(2)
    for played, caller in permutations(CLIPS, 2):
        for shift in (0.0, 0.7):
            microphone = np.concatenate((np.zeros(round(shift * RATE)), sound(caller)))
            microphone = microphone + dice.standard_normal(len(microphone)) * 10 ** (noise / 20)
            fates, founds = decided(sound(played), microphone)
            assert founds == [] and Fate.MUTE not in fates, (played.path.name, caller.path.name, shift)


async def call(echo: Echo, played: bytes, microphone: bytes) -> list[InputAudioRawFrame]:
    """Play to a caller (24 kHz) whose microphone receives this (16 kHz), in real time; what the stage lets out."""
    behind = echo.listener()
    assert behind is not None
    async with running(echo, behind) as ends:
        loudspeaker = [OutputAudioRawFrame(frame.audio, 24000, 1) for frame in chunks(played, 24000)]
        for n, frame in enumerate(chunks(microphone)):
            if n < len(loudspeaker):
                await behind.queue_frame(loudspeaker[n])
            await ends.push(frame)
            await asyncio.sleep(0.02)
        await ends.push(EndFrame())
    return ends.got(InputAudioRawFrame)


def as_pcm(samples: Samples, rate: int) -> bytes:
    resampled = soxr.resample(samples, RATE, rate)
    return (resampled * 32767).clip(-32768, 32767).astype(np.int16).tobytes()


@pytest.mark.parametrize("mute", [True, False])
async def test_the_stage_replaces_echo_with_silence_and_records_it_once(mute: bool) -> None:
    session = FakeSession()
    echo = Echo(EchoSettings(mute=mute), session)  # pyright: ignore
    played = sound(ANSWERS[0])
    microphone = as_pcm(echo_of(played, -12, 0.1, noise=-80), 16000)
    out = b"".join(frame.audio for frame in await call(echo, as_pcm(played, 24000), microphone))
    assert abs(len(out) - len(microphone)) <= 2 * 1024, "every sample goes on"
    [event] = session.of(EchoDetected)
    assert event.delay == pytest.approx(0.1, abs=0.06)
    level = np.abs(np.frombuffer(out, np.int16)).max()
    assert level < 200 if mute else level > 1000


async def test_the_stage_leaves_a_caller_alone() -> None:
    session = FakeSession()
    echo = Echo(EchoSettings(), session)  # pyright: ignore
    microphone = ANSWERS[2].pcm
    out = b"".join(frame.audio for frame in await call(echo, as_pcm(sound(READ), 24000), microphone))
    assert session.of(EchoDetected) == []
    assert out[: len(microphone) // 1024 * 1024] == microphone[: len(microphone) // 1024 * 1024]


class StoppedClock(FakeSession):
    """A session whose clock shows what it is set to."""

    time = 0.0

    def now(self) -> float:
        return self.time


class Alone(Echo):
    """The stage without a pipeline: collects what it pushes."""

    def __init__(self, session: FakeSession) -> None:
        super().__init__(EchoSettings(), session)  # pyright: ignore
        self.out: list[Frame] = []

    async def push_frame(self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM) -> None:
        self.out.append(frame)


@pytest.mark.parametrize("stall", [0.1, 0.3, 0.6])
async def test_an_echo_is_muted_on_a_machine_that_stands_still_at_times(stall: float) -> None:
    def done(at: float) -> float:
        """When the work of this time gets done: once in 0.9 s nothing is, for a while."""
        into = at % 0.9
        return at - into + stall if into < stall else at

    plays: list[tuple[float, float, OutputAudioRawFrame]] = []  # reported when, played from when on
    until = 0.2
    for frame in chunks(as_pcm(np.concatenate((sound(ANSWERS[0]), sound(READ))), 24000), 24000):
        reported = done(max(0.0, until - 0.1))
        start = max(reported, until)  # what is reported too late leaves a gap
        until = start + 0.02
        plays.append((reported, start, OutputAudioRawFrame(frame.audio, 24000, 1)))
    room = np.zeros(round(until * RATE) + 1)
    for _, start, piece in plays:
        samples = soxr.resample(np.frombuffer(piece.audio, np.int16) / 32768, 24000, RATE)
        room[round(start * RATE) :][: len(samples)] = samples
    microphone = [(done(n * 0.02), frame) for n, frame in enumerate(chunks(as_pcm(echo_of(room, -12, 0.25), 16000)))]

    session = StoppedClock()
    echo = Alone(session)
    for at, frame in microphone:
        session.time = at
        while plays and plays[0][0] < at:
            _, start, piece = plays.pop(0)
            echo.on_playback(piece.audio, 24000, start)
        await echo.handle(frame, FrameDirection.DOWNSTREAM)
    assert len(session.of(EchoDetected)) == 1
    out = np.frombuffer(b"".join(frame.audio for frame in echo.out if isinstance(frame, InputAudioRawFrame)), np.int16)
    passed = len(loud(out[::2] / 32768, -58))
    assert passed <= 5, f"{passed * BLOCK / RATE:.2f} s of echo were let through"
