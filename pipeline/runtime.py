"""What holding calls needs around it: the record opened, the emulator started, orphaned sessions closed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from core.events import Event
from pipeline.call.emulator_process import emulator, pointed_at
from pipeline.call.host import Host
from pipeline.call.loop_lag import LoopLag
from pipeline.config.resolved import Config
from pipeline.record.models import StoreError
from pipeline.record.store import Store

SWEEP_EVERY = 300.0  # seconds


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
        punctuality = await opened.enter_async_context(LoopLag())
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
