"""How much of a reply was heard, and the words of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.live.playback import PACE, Playback
from core.text import cut


def test_nothing_is_heard_before_the_voice_begins_and_never_more_than_was_sent() -> None:
    reply = Playback("Where were you born?", seconds=2.0)
    assert reply.heard(9.0) == 0.0
    reply.audible(10.0)
    assert [reply.heard(at) for at in (10.0, 11.5, 20.0)] == [0.0, 1.5, 2.0]
    assert reply.left(11.5) == 0.5


def test_a_voice_that_runs_dry_goes_on_where_it_was() -> None:
    reply = Playback("Where were you born?", seconds=1.0)
    reply.audible(10.0)
    reply.silent(11.4)
    reply.seconds = 3.0
    assert reply.heard(15.0) == 1.0
    reply.audible(16.0)
    assert reply.heard(16.5) == 1.5


def test_the_next_reply_is_heard_after_what_is_left_of_this_one() -> None:
    reply = Playback("Well.", seconds=2.0)
    reply.audible(10.0)
    after = reply.following()
    after.seconds = 2.0
    assert after.heard(11.5) == 0.0 and after.heard(12.5) == 0.5
    reply.silent(12.0)
    assert reply.following().heard(20.0) == 0.0


def test_words_that_are_ahead_of_the_audio_are_not_taken_for_spoken() -> None:
    text = "x" * round(PACE * 4)
    reply = Playback(text, seconds=1.0)
    assert reply.share(1.0) == 0.25
    reply.complete = True
    assert reply.share(1.0) == 1.0 and reply.share(0.5) == 0.5
    assert Playback("Well.").share(0.0) == 0.0


@pytest.mark.parametrize(
    ("share", "kept"),
    [(0.0, ""), (0.2, ""), (0.26, "Where"), (0.5, "Where were"), (0.6, "Where were"), (1.0, "Where were you born?")],
)
def test_a_word_half_said_is_not_kept(share: float, kept: str) -> None:
    assert cut("Where were you born?", share) == kept


@given(st.text(alphabet="ab .", max_size=40), st.floats(0, 1))
def test_what_is_kept_is_a_beginning_of_whole_words(text: str, share: float) -> None:
    kept = cut(text, share)
    assert text.startswith(kept)
    assert kept == "" or len(kept) == len(text.rstrip()) or text[len(kept)].isspace()
    assert len(kept) <= round(len(text.rstrip()) * share)
