from collections import Counter
from math import inf, nan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.experiments.assignment import assign
from pipeline.config.patch import patched

names = st.text(max_size=12)
weight = st.floats(min_value=0.01, max_value=1000)
arms = st.dictionaries(names, weight, min_size=1, max_size=6)


def test_an_arm_once_dealt_is_dealt_for_ever() -> None:
    # Written down in November 2026. If this fails, every running experiment deals its callers anew.
    dealt = [assign("flush", f"caller-{number}", {"timer": 1, "pause": 1}) for number in range(8)]
    assert dealt == ["timer", "pause", "timer", "timer", "timer", "pause", "pause", "timer"]


@given(names, names, arms)
def test_the_order_of_arms_changes_nothing(experiment: str, unit: str, weights: dict[str, float]) -> None:
    backwards = dict(reversed(weights.items()))
    assert assign(experiment, unit, weights) == assign(experiment, unit, backwards) in weights


@given(names, names, arms, st.sampled_from([0.25, 2.0, 64.0]))
def test_only_the_ratios_of_weights_matter(
    experiment: str, unit: str, weights: dict[str, float], factor: float
) -> None:
    # Powers of two scale floats without rounding.
    scaled = {arm: one * factor for arm, one in weights.items()}
    assert assign(experiment, unit, weights) == assign(experiment, unit, scaled)


@given(names, names, arms, st.data())
def test_more_weight_for_an_arm_moves_units_only_into_it(
    experiment: str, unit: str, weights: dict[str, float], data: st.DataObject
) -> None:
    grown = data.draw(st.sampled_from(sorted(weights)))
    before = assign(experiment, unit, weights)
    after = assign(experiment, unit, weights | {grown: weights[grown] + data.draw(weight)})
    assert after in (before, grown)


@given(names, names, arms, names, weight)
def test_a_new_arm_only_takes_units_and_its_removal_gives_them_back(
    experiment: str, unit: str, weights: dict[str, float], new: str, its_weight: float
) -> None:
    without = {arm: one for arm, one in weights.items() if arm != new} or {new + "!": 1.0}
    before = assign(experiment, unit, without)
    assert assign(experiment, unit, without | {new: its_weight}) in (before, new)


@pytest.mark.parametrize("weights", [{"a": 1, "b": 1}, {"a": 1, "b": 3}, {"a": 5, "b": 3, "c": 2}])
def test_arms_get_units_by_their_weights(weights: dict[str, float]) -> None:
    units = 4000
    counts = Counter(assign("exam", f"+4930{number}", weights) for number in range(units))
    for arm, one in weights.items():
        share = one / sum(weights.values())
        deviation = sqrt(units * share * (1 - share))
        assert abs(counts[arm] - units * share) < 4 * deviation


def test_an_arm_of_weight_zero_gets_nobody() -> None:
    assert {assign("exam", str(unit), {"on": 0.001, "off": 0}) for unit in range(200)} == {"on"}


def test_two_experiments_deal_independently() -> None:
    weights = {"a": 1.0, "b": 1.0}
    same = sum(assign("one", str(unit), weights) == assign("two", str(unit), weights) for unit in range(2000))
    assert abs(same - 1000) < 4 * sqrt(500)


def test_where_one_name_ends_and_the_next_begins_matters() -> None:
    weights = {"a": 1.0, "b": 1.0}
    same = sum(assign("ab", f"c{unit}", weights) == assign("a", f"bc{unit}", weights) for unit in range(2000))
    assert abs(same - 1000) < 4 * sqrt(500)


def test_a_unit_that_is_not_valid_unicode_is_dealt_an_arm_too() -> None:
    assert assign("exam", "\ud800", {"a": 1.0}) == "a"


@pytest.mark.parametrize("weights", [{}, {"a": 0.0}, {"a": 0.0, "b": 0.0}])
def test_no_arm_with_weight_is_an_error(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="experiment 'exam': no arm has a weight above 0"):
        assign("exam", "someone", weights)


@pytest.mark.parametrize("bad", [-1.0, nan, inf])
def test_a_weight_that_is_no_weight_is_an_error(bad: float) -> None:
    with pytest.raises(ValueError, match="the weight of arm 'b' is not a finite number"):
        assign("exam", "someone", {"a": 1.0, "b": bad})


def test_a_change_reaches_into_lists_and_mappings_of_a_copy() -> None:
    document = {"stages": [{"use": "a"}, {"use": "b", "depth": {"x": 1}}]}
    assert patched(document, ("stages", 1, "depth", "x"), 2) == {
        "stages": [{"use": "a"}, {"use": "b", "depth": {"x": 2}}]
    }
    assert document["stages"][1] == {"use": "b", "depth": {"x": 1}}


def test_mappings_on_the_way_are_made() -> None:
    assert patched({"a": None}, ("a", "b", "c"), 1) == {"a": {"b": {"c": 1}}}
    assert patched({}, ("budget", "usd"), 1) == {"budget": {"usd": 1}}


@pytest.mark.parametrize("keys", [("text", "x"), ("list", "x"), ("list", 2), ("map", 0), ("nothing", 0)])
def test_a_change_inside_something_without_such_keys_is_an_error(keys: tuple[str | int, ...]) -> None:
    document = {"text": "abc", "list": [1, 2], "map": {"x": 1}, "nothing": None}
    with pytest.raises(ValueError, match=f"{keys[-1]} cannot be set"):
        patched(document, keys, 1)
