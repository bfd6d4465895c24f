import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from emulator import Scenario
from emulator.cli import catalogue, command
from emulator.faults import FAULTS
from emulator.scenario import names

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "emulator", "--scenario", "scripted", "--port", "0", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_announces_itself_in_one_line_of_json_and_ends_with_its_stdin() -> None:
    child = start("--announce")
    facts = json.loads(child.stdout.readline())
    assert facts["url"].startswith("https://127.0.0.1:")
    assert Path(facts["ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert facts["pid"] == child.pid
    out, err = child.communicate(timeout=10)
    assert (child.returncode, out, err) == (0, "", "")
    assert not Path(facts["ca_file"]).exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_quietly_when_told_to(number: signal.Signals) -> None:
    child = start("--announce")
    child.stdout.readline()
    child.send_signal(number)
    assert child.wait(10) == 0
    assert child.communicate() == ("", "")


def test_it_tells_a_person_how_to_connect(tmp_path: Path) -> None:
    child = start("--truth", str(tmp_path / "truth.jsonl"))
    lines = [child.stdout.readline() for _ in range(5)]
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0
    child.communicate()
    assert "they assess nobody" in lines[1]
    assert "SSL_CERT_FILE" in lines[3]
    assert "genai.Client" in lines[4]
    assert json.loads((tmp_path / "truth.jsonl").read_text().splitlines()[0])["what"] == "server.started"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--scenario", "plane"], "no scenario 'plane'"),
        (["--scenario", "scripted+quotaa"], "did you mean quota?"),
        (["--scenario", "scripted", "--host", "300.1.1.1"], "300.1.1.1"),
        (["--port", "many"], "not a valid integer"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_failure(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code != 0
    assert words in result.output
    assert "Traceback" not in result.output


def test_the_list_names_every_scenario_and_fault_in_a_line() -> None:
    listed = CliRunner().invoke(command, ["--list"]).output
    assert listed.strip() == catalogue()
    for name in [*names(), *FAULTS]:
        assert sum(line.split()[:1] == [name] for line in listed.splitlines()) == 1


def test_a_scenario_and_faults_are_added_up() -> None:
    scenario = Scenario.load("scripted+quota+usage_twice")
    assert [rule.fault for rule in scenario.faults] == ["quota", "usage_twice"]
    assert len(Scenario.load("lost-network+quota").faults) == 3
