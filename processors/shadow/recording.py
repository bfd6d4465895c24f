"""The recording of the caller's turns, from which any span of the call can be retranscribed."""

import asyncio
from dataclasses import dataclass, field

from core.audio import pcm
from processors.audio_spool import FileSpool


@dataclass
class _Segment:
    """The audio of one turn. `started` is when its first sample was spoken, on the session's clock."""

    started: float = float("inf")
    size: int = 0  # bytes so far
    spooled: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])  # places and sizes
    buffered: bytearray = field(default_factory=bytearray)


class Recording:
    """Turns of 16-bit mono PCM at `rate` Hz. In memory are `buffer` seconds of the current turn at most, and what is on
    its way to a file.
    """

    def __init__(self, rate: int, buffer: float) -> None:
        self._rate = rate
        self._most = pcm.size(buffer, rate)
        self._spool = FileSpool()
        self._segments: list[_Segment] = []

    def begin_turn(self) -> None:
        """A turn begins."""
        if self._segments:
            self._spill(self._segments[-1])
        self._segments.append(_Segment())

    @property
    def started(self) -> float:
        """When the first sample of the current turn was spoken, as far as it is known by now."""
        return self._segments[-1].started if self._segments else 0.0

    def add(self, audio: bytes, now: float) -> None:
        """Append audio of the current turn that ends about now."""
        if not self._segments:
            return
        segment = self._segments[-1]
        segment.buffered += audio
        segment.size += len(audio)
        # The pre-roll comes all at once, and the network's audio late or on time, never early.
        segment.started = min(segment.started, now - segment.size / pcm.WIDTH / self._rate)
        if len(segment.buffered) > self._most:
            self._spill(segment)

    async def between(self, started: float, ended: float) -> bytes:
        """The audio from `started` to `ended`, of all turns that lie in it, one after the other."""
        found = bytearray()
        for segment in list(self._segments):
            first = self._offset(segment, started)
            last = self._offset(segment, ended)
            if last > first:
                found += (await self._read(segment))[first:last]
        return bytes(found)

    def close(self) -> None:
        """Give the disk space back."""
        self._segments.clear()
        self._spool.close()

    def _offset(self, segment: _Segment, when: float) -> int:
        if segment.size == 0:
            return 0
        return min(pcm.size(max(0.0, when - segment.started), self._rate), segment.size)

    async def _read(self, segment: _Segment) -> bytes:
        buffered = bytes(segment.buffered)
        parts = [await asyncio.to_thread(self._spool.get, place, size) for place, size in list(segment.spooled)]
        return b"".join([*parts, buffered])

    def _spill(self, segment: _Segment) -> None:
        if not segment.buffered:
            return
        segment.spooled.append((self._spool.put(bytes(segment.buffered)), len(segment.buffered)))
        segment.buffered = bytearray()
