"""The worker of the jobs as a process of its own beside a server, so that it never delays a call."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from loguru import logger

from pipeline.config.resolved import Config

ROOT = Path(__file__).parents[2]

RESTART_AFTER = 5.0  # seconds, when it ended by itself
STOP_TIMEOUT = 25.0  # seconds for its last work before it is killed; it stops sooner by itself


@asynccontextmanager
async def jobs_process(config: Config) -> AsyncIterator[None]:
    """Run `colloquy jobs` for as long as the block lasts; when it dies it is started again."""
    stop = asyncio.Event()
    supervisor = asyncio.create_task(_supervise(config, stop), name="jobs")
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(supervisor, return_exceptions=True)


async def _supervise(config: Config, stop: asyncio.Event) -> None:
    stopped = asyncio.create_task(stop.wait())
    while not stop.is_set():
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "pipeline", "jobs", str(config.source), "--while-input"),
            stdin=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))},
            start_new_session=True,  # Ctrl-C is for the server: it ends the calls first, then this
        )
        assert process.stdin is not None
        ended = asyncio.create_task(process.wait())
        await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
        process.stdin.close()
        await asyncio.wait({ended}, timeout=STOP_TIMEOUT)
        if not ended.done():
            process.kill()
        await ended
        if not stop.is_set():
            logger.warning(f"The jobs ended by themselves ({process.returncode}); they are started again.")
            await asyncio.wait({stopped}, timeout=RESTART_AFTER)
