"""A temporary file for audio that is needed for longer than memory should hold it."""

import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from loguru import logger


class FileSpool:
    """A core.live.replay_buffer.AudioSpool for any thread. The file has no name and goes with the process.

    `put` waits for no disk: the audio stays in memory until the one writing thread of the process has written it. If
    the disk is full it stays there: nothing is lost, and the log says so once.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the call
        self._end = 0
        self._unwritten: dict[int, bytes] = {}  # by position
        self._full = False
        self._writing = threading.Lock()  # or reading the file; never waited for in `put`

    def put(self, pcm: bytes) -> int:
        """Store some audio; returns its position in bytes. One thread at a time."""
        position = self._end
        self._end += len(pcm)
        self._unwritten[position] = pcm
        _writer().submit(self._write, position)
        return position

    def get(self, position: int, size: int) -> bytes:
        """The `size` bytes that were put at this position; read from the file if they are not in memory any more."""
        if (pcm := self._unwritten.get(position)) is not None:
            return pcm
        with self._writing:
            self._file.seek(position)
            return self._file.read(size)

    def close(self) -> None:
        """Give the disk space back; this waits for no disk either."""
        self._unwritten.clear()
        _writer().submit(self._file.close)

    def _write(self, position: int) -> None:
        with self._writing:
            pcm = self._unwritten.get(position)
            if pcm is None or self._full:
                return  # closed meanwhile, or to stay in memory
            try:
                self._file.seek(position)
                self._file.write(pcm)
                self._file.flush()
            except OSError as error:
                self._full = True
                logger.warning(f"The caller's audio stays in memory: the temporary file cannot be written ({error}).")
                return
            self._unwritten.pop(position, None)


@cache
def _writer() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="audio spool")
