"""The caller's voice of a call is found again by its time, whether it is in memory or in the file."""

import pytest

from processors.shadow.recording import Recording

RATE = 1000
pytestmark = pytest.mark.real_time  # the file is a thread's work


def second(mark: int) -> bytes:
    return bytes([mark]) * 2 * RATE


async def test_any_stretch_of_any_turn_comes_back() -> None:
    tape = Recording(RATE, memory=1.5)
    tape.add(second(9), 0.5)  # nobody's turn
    for first in (1, 5):
        tape.begin()
        for mark in range(first, first + 3):
            tape.add(second(mark), first * 10 + mark - first + 1.0)
    assert await tape.between(11.0, 12.0) == second(2)
    assert await tape.between(12.5, 51.0) == second(3)[RATE:] + second(5), "what is between two turns was not said"
    assert await tape.between(0.0, 99.0) == b"".join(map(second, (1, 2, 3, 5, 6, 7)))
    assert await tape.between(30.0, 40.0) == b""
    tape.close()


async def test_audio_that_comes_late_or_all_at_once_keeps_its_time() -> None:
    tape = Recording(RATE, memory=60.0)
    tape.begin()
    tape.begin()
    for mark in (1, 2):
        tape.add(second(mark), 10.0)  # the pre-roll
    tape.add(second(3), 11.0)
    tape.add(second(4), 14.0)  # two seconds late
    tape.add(second(5), 14.0)
    assert await tape.between(8.0, 9.0) == second(1)
    assert await tape.between(12.0, 13.0) == second(5)
    tape.close()
