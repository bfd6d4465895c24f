"""Clients of other makers, fetched once and kept: only the first run asks a package manager for anything."""

import asyncio
import fcntl
import os
import shutil
import sys
from pathlib import Path

import pytest

KEPT = Path(os.environ.get("EMULATOR_PEERS", Path.home() / ".cache" / "colloquy-peers"))
JAVASCRIPT = ("2.18.0", "3.1.0")


async def run(*command: str, **env: str) -> str:
    """What a program prints. Raises AssertionError, with what it complained of, when it fails."""
    child = await asyncio.create_subprocess_exec(
        *command, env=os.environ | env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(child.communicate(), 120)
    assert child.returncode == 0, err.decode()
    return out.decode()


async def python_sdk(version: str, require: bool) -> Path:
    """A folder with this google-genai in it, and none of what it needs."""
    folder = KEPT / f"google-genai-{version}"
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder))
    return await _install(folder, "google/genai/live.py", *pip, f"google-genai=={version}", require=require)


async def javascript_sdk(version: str, require: bool) -> Path:
    """A folder with this @google/genai in its node_modules."""
    if not (shutil.which("node") and shutil.which("npm")):
        (pytest.fail if require else pytest.skip)("node and npm are not installed")
    folder = KEPT / f"js-genai-{version}"
    npm = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder))
    proof = "node_modules/@google/genai/package.json"
    return await _install(folder, proof, *npm, f"@google/genai@{version}", require=require)


async def _install(folder: Path, proof: str, *command: str, require: bool) -> Path:
    """Have the package manager fill a folder, one test process at a time, or skip with the reason."""
    await asyncio.to_thread(KEPT.mkdir, parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not await asyncio.to_thread((folder / proof).exists):
            try:
                await asyncio.to_thread(folder.mkdir, exist_ok=True)
                await run(*command)
            except (OSError, AssertionError, TimeoutError) as error:
                if require:
                    raise
                pytest.skip(f"{command[0]} could not install it: {str(error)[:200]}")
    return folder
