"""Many `colloquy` processes for the price of one import: a process that has loaded everything forks into each."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What `colloquy call` and `colloquy jobs` would each import for some seconds. None of it starts a thread, which a fork
# would not have.
LOADED = (
    "transports.wav.listener",
    "pipeline.cli.call",
    "pipeline.cli.jobs",
    "pipeline.cli.signals",
    "pipeline.cli.screen",
    "pipeline.jobs.worker",
    "pipeline.config.loading",
    "processors.gemini_live.stage",
    "processors.manual_vad.stage",
    "processors.resampler",
    "processors.scoring",
    "processors.transcript",
)


@dataclass
class Born:
    """A process: its number, and what it prints; its output ends when it does."""

    pid: int
    output: asyncio.StreamReader

    def kill(self) -> None:
        """`kill -9`, for one that may be gone already."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Zygote:
    """Gives birth to processes."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._turn = asyncio.Lock()
        self._born = 0

    async def colloquy(self, *arguments: str) -> Born:
        """`colloquy ARGUMENTS`, as a process of its own."""
        assert self._process.stdin is not None and self._process.stdout is not None
        async with self._turn:
            self._born += 1
            fifo = self._folder / f"output-{self._born}"
            os.mkfifo(fifo)
            reader = asyncio.StreamReader()
            end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(end, "rb")
            )
            self._process.stdin.write(json.dumps([str(fifo), *arguments]).encode() + b"\n")
            line = await self._process.stdout.readline()
            assert line, "the zygote is dead"
            return Born(int(line), reader)


@asynccontextmanager
async def zygote(folder: Path) -> AsyncIterator[Zygote]:
    """A zygote that has loaded what `colloquy call` and `colloquy jobs` need."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None and process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    try:
        yield Zygote(process, folder)
    finally:
        process.stdin.close()
        await process.wait()


def _become(fifo: str, arguments: Sequence[str]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output, nothing = os.open(fifo, os.O_WRONLY), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    from pipeline.cli.main import main

    main(list(arguments), prog_name="colloquy")


def _wait_and_fork() -> None:
    for module in LOADED:
        import_module(module)

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are not kept as zombies
    os.write(1, b"ready\n")
    for line in sys.stdin:
        fifo, *arguments = json.loads(line)
        if (child := os.fork()) == 0:
            try:
                _become(fifo, arguments)
            except SystemExit as ended:
                sys.stdout.flush()
                os._exit(int(ended.code or 0))
            os._exit(70)
        os.write(1, f"{child}\n".encode())


if __name__ == "__main__":
    _wait_and_fork()
