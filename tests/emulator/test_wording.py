"""Scores of any rubric, as the examiner says, writes and reports them."""

from typing import Any

import pytest

from gemini_live_emulator.protocol.functions import Marks, fill
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.wording import in_words, written

LEVELS: dict[str, float | str] = {"range": "B2", "fluency": "B1", "coherence": "C1", "overall": "B2"}


@pytest.mark.parametrize(
    ("score", "digits", "words"),
    [
        (0.0, "0", "zero"),
        (6.5, "6.5", "six point five"),
        (7.25, "7.25", "seven point two five"),
        (13.0, "13", "thirteen"),
        (85.0, "85", "eighty-five"),
        (90.0, "90", "ninety"),
        (115.0, "115", "one hundred and fifteen"),
        (200.0, "200", "two hundred"),
        ("B2", "B2", "B2"),
    ],
)
def test_a_score_is_written_and_said(score: float | str, digits: str, words: str) -> None:
    assert (written(score), in_words(score)) == (digits, words)


def test_a_scenario_may_give_labels_and_numbers() -> None:
    text = "examiner: {scores: {range: B2, fluency: 85, overall: '7'}}"
    assert Scenario.parse(text, "x").examiner.scores == {"range": "B2", "fluency": 85, "overall": "7"}


@pytest.mark.parametrize(
    "one",
    [{"type": "string", "enum": ["A1", "A2", "B1", "B2", "C1", "C2"]}, {"type": "string"}],
)
def test_a_function_that_takes_labels_gets_them(one: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": dict.fromkeys(LEVELS, one)}
    assert fill(schema, Marks(LEVELS, ["I live in a town."])) == LEVELS


def test_an_array_of_labels_gets_each_of_them_with_a_quote() -> None:
    entry = {"criterion": {"type": "string"}, "level": {"type": "string"}, "evidence": {"type": "string"}}
    schema = {"type": "array", "items": {"type": "object", "properties": entry}}
    filled = fill(schema, Marks(LEVELS, ["I live in a town."]))
    assert {each["criterion"]: each["level"] for each in filled} == LEVELS
    assert all("candidate said" in each["evidence"] for each in filled)


def test_a_criterion_is_not_taken_for_one_that_is_called_so_elsewhere() -> None:
    schema = {"type": "object", "properties": {"coherence": {"type": "number"}, "fluency": {"type": "number"}}}
    assert fill(schema, Marks({"fluency": 5, "coherence": 7}, [])) == {"coherence": 7, "fluency": 5}


def test_no_number_is_made_of_a_label() -> None:
    assert fill({"type": "number"}, Marks(LEVELS, []), "range") is None
