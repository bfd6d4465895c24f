"""How Ctrl-C, SIGTERM and SIGHUP end a program, in a process of its own."""

import asyncio
import os
import pty
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.deadline import expecting

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.real_time

# Waits to be stopped; then prints so and never ends by itself.
PROGRAM = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
import asyncio, time
from pipeline.cli.signals import interruptible

async def main():
    stop = asyncio.Event()
    async with interruptible(stop.set):
        print("waiting", flush=True)
        await stop.wait()
        print("stopping", flush=True)
        AFTER

asyncio.run(main())
"""
HANGS = "await asyncio.shield(asyncio.sleep(600))"
BLOCKS = "time.sleep(600)"
SWALLOWS = "\n".join(
    ["while True:", "            try: await asyncio.sleep(600)", "            except asyncio.CancelledError: pass"]
)
ENDS = "open(sys.argv[1], 'w').write('in order')"


def hang_up_ends() -> None:
    """In a child: SIGHUP as usual, however these tests were started (nohup)."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def hang_up_is_ignored() -> None:
    """In a child: as under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def interruptions_are_ignored() -> None:
    """In a child: as a shell without job control starts what ends in &."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@asynccontextmanager
async def waiting(
    after: str, *arguments: str, before: Callable[[], None] = hang_up_ends
) -> AsyncIterator[asyncio.subprocess.Process]:
    program = textwrap.dedent(PROGRAM).replace("AFTER", after)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=before,
    )
    try:
        await line(process, b"waiting\n")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line(process: asyncio.subprocess.Process, expected: bytes) -> None:
    assert process.stdout is not None
    async with expecting(f"the program prints {expected!r}"):
        assert await process.stdout.readline() == expected


@pytest.mark.parametrize("after", [HANGS, BLOCKS, SWALLOWS], ids=["hangs", "blocks", "swallows"])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
async def test_a_second_ctrl_c_ends_the_program_at_once(after: str, second: signal.Signals) -> None:
    async with waiting(after) as process:
        process.send_signal(signal.SIGINT)
        await line(process, b"stopping\n")
        process.send_signal(second)
        async with expecting("the program ends"):
            await process.wait()
    assert process.returncode == 128 + second


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_each_signal_is_an_orderly_end(first: signal.Signals, tmp_path: Path) -> None:
    async with waiting(ENDS, str(tmp_path / "end")) as process:
        process.send_signal(first)
        async with expecting("the program ends"):
            _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"") and (tmp_path / "end").read_text() == "in order"


async def test_a_hang_up_that_is_sent_twice_is_one() -> None:
    async with waiting(HANGS) as process:
        process.send_signal(signal.SIGHUP)
        await line(process, b"stopping\n")
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        async with expecting("the program ends by the second signal that is none"):
            await process.wait()
    assert process.returncode == 128 + signal.SIGINT


async def test_under_nohup_a_hang_up_is_ignored(tmp_path: Path) -> None:
    async with waiting(HANGS, before=hang_up_is_ignored) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        await line(process, b"stopping\n")


async def test_what_a_script_has_started_in_the_background_can_be_interrupted(tmp_path: Path) -> None:
    async with waiting(ENDS, str(tmp_path / "end"), before=interruptions_are_ignored) as process:
        process.send_signal(signal.SIGINT)
        async with expecting("the program ends"):
            await process.wait()
    assert (tmp_path / "end").read_text() == "in order"


async def test_a_terminal_that_closes_is_an_orderly_end(tmp_path: Path) -> None:
    program = textwrap.dedent(PROGRAM).replace("AFTER", f"print('on a terminal that is gone', flush=True); {ENDS}")
    child, terminal = pty.fork()
    if child == 0:
        hang_up_ends()
        os.execv(sys.executable, [sys.executable, "-c", program, str(tmp_path / "end")])
    async with expecting("the program waits"):
        printed = b""
        while b"waiting" not in printed:
            printed += await asyncio.to_thread(os.read, terminal, 100)
    os.close(terminal)
    ending = asyncio.create_task(asyncio.to_thread(os.waitpid, child, 0))
    try:
        async with expecting("the program ends"):
            _, status = await asyncio.shield(ending)
    finally:
        if not ending.done():  # or the thread that waits would keep this process from its own end
            os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(status) == 0 and (tmp_path / "end").read_text() == "in order"
