"""Deadlines of tests: long, since a busy machine takes its time, and with a sentence when they pass."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

LONG = 120.0


@asynccontextmanager
async def expecting(what: str, within: float = LONG) -> AsyncIterator[None]:
    """Fail with what did not happen when the block has not come to its end `within` so many seconds."""
    timeout = asyncio.timeout(within)
    try:
        async with timeout:
            yield
    except TimeoutError:
        if not timeout.expired():
            raise
        pytest.fail(f"within {within:g} s this did not happen: {what}")
