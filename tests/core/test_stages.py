from core.stages import StageInfo, combined


def test_nothing_is_known_of_stages_that_say_nothing() -> None:
    assert combined([]) == combined([StageInfo(), StageInfo()]) == StageInfo()


def test_of_each_thing_the_first_stage_counts_that_has_it() -> None:
    exam = StageInfo(questions=3, outline=("1. Interview",))
    labels = StageInfo(criteria=("range",), owes_verdict=True)
    numbers = StageInfo(model="other", questions=9, criteria=("fluency",), scale=(0, 9), outline=("2. More",))
    assert combined([StageInfo(model="live"), exam, labels, numbers]) == StageInfo(
        "live", 3, ("range",), None, ("1. Interview", "2. More"), True
    )
