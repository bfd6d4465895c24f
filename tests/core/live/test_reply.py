"""The reply on its way to the caller."""

from core.live.actions import BeginSpeech, Caption, EndSpeech, Play, ReplyOver
from core.live.context_check import ContextState
from core.live.reply import SLACK, Reply

SECOND = Play(bytes(48000), 24000)


def begun(text: str, seconds: int, at: float = 10.0) -> Reply:
    """A reply that is being heard."""
    replies = Reply(0.0)
    replies.say(Caption(text), at)
    for _ in range(seconds):
        replies.say(SECOND, at)
    replies.spoken.audible(at)
    return replies


def test_a_reply_cut_off_tells_how_much_of_its_text_was_heard() -> None:
    replies = begun("Thank you. And where were you born and brought up, then?", 4)
    replies.complete(10.0)
    assert replies.unheard(11.0) == ("where were you born and brought up, then?", 3.0)
    assert replies.finish(11.0, interrupted=True) == [ReplyOver(True, 0.25)]


def test_a_reply_heard_to_its_end_or_without_text_tells_nothing() -> None:
    assert begun("Thank you.", 1).finish(11.0, interrupted=False) == [EndSpeech(), ReplyOver(False)]
    assert begun("", 1).finish(11.0, interrupted=True) == [EndSpeech(), ReplyOver(True)]


def test_words_wait_for_their_sound_and_are_never_heard_without() -> None:
    replies = Reply(1.5)
    assert replies.say(Caption("Thank"), 10.0)[1] == [] and replies.say(Caption(" you."), 10.1)[1] == []
    assert replies.say(SECOND, 10.2)[1] == [BeginSpeech(), Caption("Thank"), Caption(" you."), SECOND]
    assert replies.say(Caption(" And?"), 10.3)[1] == [Caption(" And?")] and replies.mute() == ""
    replies.finish(11.0, interrupted=False)
    replies.say(Caption(" Where do"), 20.0)
    replies.say(Caption(" you live?"), 20.1)
    assert replies.holding and not replies.speaking and replies.deadline() is None
    assert replies.complete(20.2) == (ContextState.KEPT, []) and replies.release(20.2) == []
    assert replies.mute() == "Where do you live?" and not replies.holding


def test_a_check_that_runs_out_of_time_does_not_let_words_be_heard_without_their_sound() -> None:
    replies = Reply(1.5)
    replies.memory.said("Hello, and welcome to the test.")
    replies.memory.reconnected()
    replies.say(Caption("Thank you."), 10.0)
    assert replies.tick(11.5) == [] and replies.deadline() is None
    assert replies.say(SECOND, 12.0)[1] == [BeginSpeech(), Caption("Thank you."), SECOND]


def test_words_of_a_turn_without_sound_are_not_those_of_the_turn_that_is_still_heard() -> None:
    replies = begun("Where were you born?", 4)
    replies.declared_over(10.0)
    assert replies.say(Caption(" Well?"), 11.0)[1] == [] and replies.complete(11.1) == (ContextState.KEPT, [])
    assert replies.mute() == "Well?"
    assert replies.tick(99.0) == [ReplyOver(False)]


def test_what_was_sent_before_a_connection_went_is_heard_to_its_end() -> None:
    replies = begun("x" * 60, 1)
    assert replies.finish(10.1, interrupted=True, dropped=True) == [EndSpeech(), ReplyOver(True, 0.25)]


def test_a_turn_declared_over_long_before_it_is_heard_can_still_be_interrupted() -> None:
    replies = begun("Where were you born?", 4)
    assert replies.declared_over(10.0) == [EndSpeech()] and replies.speaking
    assert replies.finish(12.0, interrupted=True) == [ReplyOver(True, 0.5)]
    replies = begun("Where were you born?", 4)
    replies.declared_over(10.0)
    assert replies.deadline() == 14.0 + SLACK
    assert replies.tick(13.0) == [] and replies.tick(16.0) == [ReplyOver(False)]
    assert replies.deadline() is None


def test_a_turn_declared_over_at_its_end_is_over() -> None:
    assert begun("Where were you born?", 4).declared_over(13.5) == [EndSpeech(), ReplyOver(False)]


def test_each_reply_begins_anew() -> None:
    replies = begun("Well.", 1)
    replies.finish(11.0, interrupted=False)
    replies.spoken.silent(11.0)
    assert replies.say(SECOND, 20.0)[1] == [BeginSpeech(), SECOND]
    assert replies.spoken.text == "" and replies.spoken.seconds == 1.0 and replies.spoken.heard(25.0) == 0.0


def test_a_turn_that_begins_while_the_last_is_still_heard_is_a_reply_of_its_own() -> None:
    replies = begun("Where were you born?", 4)
    replies.declared_over(10.0)
    assert replies.say(SECOND, 11.0)[1] == [ReplyOver(False), BeginSpeech(), SECOND]
    assert replies.deadline() is None and replies.spoken.heard(14.5) == 0.5
