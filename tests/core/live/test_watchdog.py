"""A late model is first nudged, then its connection is replaced; a generated reply is over in the end."""

from core.live.watchdog import Alarm, Watchdog, WatchdogPolicy

POLICY = WatchdogPolicy(reply=10, nudged=4, stall=8, turn_complete=5)


def test_a_reply_that_does_not_come_leads_to_a_nudge_and_then_to_a_reconnect() -> None:
    watchdog = Watchdog(POLICY)
    assert watchdog.deadline() is None and watchdog.tick(99.0) is None
    watchdog.await_reply(0.0)
    assert watchdog.deadline() == 10 and watchdog.tick(9.9) is None
    assert watchdog.tick(10.0) is Alarm.NUDGE
    assert watchdog.deadline() == 14
    assert watchdog.tick(14.0) is Alarm.RECONNECT
    assert watchdog.deadline() is None


def test_an_empty_turn_shortens_either_wait() -> None:
    watchdog = Watchdog(WatchdogPolicy(reply=10, nudged=4, empty_turn=2.5))
    watchdog.await_reply(0.0)
    watchdog.empty_turn(1.0)
    assert watchdog.deadline() == 3.5 and watchdog.tick(3.5) is Alarm.NUDGE
    watchdog.empty_turn(3.6)
    assert watchdog.deadline() == 6.1, "shorter than the wait after a nudge"
    watchdog.empty_turn(6.0)
    assert watchdog.deadline() == 6.1, "and never longer"


def test_a_reply_that_stalls_leads_to_a_reconnect_once_what_came_has_been_played() -> None:
    watchdog = Watchdog(POLICY)
    watchdog.await_reply(0.0)
    watchdog.on_output(1.0, audio=4.0)
    watchdog.on_output(1.5, audio=2.0)
    assert watchdog.deadline() == 1.0 + 6.0 + 8.0
    assert watchdog.tick(15.0) is Alarm.RECONNECT


def test_a_generated_reply_without_turn_complete_is_over_after_its_playback() -> None:
    watchdog = Watchdog(POLICY)
    watchdog.on_output(1.0, audio=4.0)
    watchdog.generation_complete(1.5)
    assert watchdog.deadline() == 1.0 + 4.0 + 5.0
    assert watchdog.tick(10.0) is Alarm.COMPLETE


def test_a_turn_without_audio_leads_to_a_nudge_at_once_and_then_to_a_reconnect() -> None:
    watchdog = Watchdog(POLICY)
    watchdog.await_reply(0.0)
    assert watchdog.turn_without_audio(2.0) is Alarm.NUDGE
    assert watchdog.deadline() == 6.0, "audio is expected as soon as after a nudge"
    assert watchdog.turn_without_audio(4.0) is Alarm.RECONNECT
    assert watchdog.deadline() is None
    watchdog.await_reply(5.0)
    assert watchdog.tick(15.0) is Alarm.NUDGE and watchdog.turn_without_audio(16.0) is Alarm.RECONNECT


def test_audio_that_stops_is_a_stall() -> None:
    watchdog = Watchdog(POLICY)
    watchdog.await_reply(0.0)
    watchdog.on_output(2.0)
    assert watchdog.tick(10.0) is Alarm.RECONNECT


def test_while_no_reply_is_expected_nothing_is_late() -> None:
    watchdog = Watchdog(POLICY)
    watchdog.await_reply(0.0)
    watchdog.stop()
    assert watchdog.tick(1000.0) is None
    watchdog.generation_complete(1.0)
    assert watchdog.deadline() is None


def test_a_turn_that_ends_while_a_reply_is_under_way_does_not_shorten_its_timeout() -> None:
    watchdog = Watchdog(POLICY)
    watchdog.on_output(0.0, audio=30.0)
    watchdog.await_reply(1.0)
    assert watchdog.deadline() == 38.0
