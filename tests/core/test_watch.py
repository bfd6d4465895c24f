"""A model that is late is first asked, then left; a finished reply is over in the end."""

from core.watch import Alarm, Watchdog, WatchPolicy

POLICY = WatchPolicy(reply=10, stall=8, done=5)


def test_a_reply_that_does_not_come_is_asked_for_once_and_then_the_connection_is_left() -> None:
    dog = Watchdog(POLICY)
    assert dog.deadline() is None and dog.tick(99.0) is None
    dog.asked(0.0)
    assert dog.deadline() == 10 and dog.tick(9.9) is None
    assert dog.tick(10.0) is Alarm.NUDGE
    assert dog.deadline() == 20
    assert dog.tick(20.0) is Alarm.RECONNECT
    assert dog.deadline() is None


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


def test_words_without_sound_are_a_stall() -> None:
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
