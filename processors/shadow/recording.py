"""What the caller said in the whole call, kept so that any stretch of it can be heard again."""

import asyncio
from dataclasses import dataclass, field

from core.audio import pcm
from processors.audio_spool import FileSpool


@dataclass
class _Segment:
    """The audio of one turn. `started` is when its first sample was spoken, on the session's clock."""

    started: float = float("inf")
    size: int = 0  # bytes so far
    places: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])  # and sizes, on the shelf
    fresh: bytearray = field(default_factory=bytearray)


class Recording:
    """Turns of 16-bit mono PCM at `rate` Hz. In memory are `memory` seconds of the turn in hand at most, and what is
    on its way to a file.
    """

    def __init__(self, rate: int, memory: float) -> None:
        self._rate = rate
        self._most = pcm.size(memory, rate)
        self._shelf = FileSpool()
        self._takes: list[_Segment] = []

    def begin(self) -> None:
        """A turn begins."""
        if self._takes:
            self._put_aside(self._takes[-1])
        self._takes.append(_Segment())

    @property
    def started(self) -> float:
        """When the first sample of the turn in hand was spoken, as far as it is known by now."""
        return self._takes[-1].started if self._takes else 0.0

    def add(self, audio: bytes, now: float) -> None:
        """Audio of the turn that ends about now."""
        if not self._takes:
            return
        take = self._takes[-1]
        take.fresh += audio
        take.size += len(audio)
        # The pre-roll comes all at once, and the network's audio late or on time, never early.
        take.started = min(take.started, now - take.size / pcm.WIDTH / self._rate)
        if len(take.fresh) > self._most:
            self._put_aside(take)

    async def between(self, started: float, ended: float) -> bytes:
        """The audio from `started` to `ended`; turns that lie in it are put one after the other."""
        found = bytearray()
        for take in list(self._takes):
            first = self._offset(take, started)
            last = self._offset(take, ended)
            if last > first:
                found += (await self._read(take))[first:last]
        return bytes(found)

    def close(self) -> None:
        """Give the disk space back."""
        self._takes.clear()
        self._shelf.close()

    def _offset(self, take: _Segment, when: float) -> int:
        if take.size == 0:
            return 0
        return min(pcm.size(max(0.0, when - take.started), self._rate), take.size)

    async def _read(self, take: _Segment) -> bytes:
        fresh = bytes(take.fresh)
        parts = [await asyncio.to_thread(self._shelf.get, place, size) for place, size in list(take.places)]
        return b"".join([*parts, fresh])

    def _put_aside(self, take: _Segment) -> None:
        if not take.fresh:
            return
        take.places.append((self._shelf.put(bytes(take.fresh)), len(take.fresh)))
        take.fresh = bytearray()
