"""docs/emulator.md: its examples run as they stand, and its tables are complete."""

import asyncio
import re
import shutil
import sys
from pathlib import Path

import pytest

from gemini_live_emulator import Emulator, Scenario
from gemini_live_emulator.cli import greeting
from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.scenario import names
from gemini_live_emulator.session.simulated_client import SimulatedClient
from support.sdks import JAVASCRIPT, javascript_sdk

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "emulator.md").read_text()
GREETING = "Hello, and welcome. What is your name, and where do you live?"
QUICK = Scenario.load("scripted").changed(examiner={"latency": 0}, model={"holds": False, "speed": 1000.0})


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS, re.S)


async def run(emulator: Emulator, code: str, *command: str) -> str:
    """Run an example against this emulator instead of the one at port 8765."""
    code = re.sub(r"/tmp/gemini-live-\w+/emulator-ca\.pem", str(emulator.ca_file), code)
    code = code.replace("127.0.0.1:8765", f"127.0.0.1:{emulator.port}")
    child = await asyncio.create_subprocess_exec(
        *command, code, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    out, err = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 0, err.decode()
    return out.decode().strip()


@pytest.mark.parametrize(("number", "prints"), [(0, GREETING), (1, '"turnComplete":true')])
async def test_the_python_examples_run(number: int, prints: str) -> None:
    examples = [block for block in blocks("python") if "asyncio.run(main())" in block and "livekit" not in block]
    example = examples[number]
    async with Emulator(QUICK) as emulator:
        assert prints in await run(emulator, example, sys.executable, "-c")


async def test_the_javascript_example_runs(require_peers: bool) -> None:
    folder = await javascript_sdk(JAVASCRIPT[-1], require_peers)
    (example,) = blocks("js")
    example = example.replace('import { GoogleGenAI, Modality } from "@google/genai";', "")
    require = f'const {{ GoogleGenAI, Modality }} = require("{folder}/node_modules/@google/genai");'
    async with Emulator(QUICK) as emulator:
        code = f"{require} (async () => {{ {example} }})();"
        assert await run(emulator, code, "node", "-e") == GREETING


async def test_the_commands_for_the_text_endpoint_run(require_peers: bool) -> None:
    if shutil.which("curl") is None:
        (pytest.fail if require_peers else pytest.skip)("curl is not installed")
    commands = re.findall(r"^    (curl .*?[^\\])$", DOCS.replace("\\\n        ", ""), re.M)
    assert len(commands) == 2
    async with Emulator(QUICK) as emulator:
        answers = [await run(emulator, command, "sh", "-c") for command in commands]
    assert '"models/gemini-3.8-live"' in answers[0]
    assert "Too little was said." in answers[1]


def test_the_scenario_and_the_mistake_are_as_shown() -> None:
    example = next(block for block in blocks("yaml") if "name: mine" in block)
    scenario = Scenario.parse(example, "mine.yaml")
    assert scenario.faults[0].fault == "cut"
    with pytest.raises(ValueError, match=re.escape("examiner.qestions: Extra inputs are not permitted")) as caught:
        Scenario.parse(example.replace("questions", "qestions"), "mine.yaml")
    assert str(caught.value) in DOCS


def test_the_composed_faults_read() -> None:
    example = next(block for block in blocks("yaml") if "spurious_interrupted" in block)
    assert [rule.fault for rule in Scenario.parse(example, "x").faults] == ["spurious_interrupted", "mute"]


def test_the_simulated_client_prints_what_is_shown() -> None:
    example = next(block for block in blocks("python") if "SimulatedClient()" in block)
    it = SimulatedClient().set_up(sessionResumption={})
    it.begin()
    it.turn()
    notice = it.until("goAway", limit=600)
    assert f"# {notice.at} {notice.message}" in example


async def test_the_greeting_is_as_shown() -> None:
    async with Emulator(QUICK.changed(name="plain")) as emulator:
        printed = greeting(emulator)
        shown = re.sub(r"/tmp/gemini-live-\w+/emulator-ca\.pem", str(emulator.ca_file), DOCS)
    for line in printed.splitlines():
        assert line.replace(str(emulator.port), "8765") in shown


def test_the_tables_name_every_fault_and_scenario() -> None:
    for name in [*FAULTS, *names()]:
        assert f"`{name}`" in DOCS, name


def test_every_setting_that_is_named_exists() -> None:
    table = DOCS[DOCS.index("| behaviour | setting |") :]
    for name in re.findall(r"`(\w+\.\w+)`", table):
        part, key = name.split(".")
        fields = Scenario.load("plain").find_model("gemini-3.8-live") if part == "model" else getattr(QUICK, part)
        assert key in type(fields).model_fields, name


def test_every_event_of_the_truth_file_is_described() -> None:
    source = "".join(path.read_text() for path in (ROOT / "emulator" / "gemini_live_emulator").rglob("*.py"))
    for what in set(re.findall(r'(?:Note|write|_note)\(\s*"([a-z.]+)"', source)):
        assert f"`{what}`" in DOCS, what
