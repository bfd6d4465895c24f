import pytest

from pipeline.config import registry
from support.configs import LOUDNESS, MODEL, SECRET, Folder, folder, stages
from support.examples import LoudnessSettings, Model

__all__ = ["folder"]

EXPERIMENT = """
budget: {minutes: 10}
experiment:
  arms:
    plain: {}
    quiet: {weight: 2, set: {Loudness.floor: -60, budget.minutes: 5}}
    swapped: {set: {Loudness.use: support.examples:Model, Loudness.model: m, Model.key: "${OTHER}"}}
"""


def test_an_arm_changes_what_it_says_and_nothing_else(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS, f"{MODEL}, model: x", more=EXPERIMENT), {"OTHER": SECRET})
    quiet = config.for_arm("quiet")
    assert quiet.arm == "quiet"
    assert quiet.stage("Loudness").settings == LoudnessSettings(floor=-60)
    assert (quiet.budget.minutes, config.budget.minutes) == (5, 10)
    assert quiet.stage("Model") == config.stage("Model")
    assert config.for_arm("plain").stages == config.stages


def test_an_arm_may_put_another_class_under_the_same_name(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS, f"{MODEL}, model: x", more=EXPERIMENT), {"OTHER": SECRET})
    assert config.for_arm("swapped").stage("Loudness").cls is Model


def test_the_record_keeps_the_arms_without_their_secrets(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS, f"{MODEL}, model: x", more=EXPERIMENT), {"OTHER": SECRET})
    kept = config.for_arm("swapped").resolved()["experiment"]
    assert kept == {
        "name": "exam",
        "unit": "caller",
        "arm": "swapped",
        "arms": {
            "plain": {"weight": 1, "set": {}},
            "quiet": {"weight": 2, "set": {"Loudness.floor": -60, "budget.minutes": 5}},
            "swapped": {
                "weight": 1,
                "set": {
                    "Loudness.use": "support.examples:Model",
                    "Loudness.model": "m",
                    "Model.key": "**********",
                },
            },
        },
    }
    assert SECRET not in repr(config) + repr(config.experiment)


def test_a_caller_keeps_an_arm_and_a_call_gets_its_own(folder: Folder) -> None:
    by_caller = folder.load(stages(LOUDNESS, f"{MODEL}, model: x", more=EXPERIMENT), {"OTHER": SECRET})
    assert {by_caller.for_call(f"call-{number}", "anna").arm for number in range(50)} == {
        by_caller.for_call("another", "anna").arm
    }
    text = stages(LOUDNESS, more="experiment: {unit: call, arms: {a: {}, b: {}}}")
    assert {folder.load(text).for_call(f"call-{number}", "anna").arm for number in range(50)} == {"a", "b"}


def test_without_an_experiment_every_call_has_the_config_as_it_is(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS))
    assert config.for_call("call", "anna") is config


def test_the_config_of_an_arm_is_that_of_each_of_its_calls(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS, more="experiment: {arms: {a: {}, b: {}}}")).for_arm("a")
    assert config.for_call("call", "anna") is config


def test_asking_for_an_unknown_stage_or_arm_names_the_known_ones(folder: Folder) -> None:
    config = folder.load(stages(LOUDNESS, more="experiment: {arms: {a: {}, b: {}}}"))
    with pytest.raises(KeyError, match="known names: a, b"):
        config.for_arm("c")
    with pytest.raises(KeyError, match='did you mean "Loudness"'):
        config.stage("Loudnes")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            "Loudness.flor: 1",
            "exam.yaml: experiment.arms.b.set.Loudness.flor: extra inputs are not permitted;"
            ' known names: bands, floor, unit; did you mean "floor"? (line 6)',
        ),
        (
            "Loudness.floor: 1",
            "exam.yaml: experiment.arms.b.set.Loudness.floor: input should be less than or equal to 0;"
            " expected level in dB below which nothing counts (line 6)",
        ),
        (
            "loudness.floor: -1",
            'exam.yaml: experiment.arms.b.set.loudness.floor: no stage "loudness";'
            ' known names: Loudness, budget, prices; did you mean "Loudness"? (line 6)',
        ),
        (
            "Loudness: 1",
            "exam.yaml: experiment.arms.b.set.Loudness: expected `Loudness.key`, a key of that stage (line 6)",
        ),
        (
            "Loudness.as: x",
            "exam.yaml: experiment.arms.b.set.Loudness.as: expected `Loudness.key`, a key of that stage (line 6)",
        ),
        (
            "listen.port: 1",
            "exam.yaml: experiment.arms.b.set.listen.port:"
            " an arm may change stages, budget and prices, but not listen (line 6)",
        ),
        (
            "Loudness.floor.deep: 1",
            "exam.yaml: experiment.arms.b.set.Loudness.floor.deep:"
            " deep cannot be set: it would be inside a value that has no such key (line 6)",
        ),
        (
            "Loudness.use: support.examples:Model",
            "exam.yaml: experiment.arms.b.set: with these changes, stages.0.model: field required (line 6)",
        ),
        (
            "Loudness.use: nothing",
            'exam.yaml: experiment.arms.b.set.Loudness.use: unknown stage "nothing"; expected a known name or'
            f" package.module:Class; known names: {', '.join(sorted(registry.STAGES))} (line 6)",
        ),
    ],
)
def test_a_slip_in_an_arm_is_found_before_anybody_calls(folder: Folder, change: str, complaint: str) -> None:
    text = stages(f"{LOUDNESS}, floor: -1", more="experiment:\n  arms:\n    a: {}\n    b: {set: {" + change + "}}\n")
    assert complaint in folder.complaints(text)


def test_an_arm_that_is_wrong_where_the_config_is_wrong_is_still_found(folder: Folder) -> None:
    text = stages(f"{LOUDNESS}, floor: 2", more="experiment: {arms: {a: {set: {Loudness.floor: 3}}, b: 1}}")
    keys = [line.split(": ")[1] for line in folder.complaints(text)]
    assert keys == ["stages.0.floor", "experiment.arms.b", "experiment.arms.a.set.Loudness.floor"]


def test_an_experiment_in_which_nobody_can_take_part_is_refused(folder: Folder) -> None:
    text = stages(LOUDNESS, more="experiment: {arms: {a: {weight: 0}}}")
    assert folder.complaints(text) == ["exam.yaml: experiment.arms: no arm has a weight above 0 (line 3)"]
