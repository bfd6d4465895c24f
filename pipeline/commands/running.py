"""What the commands that hold calls have in common: the record opened, the emulator started, Ctrl-C heard."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import click
from loguru import logger

from core.events import Event
from pipeline.config import Config
from pipeline.emulated import emulator, pointed_at
from pipeline.host import Host
from pipeline.punctuality import Punctuality
from pipeline.record import StoreError
from pipeline.store import Store

SWEEP_EVERY = 300.0  # seconds

INTERRUPTED = 128 + signal.SIGINT  # the exit code by which a shell knows Ctrl-C


@dataclass(frozen=True, slots=True)
class Running:
    """A host that may hold calls, and the record they go to."""

    host: Host
    store: Store
    config: Config


@asynccontextmanager
async def running(
    config: Config, on_event: Callable[[str, Event], None] | None = None, truth: Path | None = None
) -> AsyncIterator[Running]:
    """Everything a config needs around its calls. Raises StoreError or EmulatorError, in a sentence."""
    async with AsyncExitStack() as opened:
        store = await Store.open(config.database)
        opened.push_async_callback(store.close)
        await store.close_orphans()
        opened.push_async_callback(_cancelled, asyncio.create_task(_sweep(store), name="sweep"))
        if config.emulator is not None:
            config = pointed_at(config, await opened.enter_async_context(emulator(config.emulator, truth)))
        punctuality = await opened.enter_async_context(Punctuality())
        host = Host(config, store, punctuality, on_event)
        opened.push_async_callback(host.shut_down)
        yield Running(host, store, config)


async def _sweep(store: Store) -> None:
    """Close, now and then, what other processes on the same database left open when they died."""
    while True:
        await asyncio.sleep(SWEEP_EVERY)
        try:
            await store.close_orphans()
        except StoreError as error:
            logger.warning(f"Sessions of dead processes could not be closed: {error}")


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def say_left(sessions: int, config: Config) -> None:
    """Tell whoever ends a program how many sessions still wait for their verdict or its delivery, if any do."""
    if sessions:
        results = "The result of 1 session is" if sessions == 1 else f"The results of {sessions} sessions are"
        click.echo(f"{results} left to the next start: colloquy jobs {config.source}", err=True)


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
