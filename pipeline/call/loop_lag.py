"""Event-loop lag: counts the moments at which a 20 ms frame of audio would have been late."""

import asyncio
from typing import Self

FRAME = 0.02


class LoopLag:
    """Counts `late_frames` while the block lasts.

    One for a process: the loop serves all calls, so when it is late, every call's frame is.
    """

    def __init__(self) -> None:
        self.late_frames = 0
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch(), name="loop lag")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + FRAME
        while True:
            await asyncio.sleep(deadline - loop.time())
            lag = loop.time() - deadline
            # A stall of n frames makes n frames late.
            missed = int(lag / FRAME)
            self.late_frames += missed
            deadline += FRAME * (missed + 1)
