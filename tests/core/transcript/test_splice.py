"""Repairs of overlapping audio become one, in which each word of the two stands once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transcript.gaps import Gap
from core.transcript.splice import join_overlapping

FIRST, SECOND = Gap(9.3, 15.5, 5.0, 2), Gap(22.4, 31.4, 8.0, 0)
EARLY = "And Seckville is a small university town. The weather here seems quite nice, nice fog."
LATE = "And Sackville is a small university town. The weather here seems quite nice, nice fall day, and Mr. John"


def test_repairs_of_overlapping_audio_are_one_and_the_word_that_its_end_cut_is_taken_from_the_second() -> None:
    [(gap, text)] = join_overlapping([((1.3, 23.5), FIRST, EARLY), ((14.4, 31.4), SECOND, LATE)])
    assert gap == Gap(9.3, 31.4, 13.0, 2)
    assert text == (
        "And Seckville is a small university town. The weather here seems quite nice, nice fall day, and Mr. John"
    )


def test_repairs_of_audio_apart_stay_apart() -> None:
    apart = [((1.3, 15.0), FIRST, EARLY), ((14.4, 31.4), SECOND, LATE)]
    assert join_overlapping(apart) == [(FIRST, EARLY), (SECOND, LATE)]


def test_a_repair_without_a_word_is_joined_to_none() -> None:
    assert join_overlapping([((1.3, 23.5), FIRST, ""), ((14.4, 31.4), SECOND, LATE)]) == [(FIRST, ""), (SECOND, LATE)]


def test_audio_that_lies_within_that_of_an_earlier_repair_has_no_word_more() -> None:
    within = [((1.3, 31.4), FIRST, LATE), ((8.0, 20.0), Gap(16.0, 17.0, 1.0, 0), "is a small university town.")]
    assert join_overlapping(within) == [(Gap(9.3, 17.0, 6.0, 2), LATE)]


SPEECH = """
and Sackville is a small university town the closest large town is Moncton the weather here seems quite nice a nice fall
day I think and mister Dashwood had then leisure to consider how much there might be prudently in his power
"""
SAID: list[str] = [*SPEECH.split()]


def joined(first: list[str], second: list[str]) -> list[str]:
    """The words of two repairs whose audio overlaps by some seconds, together."""
    repairs = [((0.0, 20.0), FIRST, " ".join(first)), ((10.0, 30.0), SECOND, " ".join(second))]
    [(_, text)] = join_overlapping(repairs)
    return text.split()


@given(
    start=st.integers(0, len(SAID) - 8),
    overlap=st.integers(6, 20),
    again=st.tuples(st.integers(0, len(SAID) - 1), st.integers(0, 4)),
    end=st.sampled_from(["whole", "cut", "missing"]),
    beginning=st.sampled_from(["whole", "cut", "missing"]),
)
def test_of_two_windows_of_speech_no_word_is_lost_and_none_doubled_whatever_the_cuts_did(
    start: int, overlap: int, again: tuple[int, int], end: str, beginning: str
) -> None:
    at, count = again
    said = [*SAID[: at + count], *SAID[at:]]  # a phrase is said twice: "I think, I think"
    until = min(len(said), start + overlap)
    first, second = said[:until], said[start:]
    if end != "whole":
        first = first[:-1] + ["Fo."] * (end == "cut")
    if beginning != "whole":
        second = ["Ville"] * (beginning == "cut") + second[1:]
    assert joined(first, second) == said


@pytest.mark.parametrize("fillers", [["uh"], ["um", "ah"]])
@pytest.mark.parametrize("place", range(3, 9))
def test_a_filler_that_one_recogniser_writes_costs_no_word(fillers: list[str], place: int) -> None:
    first = [*SAID[:place], *fillers, *SAID[place:10]]
    assert [word for word in joined(first, SAID[3:]) if word not in fillers] == SAID


def test_repairs_that_have_no_word_in_common_are_all_there() -> None:
    assert joined(SAID[:5], SAID[9:]) == [*SAID[:5], *SAID[9:]]
