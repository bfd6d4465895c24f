"""Lengths, levels and mixdown of PCM."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio.pcm import level, mono, seconds, size

SAMPLE = st.integers(-32768, 32767)


def test_a_second_is_a_second_at_any_rate() -> None:
    for rate in (8000, 16000, 24000, 48000):
        assert seconds(bytes(size(1.0, rate)), rate) == 1.0


def test_a_cut_never_splits_a_sample() -> None:
    assert size(0.0333, 16000) % 2 == 0


def test_levels_go_from_silence_to_full_scale() -> None:
    assert level(b"") == level(bytes(320)) == 0.0
    assert level(struct.pack("<4h", *[-32768] * 4)) == 1.0
    assert level(bytes(321)) == 0.0  # half a sample at the end is not one


@given(st.lists(SAMPLE, min_size=1))
def test_a_level_is_the_exact_root_mean_square(samples: list[int]) -> None:
    exact = (sum(sample * sample for sample in samples) / len(samples)) ** 0.5 / 32768
    assert level(struct.pack(f"<{len(samples)}h", *samples)) == exact


@pytest.mark.parametrize(
    ("channels", "mixed"),
    [
        ([[1, -2, 32767, -32768]], [1, -2, 32767, -32768]),
        ([[1, -2, 32767, -32768], [1, -2, 32767, -32768]], [1, -2, 32767, -32768]),
        ([[100, 0, -32768, 32767], [0, -100, -32768, -32767]], [50, -50, -32768, 0]),
        ([[1, -1], [0, 0]], [0, -1]),
        ([[300, -300], [0, 0], [0, 0]], [100, -100]),
    ],
    ids=["mono", "the same twice", "two voices", "rounded down", "three"],
)
def test_a_mixdown_is_the_mean_of_all_channels(channels: list[list[int]], mixed: list[int]) -> None:
    assert mono(np.array(channels, np.int16).T.ravel(), len(channels)).tolist() == mixed
