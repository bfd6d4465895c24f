"""Keys of calls and blocks, however a model spells them."""

from typing import Any

import pytest

from core.scoring import BlockReader, CallReader, Refused
from support.score_cases import rubric, scores, talk

SPEAKING = rubric()

SPELT = {
    "fluency": "fluencyCoherence fluency_coherence_score coherenceAndFluencyBand coherence-cohesion fluencyandcoherence"
    " FLUENCY_BAND fluencyscore Fluency&Coherence",
    "vocabulary": "lexicalResourceVocabulary lexical-resource vocab_score rangeOfVocabularyScore LexicalResourceBand",
    "grammar": "grammarRangeAccuracy grammar-range-accuracy GRAMMAR_RANGE_ACCURACY grammaticalRangeAccuracyScore"
    " grammarrangeaccuracy grammar_range_&_accuracy rangeAndAccuracy accuracy_of_grammar",
    "pronunciation": "pronunciationAndIntonation pronunciation-score PronunciationBandScore scoreForPronunciation",
    "overall": "overallSpeakingBandScore overall-band scoreOverall finalOverall OVERALL_BAND_SCORE",
}


@pytest.mark.parametrize(("criterion", "key"), [(name, key) for name, keys in SPELT.items() for key in keys.split()])
def test_a_key_names_its_criterion_whatever_its_spelling(criterion: str, key: str) -> None:
    assert scores(CallReader(SPEAKING).read({key: 6.5}, 1.0)) == {criterion: 6.5}
    assert scores(CallReader(SPEAKING).read({key: {"band": 6.5, "evidence": "well"}}, 1.0)) == {criterion: 6.5}
    block = talk(f"E: [BAND_SCORES]\n{key}: 6.5\n[/BAND_SCORES]")
    assert scores(BlockReader(SPEAKING).read(block)) == {criterion: 6.5}


def test_rows_on_one_line_keep_their_own_values() -> None:
    text = "fluencyCoherence: 6.5, grammarRangeAccuracy = 7 Pronunciation - 6; lexical-resource: 5.5 overall_band: 6"
    read = {"fluency": 6.5, "vocabulary": 5.5, "grammar": 7, "pronunciation": 6, "overall": 6}
    assert scores(BlockReader(SPEAKING).read(talk(f"E: [BAND_SCORES] {text} [/BAND_SCORES]"))) == read
    assert scores(CallReader(SPEAKING).read({"scores": text}, 1.0)) == read


@pytest.mark.parametrize("key", ["grammarVocabulary", "overallFluency", "fluency_and_pronunciation_score"])
@pytest.mark.parametrize("value", [6.5, "6.5", {"band": 6.5}])
def test_a_key_that_holds_two_names_is_refused_for_both(key: str, value: object) -> None:
    read = CallReader(SPEAKING).read({key: value}, 1.0)
    assert len(read) == 2
    for one in read:
        assert isinstance(one, Refused) and one.doubt == "ambiguous" and repr(key) in one.why


@pytest.mark.parametrize("key", ["range", "use", "previousFluency", "fluencyTarget", "fluencyWeight", "confidence", ""])
def test_a_key_that_names_no_criterion_by_itself_is_none(key: str) -> None:
    assert CallReader(SPEAKING).read({key: 6.5}, 1.0) == []


@pytest.mark.parametrize(
    ("args", "unread"),
    [
        ({"fluency": 6, "flow_of_talk": 7}, ["'flow_of_talk'"]),
        ({"scores": [{"criterion": "rhythm", "band": 6}, {"criterion": "grammar", "band": 7}]}, ["'rhythm'"]),
        ({"scores": {"rhythm": {"band": 6, "evidence": "well"}}}, ["'rhythm'"]),
        ({"fluency": {"band": 6}, "previousBand": 5, "comment": "8", "name": "Ana", "seconds": 99}, []),
    ],
)
def test_keys_with_values_that_name_no_criterion_are_told(args: dict[str, Any], unread: list[str]) -> None:
    assert CallReader(SPEAKING).unread(args) == [f"{key} names no criterion of the rubric" for key in unread]


def test_a_key_with_two_names_does_not_stand_against_a_key_of_its_own() -> None:
    assert scores(CallReader(SPEAKING).read({"overallFluency": 6, "fluency": 7, "overall": 6.5}, 1.0)) == {
        "fluency": 7,
        "overall": 6.5,
    }


def test_in_a_rubric_that_judges_range_and_accuracy_apart_the_key_for_both_is_refused() -> None:
    read = CallReader(rubric("cefr")).read({"grammarRangeAccuracy": "B1"}, 1.0)
    assert [(one.criterion, one.why) for one in read if isinstance(one, Refused)] == [
        ("range", "its key 'grammarRangeAccuracy' may mean range or accuracy"),
        ("accuracy", "its key 'grammarRangeAccuracy' may mean range or accuracy"),
    ]
