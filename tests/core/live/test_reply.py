"""The reply on its way to the caller."""

from core.live.actions import BeginSpeech, Caption, EndSpeech, Play, ReplyOver
from core.live.context_check import ContextState
from core.live.reply import SLACK, Reply

SECOND = Play(bytes(48000), 24000)


def begun(text: str, seconds: int, at: float = 10.0) -> Reply:
    """A reply that is being played."""
    reply = Reply(0.0)
    reply.add(Caption(text), at)
    for _ in range(seconds):
        reply.add(SECOND, at)
    reply.playback.started(at)
    return reply


def test_an_interrupted_reply_reports_how_much_of_its_text_was_played() -> None:
    reply = begun("Thank you. And where were you born and brought up, then?", 4)
    reply.generation_complete(10.0)
    assert reply.unplayed(11.0) == ("where were you born and brought up, then?", 3.0)
    assert reply.finish(11.0, interrupted=True) == [ReplyOver(True, 0.25)]


def test_a_reply_played_to_its_end_or_without_text_reports_no_share() -> None:
    assert begun("Thank you.", 1).finish(11.0, interrupted=False) == [EndSpeech(), ReplyOver(False)]
    assert begun("", 1).finish(11.0, interrupted=True) == [EndSpeech(), ReplyOver(True)]


def test_text_waits_for_its_audio_and_is_never_passed_on_without() -> None:
    reply = Reply(1.5)
    assert reply.add(Caption("Thank"), 10.0)[1] == [] and reply.add(Caption(" you."), 10.1)[1] == []
    assert reply.add(SECOND, 10.2)[1] == [BeginSpeech(), Caption("Thank"), Caption(" you."), SECOND]
    assert reply.add(Caption(" And?"), 10.3)[1] == [Caption(" And?")] and reply.drop_silent_text() == ""
    reply.finish(11.0, interrupted=False)
    reply.add(Caption(" Where do"), 20.0)
    reply.add(Caption(" you live?"), 20.1)
    assert reply.holding and not reply.speaking and reply.deadline() is None
    assert reply.generation_complete(20.2) == (ContextState.INTACT, []) and reply.release(20.2) == []
    assert reply.drop_silent_text() == "Where do you live?" and not reply.holding


def test_a_check_that_runs_out_of_time_does_not_release_text_without_its_audio() -> None:
    reply = Reply(1.5)
    reply.context_check.played("Hello, and welcome to the test.")
    reply.context_check.reconnected()
    reply.add(Caption("Thank you."), 10.0)
    assert reply.tick(11.5) == [] and reply.deadline() is None
    assert reply.add(SECOND, 12.0)[1] == [BeginSpeech(), Caption("Thank you."), SECOND]


def test_text_of_a_turn_without_audio_does_not_belong_to_the_turn_that_is_still_played() -> None:
    reply = begun("Where were you born?", 4)
    reply.turn_complete(10.0)
    assert reply.add(Caption(" Well?"), 11.0)[1] == [] and reply.generation_complete(11.1) == (ContextState.INTACT, [])
    assert reply.drop_silent_text() == "Well?"
    assert reply.tick(99.0) == [ReplyOver(False)]


def test_what_came_before_a_connection_was_lost_is_played_to_its_end() -> None:
    reply = begun("x" * 60, 1)
    assert reply.finish(10.1, interrupted=True, connection_lost=True) == [EndSpeech(), ReplyOver(True, 0.25)]


def test_a_turn_that_is_complete_long_before_it_is_played_can_still_be_interrupted() -> None:
    reply = begun("Where were you born?", 4)
    assert reply.turn_complete(10.0) == [EndSpeech()] and reply.speaking
    assert reply.finish(12.0, interrupted=True) == [ReplyOver(True, 0.5)]
    reply = begun("Where were you born?", 4)
    reply.turn_complete(10.0)
    assert reply.deadline() == 14.0 + SLACK
    assert reply.tick(13.0) == [] and reply.tick(16.0) == [ReplyOver(False)]
    assert reply.deadline() is None


def test_a_turn_that_is_complete_when_it_is_played_is_over() -> None:
    assert begun("Where were you born?", 4).turn_complete(13.5) == [EndSpeech(), ReplyOver(False)]


def test_each_reply_begins_anew() -> None:
    reply = begun("Well.", 1)
    reply.finish(11.0, interrupted=False)
    reply.playback.stopped(11.0)
    assert reply.add(SECOND, 20.0)[1] == [BeginSpeech(), SECOND]
    assert reply.playback.text == "" and reply.playback.seconds == 1.0 and reply.playback.played_seconds(25.0) == 0.0


def test_a_turn_that_begins_while_the_last_is_still_played_is_a_reply_of_its_own() -> None:
    reply = begun("Where were you born?", 4)
    reply.turn_complete(10.0)
    assert reply.add(SECOND, 11.0)[1] == [ReplyOver(False), BeginSpeech(), SECOND]
    assert reply.deadline() is None and reply.playback.played_seconds(14.5) == 0.5
