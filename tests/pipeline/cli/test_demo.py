import tomllib
from pathlib import Path

from pipeline.cli.call import DEMO, DEMO_ANSWERS, DEMO_CONFIG
from pipeline.config.loading import load

ROOT = Path(__file__).parents[3]


def test_the_demo_plays_what_the_checkout_has() -> None:
    assert DEMO_CONFIG == ROOT / "configs" / "offline.yaml" and load(DEMO_CONFIG).emulator is not None
    assert [path.is_file() for path in DEMO_ANSWERS] == [True] * 3


def test_a_wheel_holds_everything_that_the_demo_plays() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    package = DEMO.parent
    packed = {path for pattern in setuptools["package-data"]["pipeline"] for path in package.glob(pattern)}
    # `**` of setuptools is every file below, of pathlib only the folders.
    packed = {inner for path in packed for inner in ([path] if path.is_file() else path.iterdir())}
    needed = {path for path in (DEMO / "configs").rglob("*") if path.is_file()}
    needed |= {DEMO / "answers" / path.name for path in DEMO_ANSWERS} | {DEMO / "answers" / "LICENSES.md"}
    assert len(needed) > 10 and needed - packed == set()
