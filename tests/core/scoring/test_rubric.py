"""Rubrics as data, and what is derived from them."""

from typing import Any

import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.scoring.rubric import Rubric, key
from core.scoring.scale import LabelScale, NumericScale, OffScale, quoted
from support.score_cases import rubric

NUMERIC = {"min": 0, "max": 9, "step": 0.5}


def small(**changes: Any) -> Rubric:
    data: dict[str, Any] = {
        "name": "small",
        "scale": NUMERIC,
        "criteria": [{"name": "fluency"}, {"name": "grammar"}, {"name": "overall"}],
        "overall": {"criterion": "overall"},
    }
    return Rubric.model_validate(data | changes)


def test_the_default_rubric_has_the_five_criteria_in_order() -> None:
    speaking = rubric()
    assert speaking.names == ("fluency", "vocabulary", "grammar", "pronunciation", "overall")
    assert speaking.parts == ("fluency", "vocabulary", "grammar", "pronunciation")
    assert speaking.function == "reportScoringResults"
    assert "lexical resource" in speaking.criterion("vocabulary").names


def test_the_declaration_is_a_function_of_objects_with_band_and_evidence() -> None:
    declaration = rubric().declaration()
    assert declaration["name"] == "reportScoringResults"
    parameters = declaration["parameters"]
    assert parameters["required"] == list(rubric().names)
    fluency = parameters["properties"]["fluency"]
    assert fluency["properties"]["band"]["minimum"] == 0
    assert fluency["properties"]["band"]["maximum"] == 9
    assert fluency["properties"]["evidence"]["type"] == "string"
    assert fluency["required"] == ["band"]
    assert fluency["description"].startswith("Fluency and coherence: speaks at length")


def test_labels_are_declared_as_the_only_values_and_optional_criteria_are_not_required() -> None:
    parameters = rubric("cefr").declaration()["parameters"]
    assert parameters["properties"]["range"]["properties"]["band"]["enum"] == ["A1", "A2", "B1", "B2", "C1", "C2"]
    assert "pronunciation" in parameters["properties"]
    assert "pronunciation" not in parameters["required"]


def test_the_fallback_schema_lets_the_model_say_that_it_does_not_know() -> None:
    schema = rubric().schema()
    assert schema["required"] == list(rubric().names)
    fluency = schema["properties"]["fluency"]
    assert fluency["required"] == ["band", "evidence"]
    assert fluency["properties"]["band"]["nullable"] is True
    assert fluency["properties"]["evidence"]["nullable"] is True


def test_the_schemas_hold_only_what_gemini_accepts() -> None:
    for name in ("speaking", "cefr", "percent"):
        declaration = rubric(name).declaration()
        types.FunctionDeclaration.model_validate(declaration)
        types.Schema.model_validate(rubric(name).schema())


def test_a_criterion_without_title_or_description_is_called_by_its_name() -> None:
    plain = small(criteria=[{"name": "turn_taking"}], overall=None)
    assert plain.criterion("turn_taking").shown == "turn taking"
    assert plain.parts == ("turn_taking",)
    assert plain.declaration()["parameters"]["properties"]["turn_taking"]["description"] == "turn taking"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"scale": {"min": 9, "max": 0, "step": 1}}, "not above its start"),
        ({"scale": {"min": 0, "max": 9, "step": 2}}, "do not lead from 0 to 9"),
        ({"scale": {"labels": ["A", "B", "a"]}}, "names a twice"),
        ({"scale": {"labels": ["A"]}}, "at least 2 items"),
        ({"criteria": []}, "at least 1 item"),
        ({"criteria": [{"name": "fluency"}, {"name": "fluency"}]}, "share the name 'fluency'"),
        (
            {"criteria": [{"name": "a", "synonyms": ["Good Flow"]}, {"name": "b", "synonyms": ["good flow"]}]},
            "a and b share the name 'good flow'",
        ),
        ({"overall": {"criterion": "total"}}, "'total', which is not a criterion"),
        (
            {
                "scale": {"labels": ["low", "high"]},
                "overall": {"criterion": "overall", "compute": "mean", "round": 0.5},
            },
            "overall is rounded to a whole label; leave `round` out",
        ),
        ({"overall": {"criterion": "overall", "when": "always"}}, "not said how: add `compute: mean`"),
        (
            {"criteria": [{"name": "overall"}], "overall": {"criterion": "overall", "compute": "mean"}},
            "no other criterion to compute it from",
        ),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        ({"criteria": [{"name": "Fluency"}]}, "String should match pattern"),
    ],
)
def test_a_rubric_that_contradicts_itself_is_refused_with_the_reason(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        small(**changes)


def test_overall_is_never_computed_unless_the_rubric_says_so() -> None:
    assert small().computed({"fluency": 6, "grammar": 7}) is None
    assert small(overall=None).computed({"fluency": 6, "grammar": 7, "overall": 6}) is None


@pytest.mark.parametrize(
    ("fluency", "grammar", "overall"), [(6, 6.5, 6.5), (6, 7, 6.5), (6.5, 7, 7), (0, 0, 0), (9, 9, 9), (5, 5.5, 5.5)]
)
def test_a_computed_overall_is_the_mean_rounded_half_up(fluency: float, grammar: float, overall: float) -> None:
    computing = small(overall={"criterion": "overall", "compute": "mean", "round": 0.5})
    assert computing.computed({"fluency": fluency, "grammar": grammar}) == overall


def test_a_mean_of_too_few_values_or_off_the_scale_is_not_computed() -> None:
    computing = small(overall={"criterion": "overall", "compute": "mean"})
    assert computing.computed({"fluency": 6}) is None
    odd = small(overall={"criterion": "overall", "compute": "mean", "round": 0.2})
    assert odd.computed({"fluency": 6, "grammar": 6.5}) is None


def test_labels_are_averaged_by_their_places_halves_up() -> None:
    levels = small(scale={"labels": ["A1", "A2", "B1", "B2"]}, overall={"criterion": "overall", "compute": "mean"})
    assert levels.computed({"fluency": 1, "grammar": 2}) == 2
    assert levels.computed({"fluency": 0, "grammar": 0}) == 0
    assert levels.computed({"fluency": 1}) is None


def test_a_criterion_that_is_not_mandatory_may_be_missing_from_the_mean() -> None:
    criteria = [{"name": "fluency"}, {"name": "grammar", "mandatory": False}, {"name": "overall"}]
    computing = small(criteria=criteria, overall={"criterion": "overall", "compute": "mean"})
    assert computing.computed({"fluency": 6}) == 6
    assert computing.computed({"fluency": 6, "grammar": 7}) == 6.5
    assert computing.computed({"grammar": 7}) is None


@pytest.mark.parametrize(
    ("scale", "parts", "overall", "far"),
    [
        ({"min": 0, "max": 5, "step": 1}, (4, 3), 1, True),
        ({"min": 0, "max": 5, "step": 1}, (4, 3), 3, False),
        ({"min": 0, "max": 5, "step": 1}, (4, 3), 4, False),
        ({"min": 0, "max": 5, "step": 1}, (4, 3), 5, True),
        (NUMERIC, (6, 7), 6, False),
        (NUMERIC, (6, 7), 5, True),
        ({"min": 0, "max": 100, "step": 1}, (70, 80), 66, False),
        ({"min": 0, "max": 100, "step": 1}, (70, 80), 60, True),
        ({"labels": ["A1", "A2", "B1", "B2", "C1", "C2"]}, (2, 3), 2, False),
        ({"labels": ["A1", "A2", "B1", "B2", "C1", "C2"]}, (2, 3), 0, True),
    ],
)
def test_an_overall_value_is_far_from_the_others_by_the_measure_of_the_scale(
    scale: dict[str, Any], parts: tuple[float, float], overall: float, far: bool
) -> None:
    assert small(scale=scale).is_far(overall, {"fluency": parts[0], "grammar": parts[1], "overall": overall}) is far


def test_one_other_value_is_too_few_to_call_the_overall_one_far() -> None:
    assert not small().is_far(1, {"fluency": 9})


@given(st.floats())
def test_a_numeric_scale_takes_its_own_values_only(number: float) -> None:
    scale = NumericScale.model_validate(NUMERIC)
    try:
        value = scale.take(number)
    except OffScale:
        assert number not in [step / 2 for step in range(19)]
    else:
        assert value in [step / 2 for step in range(19)]


def test_a_scale_of_labels_counts_places_and_shows_labels() -> None:
    scale = rubric("cefr").scale
    assert isinstance(scale, LabelScale)
    assert scale.take(3) == 3.0
    assert scale.label(3.0) == scale.shown(3.0) == "B2"
    with pytest.raises(OffScale, match=r"^6 is not one of A1"):
        scale.take(6)


def test_a_numeric_value_is_shown_without_needless_zeros() -> None:
    assert rubric().scale.shown(6.0) == "6"
    assert rubric().scale.label(6.0) == ""


@pytest.mark.parametrize(
    "text", ["fluencyAndCoherence", "fluency_and_coherence", "Fluency And Coherence", "FLUENCY-AND-COHERENCE"]
)
def test_a_name_is_its_words_whatever_the_spelling(text: str) -> None:
    assert key(text) == ("fluency", "and", "coherence")


def test_long_values_are_quoted_in_part() -> None:
    assert quoted("6+") == "'6+'"
    assert quoted({"a": 1}) == "'{\"a\": 1}'"
    assert quoted("x" * 100).endswith("...'")
