"""What counts as voice: likely enough, and above the noise floor."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.turns.vad import NoiseFloor, VoiceMarker, VoicePolicy

LENGTH = 0.032


def feed(floor: NoiseFloor, seconds: float, level: float) -> None:
    for _ in range(round(seconds / LENGTH)):
        floor.on_audio(level, LENGTH)


def test_voice_begins_at_one_likelihood_and_ends_at_a_lower_one() -> None:
    marker = VoiceMarker(VoicePolicy(start=0.5, stop=0.35))
    marks = [marker.mark(likelihood, 0.1, LENGTH) for likelihood in (0.4, 0.5, 0.4, 0.36, 0.34, 0.4, 0.6)]
    assert marks == [False, True, True, True, False, False, True]


def test_what_is_too_soft_is_no_voice() -> None:
    marker = VoiceMarker(VoicePolicy(volume=0.01))
    assert [marker.mark(0.9, level, LENGTH) for level in (0.02, 0.009, 0.02)] == [True, False, True]


def test_the_floor_is_not_known_at_once_and_then_follows_the_room() -> None:
    floor = NoiseFloor()
    feed(floor, 1.5, 0.01)
    assert floor.level == 0.0
    feed(floor, 1.5, 0.01)
    assert floor.level == pytest.approx(0.01)
    feed(floor, 6, 0.03)
    assert floor.level == pytest.approx(0.03), "a fan was switched on"
    feed(floor, 0.3, 0.005)
    assert floor.level == pytest.approx(0.005), "and off"


def test_speech_does_not_raise_the_floor_because_it_has_gaps() -> None:
    floor = NoiseFloor()
    for _ in range(20):
        feed(floor, 0.9, 0.2)
        feed(floor, 0.26, 0.01)
    assert floor.level == pytest.approx(0.01)


def test_a_muted_microphone_is_not_a_quiet_room() -> None:
    floor = NoiseFloor()
    feed(floor, 4, 0.02)
    feed(floor, 60, 0.0)
    assert floor.level == pytest.approx(0.02)


def test_noise_that_the_detector_finds_to_be_voice_stops_being_voice() -> None:
    dice = random.Random(3)
    marker = VoiceMarker(VoicePolicy(above_noise=6.0))
    marks = [marker.mark(0.9, 0.05 * dice.uniform(0.8, 1.2), LENGTH) for _ in range(round(8 / LENGTH))]
    assert marks[0] and not any(marks[round(4 / LENGTH) :])
    assert marker.mark(0.9, 0.2, LENGTH), "somebody who speaks up is voice"


def test_looking_at_the_noise_can_be_left_out() -> None:
    marker = VoiceMarker(VoicePolicy(above_noise=0.0))
    assert all(marker.mark(0.9, 0.05, LENGTH) for _ in range(500))


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.01, 0.2)), max_size=200))
def test_the_floor_is_never_above_the_loudest_audio(audio: list[tuple[float, float]]) -> None:
    floor = NoiseFloor()
    for level, length in audio:
        floor.on_audio(level, length)
        assert 0.0 <= floor.level <= max(level for level, _ in audio) + 1e-9
