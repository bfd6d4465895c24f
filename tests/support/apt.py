"""Debian's packages for tests that need a program of another project."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def can_install() -> bool:
    """Whether this machine lets us install: root, with apt."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str) -> str:
    """Install a package; returns apt's last complaint, or nothing. Test processes take turns: apt refuses a second."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with (Path(tempfile.gettempdir()) / "colloquy-tests-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for words in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", package]):
            done = subprocess.run(
                ["apt-get", *words], env=environment, capture_output=True, text=True, timeout=600, check=False
            )
    return done.stderr.strip().splitlines()[-1] if done.returncode and done.stderr.strip() else ""
