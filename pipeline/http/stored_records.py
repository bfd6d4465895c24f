"""Session records from the database, as the page's APIs want them."""

import asyncio
from typing import Any

from pipeline.record.export import record_values
from pipeline.record.models import StoreError
from pipeline.record.outage import Outage
from pipeline.record.store import Store

# Seconds that a visitor waits to learn whether an exam can be recorded.
READY_WITHIN = 5.0


class StoredRecords:
    """Implements records_api.Records on a Store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._outage = Outage("No call is taken, since it could not be recorded")

    async def record(self, session_id: str) -> dict[str, Any] | None:
        """The whole record of a session as JSON values; None when there is none."""
        found = await self._store.session(session_id)
        return record_values(found) if found is not None else None

    async def ready(self) -> bool:
        """Whether a call could be recorded now; why not is in the log, once."""
        try:
            async with asyncio.timeout(READY_WITHIN):
                await self._store.heartbeat()
        except StoreError as error:
            self._outage.failed(str(error))
            return False
        except TimeoutError:
            self._outage.failed(f"{self._store.place} does not answer")
            return False
        self._outage.over()
        return True
