"""How much of a reply was played, and which of its text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.live.playback import CHARACTERS_PER_SECOND, Playback
from core.text import truncate


def test_nothing_is_played_before_playback_starts_and_never_more_than_was_sent() -> None:
    reply = Playback("Where were you born?", seconds=2.0)
    assert reply.played_seconds(9.0) == 0.0
    reply.started(10.0)
    assert [reply.played_seconds(at) for at in (10.0, 11.5, 20.0)] == [0.0, 1.5, 2.0]
    assert reply.remaining(11.5) == 0.5


def test_playback_goes_on_after_an_underrun_where_it_was() -> None:
    reply = Playback("Where were you born?", seconds=1.0)
    reply.started(10.0)
    reply.stopped(11.4)
    reply.seconds = 3.0
    assert reply.played_seconds(15.0) == 1.0
    reply.started(16.0)
    assert reply.played_seconds(16.5) == 1.5


def test_the_next_reply_is_played_after_what_is_left_of_this_one() -> None:
    reply = Playback("Well.", seconds=2.0)
    reply.started(10.0)
    after = reply.following()
    after.seconds = 2.0
    assert after.played_seconds(11.5) == 0.0 and after.played_seconds(12.5) == 0.5
    reply.stopped(12.0)
    assert reply.following().played_seconds(20.0) == 0.0


def test_text_that_is_ahead_of_the_audio_does_not_count_as_played() -> None:
    text = "x" * round(CHARACTERS_PER_SECOND * 4)
    reply = Playback(text, seconds=1.0)
    assert reply.text_share(1.0) == 0.25
    reply.complete = True
    assert reply.text_share(1.0) == 1.0 and reply.text_share(0.5) == 0.5
    assert Playback("Well.").text_share(0.0) == 0.0


@pytest.mark.parametrize(
    ("share", "truncated"),
    [(0.0, ""), (0.2, ""), (0.26, "Where"), (0.5, "Where were"), (0.6, "Where were"), (1.0, "Where were you born?")],
)
def test_a_word_that_was_played_in_part_is_left_out(share: float, truncated: str) -> None:
    assert truncate("Where were you born?", share) == truncated


@given(st.text(alphabet="ab .", max_size=40), st.floats(0, 1))
def test_truncated_text_is_a_beginning_of_whole_words(text: str, share: float) -> None:
    truncated = truncate(text, share)
    assert text.startswith(truncated)
    assert truncated == "" or len(truncated) == len(text.rstrip()) or text[len(truncated)].isspace()
    assert len(truncated) <= round(len(text.rstrip()) * share)
