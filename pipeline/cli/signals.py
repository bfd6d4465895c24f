"""What the commands that hold calls or do jobs have in common: Ctrl-C, and how many sessions are left."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import click

from core.display import visible
from pipeline.config.resolved import Config

INTERRUPTED = 128 + signal.SIGINT  # the exit code by which a shell knows Ctrl-C


def report_pending(sessions: int, config: Config) -> None:
    """Print how many sessions still wait for their verdict or its delivery, if any do."""
    if sessions:
        results = "The result of 1 session is" if sessions == 1 else f"The results of {sessions} sessions are"
        click.echo(visible(f"{results} left to the next start: colloquy jobs {config.source}"), err=True)


@asynccontextmanager
async def interruptible(stop: Callable[[], None]) -> AsyncIterator[None]:
    """Ctrl-C and SIGTERM call `stop` once; the next one ends the program as ever."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stopped() -> None:
        for one in signals:
            loop.remove_signal_handler(one)
        stop()

    for one in signals:
        loop.add_signal_handler(one, stopped)
    try:
        yield
    finally:
        for one in signals:
            loop.remove_signal_handler(one)
