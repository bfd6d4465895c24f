"""Missing packets are no silence, jitter is no absence, and what was late is not lost."""

import pytest

from core.turns.absence import AbsenceDetector, Away, Back

CHUNK = 0.02


def receive(absence: AbsenceDetector, start: float, count: int, every: float = CHUNK) -> list[Back]:
    """So many chunks from `start` on, one `every` so many seconds."""
    came = [absence.on_audio(CHUNK, start + n * every) for n in range(count)]
    return [back for back in came if back is not None]


def test_packets_that_stay_away_are_an_absence_and_its_audio_is_missing() -> None:
    absence = AbsenceDetector(1.0)
    assert receive(absence, 0.0, 100) == [] and absence.deadline() is None
    absence.packets_stopped(2.0)
    assert absence.deadline() == 3.0 and absence.tick(2.9) is None
    assert absence.tick(3.0) == Away(2.0)
    assert absence.deadline() is None and absence.stopped_since == 2.0
    [back] = receive(absence, 7.0, 100)
    assert back == Back(2.0, pytest.approx(5.0), pytest.approx(5.0, abs=0.05))
    assert absence.stopped_since is None


def test_a_burst_of_late_audio_is_not_missing() -> None:
    absence = AbsenceDetector(1.0)
    absence.packets_stopped(2.0)
    absence.tick(3.0)
    assert receive(absence, 7.0, 250, every=0.0001) == []
    [back] = receive(absence, 7.1, 50)
    assert (back.lasted, back.missing) == (pytest.approx(5.0), 0.0)


def test_of_a_burst_that_is_short_of_the_absence_the_rest_is_missing() -> None:
    absence = AbsenceDetector(1.0)
    absence.packets_stopped(2.0)
    absence.tick(3.0)
    receive(absence, 7.0, 100, every=0.0001)
    [back] = receive(absence, 7.1, 50)
    assert back.missing == pytest.approx(3.0, abs=0.15)


def test_jitter_is_no_absence() -> None:
    absence = AbsenceDetector(1.0)
    for start in (1.0, 3.0, 5.0):
        absence.packets_stopped(start)
        assert receive(absence, start + 0.9, 5) == []
        assert absence.deadline() is None and absence.tick(start + 1.5) is None


def test_an_absence_soon_after_another_ends_the_first() -> None:
    absence = AbsenceDetector(1.0)
    absence.packets_stopped(2.0)
    absence.tick(3.0)
    assert receive(absence, 5.0, 5) == []
    back = absence.packets_stopped(5.1)
    assert back == Back(2.0, pytest.approx(3.0), pytest.approx(3.0, abs=0.1))
    assert absence.tick(6.1) == Away(5.1)


def test_a_turn_that_ends_at_once_does_not_wait_for_what_is_late() -> None:
    absence = AbsenceDetector(1.0)
    assert absence.end() is None
    absence.packets_stopped(2.0)
    absence.tick(3.0)
    assert absence.end() is None, "nothing is back"
    receive(absence, 5.0, 2)
    back = absence.end()
    assert back is not None and back.lasted == pytest.approx(3.0)
    assert absence.end() is None
