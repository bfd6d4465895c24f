"""The truth file: what really happened, as JSON Lines, to compare with what a client recorded."""

from __future__ import annotations

import asyncio
import datetime
import json
from collections import Counter
from pathlib import Path
from typing import IO

from gemini_live_emulator.protocol.wire import Json


class Truth:
    """Writes a line per event and counts them; without a path it only counts."""

    def __init__(self, path: Path | None, began: float) -> None:
        self._began = began
        self._file: IO[str] | None = None
        self._counts: Counter[str] = Counter()
        self._waiting: list[tuple[str, int, asyncio.Future[None]]] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Line buffered, so that a test can read while the server runs.
            self._file = path.open("w", encoding="utf-8", buffering=1)

    @property
    def writes(self) -> bool:
        """Whether anything is written."""
        return self._file is not None

    def write(self, what: str, fields: Json, now: float, connection: int | None = None) -> None:
        """Write an event: `t` is seconds since the server began."""
        self._counts[what] += 1
        for wanted, times, future in self._waiting:
            if self._counts[wanted] >= times and not future.done():
                future.set_result(None)
        if self._file is None:
            return
        line: Json = {"t": round(now - self._began, 6), "what": what}
        if connection is not None:
            line["connection"] = connection
        self._file.write(json.dumps(line | fields, default=_plain) + "\n")

    async def reached(self, what: str, times: int) -> None:
        """Wait until a kind of event has come so often."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (what, times, future)
        self._waiting.append(waiting)
        try:
            if self._counts[what] < times:
                await future
        finally:
            self._waiting.remove(waiting)

    def start(self, fields: Json, now: float) -> None:
        """Write the first line, which alone names the time of day."""
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self.write("server.started", {"at": at} | fields, now)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _plain(value: object) -> str:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    return str(value)
