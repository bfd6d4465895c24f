"""What the commands that hold calls or do jobs have in common: Ctrl-C, and how many sessions are left."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

from core.display import visible

if TYPE_CHECKING:
    from pipeline.config.resolved import Config

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 128 + signal.SIGINT  # the exit code by which a shell knows Ctrl-C


def report_pending(sessions: int, config: "Config") -> None:
    """Print how many sessions still wait for their verdict or its delivery, if any do."""
    if sessions:
        results = "The result of 1 session is" if sessions == 1 else f"The results of {sessions} sessions are"
        click.echo(visible(f"{results} left to the next start: colloquy jobs {config.source}"), err=True)


@asynccontextmanager
async def interruptible(stop: Callable[[], None]) -> AsyncIterator[None]:
    """Ctrl-C, SIGTERM and SIGHUP call `stop` once. After that, Ctrl-C or SIGTERM end the program at once.

    At once is as if it had been killed: whatever it waits for is left, and the next start closes the record. SIGHUP is
    not taken for a second one: a terminal that closes may send it twice.
    """
    loop = asyncio.get_running_loop()
    terminals = [number for number in (1, 2) if os.isatty(number)]
    stopping = False

    def signalled(number: int, _: FrameType | None) -> None:
        nonlocal stopping
        if number == signal.SIGHUP:
            _print_nowhere(terminals)
        if not stopping:
            stopping = True
            loop.call_soon_threadsafe(stop)
        elif number != signal.SIGHUP:
            os._exit(128 + number)

    # Not the loop's own handlers: those wait for a loop that may be what hangs.
    # nohup means its SIGHUP; a shell that ignores SIGINT for what it starts with & does not mean who sends it one.
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    handled = [one for one in ENDING if not (ignored and one == signal.SIGHUP)]
    before = {one: signal.signal(one, signalled) for one in handled}
    try:
        yield
    finally:
        if not stopping:
            for one, handler in before.items():
                signal.signal(one, handler)


def _print_nowhere(terminals: list[int]) -> None:
    """A terminal that has hung up refuses what is printed, which would fail in the middle of an orderly end."""
    with open(os.devnull, "wb") as nowhere:
        for number in terminals:
            os.dup2(nowhere.fileno(), number)
