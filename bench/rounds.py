"""One round: a server, its callers, and the CPU time and memory of the server meanwhile."""

import asyncio
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from bench.callers import Measurements
from bench.contenders import Contender

ROOT = Path(__file__).parent.parent
START_WITHIN = 60.0
# Seconds for what a server does after it is ready, such as freeing what it read at start.
SETTLE = 1.0
END_WITHIN = 3.0


class RoundFailed(RuntimeError):
    """A round came to nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one contender used for so many calls at once. Memory in bytes, CPU time in seconds."""

    contender: str
    calls: int
    seconds: float
    cpu: float
    memory: int
    measurements: Measurements


@dataclass(frozen=True, slots=True)
class _Child:
    """A process of ours, and the file its error stream goes to."""

    process: asyncio.subprocess.Process
    errors: IO[bytes]

    @property
    def stdout(self) -> asyncio.StreamReader:
        assert self.process.stdout is not None
        return self.process.stdout

    async def failure(self) -> str:
        """Why it ended, as far as its error stream says."""
        try:
            code = await asyncio.wait_for(self.process.wait(), END_WITHIN)
        except TimeoutError:
            return "a process closed its output and went on"
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return f"a process ended with exit code {code}: {lines[-1] if lines else 'no output'}"


async def measure(contender: Contender, calls: int, seconds: float, env: Mapping[str, str]) -> Measured:
    """Run one round. Raises RoundFailed."""
    async with _server(contender, env) as (url, server):
        await asyncio.sleep(SETTLE)
        idle = server.memory_info().rss
        command = ("bench.callers", url, "--calls", str(calls), "--seconds", str(seconds), "--kind", contender.kind)
        async with _child(sys.executable, "-m", *command) as callers:
            within = START_WITHIN + calls * 3
            await _announced(callers, "begin", within)
            began, cpu = time.monotonic(), _cpu(server)
            await _announced(callers, "end", seconds + START_WITHIN)
            took, cpu, memory = time.monotonic() - began, _cpu(server) - cpu, server.memory_info().rss - idle
            measurements = Measurements(**await _line(callers, START_WITHIN))
    if measurements.dropped:
        raise RoundFailed(f"{measurements.dropped} of {calls} calls were cut off")
    return Measured(contender.name, calls, took, cpu, memory, measurements)


@asynccontextmanager
async def _server(contender: Contender, env: Mapping[str, str]) -> AsyncIterator[tuple[str, psutil.Process]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with _child(*contender.command, env={**env, "BENCH_FOLDER": folder}) as server:
            yield await _address(server), psutil.Process(server.process.pid)


async def _address(server: _Child) -> str:
    try:
        async with asyncio.timeout(START_WITHIN):
            while line := (await server.stdout.readline()).decode():
                if found := re.search(r"https?://\S+?/", line):
                    return found[0]
    except TimeoutError as error:
        raise RoundFailed(f"the server was not ready within {START_WITHIN:g} s") from error
    raise RoundFailed(await server.failure())


async def _announced(callers: _Child, what: str, within: float) -> None:
    while (await _line(callers, within)).get("now") != what:
        pass


async def _line(callers: _Child, within: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(within):
            line = await callers.stdout.readline()
    except TimeoutError as error:
        raise RoundFailed(f"the callers printed nothing for {within:g} s") from error
    if not line:
        raise RoundFailed(await callers.failure())
    message = json.loads(line)
    if "failure" in message:
        raise RoundFailed(message["failure"])
    return message


def _cpu(server: psutil.Process) -> float:
    """CPU seconds of the process: all its threads and none of its children, as getrusage counts for itself."""
    try:
        times = server.cpu_times()
    except psutil.Error as error:
        raise RoundFailed("the server died during the calls") from error
    return times.user + times.system


@asynccontextmanager
async def _child(*command: str, env: Mapping[str, str] | None = None) -> AsyncIterator[_Child]:
    """A process that does not outlive the block."""
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=2**22,
            start_new_session=True,  # Ctrl-C is for us, who then end the children
        )
        try:
            yield _Child(process, errors)
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), END_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()
