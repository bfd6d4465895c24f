"""Leases on sessions and on work in a database: which processes hold them, and which of these are dead."""

import asyncio
from contextlib import suppress

from loguru import logger
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.record import tables as t
from pipeline.record.database import Database
from pipeline.record.process_id import ProcessId, is_gone, this_process

# Seconds between two heartbeats of a process, and after how many without one a process elsewhere counts as dead: long
# enough for a database to be restarted meanwhile.
BEAT = 20.0
LEASE = 120.0


class Leases:
    """The processes that share a database, this one (`here`) among them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.here = str(this_process())
        self._beating: asyncio.Task[None] | None = None

    async def beat(self, connection: AsyncConnection) -> None:
        """Write a heartbeat of this process now, and from now on every BEAT seconds."""
        beat = await self._database.clock(connection)
        await connection.execute(self._database.upsert(t.owners, {"id": self.here, "beat": beat}))
        if self._beating is None:
            self._beating = asyncio.create_task(self._heartbeat(), name="store heartbeat")

    async def acquire(self, connection: AsyncConnection, work: str) -> bool:
        """Become the one process that does this work; False while another that does it lives."""
        await self.beat(connection)
        mine = {"work": work, "owner": self.here}
        await connection.execute(self._database.insert_new(t.workers, mine))
        query = select(t.workers.c.owner).where(t.workers.c.work == work).with_for_update()
        worker = (await connection.execute(query)).scalar_one()
        if worker == self.here:
            return True
        beat = (await connection.execute(select(t.owners.c.beat).where(t.owners.c.id == worker))).scalar_one()
        if not is_dead(worker, silent=await self._database.clock(connection) - beat):
            return False
        await connection.execute(self._database.upsert(t.workers, mine))
        return True

    async def close(self) -> None:
        """Stop the heartbeat."""
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            try:
                async with self._database.writing() as connection:
                    await self.beat(connection)
            except Exception as error:
                logger.debug(f"A heartbeat could not be written to the record: {error}")


def is_dead(owner: str, *, silent: float) -> bool:
    """Whether a process has ended: looked up on this machine, else judged by the seconds since its last heartbeat."""
    with suppress(ValueError):
        gone = is_gone(ProcessId.parse(owner))
        if gone is not None:
            return gone
    return silent > LEASE
