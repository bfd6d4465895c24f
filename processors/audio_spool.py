"""A temporary file for audio that is kept for longer than memory should hold it."""

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from loguru import logger


class FileSpool:
    """Implements core.live.replay_buffer.Shelf; any thread may use it. The file has no name and goes with the process.

    `put` waits for no disk: what it takes is in memory until the one writing thread of the process has written it. On
    a disk that takes no more it stays there: nothing is lost, and the log says so once.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the call
        self._end = 0
        self._unwritten: dict[int, bytes] = {}  # by place
        self._full = False
        self._writing = threading.Lock()  # or reading the file; never waited for in `put`

    def put(self, pcm: bytes) -> int:
        """Keep some audio; returns where it is. One thread at a time."""
        place = self._end
        self._end += len(pcm)
        self._unwritten[place] = pcm
        _writer().submit(self._write, place)
        return place

    def get(self, place: int, size: int) -> bytes:
        """The audio that was put there, whole; read from the file if it is not in memory any more."""
        if (pcm := self._unwritten.get(place)) is not None:
            return pcm
        with self._writing:
            self._file.seek(place)
            return self._file.read(size)

    def close(self) -> None:
        """Give the disk space back; this waits for no disk either."""
        self._unwritten.clear()
        _writer().submit(self._file.close)

    def _write(self, place: int) -> None:
        with self._writing:
            pcm = self._unwritten.get(place)
            if pcm is None or self._full:
                return  # closed meanwhile, or kept in memory
            try:
                self._file.seek(place)
                self._file.write(pcm)
                self._file.flush()
            except OSError as error:
                self._full = True
                logger.warning(f"The caller's audio is kept in memory: the temporary file takes no more ({error}).")
                return
            self._unwritten.pop(place, None)


@cache
def _writer() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="shelf")
