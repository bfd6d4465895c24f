"""Two transcripts of overlapping audio are joined, and what both have stands once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transcript.overlap import appended, content_words, prepended, shared_words


@pytest.mark.parametrize(
    ("base", "more", "joined"),
    [
        ("the weather here seems quite", "here seems quite nice today", "the weather here seems quite nice today"),
        ("the weather here seems", "whether here seems nice", "the weather here seems nice"),
        # The last word was transcribed differently: it stands as the base has it.
        ("weather here seems quiet", "here seems quite nice", "weather here seems quiet nice"),
        ("I live in Sackville", "Sackville, New Brunswick", "I live in Sackville New Brunswick"),
        (
            "New Brunswick. And sackville is",
            "And sackthill is a small town",
            "New Brunswick. And sackville is a small town",
        ),
        # A filler stands for no word, and a word that only one of the two has for none of the other's.
        (
            "I live in Sackville and uh Sackville is",
            "and Sackville is a small town",
            "I live in Sackville and uh Sackville is a small town",
        ),
        # A phrase that is said twice.
        ("the big red dog the big red dog", "the big red dog barks", "the big red dog the big red dog barks"),
        ("and I think I think", "I think it is", "and I think I think it is"),
        ("and I think I think", "I think I think it is", "and I think I think it is"),
        # The first text lacks what was said at the beginning of the second's audio.
        (
            "I live by the sea and like it",
            "in a red house by the sea and like it very much",
            "I live by the sea and like it very much",
        ),
        # Numbers look alike and are not.
        ("it was in 1998", "1999 was better", "it was in 1998 1999 was better"),
        # Nothing in common but a small word, which proves nothing.
        ("I like the sea", "and the hills", "I like the sea and the hills"),
        ("", "all of it", "all of it"),
        ("all of it", "", "all of it"),
    ],
)
def test_more_is_appended_without_what_stands_already(base: str, more: str, joined: str) -> None:
    assert " ".join(appended(base.split(), more.split())) == joined


def test_more_is_prepended_in_the_same_way() -> None:
    assert " ".join(prepended(["I", "live", "in", "a", "small"], ["a", "small", "town"])) == "I live in a small town"


def test_a_likeness_far_from_the_joint_is_no_overlap() -> None:
    base, more = "the little town of my birth is by the sea and I like it very much indeed", "the little boat was red"
    assert appended(base.split(), more.split()) == f"{base} {more}".split()


distinct = st.lists(st.integers(0, 200).map(lambda n: f"word{n}"), unique=True, max_size=40)


@given(distinct, st.integers(0, 40), st.integers(0, 12))
def test_a_text_cut_with_an_overlap_is_whole_again(words: list[str], at: int, overlap: int) -> None:
    at = min(at, len(words))
    assert appended(words[:at], words[max(0, at - overlap) :]) == words
    assert prepended(words[: min(len(words), at + overlap)], words[at:]) == words


def test_fillers_are_no_content() -> None:
    assert content_words("Uh, the, um, sea -- er") == 2


def test_the_share_of_a_text_that_another_has() -> None:
    assert shared_words("The sea.", "I like the sea") == 1.0
    assert shared_words("The red sea.", "I like the sea") == pytest.approx(2 / 3)
    assert shared_words("", "anything") == 1.0
