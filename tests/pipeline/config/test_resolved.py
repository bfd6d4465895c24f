from pathlib import Path

import pytest

from pipeline.config.loading import load
from pipeline.config.resolved import Config

CONFIGS = Path(__file__).parents[3] / "configs"
FILES = sorted(path.name for path in CONFIGS.glob("*.yaml") if path.name != "prices.yaml")


def config(name: str) -> Config:
    return load(CONFIGS / name, {"GEMINI_API_KEY": "AIza-not-a-key"})


@pytest.mark.parametrize("name", FILES)
def test_every_config_here_is_right_and_shows_no_key(name: str) -> None:
    loaded = config(name)
    assert loaded.name == name.removesuffix(".yaml")
    assert "AIza-not-a-key" not in str(loaded.resolved()) + repr(loaded)


@pytest.mark.parametrize("name", FILES)
def test_every_config_here_says_why_it_is_here(name: str) -> None:
    assert (CONFIGS / name).read_text().startswith("# ")


def test_offline_needs_no_key_and_has_the_stages_of_the_baseline() -> None:
    offline, baseline = load(CONFIGS / "offline.yaml", {}), config("baseline.yaml")
    assert offline.emulator is not None and offline.emulator.scenario == "plain"
    assert baseline.emulator is None
    assert [plan.use for plan in offline.stages] == [plan.use for plan in baseline.stages]
    other = {"key", "plan"}  # the demo's exam is a short one
    for ours, theirs in zip(offline.stages, baseline.stages, strict=True):
        assert ours.settings is not None and theirs.settings is not None
        assert ours.settings.model_dump(exclude=other) == theirs.settings.model_dump(exclude=other)


def test_native_audio_is_connected_as_in_the_report() -> None:
    settings = config("native-audio-2.5.yaml").stage("gemini_live").settings
    assert settings is not None
    expected = {
        "model": "gemini-2.5-flash-native-audio-preview-12-2025",
        "temperature": 0,
        "voice": "Aoede",
        "thinking_budget": 1024,
        "transcribe_caller": True,
        "transcribe_examiner": True,
        "resumption": True,
        "compression": False,
        "backoff": (1, 2, 4),
    }
    assert settings.model_dump(include=set(expected)) == expected


def test_the_flush_experiment_has_two_arms_and_one_difference() -> None:
    experiment = config("flush-experiment.yaml")
    timer, valley = (experiment.for_arm(arm).resolved() for arm in ("timer", "valley"))
    different = [one["as"] for one, other in zip(timer["stages"], valley["stages"], strict=True) if one != other]
    assert different == ["manual_vad"]
    flushes = [[one["flush"] for one in arm["stages"] if one["as"] == "manual_vad"] for arm in (timer, valley)]
    assert flushes == [["timer"], ["valley"]]
    assert {experiment.for_call("call", f"caller-{number}").arm for number in range(30)} == {"timer", "valley"}
