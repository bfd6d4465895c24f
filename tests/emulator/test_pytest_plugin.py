"""The fixture, in the tests of somebody else's project."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

import gemini_live_emulator
from gemini_live_emulator.pytest_plugin import gemini_live, pytest_configure
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.server.listener import Emulator

__all__ = ["gemini_live"]

pytestmark = pytest.mark.real_time

THEIRS = """
import asyncio
import json
import ssl

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k"


async def dial(emulator):
    context = ssl.create_default_context(cafile=str(emulator.ca_file))
    async with connect(emulator.url.replace("https", "wss") + PATH, ssl=context) as socket:
        await socket.send(json.dumps({"setup": {"model": "models/gemini-3.8-live"}}))
        return await socket.recv()


def test_in_a_plain_test(gemini_live):
    assert b"setupComplete" in asyncio.run(dial(gemini_live))


@pytest.mark.gemini_live("scripted+key_invalid")
def test_with_a_fault(gemini_live):
    with pytest.raises(ConnectionClosed, match="API key not valid"):
        asyncio.run(dial(gemini_live))


@pytest.mark.gemini_live("nonsense")
@pytest.mark.xfail(raises=ValueError, strict=True)
def test_with_a_mistake(gemini_live):
    pass
"""


@pytest.mark.parametrize("conftest", ["", 'pytest_plugins = ["gemini_live_emulator.pytest_plugin"]\n'])
def test_the_fixture_runs_an_emulator_for_any_test(conftest: str, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_theirs.py").write_text(THEIRS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    ran = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, env={}, check=False)
    assert "2 passed, 1 xfailed" in ran.stdout, ran.stdout + ran.stderr


def test_the_plugin_costs_a_test_run_nothing_where_no_test_uses_it() -> None:
    program = "import sys, gemini_live_emulator.pytest_plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in loaded if name.startswith("gemini_live_emulator")] == [
        "gemini_live_emulator",
        "gemini_live_emulator.pytest_plugin",
    ]
    assert {"websockets", "pydantic", "numpy", "cryptography", "yaml", "click"}.isdisjoint(loaded)


def test_the_package_offers_two_names_and_no_other() -> None:
    assert gemini_live_emulator.Emulator is Emulator
    assert gemini_live_emulator.Scenario is Scenario
    with pytest.raises(AttributeError, match="has no attribute 'Emulater'"):
        _ = gemini_live_emulator.Emulater


PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k"


async def dial(emulator: Emulator) -> str | bytes:
    async with connect(emulator.plain_url.replace("http", "ws") + PATH) as raw:
        await raw.send(json.dumps({"setup": {"model": "models/gemini-3.8-live"}}))
        return await raw.recv()


def test_a_test_without_a_loop_of_its_own_can_use_it(gemini_live: Emulator) -> None:
    assert gemini_live.scenario.name == "scripted"
    assert asyncio.run(dial(gemini_live)) == b'{"setupComplete":{}}'


def test_the_marker_is_announced(pytestconfig: pytest.Config) -> None:
    pytest_configure(pytestconfig)
    assert any(line.startswith("gemini_live(scenario)") for line in pytestconfig.getini("markers"))


def test_an_emulator_that_cannot_start_says_why(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left for a certificate")

    monkeypatch.setattr("gemini_live_emulator.server.listener.issue", full)
    with pytest.raises(OSError, match="no space left"):
        request.getfixturevalue("gemini_live")
