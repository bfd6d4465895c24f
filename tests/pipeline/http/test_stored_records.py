"""Whether a call could be recorded, asked of a real database before the call is answered."""

import asyncio

import pytest
from loguru import logger

from pipeline.http import stored_records
from pipeline.http.stored_records import StoredRecords
from pipeline.record.store import Store
from support.record import opening

pytestmark = pytest.mark.real_time


async def test_a_database_that_is_away_is_said_once_and_so_is_its_return(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, said = await Store.open(address), list[str]()
    records = StoredRecords(store)
    assert await records.ready()
    monkeypatch.setattr(stored_records, "READY_WITHIN", 0.2)
    handler = logger.add(lambda message: said.append(str(message)), level="INFO")
    try:
        async with store._database.writing() as connection:  # another program holds what a heartbeat needs
            await store._leases.beat(connection)
            assert [await records.ready() for _ in range(3)] == [False] * 3
        monkeypatch.setattr(stored_records, "READY_WITHIN", 60.0)
        assert await records.ready()
        await store.open_session(opening("s1"))
    finally:
        logger.remove(handler)
    assert sum("WARNING" in one and "No call is taken, since it could not be recorded" in one for one in said) == 1
    assert sum("This is over" in one for one in said) == 1
    assert await records.record("s1") is not None and await records.record("s2") is None
    await store.close()


async def test_a_server_that_refuses_is_no_reason_to_answer(address: str) -> None:
    store = await Store.open(address)
    await store.close()
    async with asyncio.timeout(60):
        assert not await StoredRecords(store).ready()
