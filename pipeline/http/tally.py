"""A warning that is due many times a second, written once and then with a count."""

import asyncio

from loguru import logger

EVERY = 10.0  # seconds between two lines


class Tally:
    """Counts what happens, and writes how often: at once for the first, then once in EVERY seconds."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, where: str = "") -> None:
        """It happened once more; `where` is told with the first of them."""
        self._count += 1
        if self._timer is None:
            self._write(where)

    def _write(self, where: str = "") -> None:
        self._timer = None
        if self._count:
            logger.warning("{:,} {}{}.", self._count, self._what, f" ({where})" if where else "")
            self._count = 0
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._write)
