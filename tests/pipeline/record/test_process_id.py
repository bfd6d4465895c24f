"""The identity of a process differs from every other's, dead or alive, here or elsewhere."""

import os
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from pipeline.record import process_id as owner_module
from pipeline.record.process_id import ProcessId, is_gone, this_process

SAY_WHO = "from pipeline.record.process_id import this_process; print(this_process(), flush=True); input()"


def test_an_owner_survives_the_database() -> None:
    assert ProcessId.parse(str(this_process())) == this_process()


@pytest.mark.parametrize("text", ["", "host", "host:pid:1"])
def test_what_is_no_owner_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|invalid literal"):
        ProcessId.parse(text)


@pytest.mark.parametrize("system", ["Linux", "one without /proc"])
def test_a_process_lives_until_it_ends(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without = system != "Linux"
    if without:
        monkeypatch.setattr(owner_module, "_read", lambda path: "")
    with subprocess.Popen([sys.executable, "-c", SAY_WHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        other = ProcessId.parse(process.stdout.readline().decode().strip())
        if without:
            other = ProcessId(this_process().place, other.pid, str(psutil.Process(other.pid).create_time()))
        assert other != this_process() and is_gone(other) is False
        assert is_gone(replace(other, started="1")) is True, "its number belongs to someone else now"
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(other) is True, "dead, though its parent has not looked yet"
    assert is_gone(other) is True


def test_a_process_elsewhere_cannot_be_seen() -> None:
    assert is_gone(replace(this_process(), place="another-host/0/0")) is None
