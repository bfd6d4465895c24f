"""Gaps are found where words are missing, and nowhere else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transcript.gaps import (
    Gap,
    GapPolicy,
    VoiceAxis,
    find_gaps,
    place_words,
    span_around,
    split_words,
    trailing_gap,
)
from core.transcript.values import Fragment, VoiceSpan

POLICY = GapPolicy()


def test_the_axis_puts_voice_spans_end_to_end() -> None:
    axis = VoiceAxis([VoiceSpan(10, 12), VoiceSpan(15, 16), VoiceSpan(11, 13), VoiceSpan(11, 12)])
    assert axis.length == 4
    assert [axis.voiced_by(t) for t in (5, 10, 11, 12.5, 13.5, 15.5, 99)] == [0, 0, 1, 2.5, 3, 3.5, 4]
    assert [axis.time_of(v) for v in (0, 2, 3, 3.5, 4, 9)] == [10, 12, 15, 15.5, 16, 16]
    assert axis.time_of(3, ending=True) == 13
    assert VoiceAxis([]).time_of(1.0) == 0.0 and VoiceAxis([]).voiced_by(3.0) == 0.0


def test_words_begin_with_a_space_and_may_come_in_parts() -> None:
    fragments = [
        Fragment(" I was walk", 1.0),
        Fragment("ing", 2.0),
        Fragment("", 2.1),
        Fragment(" ", 2.2),
        Fragment("home ", 3.0),
    ]
    assert [(word.text, word.at) for word in split_words([*fragments, Fragment("now", 4.0)])] == [
        ("I", 1.0),
        ("was", 1.0),
        ("walking", 1.0),
        ("home", 3.0),
        ("now", 4.0),
    ]


def test_the_rest_of_a_turn_is_judged_with_the_window_before_it() -> None:
    voice = [VoiceSpan(0.0, 8.0)]
    said = [Fragment(f" word{n}", float(n)) for n in range(1, 5)]
    assert find_gaps(voice, said, POLICY) == [], "half a word a second, though none in the last three"
    [gap] = find_gaps(voice, said[:3], POLICY)
    assert (gap.started, gap.ended, gap.words) == (0.0, 8.0, 3)


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
        self.axis = VoiceAxis(self.voice)
        self.ended = self.voice[-1].ended
        places = sorted((n + 0.5 + rng.uniform(-1.5, 1.5)) / rate for n in range(int(self.axis.length * rate)))
        self.said = [self.axis.time_of(min(max(place, 0.0), self.axis.length)) for place in places]

    def transcribed(self, how: str, lag: float, every: float) -> list[Fragment]:
        """The fragments as a service sends them."""
        window = [min(self.ended, 10 + every * (1 + int((at - 10) / every))) for at in self.said]
        arrival = {"trickle": self.said, "burst": [self.ended] * len(self.said), "windows": window}[how]
        return [Fragment(f" w{n}", at + lag) for n, at in enumerate(arrival)]


talks = st.builds(Talk, st.integers(0, 10**6), st.floats(1.0, 90.0), st.floats(1.2, 3.6))
ways = st.sampled_from(["trickle", "burst", "windows"])


@given(talks, ways, st.floats(0.0, 4.0), st.floats(2.0, 18.0))
def test_speech_that_is_transcribed_whole_has_no_gap(talk: Talk, how: str, lag: float, every: float) -> None:
    fragments = talk.transcribed(how, lag, every)
    assert find_gaps(talk.voice, fragments, POLICY) == []


@given(talks, st.sampled_from(["trickle", "windows"]), st.floats(0.0, 3.0), st.floats(2.0, 12.0))
def test_nor_has_a_turn_that_goes_on(talk: Talk, how: str, lag: float, every: float) -> None:
    fragments = talk.transcribed(how, lag, every)
    for n in range(1, len(fragments), 7):
        now = fragments[n].at
        voice = [one for one in talk.voice if one.ended <= now]
        assert find_gaps(voice, fragments[:n], POLICY, finished=False) == []


@pytest.mark.parametrize("how", ["trickle", "windows"])
@pytest.mark.parametrize("seed", range(20))
def test_a_stall_to_the_end_of_the_turn_is_found_nearly_whole(how: str, seed: int) -> None:
    talk = Talk(seed, 60.0, 2.5)
    fragments = [fragment for fragment, at in zip(talk.transcribed(how, 1.5, 8.0), talk.said, strict=True) if at < 30.0]
    found = find_gaps(talk.voice, fragments, POLICY)
    assert found and found[-1].ended == pytest.approx(talk.ended)
    lacking = talk.axis.length - talk.axis.voiced_by(30.0)
    latest = {"trickle": 6.0, "windows": 8.0}[how]  # a burst may hold what was said so much earlier
    assert lacking - latest <= sum(gap.voiced for gap in found) <= lacking + 6.0


@pytest.mark.parametrize("seed", range(20))
def test_a_stall_in_the_middle_is_found_while_the_caller_goes_on(seed: int) -> None:
    talk = Talk(seed, 80.0, 2.5)
    gap = (30.0, 60.0)
    fragments = [
        p for p, at in zip(talk.transcribed("trickle", 1.5, 8.0), talk.said, strict=True) if not gap[0] < at < gap[1]
    ]
    known = next(
        (n, found)
        for n in range(1, len(fragments))
        if (
            found := find_gaps(
                [v for v in talk.voice if v.ended <= fragments[n].at], fragments[:n], POLICY, finished=False
            )
        )
    )
    n, [found] = known
    assert fragments[n].at < talk.ended
    assert found.started >= gap[0] - 6.0 and found.ended <= gap[1] + 6.0


def test_text_in_one_burst_does_not_tell_where_words_are_missing() -> None:
    voice = [VoiceSpan(10.0, 40.0)]
    assert find_gaps(voice, [Fragment("I said only this", 44.0)], POLICY) == [Gap(10.0, 40.0, 30.0, 4)]


def test_voice_without_any_word_is_a_gap_and_a_cough_is_not() -> None:
    assert find_gaps([VoiceSpan(1.0, 4.0)], [], POLICY) == [Gap(1.0, 4.0, 3.0, 0)]
    assert find_gaps([VoiceSpan(1.0, 1.6)], [], POLICY) == [Gap(1.0, 1.6, 0.6000000000000001, 0)], "it may be a yes"
    assert find_gaps([VoiceSpan(1.0, 1.6)], [], POLICY, finished=False) == [], "its text is on the way"
    assert find_gaps([VoiceSpan(1.0, 1.4)], [], POLICY) == []
    assert find_gaps([], [], POLICY) == []


def test_one_word_is_enough_for_two_seconds() -> None:
    assert find_gaps([VoiceSpan(1.0, 3.0)], [Fragment("Yes.", 3.5)], POLICY) == []


def test_a_rate_of_nothing_finds_no_gaps() -> None:
    assert find_gaps([VoiceSpan(1.0, 30.0)], [], GapPolicy(least_rate=0.0)) == []


@given(talks, ways, st.floats(0.0, 4.0), st.floats(2.0, 18.0))
def test_words_are_placed_in_order_and_within_the_voice(talk: Talk, how: str, lag: float, every: float) -> None:
    fragments = talk.transcribed(how, lag, every)
    words = place_words(talk.voice, fragments)
    assert [word.text for word in words] == [fragment.text.strip() for fragment in fragments]
    times = [word.at for word in words]
    assert times == sorted(times)
    assert all(talk.voice[0].started <= at <= talk.ended for at in times)


def test_the_span_around_a_gap_covers_the_bursts_of_text_beside_it() -> None:
    voice = [VoiceSpan(0.0, 100.0)]
    gap = Gap(30.0, 50.0, 20.0, 0)
    assert span_around(gap, voice, [], 8.0) == (22.0, 58.0)
    trickle = [Fragment(f" w{n}", n / 2) for n in (*range(60), *range(100, 200))]
    first, last = span_around(gap, voice, trickle, 8.0)
    assert 21.0 <= first <= 22.0 and last == 58.0
    bursts = [Fragment(" one" * 20, 10.0), Fragment(" two" * 40, 29.0), Fragment(" three" * 20, 80.0)]
    assert span_around(gap, voice, bursts, 8.0) == (6.0, 80.0)
    assert span_around(gap, voice, bursts[1:], 8.0) == (0.0, 80.0)


def test_gaps_overlap_where_they_have_a_moment_in_common() -> None:
    assert Gap(1, 3, 2, 0).overlaps(Gap(2, 5, 3, 0))
    assert not Gap(1, 3, 2, 0).overlaps(Gap(3, 5, 2, 0))


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


@pytest.mark.parametrize(
    "text",
    [
        "我住在北京，我喜欢在周末和朋友一起去公园散步，也喜欢看电影。我的家人住在上海，我每年回家看他们两次。"
        "我觉得学习语言很有意思，因为可以认识很多新的朋友，也可以了解他们的文化。",
        "私は東京に住んでいます。週末は友達と公園を散歩するのが好きです。家族は大阪に住んでいて、一年に二回会いに行きます。"
        "言葉を勉強するのはとても面白いと思います。新しい友達ができるからです。",
        "ผมอาศัยอยู่ที่กรุงเทพและชอบไปเดินเล่นที่สวนสาธารณะกับเพื่อนในวันหยุด ครอบครัวของผมอยู่ที่เชียงใหม่"
        "ผมกลับบ้านปีละสองครั้งเพื่อไปเยี่ยมพวกเขา ผมคิดว่าการเรียนภาษาเป็นเรื่องที่น่าสนใจมากเพราะได้รู้จักเพื่อนใหม่",
    ],
)
def test_a_complete_answer_in_a_script_without_blanks_has_no_gap(text: str) -> None:
    voice = [VoiceSpan(0.0, 26.0)]
    steps = [Fragment(text[n : n + 3], 2.0 + 24.0 * n / len(text)) for n in range(0, len(text), 3)]
    assert 26 < len(split_words(steps)) < 78, "one to three words a second, however the text is cut"
    assert "".join(word.text for word in split_words(steps)) == text.replace(" ", "")
    for fragments in (steps, [Fragment(text, 28.0)]):
        assert find_gaps(voice, fragments, POLICY) == []
    [gap] = find_gaps(voice, [one for one in steps if not 8.0 < one.at < 20.0], POLICY)
    assert 5.0 <= gap.started <= 10.0 and 15.0 <= gap.ended <= 20.0
