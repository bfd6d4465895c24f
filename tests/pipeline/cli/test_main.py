import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from pipeline.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[3]

CONFIG = """
stages:
  - {use: support.examples:Model, model: m, key: "${COLLOQUY_TEST_KEY}"}
experiment: {arms: {a: {}, b: {set: {Model.model: other}}}}
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLLOQUY_TEST_KEY", "AIza-secret")
    path = tmp_path / "exam.yaml"
    path.write_text(CONFIG)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="colloquy")


def test_check_prints_what_a_config_comes_to(config: Path) -> None:
    result = run("check", config)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"# {config} is right: Model\n")
    printed = yaml.safe_load(result.stdout)
    assert printed["stages"][0]["key"] == "**********"
    assert printed["experiment"]["arms"]["b"] == {"weight": 1, "set": {"Model.model": "other"}}


def test_check_prints_json_too(config: Path) -> None:
    result = run("check", "--json", config)
    assert json.loads(result.stdout) == yaml.safe_load(run("check", config).stdout)


def test_check_shows_one_arm(config: Path) -> None:
    printed = json.loads(run("check", "--json", "--arm", "b", config).stdout)
    assert printed["experiment"]["arm"] == "b" and printed["stages"][0]["model"] == "other"


def test_an_unknown_arm_is_reported_with_the_known_ones(config: Path) -> None:
    result = run("check", "--arm", "c", config)
    assert result.exit_code == 2
    assert 'no arm "c"; known names: a, b' in result.stderr


def test_a_config_that_is_wrong_ends_with_2_and_a_sentence_a_problem(config: Path) -> None:
    config.write_text("stages: []\nnam: x\n")
    result = run("check", config)
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first.startswith(f"{config}: stages: ") and second.startswith(f"{config}: nam: ")


def test_a_config_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    result = run("check", tmp_path / "none.yaml")
    assert (result.exit_code, result.stderr) == (2, f"{tmp_path}/none.yaml: there is no such file\n")


def test_an_unknown_command_ends_with_2() -> None:
    result = run("chekc")
    assert result.exit_code == 2
    assert "No such command 'chekc'" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert command in result.stdout.partition("Example:")[2]


def test_help_lists_every_command() -> None:
    listed = run("--help").stdout
    assert all(f"\n  {command} " in listed for command in COMMANDS)


def test_help_imports_nothing_of_the_media() -> None:
    script = (
        "import sys\nfrom pipeline.cli.main import main\nmain(['--help'], standalone_mode=False)\n"
        "sys.exit(len({'pipecat', 'aiortc', 'google.genai'} & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_python_m_pipeline_finds_a_users_own_stage_and_keeps_quiet_about_pipecat(tmp_path: Path) -> None:
    (tmp_path / "my_school.py").write_text(
        "from processors.stage import Stage\nclass Nothing(Stage):\n    'Does nothing.'\n"
    )
    (tmp_path / "exam.yaml").write_text("stages: [{use: 'my_school:Nothing'}]\n")
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from pipeline.cli.main import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", script, "check", "exam.yaml"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("# exam.yaml is right: Nothing\n")


@pytest.mark.parametrize("content", [None, "raise RuntimeError('a folder of the user')\n"], ids=["empty", "package"])
def test_a_folder_of_our_packages_name_beside_a_config_hides_nothing(tmp_path: Path, content: str | None) -> None:
    for package in ("core", "pipeline", "processors"):
        (tmp_path / package).mkdir()
        if content is not None:
            (tmp_path / package / "__init__.py").write_text(content)
    (tmp_path / "my_school.py").write_text("from colloquy import Stage\nclass Nothing(Stage):\n    'Does nothing.'\n")
    (tmp_path / "exam.yaml").write_text("stages: [{use: transcript}, {use: 'my_school:Nothing'}]\n")
    script = Path(sys.executable).with_name("colloquy")
    result = subprocess.run([script, "check", "exam.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("# exam.yaml is right: transcript > Nothing\n")


def test_python_m_pipeline_is_the_same_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pipeline", "check", "nowhere.yaml"], cwd=ROOT, capture_output=True, text=True
    )
    assert (result.returncode, result.stderr) == (2, "nowhere.yaml: there is no such file\n")


def test_the_console_script_is_this_group() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"colloquy": "pipeline.cli.main:main"}
