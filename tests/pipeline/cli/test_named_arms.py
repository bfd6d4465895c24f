"""Each arm that the documents and the help of the commands name is an arm of a config that comes with Colloquy."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
PLACES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "pipeline/cli").glob("*.py")]
PLACES += (ROOT / "configs").glob("*.yaml")
NAMED = [
    (path.name, arm) for path in PLACES for arm in re.findall(r"--arm ([a-z][\w-]*)", path.read_text(encoding="utf-8"))
]


def arms() -> set[str]:
    shipped = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "configs").glob("*.yaml")]
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    configs = [*shipped, *map(yaml.safe_load, examples)]
    return {
        arm for config in configs if isinstance(config, dict) for arm in config.get("experiment", {}).get("arms", {})
    }


@pytest.mark.parametrize(("place", "arm"), NAMED)
def test_an_arm_that_is_named_exists(place: str, arm: str) -> None:
    assert arm in arms(), f"{place} names an arm that no config has"


def test_arms_are_named_somewhere() -> None:
    assert NAMED
