"""What was transcribed twice stands once, and what was said twice stands twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transcript.repeats import better_of, once, without_repeat_of
from core.transcript.values import Fragment, VoiceSpan

WORDS = tuple(f"word{n}" for n in range(12))


def spoken(text: str, at: float = 1.0) -> list[Fragment]:
    return [Fragment(f" {word}" if n else word, at) for n, word in enumerate(text.split())]


def text_of(fragments: list[Fragment]) -> str:
    return "".join(fragment.text for fragment in fragments)


@pytest.mark.parametrize(
    ("first", "second", "going_on", "better"),
    [
        # The second is whole: it stands.
        ("My name is", "My name is Bruce.", False, "My name is Bruce."),
        ("my name was bruce", "My name is Bruce.", False, "My name is Bruce."),
        # It is cut off: nothing of the first is lost.
        ("I live in a small town by the sea", "I live", False, "I live in a small town by the sea"),
        ("I live in a small town", "", False, "I live in a small town"),
        # The first was cut off, and the second has only what was said later.
        ("I live in a small town", "small town by the sea", False, "I live in a small town by the sea"),
        # Of audio that both are of, the longer.
        ("one two three", "vier fünf", False, "one two three"),
        ("one two", "vier fünf sechs", False, "vier fünf sechs"),
        # The speaker went on.
        ("I live in", "I live in a small town", True, "I live in a small town"),
        ("I live in a small town", "I live and then we moved", True, "I live in a small town and then we moved"),
        ("I live in a small town", "we moved away", True, "I live in a small town we moved away"),
        ("我住在海边的小镇", "我住", False, "我住在海边的小镇"),
        ("我住在", "我住在海边的小镇", False, "我住在海边的小镇"),
    ],
)
def test_the_better_of_two_transcriptions(first: str, second: str, going_on: bool, better: str) -> None:
    assert text_of(better_of(spoken(first), spoken(second, 9.0), went_on=going_on)) == better


@given(st.integers(0, len(WORDS)), st.integers(0, len(WORDS)), st.integers(0, len(WORDS)), st.booleans())
def test_the_better_of_two_has_never_fewer_words_than_the_first(end: int, begin: int, to: int, going_on: bool) -> None:
    first, second = WORDS[:end], WORDS[begin:to]
    better = better_of(spoken(" ".join(first)), spoken(" ".join(second)), went_on=going_on)
    assert len(text_of(better).split()) >= len(first)


EARLIER = "I live in a small town"


@pytest.mark.parametrize(
    ("earlier", "later", "voiced", "left"),
    [
        (EARLIER, "I live in a small town.", True, ""),
        (EARLIER, "I live in a small town. Yes, I do.", True, " Yes, I do."),
        (EARLIER, "I live in", True, "I live in"),
        (EARLIER, "I live in", False, ""),
        (EARLIER, "I think so", False, "I think so"),
        ("Yes.", "Yes, I do.", True, "Yes, I do."),
        ("Yes.", "Yes.", False, ""),
        (EARLIER, "", False, ""),
        ("", EARLIER, True, EARLIER),
    ],
)
def test_a_repetition_at_the_beginning_is_left_out(earlier: str, later: str, voiced: bool, left: str) -> None:
    assert text_of(without_repeat_of(spoken(earlier), spoken(later), voiced=voiced)) == left


VOICE = [VoiceSpan(0.0, 3.5)]
SENTENCE = "I live in a small town by the sea with friends"


@pytest.mark.parametrize(
    ("texts", "left"),
    [
        ([SENTENCE, SENTENCE], SENTENCE),
        ([SENTENCE, SENTENCE + "."], SENTENCE),
        ([SENTENCE, SENTENCE, SENTENCE], SENTENCE),
        (["I live in a small", "I live in a small town by the sea"], "I live in a small town by the sea"),
        (["Yes. ", "Yes."], "Yes. Yes."),
        (["No, ", "no, ", "no."], "No, no, no."),
        ([SENTENCE], SENTENCE),
    ],
)
def test_a_text_that_was_sent_twice_without_voice_between_stands_once(texts: list[str], left: str) -> None:
    fragments = [Fragment(text, 4.0 + n) for n, text in enumerate(texts)]
    assert text_of(once(fragments, VOICE, 1)) == left


def test_a_text_that_was_sent_twice_word_by_word_stands_once() -> None:
    fragments = [Fragment(f" {word}", 4.0 + n / 10) for n, word in enumerate(f"{SENTENCE} {SENTENCE}".split())]
    assert text_of(once(fragments, VOICE, 1)) == f" {SENTENCE}"


@pytest.mark.parametrize(
    ("voice", "windows"),
    [
        ([VoiceSpan(0.0, 3.5), VoiceSpan(4.5, 8.0)], 1),  # there was voice between
        ([VoiceSpan(0.0, 20.0)], 1),  # time enough to say both, the text was late
        ([VoiceSpan(0.0, 3.5), VoiceSpan(3.6, 7.0)], 2),  # two windows, the text of both was late
        ([], 1),  # nobody listens for voice
    ],
)
def test_what_may_have_been_said_twice_stands_twice(voice: list[VoiceSpan], windows: int) -> None:
    late = 20.0 if voice and voice[-1].ended > 10 else 8.0 if windows == 2 else 4.0
    fragments = [Fragment(SENTENCE, late), Fragment(f" {SENTENCE}", late + 4.0)]
    assert text_of(once(fragments, voice, windows)) == f"{SENTENCE} {SENTENCE}"


def test_a_second_copy_in_a_long_answer_is_found() -> None:
    fragments = [Fragment(" word" + str(n), n / 2) for n in range(100)]
    fragments += [Fragment(f" {SENTENCE}", 55.0), Fragment(f" {SENTENCE}", 58.0)]
    assert len(once(fragments, [VoiceSpan(0.0, 54.0)], 2)) == 111
