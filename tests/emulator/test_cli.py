import asyncio
import json
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import gemini_live_emulator
from gemini_live_emulator import Emulator, Scenario
from gemini_live_emulator.cli import catalogue, command, serve
from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.scenario import names

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gemini_live_emulator", "--scenario", "scripted", "--port", "0", *arguments],
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
def test_a_signal_ends_it_quietly(number: signal.Signals) -> None:
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


def test_python_m_is_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gemini-live-emulator", "--list"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(gemini_live_emulator.__file__).with_name("__main__.py")), run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == catalogue()


@pytest.mark.parametrize("announce", [False, True])
async def test_it_serves_until_it_is_reported_to_end(announce: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    monkeypatch.setattr(click, "echo", said.put_nowait)
    ours, theirs = os.pipe()
    stdin = os.dup(0)
    os.dup2(ours, 0)
    try:
        emulator = Emulator("scripted")
        serving = asyncio.create_task(serve(emulator, announce))
        printed = await asyncio.wait_for(said.get(), 10)
        if announce:
            assert json.loads(printed)["url"] == emulator.url
            os.write(theirs, b"go on")
        else:
            assert printed.startswith(f"Scenario 'scripted' at {emulator.url}")
        _, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.close()
        assert not serving.done()
        if announce:
            os.close(theirs)
        else:
            os.kill(os.getpid(), signal.SIGTERM)
        await serving
    finally:
        os.dup2(stdin, 0)
        for number in (ours, stdin, *([] if announce else [theirs])):
            os.close(number)


async def test_a_parent_that_gives_no_stdin_is_a_parent_that_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A regular file cannot be waited for: it is at its end already.
    file, stdin = os.open(tmp_path / "stdin", os.O_CREAT), os.dup(0)
    os.dup2(file, 0)
    try:
        await serve(Emulator("scripted"), announce=True)
    finally:
        os.dup2(stdin, 0)
        os.close(stdin)
        os.close(file)
    assert json.loads(capsys.readouterr().out)["pid"] == os.getpid()
