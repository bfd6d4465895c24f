"""A warning that is due many times a second, written once and then with a count."""

import asyncio

from loguru import logger

EVERY = 10.0  # seconds between two lines


class Tally:
    """Counts what happens, and writes how often: at once for the first, then once in EVERY seconds."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._count = 0
        self._from = ""
        self._timer: asyncio.TimerHandle | None = None

    def add(self, address: str) -> None:
        """It happened once more, from this address."""
        self._count += 1
        self._from = address
        if self._timer is None:
            self._write()

    def _write(self) -> None:
        self._timer = None
        if self._count:
            logger.warning("{}: {:,}, the last one from {}.", self._what, self._count, self._from)
            self._count = 0
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._write)
