"""Where a long turn is cut: on the second, in a pause, or where it is quietest; in a word only if it must."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.turns.flush import LOOK_AHEAD, PAUSE, Chunk, Flush, FlushStrategy, NoFlush, TimerFlush, ValleyFlush

LENGTH = 0.032
LOUD = Chunk(True, 0.3, LENGTH)
SOFT_VOICE = Chunk(True, 0.02, LENGTH)
QUIET = Chunk(False, 0.001, LENGTH)


def run(strategy: FlushStrategy, chunks: list[Chunk]) -> list[tuple[int, Flush]]:
    """The flushes, each with the number of the chunk that begins the next window."""
    strategy.turn_opened(0.0)
    found: list[tuple[int, Flush]] = []
    for n, chunk in enumerate(chunks, 1):
        if flush := strategy.on_audio(chunk, n * LENGTH):
            found.append((n - flush.carried_over, flush))
    return found


def after(seconds: float) -> int:
    return math.ceil(seconds / LENGTH)


def test_none_never_flushes() -> None:
    assert run(NoFlush(), [LOUD] * 4000) == []
    assert not NoFlush().holding


def test_a_timer_flushes_on_the_second_in_mid_word() -> None:
    found = run(TimerFlush(5.0), [LOUD] * after(16))
    assert [flush.why for _, flush in found] == ["timer"] * 3
    assert found[0][1].at == pytest.approx(5.0, abs=LENGTH)
    assert found[2][1].at == pytest.approx(15.0, abs=3 * LENGTH)


def test_a_valley_is_the_first_pause_after_the_minimum() -> None:
    speech = [LOUD] * after(4) + [QUIET] * 10 + [LOUD] * after(5) + [QUIET] * 10 + [LOUD] * 10
    [(at, flush)] = run(ValleyFlush(8.0, 15.0), speech)
    assert (flush.why, flush.carried_over) == ("pause", after(PAUSE) / 2)
    pause = after(4) + 10 + after(5)
    assert at == pause + after(PAUSE) / 2, "in the middle of the second pause, the first after eight seconds"


def test_a_gap_inside_a_word_is_no_pause() -> None:
    word = [LOUD] * 8 + [QUIET] * 3  # 96 ms
    found = run(ValleyFlush(2.0, 6.0), word * 40)
    assert {flush.why for _, flush in found} == {"ceiling"}


def test_a_pause_is_not_cut_where_a_word_may_begin_in_it() -> None:
    onset = Chunk(False, 0.2, LENGTH)
    speech = [LOUD] * after(9) + [QUIET] * 3 + [onset] + [QUIET] * 4 + [LOUD] * 10
    [(at, flush)] = run(ValleyFlush(8.0, 15.0), speech)
    assert (flush.why, at) == ("pause", after(9) + 2), "it begins the next window"


def test_without_a_pause_the_cut_is_at_the_quietest_place_before_the_ceiling() -> None:
    speech = [LOUD] * after(20)
    soft = after(15 - LOOK_AHEAD) + 6
    speech[soft] = speech[soft + 1] = SOFT_VOICE
    [(at, flush)] = run(ValleyFlush(8.0, 15.0), speech)
    assert flush.why == "ceiling"
    assert at == soft + 1, "between the two soft ones"
    assert flush.at == pytest.approx(at * LENGTH)


def test_a_gap_between_words_is_preferred_to_a_softer_vowel() -> None:
    speech = [LOUD] * after(20)
    start = after(15 - LOOK_AHEAD)
    speech[start + 4] = speech[start + 5] = Chunk(True, 0.001, LENGTH)
    speech[start + 9] = speech[start + 10] = Chunk(False, 0.05, LENGTH)
    [(at, _)] = run(ValleyFlush(8.0, 15.0), speech)
    assert at == start + 10


def test_what_is_loud_is_no_gap_even_if_it_is_not_detected_as_voice() -> None:
    speech = [LOUD] * after(20)
    start = after(15 - LOOK_AHEAD)
    speech[start + 4] = speech[start + 5] = SOFT_VOICE
    speech[start + 9] = speech[start + 10] = Chunk(False, 0.2, LENGTH)  # the first consonant of a word
    [(at, _)] = run(ValleyFlush(8.0, 15.0), speech)
    assert at == start + 5


def test_a_window_is_never_empty_however_long_the_chunks_are() -> None:
    long = Chunk(True, 0.1, 0.6)
    strategy = ValleyFlush(0.5, 1.0)
    strategy.turn_opened(0.0)
    assert strategy.on_audio(long, 0.6) == Flush(0.6, "ceiling")


def test_a_pause_in_what_is_held_back_is_cut_at_once() -> None:
    speech = [LOUD] * (after(15 - LOOK_AHEAD) + 3) + [QUIET] * 4 + [LOUD] * 5
    strategy = ValleyFlush(8.0, 15.0)
    [(at, flush)] = run(strategy, speech)
    assert (flush.why, at) == ("pause", len(speech) - 5 - 2)
    assert not strategy.holding


def test_audio_is_held_back_only_near_the_ceiling() -> None:
    strategy = ValleyFlush(8.0, 15.0)
    strategy.turn_opened(0.0)
    held = 0
    for n in range(1, after(45)):
        strategy.on_audio(LOUD, n * LENGTH)
        held += strategy.holding
    assert held * LENGTH <= 3 * LOOK_AHEAD


def test_a_pause_is_held_back_only_until_it_is_long_enough() -> None:
    strategy = ValleyFlush(8.0, 15.0)
    run(strategy, [LOUD] * after(9) + [QUIET] * 2)
    assert strategy.holding
    assert strategy.on_audio(LOUD, 10.0) is None and not strategy.holding, "it was the gap inside a word"


def test_a_new_turn_does_not_depend_on_the_last() -> None:
    strategy = ValleyFlush(8.0, 15.0)
    run(strategy, [LOUD] * after(15 - LOOK_AHEAD / 2))
    assert strategy.holding
    assert run(strategy, [LOUD] * after(8)) == []
    assert not strategy.holding


CHUNKS = st.lists(
    st.builds(
        Chunk,
        st.booleans(),
        st.sampled_from([0.0, 0.001, 0.02, 0.02, 0.1, 0.3]),
        st.sampled_from([0.02, 0.032, 0.1]),
    ),
    min_size=50,
    max_size=150,
)


@given(CHUNKS, st.floats(LOOK_AHEAD, 2.0), st.floats(LOOK_AHEAD, 3.0))
def test_a_valley_is_within_its_limits_whatever_audio_comes(chunks: list[Chunk], least: float, more: float) -> None:
    ceiling = least + more
    strategy = ValleyFlush(least, ceiling)
    strategy.turn_opened(0.0)
    now, since, held, quiet, last = 0.0, 0.0, 0, 0.0, QUIET
    for chunk in chunks:
        now += chunk.length
        quiet = 0.0 if chunk.voice else quiet + chunk.length
        flush = strategy.on_audio(chunk, now)
        if flush is None:
            held = held + 1 if strategy.holding else 0
            assert now - since < ceiling + 0.1 + 1e-6, "a window is never much older than the ceiling"
            silent = min(quiet, now - since - least) if chunk.level == last.level == 0.0 else 0.0
            assert silent < PAUSE + chunk.length + 1e-6, "no silence goes by unused"
            last = chunk
            continue
        last = chunk
        assert since < flush.at <= now + 1e-9
        assert 0 <= flush.carried_over <= held + 1, "only what was held back is carried over"
        if flush.why == "pause":
            assert quiet >= PAUSE - 1e-6
        else:
            assert now - since >= ceiling - LOOK_AHEAD - 1e-6, "until then only a pause is good enough"
        assert flush.at - since >= least - 0.1 - 1e-6
        assert not strategy.holding
        since, held = flush.at, 0


@given(st.lists(st.sampled_from([True, True, False]), min_size=after(3.0), max_size=after(6.0)))
def cuts_outside_words(ceilings: list[Flush], voices: list[bool]) -> None:
    """At the ceiling, wherever something else than words was held back; `ceilings` takes what was looked at."""
    strategy = ValleyFlush(1.0, 2.0)
    strategy.turn_opened(0.0)
    chunks = [LOUD if voice else QUIET for voice in voices]
    held: list[Chunk] = []
    for n, chunk in enumerate(chunks, 1):
        flush = strategy.on_audio(chunk, n * LENGTH)
        held = [*held, chunk] if strategy.holding or flush else []
        if flush and flush.why == "ceiling":
            ceilings.append(flush)
            chosen = n - flush.carried_over
            voiced = chunks[chosen - 1].voice + chunks[chosen].voice
            assert voiced == min(one.voice + other.voice for one, other in pairwise(held))
            held = []


def test_a_cut_falls_inside_a_word_only_where_nothing_but_words_was_held_back() -> None:
    ceilings: list[Flush] = []
    cuts_outside_words(ceilings)
    assert len(ceilings) > 50
