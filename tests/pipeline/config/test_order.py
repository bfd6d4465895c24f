"""A stage that stands before the one that gives it what it takes is refused; nothing else about the row is."""

from pathlib import Path

import pytest
import yaml

from pipeline.config.loading import load
from pipeline.config.problems import ConfigError
from support.calls import CONFIGS

UTTERANCES = {"use": "support.examples:Utterances"}


def moved(stage: dict[str, str] | str, before: str, folder: Path, config: str = "offline") -> Path:
    """A config with a stage of its own, or one that is added, before another one; or at the end."""
    data = yaml.safe_load((CONFIGS / f"{config}.yaml").read_text(encoding="utf-8"))
    row = data["stages"]
    if isinstance(stage, str):
        one = next(one for one in row if one["use"] == stage)
        row.remove(one)
    else:
        one = stage
    names = [other["use"] for other in row]
    row.insert(names.index(before) if before else len(row), one)
    for other in row:
        for key in ("prompt", "rubric", "farewell", "plan"):
            if key in other:
                other[key] = str(CONFIGS / other[key])
    data["prices"] = str(CONFIGS / "prices.yaml")
    file = folder / "exam.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("stage", "before", "sentence"),
    [
        (UTTERANCES, "transcript", '"Utterances" takes UtteranceFrames, which "transcript" gives; put it behind'),
        (UTTERANCES, "resampler", '"Utterances" takes UtteranceFrames, which "transcript" gives; put it behind'),
        ("scoring", "transcript", '"scoring" takes UtteranceFrames, which "transcript" gives'),
        ("scoring", "exam", '"scoring" takes ScoringExpectedFrames, which "exam" gives'),
        ("exam", "gemini_live", '"exam" takes UtteranceFrames, which "transcript" gives'),
        ("transcript", "gemini_live", '"transcript" takes TranscriptionFrames, which "gemini_live" gives'),
        ("gemini_live", "manual_vad", '"gemini_live" takes UserStartedSpeakingFrames, which "manual_vad" gives'),
        ("manual_vad", "repetition", '"gemini_live" takes UserStartedSpeakingFrames, which "manual_vad" gives'),
        ("shadow", "", '"transcript" takes ShadowTextFrames, which "shadow" gives'),
        ("repetition", "shadow", '"repetition" takes TTSTextFrames, which "gemini_live" gives'),
    ],
)
def test_a_stage_before_the_one_that_it_takes_frames_of_is_refused(
    stage: dict[str, str] | str, before: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(moved(stage, before, tmp_path))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("before", ["exam", "scoring", ""])
def test_a_stage_behind_the_one_that_it_takes_frames_of_is_accepted(before: str, tmp_path: Path) -> None:
    assert "Utterances" in [plan.name for plan in load(moved(UTTERANCES, before, tmp_path)).stages]


def test_what_nobody_is_known_to_give_may_come_from_another_processor(tmp_path: Path) -> None:
    file = tmp_path / "exam.yaml"
    file.write_text(yaml.safe_dump({"stages": [UTTERANCES]}), encoding="utf-8")
    assert [plan.name for plan in load(file).stages] == ["Utterances"]


def test_an_arm_that_puts_a_stage_in_the_wrong_place_is_refused(tmp_path: Path) -> None:
    file = moved({"use": "support.examples:Loudness"}, "resampler", tmp_path)
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    data["experiment"] = {"arms": {"late": {"set": {"Loudness.use": "support.examples:Utterances"}}}}
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    with pytest.raises(ConfigError, match="takes UtteranceFrames"):
        load(file)
