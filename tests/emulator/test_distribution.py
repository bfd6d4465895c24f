"""Both distributions as wheels: what is in them, and the emulator's alone in somebody else's project."""

import asyncio
import email
import json
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from support.sdks import run

# Building and installing takes half a minute; a busy machine, or a slow package index, is given more.
pytestmark = [pytest.mark.real_time, pytest.mark.xdist_group("distribution"), pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
OURS = ("colloquy", "core", "processors", "transports", "pipeline")
TOO_HEAVY = {"pipecat-ai", "aiortc", "av", "dbos", "google-genai", "sqlalchemy", "fastapi", "colloquy"}
# What is not copied for the build: a stale `build/` would put files of yesterday into the wheel.
LEFT_OUT = ignore_patterns(".*", "build", "*.egg-info", "__pycache__", "node_modules", "var", "*.db*", "tests", "bench")

CONVERSATION = """
import asyncio
import json
import ssl
import sys

from websockets.asyncio.client import connect

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=any"
LOUD = (b"\\x00\\x10" * 20 + b"\\x00\\xf0" * 20) * 40  # 0.1 s at 16 kHz


async def main(url, ca_file):
    context = ssl.create_default_context(cafile=ca_file)
    async with connect(url.replace("https:", "wss:") + PATH, ssl=context) as socket:

        async def send(**message):
            await socket.send(json.dumps(message))

        async def reply():
            text, content = "", {}
            while "turnComplete" not in content:
                content = json.loads(await socket.recv()).get("serverContent", {})
                text += content.get("outputTranscription", {}).get("text", "")
            return text.strip()

        detection = {"automaticActivityDetection": {"disabled": True}}
        model = "models/gemini-3.8-live"
        await send(setup={"model": model, "realtimeInputConfig": detection, "outputAudioTranscription": {}})
        assert "setupComplete" in json.loads(await socket.recv())
        await send(realtimeInput={"text": "Begin."})
        print(await reply())
        await send(realtimeInput={"activityStart": {}})
        for _ in range(10):
            await send(realtimeInput={"audio": {"mimeType": "audio/pcm;rate=16000", "data": DATA}})
        await send(realtimeInput={"activityEnd": {}})
        print(await reply())


import base64
DATA = base64.b64encode(LOUD).decode()
asyncio.run(main(*sys.argv[1:]))
"""

THEIR_TESTS = """
import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=any"


async def set_up(emulator):
    async with connect(emulator.plain_url.replace("http:", "ws:") + PATH) as socket:
        await socket.send(json.dumps({"setup": {"model": "models/gemini-3.8-live"}}))
        return json.loads(await socket.recv())


def test_the_fixture_is_there(gemini_live):
    assert "setupComplete" in asyncio.run(set_up(gemini_live))


@pytest.mark.gemini_live("scripted+key_invalid")
def test_a_scenario_is_chosen_by_a_mark(gemini_live):
    with pytest.raises(ConnectionClosed, match="API key not valid"):
        asyncio.run(set_up(gemini_live))
"""


async def installed(require: bool, *command: str) -> None:
    """Run pip on the pinned versions, or skip with its reason where no package index is in reach."""
    try:
        await run(sys.executable, "-m", "pip", *command, PIP_DISABLE_PIP_VERSION_CHECK="1")
    except (AssertionError, TimeoutError) as error:
        if require:
            raise
        pytest.skip(f"pip could not do it: {str(error)[-300:]}")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout, so that a build leaves nothing in it."""
    return copytree(ROOT, tmp_path_factory.mktemp("source") / "checkout", ignore=LEFT_OUT)


@pytest.fixture(scope="module")
def wheels(checkout: Path, tmp_path_factory: pytest.TempPathFactory, require_peers: bool) -> dict[str, zipfile.ZipFile]:
    """Both wheels, by the name of their distribution."""
    target = tmp_path_factory.mktemp("wheels")
    build = ("wheel", "--no-deps", "--wheel-dir", str(target), str(checkout / "emulator"), str(checkout))
    asyncio.run(installed(require_peers, *build))
    return {path.name.partition("-")[0]: zipfile.ZipFile(path) for path in target.iterdir()}


@pytest.fixture(scope="module")
def theirs(wheels: dict[str, zipfile.ZipFile], tmp_path_factory: pytest.TempPathFactory, require_peers: bool) -> Path:
    """The `bin` folder of an environment with the emulator's wheel, pytest and nothing else of ours."""
    folder = tmp_path_factory.mktemp("theirs") / "venv"
    venv.create(folder, with_pip=False)
    wheel = wheels["gemini_live_emulator"].filename
    pip = (
        "--python",
        str(folder),
        "install",
        "--no-compile",
        "--constraint",
        str(ROOT / "constraints.txt"),
        str(wheel),
        "pytest",
    )
    asyncio.run(installed(require_peers, *pip))
    return folder / "bin"


def call(program: Path, *arguments: str, cwd: Path) -> str:
    """What a program prints in a folder of its own, with nothing of our environment."""
    command = [str(program), *arguments]
    ran = subprocess.run(command, cwd=cwd, env={}, capture_output=True, text=True, timeout=180, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def running(theirs: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the installed command announces of the emulator it runs."""
    command = [str(theirs / "gemini-live-emulator"), "--scenario", "scripted", "--port", "0", "--announce"]
    with subprocess.Popen(command, cwd=tmp_path, env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 0


def test_a_conversation_of_two_turns_needs_the_emulator_alone(
    running: dict[str, str], theirs: Path, tmp_path: Path
) -> None:
    (tmp_path / "conversation.py").write_text(CONVERSATION, encoding="utf-8")
    said = call(theirs / "python", "conversation.py", running["url"], running["ca_file"], cwd=tmp_path)
    assert said.splitlines() == [
        "Hello, and welcome. What is your name, and where do you live?",
        "Thank you. What is your town like?",
    ]


def test_the_fixture_serves_the_tests_of_another_project(theirs: Path, tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(THEIR_TESTS, encoding="utf-8")
    printed = call(theirs / "python", "-m", "pytest", "-q", "--strict-markers", "test_theirs.py", cwd=tmp_path)
    assert "2 passed" in printed


def test_every_scenario_comes_with_the_wheel(theirs: Path, tmp_path: Path) -> None:
    listed = call(theirs / "gemini-live-emulator", "--list", cwd=tmp_path)
    for path in (ROOT / "emulator" / "gemini_live_emulator" / "scenarios").glob("*.yaml"):
        assert f"\n  {path.stem} " in listed


def test_the_emulator_brings_no_media_stack_and_nothing_of_ours(theirs: Path, tmp_path: Path) -> None:
    names = "import importlib.metadata as m, json; print(json.dumps([d.metadata['Name'] for d in m.distributions()]))"
    found = {name.lower() for name in json.loads(call(theirs / "python", "-c", names, cwd=tmp_path))}
    assert {"gemini-live-emulator", "websockets", "pytest"} <= found
    assert found & TOO_HEAVY == set()
    find = f"import importlib.util as u; print([name for name in {OURS} if u.find_spec(name)])"
    assert call(theirs / "python", "-c", find, cwd=tmp_path).strip() == "[]"


def files(package: Path) -> set[str]:
    """Every file of a package, as a wheel names it."""
    return {path.relative_to(package.parent).as_posix() for path in package.rglob("*") if path.is_file()}


# Beside the recordings of `colloquy demo`, behind the same link.
UNPLAYED = {"pipeline/demo/answers/read.wav", "pipeline/demo/answers/score_cases.yaml"}


def test_the_wheels_hold_every_file_of_their_packages(checkout: Path, wheels: dict[str, zipfile.ZipFile]) -> None:
    packages = {
        "colloquy": [checkout / name for name in OURS],
        "gemini_live_emulator": [checkout / "emulator" / "gemini_live_emulator"],
    }
    for name, folders in packages.items():
        held = {entry for entry in wheels[name].namelist() if ".dist-info/" not in entry}
        assert held == set().union(*map(files, folders)) - UNPLAYED
    held = set(wheels["colloquy"].namelist())
    assert {"pipeline/http/web/index.html", "pipeline/record/migrations/versions/0001_sessions.py"} <= held
    assert {"gemini_live_emulator/py.typed"} <= set(wheels["gemini_live_emulator"].namelist())


@pytest.mark.parametrize("name", ["colloquy", "gemini_live_emulator"])
def test_a_wheel_has_its_licence_and_is_not_for_upload(name: str, wheels: dict[str, zipfile.ZipFile]) -> None:
    wheel = wheels[name]
    [metadata] = [entry for entry in wheel.namelist() if entry.endswith(".dist-info/METADATA")]
    fields = email.message_from_bytes(wheel.read(metadata))
    assert "Private :: Do Not Upload" in (fields.get_all("Classifier") or [])
    [licence] = [entry for entry in wheel.namelist() if entry.endswith("/LICENSE")]
    assert wheel.read(licence) == (ROOT / "LICENSE").read_bytes()
