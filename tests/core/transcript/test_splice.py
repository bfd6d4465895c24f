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
