"""Recovers the sessions of dead processes: closes what a process left open when it died."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.record.models import StoreError
from pipeline.record.outage import Outage
from pipeline.record.store import Store


@asynccontextmanager
async def closing_orphans(store: Store, every: float) -> AsyncIterator[None]:
    """Close the sessions of dead processes, at once and then every so many seconds for as long as the block lasts.

    Raises StoreError if that fails at once; later it is only logged.
    """
    await store.close_orphans()
    closing = asyncio.create_task(_keep_closing(store, every), name="close orphans")
    try:
        yield
    finally:
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)


async def _keep_closing(store: Store, every: float) -> None:
    outage = Outage("Sessions of dead processes could not be closed")
    while True:
        await asyncio.sleep(every)
        try:
            await store.close_orphans()
            outage.over()
        except StoreError as error:
            outage.failed(str(error))
