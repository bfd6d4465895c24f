"""Word recall counts the words of what was said that are in a text, in order."""

import pytest

from support.clips import ANSWERS, READ
from support.word_recall import lost, recall, words

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


SPOKEN = " ".join(clip.text for clip in (*ANSWERS, READ))
SPOKEN_WORDS = words(SPOKEN)


@pytest.mark.parametrize("filler", [[], ["uh"]])
@pytest.mark.parametrize("place", range(len(SPOKEN_WORDS)))
def test_whichever_word_of_the_recordings_is_left_out_something_is_lost(place: int, filler: list[str]) -> None:
    assert lost(SPOKEN, " ".join([*SPOKEN_WORDS[:place], *filler, *SPOKEN_WORDS[place + 1 :]]))


def test_another_spelling_is_no_loss_where_it_was_seen() -> None:
    assert lost(SPOKEN, SPOKEN) == []
    written = """
    My name is Bruce Bravo Romeo, uniformed Charlie Echo. I'm located in Sacville, New Brandswick.
    And, uh, sackthill is a small university town. A closest large town is monkton, New brown ziq.
    Ah, the weather here seems quite nice, makes fall day, and Mr. John Dashwood had then leisure to consider how much
    there might. Be prudently and as power to do for them. You
    """
    assert lost(SPOKEN, written) == []


@pytest.mark.parametrize(
    ("written", "missing"),
    [
        ("", ["quite", "nice", "(nice)", "fall", "day"]),
        ("Quite nice, nice fog.", ["fall", "day"]),
        ("Quite nice, nice fall.", ["day"]),
        ("Very nice, nice fall day.", ["quite"]),
        ("Quite nice fall day.", ["(nice)"]),
        ("Fall day. Quite nice, nice.", ["fall", "day"]),
    ],
)
def test_no_other_word_stands_for_one_that_is_spelled_one_way(written: str, missing: list[str]) -> None:
    assert lost("Quite nice, (nice) fall day.", written) == missing
