"""Is this process keeping time? Counts the moments at which a 20 ms frame would have been late."""

import asyncio
from typing import Self

FRAME = 0.02


class LoopLag:
    """One for a process: the loop serves all calls, so when it is late, every call's frame is."""

    def __init__(self) -> None:
        self.late = 0
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch(), name="punctuality")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + FRAME
        while True:
            await asyncio.sleep(due - loop.time())
            behind = loop.time() - due
            # A stall of n frames makes n frames late.
            missed = int(behind / FRAME)
            self.late += missed
            due += FRAME * (missed + 1)
