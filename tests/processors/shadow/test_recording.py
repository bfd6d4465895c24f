"""The caller's audio is found by its time, whether it is in memory or in the file."""

import pytest

from processors.shadow.recording import Recording

RATE = 1000
pytestmark = pytest.mark.usefixtures("threads_at_once")


def second(mark: int) -> bytes:
    return bytes([mark]) * 2 * RATE


async def test_any_span_of_any_turn_is_found() -> None:
    recording = Recording(RATE, buffer=1.5)
    recording.add(second(9), 0.5)  # nobody's turn
    for first in (1, 5):
        recording.begin_turn()
        for mark in range(first, first + 3):
            recording.add(second(mark), first * 10 + mark - first + 1.0)
    assert await recording.between(11.0, 12.0) == second(2)
    assert await recording.between(12.5, 51.0) == second(3)[RATE:] + second(5), "what is between two turns was not said"
    assert await recording.between(0.0, 99.0) == b"".join(map(second, (1, 2, 3, 5, 6, 7)))
    assert await recording.between(30.0, 40.0) == b""
    recording.close()


async def test_audio_that_arrives_late_or_all_at_once_has_its_time() -> None:
    recording = Recording(RATE, buffer=60.0)
    recording.begin_turn()
    recording.begin_turn()
    for mark in (1, 2):
        recording.add(second(mark), 10.0)  # the pre-roll
    recording.add(second(3), 11.0)
    recording.add(second(4), 14.0)  # two seconds late
    recording.add(second(5), 14.0)
    assert await recording.between(8.0, 9.0) == second(1)
    assert await recording.between(12.0, 13.0) == second(5)
    recording.close()
