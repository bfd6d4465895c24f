"""Lengths and levels of PCM."""

import struct

from core.audio.pcm import level, seconds, size


def test_a_second_is_a_second_at_any_rate() -> None:
    for rate in (8000, 16000, 24000, 48000):
        assert seconds(bytes(size(1.0, rate)), rate) == 1.0


def test_a_cut_never_splits_a_sample() -> None:
    assert size(0.0333, 16000) % 2 == 0


def test_levels_go_from_silence_to_full_scale() -> None:
    assert level(b"") == level(bytes(320)) == 0.0
    assert level(struct.pack("<4h", *[-32768] * 4)) == 1.0
    assert level(bytes(321)) == 0.0  # half a sample at the end is not one
