"""A model that is late is first asked, then left; a finished reply is over in the end."""

from core.live.watchdog import Alarm, Watchdog, WatchPolicy

POLICY = WatchPolicy(reply=10, nudged=4, stall=8, done=5)


def test_a_reply_that_does_not_come_is_asked_for_once_and_then_the_connection_is_left() -> None:
    dog = Watchdog(POLICY)
    assert dog.deadline() is None and dog.tick(99.0) is None
    dog.asked(0.0)
    assert dog.deadline() == 10 and dog.tick(9.9) is None
    assert dog.tick(10.0) is Alarm.NUDGE
    assert dog.deadline() == 14
    assert dog.tick(14.0) is Alarm.RECONNECT
    assert dog.deadline() is None


def test_an_empty_turn_shortens_either_wait() -> None:
    dog = Watchdog(WatchPolicy(reply=10, nudged=4, empty=2.5))
    dog.asked(0.0)
    dog.hurry(1.0)
    assert dog.deadline() == 3.5 and dog.tick(3.5) is Alarm.NUDGE
    dog.hurry(3.6)
    assert dog.deadline() == 6.1, "shorter than the wait after a nudge"
    dog.hurry(6.0)
    assert dog.deadline() == 6.1, "and never longer"


def test_a_reply_that_stalls_is_left_once_what_came_has_been_played() -> None:
    dog = Watchdog(POLICY)
    dog.asked(0.0)
    dog.said(1.0, audio=4.0)
    dog.said(1.5, audio=2.0)
    assert dog.deadline() == 1.0 + 6.0 + 8.0
    assert dog.tick(15.0) is Alarm.RECONNECT


def test_a_finished_reply_whose_end_is_never_declared_is_over_after_its_playing() -> None:
    dog = Watchdog(POLICY)
    dog.said(1.0, audio=4.0)
    dog.generated(1.5)
    assert dog.deadline() == 1.0 + 4.0 + 5.0
    assert dog.tick(10.0) is Alarm.SETTLE


def test_a_turn_without_a_sound_is_asked_for_again_at_once_and_then_the_connection_is_left() -> None:
    dog = Watchdog(POLICY)
    dog.asked(0.0)
    assert dog.muted(2.0) is Alarm.NUDGE
    assert dog.deadline() == 6.0, "a voice is due as soon as after a nudge"
    assert dog.muted(4.0) is Alarm.RECONNECT
    assert dog.deadline() is None
    dog.asked(5.0)
    assert dog.tick(15.0) is Alarm.NUDGE and dog.muted(16.0) is Alarm.RECONNECT


def test_a_voice_that_stops_is_a_stall() -> None:
    dog = Watchdog(POLICY)
    dog.asked(0.0)
    dog.said(2.0)
    assert dog.tick(10.0) is Alarm.RECONNECT


def test_while_nothing_is_owed_nothing_is_late() -> None:
    dog = Watchdog(POLICY)
    dog.asked(0.0)
    dog.rest()
    assert dog.tick(1000.0) is None
    dog.generated(1.0)
    assert dog.deadline() is None


def test_a_turn_that_ends_while_a_reply_is_under_way_does_not_hurry_it() -> None:
    dog = Watchdog(POLICY)
    dog.said(0.0, audio=30.0)
    dog.asked(1.0)
    assert dog.deadline() == 38.0
