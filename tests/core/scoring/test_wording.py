"""What the examiner is told of a rubric is what the readers read."""

import pytest

from core.events import UtteranceSpoken
from core.scoring import SpeechReader, Stated, wording
from support.score_cases import rubric

RUBRICS = {"speaking": ("6.5", 6.5), "cefr": ("B2", 3.0), "percent": ("65", 65.0)}


@pytest.mark.parametrize("name", RUBRICS)
def test_the_sentences_an_examiner_is_given_are_understood_when_it_says_them(name: str) -> None:
    of, (said, value) = rubric(name), RUBRICS[name]
    text = " ".join(wording.sentence(of, criterion, said) for criterion in of.criteria)
    readings = SpeechReader(of).read([UtteranceSpoken(1.0, "examiner", text, 0.0, 1.0)])
    stated = [(one.criterion, one.value) for one in readings if isinstance(one, Stated)]
    assert stated == [(criterion, value) for criterion in of.names]


@pytest.mark.parametrize("name", RUBRICS)
def test_the_instructions_name_the_scale_the_function_and_every_criterion(name: str) -> None:
    of = rubric(name)
    told = wording.results(of)
    assert of.scale.describe() in told and of.function in told
    assert all(wording.sentence(of, criterion) in told for criterion in of.criteria)
    assert "speak all five" in told if len(of.criteria) == 5 else "speak all seven" in told


@pytest.mark.parametrize("name", RUBRICS)
def test_nothing_the_examiner_is_sent_in_mid_exam_states_a_score(name: str) -> None:
    of = rubric(name)
    told = [wording.ask_scores(of, of.names), wording.ask_call(of), wording.GOODBYE]
    for text in [*told, wording.progress_summary(of, of.names[:1]), wording.not_yet(of.function)]:
        assert list(SpeechReader(of).read([UtteranceSpoken(1.0, "examiner", text, 0.0, 1.0)])) == []


def test_what_is_missing_is_asked_for_by_name() -> None:
    of = rubric("speaking")
    assert "Continue with pronunciation and overall band score, now" in wording.ask_scores(
        of, ["pronunciation", "overall"]
    )
    assert "Continue with pronunciation, now" in wording.ask_scores(of, ["pronunciation"])


def test_the_progress_of_scoring_says_what_is_left() -> None:
    of = rubric("speaking")
    assert "all results have been said" in wording.progress_summary(of, [])
    assert "The results so far" not in wording.progress_summary(of, of.names)
    assert "The results so far: fluency and coherence." in wording.progress_summary(of, of.names[1:])
