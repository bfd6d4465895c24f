"""The identity of a process that outlives it, and whether the process still runs."""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process. `place` is where its number is unique: a host, one boot of it, one PID namespace."""

    place: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.place}:{self.pid}:{self.started}"

    @classmethod
    def parse(cls, text: str) -> "ProcessId":
        """The process that `str` wrote. Raises ValueError for anything else."""
        place, pid, started = text.rsplit(":", 2)
        return cls(place, int(pid), started)


def this_process() -> ProcessId:
    """The running process."""
    pid = os.getpid()
    return ProcessId(_place(), pid, _started(pid) or "")


def is_gone(process: ProcessId) -> bool | None:
    """Whether the process has ended; None when it runs in another place and cannot be seen from here."""
    if process.place != _place():
        return None
    return _started(process.pid) != process.started


def _place() -> str:
    # A container or a reboot has process numbers of its own under the same host name.
    boot = _read(Path("/proc/sys/kernel/random/boot_id"))[:8]
    try:
        table = str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        table = ""
    return "/".join((socket.gethostname(), boot, table))


def _started(pid: int) -> str | None:
    """When a process began, in a form that does not change while it lives; None if there is none."""
    # proc(5): field 22 of stat counts from boot, so a corrected wall clock does not move it, as it moves psutil's
    # create_time. The name in field 2 may itself hold spaces and brackets.
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    if fields:
        return None if fields[0] in "ZX" else fields[19]
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
    except psutil.Error:
        return None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
