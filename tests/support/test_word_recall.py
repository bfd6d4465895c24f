"""Word recall counts the words of what was said that are in a text, in order."""

import pytest

from support.word_recall import recall, words

SAID = "It's a small town, isn't it? A small, quiet town."


def test_case_and_punctuation_are_no_words() -> None:
    assert words("It’s a SMALL town.") == ["it's", "a", "small", "town"]


@pytest.mark.parametrize(
    ("written", "share"),
    [
        (SAID, 1.0),
        ("", 0.0),
        ("something else altogether", 0.0),
        ("it's a small town isn't it", 0.6),
        ("quiet town", 0.2),
        ("quiet small", 0.1),  # the order counts
        ("it's a small town town town isn't it a small quiet town", 1.0),  # nothing is taken off for words too many
    ],
)
def test_the_share_of_what_was_said_that_is_written(written: str, share: float) -> None:
    assert recall(SAID, written) == share


def test_words_that_the_recogniser_cannot_make_out_do_not_count() -> None:
    audible = "it's a small town in a quiet town"
    assert recall(SAID, audible, audible=audible) == 1.0
    assert recall(SAID, "it's a small town isn't it a small town", audible=audible) == pytest.approx(6 / 7)


def test_where_nothing_was_said_there_is_no_share() -> None:
    with pytest.raises(ValueError, match="nothing was said"):
        recall("...", "a word")
