"""What holding calls needs around it: the record opened, the emulator started, orphaned sessions closed."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from core.events import Event
from pipeline.call.emulator_process import emulator, pointed_at
from pipeline.call.host import Host
from pipeline.call.loop_lag import LoopLag
from pipeline.config.resolved import Config
from pipeline.record.orphans import closing_orphans
from pipeline.record.store import Store

ORPHANS_EVERY = 300.0  # seconds


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
        await opened.enter_async_context(closing_orphans(store, ORPHANS_EVERY))
        if config.emulator is not None:
            config = pointed_at(config, await opened.enter_async_context(emulator(config.emulator, truth)))
        loop_lag = await opened.enter_async_context(LoopLag())
        host = Host(config, store, loop_lag, on_event)
        opened.push_async_callback(host.shut_down)
        yield Running(host, store, config)
