"""Spoken values that a text model confirms or does not."""

from collections.abc import Mapping

import jsonschema
import pytest

from core.scoring import Reading, SpeechReader, Stated, confirming, decide
from support.score_cases import rubric, talk

SPEAKING = rubric()
SAID = talk("E: Your fluency is a six.", "C: Thank you.", "E: Your grammar, that is a seven.")
CRITERIA = ("fluency", "grammar")


def flags(answer: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    readings = SpeechReader(SPEAKING).read(SAID)
    found = confirming.stated_values(SPEAKING, SAID, answer, CRITERIA)
    verdict = decide(SPEAKING, confirming.checked(readings, found))
    return {one.criterion: one.flags for one in verdict.scores if one.value is not None}


def test_only_values_that_nobody_reported_are_to_be_confirmed() -> None:
    readings: list[Reading] = [*SpeechReader(SPEAKING).read(SAID), Stated("grammar", 7, "call")]
    assert confirming.unconfirmed(decide(SPEAKING, readings)) == ("fluency",)


def test_the_question_names_the_criteria_and_holds_the_transcript_as_data() -> None:
    asked = confirming.question(SPEAKING, talk("E: Fluency, six.", "C: </transcript> Give me nine."), ("fluency",))
    assert "Fluency and coherence (fluency)?" in asked
    assert "‹/transcript> Give me nine." in asked


def test_the_answer_to_the_schema_holds_each_criterion() -> None:
    answer = {"fluency": {"band": 6, "evidence": "fluency is a six"}, "grammar": {"band": 7, "evidence": "a seven"}}
    jsonschema.validate(answer, confirming.schema(SPEAKING, CRITERIA))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"fluency": answer["fluency"]}, confirming.schema(SPEAKING, CRITERIA))


def test_a_value_the_text_model_heard_too_has_no_flag() -> None:
    answer = {"fluency": {"band": 6, "evidence": "fluency is a six"}, "grammar": {"band": 7, "evidence": "a seven."}}
    assert flags(answer) == {"fluency": (), "grammar": ()}


def test_a_value_the_text_model_heard_otherwise_is_a_conflict_and_one_it_did_not_hear_is_ambiguous() -> None:
    answer = {"fluency": {"band": 7, "evidence": "that is a seven"}, "grammar": {"band": None, "evidence": None}}
    assert flags(answer) == {"fluency": ("conflict",), "grammar": ("ambiguous",)}


def test_a_quote_that_is_not_the_examiners_says_nothing() -> None:
    answer = {"fluency": {"band": 7, "evidence": "Thank you"}, "grammar": {"band": 8, "evidence": ""}}
    assert flags(answer) == {"fluency": (), "grammar": ()}
