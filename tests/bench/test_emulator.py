import json
import runpy
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.emulator import main, rehearse

pytestmark = pytest.mark.real_time


def test_an_exam_is_held_on_imagined_time() -> None:
    facts = rehearse(minutes=3)
    assert 150 < facts["exam_seconds"] < 240


def test_sessions_are_held_and_measured(tmp_path: Path) -> None:
    scenario = tmp_path / "quick.yaml"
    scenario.write_text("examiner: {latency: 0.1}\nmodel: {holds: false, speed: 1000}\n")
    options = ["--sessions", "2", "--seconds", "0.5", "--answer", "0.2", "--scenario", str(scenario)]
    lines = CliRunner().invoke(main, options).output.splitlines()
    facts = json.loads(lines[-1])
    assert (facts["sessions"], facts["failed"]) == (2, 0)
    assert facts["turns"] >= 4
    assert facts["reply_ms_p50"] >= 100
    assert facts["cpu_ms_per_session_second"] > 0


def test_a_session_that_is_cut_is_counted_as_failed(tmp_path: Path) -> None:
    scenario = tmp_path / "cut.yaml"
    scenario.write_text("faults: [{fault: cut, turn: 1, times: 0, connection: 1}]\nmodel: {speed: 1000}\n")
    options = ["--sessions", "1", "--seconds", "0.2", "--answer", "0.1", "--scenario", str(scenario)]
    facts = json.loads(CliRunner().invoke(main, options).output.splitlines()[-1])
    assert (facts["sessions"], facts["failed"], facts["turns"]) == (1, 1, 0)


def test_python_m_emulator_bench_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--help"])
    monkeypatch.delitem(sys.modules, "bench.emulator")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("bench.emulator", run_name="__main__")
    assert ended.value.code == 0
    assert "--sessions" in capsys.readouterr().out
