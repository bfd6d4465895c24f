"""Holes are found where words are missing, and nowhere else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transcript.gaps import Axis, Gap, GapPolicy, find_gaps, placed, reach, trailing_gap, words_of
from core.transcript.values import Fragment, VoiceSpan

POLICY = GapPolicy()


def test_the_axis_puts_stretches_end_to_end() -> None:
    axis = Axis([VoiceSpan(10, 12), VoiceSpan(15, 16), VoiceSpan(11, 13), VoiceSpan(11, 12)])
    assert axis.length == 4
    assert [axis.voiced_by(t) for t in (5, 10, 11, 12.5, 13.5, 15.5, 99)] == [0, 0, 1, 2.5, 3, 3.5, 4]
    assert [axis.time_of(v) for v in (0, 2, 3, 3.5, 4, 9)] == [10, 12, 15, 15.5, 16, 16]
    assert axis.time_of(3, ending=True) == 13
    assert Axis([]).time_of(1.0) == 0.0 and Axis([]).voiced_by(3.0) == 0.0


def test_words_begin_with_a_space_and_may_come_in_parts() -> None:
    pieces = [
        Fragment(" I was walk", 1.0),
        Fragment("ing", 2.0),
        Fragment("", 2.1),
        Fragment(" ", 2.2),
        Fragment("home ", 3.0),
    ]
    assert [(word.text, word.at) for word in words_of([*pieces, Fragment("now", 4.0)])] == [
        ("I", 1.0),
        ("was", 1.0),
        ("walking", 1.0),
        ("home", 3.0),
        ("now", 4.0),
    ]


class Talk:
    """Somebody who talks at a rate, with pauses: the voice, and when each word was said."""

    def __init__(self, seed: int, seconds: float, rate: float) -> None:
        self.random = rng = random.Random(seed)
        self.voice: list[VoiceSpan] = []
        at, voiced = 10.0, 0.0
        while voiced < seconds:
            length = rng.uniform(0.4, 4.0)
            self.voice.append(VoiceSpan(at, at + length))
            voiced += length
            at += length + rng.uniform(0.12, 1.5)
        self.axis = Axis(self.voice)
        self.ended = self.voice[-1].ended
        places = sorted((n + 0.5 + rng.uniform(-1.5, 1.5)) / rate for n in range(int(self.axis.length * rate)))
        self.said = [self.axis.time_of(min(max(place, 0.0), self.axis.length)) for place in places]

    def heard(self, how: str, lag: float, every: float) -> list[Fragment]:
        """The words as a service sends them."""
        window = [min(self.ended, 10 + every * (1 + int((at - 10) / every))) for at in self.said]
        came = {"trickle": self.said, "lump": [self.ended] * len(self.said), "windows": window}[how]
        return [Fragment(f" w{n}", at + lag) for n, at in enumerate(came)]


talks = st.builds(Talk, st.integers(0, 10**6), st.floats(1.0, 90.0), st.floats(1.2, 3.6))
ways = st.sampled_from(["trickle", "lump", "windows"])


@given(talks, ways, st.floats(0.0, 4.0), st.floats(2.0, 18.0))
def test_whoever_is_transcribed_whole_has_no_hole(talk: Talk, how: str, lag: float, every: float) -> None:
    heard = talk.heard(how, lag, every)
    assert find_gaps(talk.voice, heard, POLICY) == []


@given(talks, st.sampled_from(["trickle", "windows"]), st.floats(0.0, 3.0), st.floats(2.0, 12.0))
def test_nor_has_one_who_is_still_speaking(talk: Talk, how: str, lag: float, every: float) -> None:
    heard = talk.heard(how, lag, every)
    for n in range(1, len(heard), 7):
        now = heard[n].at
        voice = [one for one in talk.voice if one.ended <= now]
        assert find_gaps(voice, heard[:n], POLICY, over=False) == []


@pytest.mark.parametrize("how", ["trickle", "windows"])
@pytest.mark.parametrize("seed", range(20))
def test_a_stall_to_the_end_of_the_turn_is_found_nearly_whole(how: str, seed: int) -> None:
    talk = Talk(seed, 60.0, 2.5)
    heard = [piece for piece, at in zip(talk.heard(how, 1.5, 8.0), talk.said, strict=True) if at < 30.0]
    found = find_gaps(talk.voice, heard, POLICY)
    assert found and found[-1].ended == pytest.approx(talk.ended)
    lacking = talk.axis.length - talk.axis.voiced_by(30.0)
    latest = {"trickle": 6.0, "windows": 8.0}[how]  # a lump may hold what was said so much earlier
    assert lacking - latest <= sum(hole.voiced for hole in found) <= lacking + 6.0


@pytest.mark.parametrize("seed", range(20))
def test_a_stall_in_the_middle_is_found_while_the_caller_goes_on(seed: int) -> None:
    talk = Talk(seed, 80.0, 2.5)
    gap = (30.0, 60.0)
    heard = [p for p, at in zip(talk.heard("trickle", 1.5, 8.0), talk.said, strict=True) if not gap[0] < at < gap[1]]
    known = next(
        (n, found)
        for n in range(1, len(heard))
        if (found := find_gaps([v for v in talk.voice if v.ended <= heard[n].at], heard[:n], POLICY, over=False))
    )
    n, [found] = known
    assert heard[n].at < talk.ended
    assert found.started >= gap[0] - 6.0 and found.ended <= gap[1] + 6.0


def test_text_in_one_lump_does_not_tell_where_words_are_missing() -> None:
    voice = [VoiceSpan(10.0, 40.0)]
    assert find_gaps(voice, [Fragment("I said only this", 44.0)], POLICY) == [Gap(10.0, 40.0, 30.0, 4)]


def test_voice_without_any_word_is_a_hole_and_a_cough_is_not() -> None:
    assert find_gaps([VoiceSpan(1.0, 4.0)], [], POLICY) == [Gap(1.0, 4.0, 3.0, 0)]
    assert find_gaps([VoiceSpan(1.0, 2.5)], [], POLICY) == []
    assert find_gaps([], [], POLICY) == []


def test_one_word_is_enough_for_two_seconds() -> None:
    assert find_gaps([VoiceSpan(1.0, 3.0)], [Fragment("Yes.", 3.5)], POLICY) == []


def test_a_rate_of_nothing_finds_no_holes() -> None:
    assert find_gaps([VoiceSpan(1.0, 30.0)], [], GapPolicy(least_rate=0.0)) == []


@given(talks, ways, st.floats(0.0, 4.0), st.floats(2.0, 18.0))
def test_words_are_placed_in_order_and_within_the_voice(talk: Talk, how: str, lag: float, every: float) -> None:
    heard = talk.heard(how, lag, every)
    words = placed(talk.voice, heard)
    assert [word.text for word in words] == [piece.text.strip() for piece in heard]
    times = [word.at for word in words]
    assert times == sorted(times)
    assert all(talk.voice[0].started <= at <= talk.ended for at in times)


def test_the_reach_of_a_hole_covers_the_lumps_of_text_beside_it() -> None:
    voice = [VoiceSpan(0.0, 100.0)]
    hole = Gap(30.0, 50.0, 20.0, 0)
    assert reach(hole, voice, [], 8.0) == (22.0, 58.0)
    trickle = [Fragment(f" w{n}", n / 2) for n in (*range(60), *range(100, 200))]
    first, last = reach(hole, voice, trickle, 8.0)
    assert 21.0 <= first <= 22.0 and last == 58.0
    lumps = [Fragment(" one" * 20, 10.0), Fragment(" two" * 40, 29.0), Fragment(" three" * 20, 80.0)]
    assert reach(hole, voice, lumps, 8.0) == (6.0, 80.0)
    assert reach(hole, voice, lumps[1:], 8.0) == (0.0, 80.0)


def test_holes_that_overlap_have_a_moment_in_common() -> None:
    assert Gap(1, 3, 2, 0).meets(Gap(2, 5, 3, 0))
    assert not Gap(1, 3, 2, 0).meets(Gap(3, 5, 2, 0))


def test_what_was_said_behind_the_last_word_of_a_turn_that_broke_off_is_missing() -> None:
    voice = [VoiceSpan(10.0, 13.0), VoiceSpan(14.0, 15.0)]
    assert trailing_gap(voice, [], POLICY) == Gap(10.0, 15.0, 4.0, 0)
    streamed = [Fragment(f" word{n}", 10.5 + n / 2) for n in range(4)]
    end = trailing_gap(voice, streamed, POLICY)
    assert end is not None and 11.5 < end.started < 12.5 and end.ended == 15.0
    assert find_gaps(voice, streamed, POLICY) == [], "the turn as a whole has words enough"
    assert trailing_gap(voice, [*streamed, Fragment(" and all the rest of it, to the end.", 16.0)], POLICY) is None
    assert trailing_gap([VoiceSpan(10.0, 10.4)], [], POLICY) is None, "a cough"
    assert trailing_gap(voice, [], GapPolicy(least_rate=0)) is None
