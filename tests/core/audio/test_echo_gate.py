"""Which blocks wait, which go on and which are muted; none is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio.echo_gate import MAX_HELD, EchoGate, Fate, Sound

PASS, MUTE = Fate.PASS, Fate.MUTE
NONE, ECHO, DOUBT, CALLER = Sound.NONE, Sound.ECHO, Sound.DOUBT, Sound.CALLER


@pytest.mark.parametrize(
    ("sounds", "fates"),
    [
        ([NONE, NONE], [PASS, PASS]),
        ([ECHO, ECHO, NONE], [MUTE, MUTE, PASS]),
        ([CALLER], [PASS]),
        ([DOUBT, DOUBT], []),
        ([DOUBT, DOUBT, ECHO], [MUTE, MUTE, MUTE]),
        ([ECHO, DOUBT, CALLER], [MUTE, PASS, PASS]),
        ([DOUBT, NONE], [PASS, PASS]),
        ([DOUBT] * MAX_HELD, [PASS] * MAX_HELD),
        ([DOUBT] * (MAX_HELD + 2), [PASS] * (MAX_HELD + 2)),
        ([*[DOUBT] * MAX_HELD, ECHO, DOUBT], [*[PASS] * MAX_HELD, MUTE]),
    ],
)
def test_each_sound_has_its_fate(sounds: list[Sound], fates: list[Fate]) -> None:
    gate = EchoGate()
    assert [fate for sound in sounds for fate in gate.on_block(sound)] == fates


@given(st.lists(st.sampled_from(Sound)))
def test_no_block_is_lost_and_none_waits_longer_than_a_third_of_a_second(sounds: list[Sound]) -> None:
    gate, out = EchoGate(), 0
    for count, sound in enumerate(sounds, start=1):
        out += len(gate.on_block(sound))
        assert 0 <= count - out < MAX_HELD
    assert out + len(gate.finish()) == len(sounds)
