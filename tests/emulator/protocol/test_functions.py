from typing import Any

import pytest

from gemini_live_emulator.protocol.functions import Function, Marks, choose, criterion_of, declared, fill
from gemini_live_emulator.scenario import Examiner

SCORES = Examiner().scores
MARKS = Marks(SCORES, ["my name is Bruce", "the town is small and has a lake"])
FEW = Marks(SCORES, [], enough=False)


@pytest.mark.parametrize(
    ("name", "criterion"),
    [
        ("fluency", "fluency"),
        ("fluencyScore", "fluency"),
        ("lexical_resource", "vocabulary"),
        ("Grammatical Range", "grammar"),
        ("overallBand", "overall"),
        ("comment", None),
    ],
)
def test_a_criterion_is_known_by_its_names(name: str, criterion: str | None) -> None:
    assert criterion_of(name, SCORES) == criterion


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "NUMBER"}, 6.5),
        ({"type": "INTEGER", "maximum": 5}, 5),
        ({"type": "number", "minimum": 8}, 8),
        ({"type": "BOOLEAN"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "number"]}, 6.5),
        ({"anyOf": [{"type": "null"}, {"type": "number"}]}, 6.5),
        ({"enum": ["a", "b"]}, "a"),
        ({"items": {"type": "number"}}, [6.5]),
        ({"properties": {"grammar": {"type": "number"}}}, {"grammar": 6.0}),
        (
            {"type": "object", "properties": {"grammar": {"properties": {"band": {"type": "number"}}}}},
            {"grammar": {"band": 6.0}},
        ),
        ({"type": "object", "properties": {"grammar": {"enum": ["5", "6", "7"]}}}, {"grammar": "6"}),
        (
            {
                "type": "array",
                "items": {
                    "properties": {"criterion": {"type": "string", "enum": ["Grammar"]}, "band": {"type": "number"}}
                },
            },
            [{"criterion": "Grammar", "band": 6.0}],
        ),
        ({"type": "object", "properties": {"grammar": {"enum": ["low", "high"]}}}, {"grammar": "low"}),
        (
            {"type": "object", "properties": {"criterion": {"type": "string"}}},
            {"criterion": 'The candidate said "my name is Bruce".'},
        ),
        ("nonsense", None),
    ],
)
def test_a_schema_is_filled_with_marks(schema: Any, value: Any) -> None:
    assert fill(schema, MARKS) == value


def test_an_array_of_criteria_has_one_entry_for_each() -> None:
    item = {
        "type": "object",
        "properties": {
            k: {"type": t} for k, t in (("criterion", "string"), ("band", "number"), ("evidence", "string"))
        },
    }
    filled = fill({"type": "array", "items": item}, MARKS)
    assert {entry["criterion"]: entry["band"] for entry in filled} == SCORES
    assert all("The candidate said" in entry["evidence"] for entry in filled)


def test_evidence_quotes_words_that_were_heard() -> None:
    assert MARKS.evidence("fluency") == 'The candidate said "my name is Bruce".'
    assert MARKS.evidence("vocabulary") == 'The candidate said "town is small and has a".'
    assert FEW.evidence("fluency") == "Nothing was heard."


@pytest.mark.parametrize(
    "schema", [{"type": "NUMBER", "nullable": True}, {"anyOf": [{"type": "number"}, {"type": "null"}]}]
)
def test_nullable_numbers_are_null_when_too_little_was_said(schema: Any) -> None:
    assert fill(schema, FEW) is None
    assert fill({"type": "NUMBER"}, FEW) == 6.5


def test_functions_are_declared_either_way() -> None:
    tools = [
        {"functionDeclarations": [{"name": "a", "parameters": {"type": "OBJECT"}}]},
        {"googleSearch": {}},
        {
            "functionDeclarations": [
                {"name": "b", "parametersJsonSchema": {"type": "object"}, "behavior": "NON_BLOCKING"}
            ]
        },
    ]
    assert declared(tools) == [
        Function("a", {"type": "OBJECT"}, None),
        Function("b", {"type": "object"}, "NON_BLOCKING"),
    ]


def test_the_scoring_function_is_the_one_named_or_the_one_that_sounds_like_it() -> None:
    functions = [Function(name, {}, None) for name in ("lights", "report_score", "end")]
    assert choose(functions, "end") == functions[2]
    assert choose(functions, None) == functions[1]
    assert choose(functions[:1], "gone") == functions[0]
    assert choose([], None) is None
    assert functions[0].arguments(MARKS) == {}


@pytest.mark.parametrize("bounds", [{"minimum": float("inf")}, {"maximum": float("-inf")}, {"minimum": "7"}, {}])
def test_a_bound_that_bounds_nothing_is_passed_over(bounds: dict[str, Any]) -> None:
    assert fill({"type": "integer", **bounds}, MARKS, "vocabulary") == 6


def test_a_json_schema_that_is_no_object_takes_no_arguments() -> None:
    (function,) = declared([{"functionDeclarations": [{"name": "report_score", "parametersJsonSchema": True}]}])
    assert function.arguments(MARKS) == {}
