from pathlib import Path

import pytest

from gemini_live_emulator.scenario import Scenario, ScenarioError, names


@pytest.mark.parametrize("name", names())
def test_every_scenario_that_comes_along_reads_and_is_described(name: str) -> None:
    scenario = Scenario.load(name)
    assert scenario.name == name
    assert scenario.summary


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nexaminer: {questions: ['Why?']}\n")
    assert Scenario.load(path).examiner.questions == ("Why?",)


@pytest.mark.parametrize("key", ["on", "'on'"])
def test_a_rule_may_say_on_without_quotes(key: str) -> None:
    rule = Scenario.parse(f"faults: [{{fault: cut, {key}: activityEnd, nth: 2}}]\nmodel: {{holds: false}}", "x")
    assert (rule.faults[0].on, rule.faults[0].nth) == ("activityEnd", 2)
    assert rule.model == {"holds": False}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("examinr: {}", "mine.yaml: examinr: Extra inputs are not permitted"),
        ("examiner: {questions: []}", "questions: at least one is needed"),
        ("examiner: {scores: {fluency: 6.333}}", "scores.fluency: 6.333 is not a number from 0 to 999"),
        ("examiner: {scores: {fluency: -1}}", "scores.fluency: -1.0 is not a number from 0 to 999"),
        ("examiner: {scores: {fluency: .nan}}", "scores.fluency: nan is not a number from 0 to 999"),
        ("examiner: {scores: {fluency: .inf}}", "scores.fluency: inf is not a number from 0 to 999"),
        ("examiner: {scores: {fluency: true}}", "write a label in quotes"),
        ("examiner: {scores: {fluency: ' '}}", "scores.fluency: a label has 1 to 40 characters"),
        ("faults: [{fault: quotaa}]", "no fault 'quotaa'; did you mean quota?"),
        ("faults: [{fault: xyzzy}]", "no fault 'xyzzy'"),
        ("model: {lifetme: 3}", "lifetme"),
        ("aliases: {mine: gemini-9}", "gemini-9 is not one of"),
        ("a: [", "mine.yaml: not YAML"),
        ("just words", "mine.yaml: scenario"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.parse(text, "mine.yaml")
    assert words in str(caught.value)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match=r"known are .*plain"):
        Scenario.load("plane")


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ScenarioError, match=r"nowhere\.yaml: No such file"):
        Scenario.load("nowhere.yaml")


def test_a_change_keeps_what_it_does_not_name() -> None:
    plain = Scenario.load("plain")
    changed = plain.changed(examiner={"ending": {"call": "none"}}, seed=3)
    assert changed.examiner.ending.call == "none"
    assert changed.examiner.ending.farewell == plain.examiner.ending.farewell
    assert changed.examiner.questions == plain.examiner.questions
    assert changed.seed == 3


def test_a_scenario_may_change_a_model_and_name_another() -> None:
    scenario = Scenario(model={"lifetime": 30}, aliases={"mine": "gemini-3.8-live"})
    model = scenario.find_model("models/mine")
    assert model is not None
    assert (model.family, model.lifetime) == ("3.8", 30.0)
    assert scenario.find_model("other") is None
