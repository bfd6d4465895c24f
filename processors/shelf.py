"""A temporary file for audio that is kept for longer than memory should hold it."""

import tempfile
import threading


class FileShelf:
    """Implements core.replay.Shelf; any thread may use it. The file has no name and goes with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the call
        self._end = 0
        self._lock = threading.Lock()

    def put(self, pcm: bytes) -> int:
        """Append some audio; returns where it is."""
        with self._lock:
            place = self._end
            self._file.seek(place)
            self._end += self._file.write(pcm)
            return place

    def get(self, place: int, size: int) -> bytes:
        """The audio that was put there."""
        with self._lock:
            self._file.seek(place)
            return self._file.read(size)

    def close(self) -> None:
        """Give the disk space back."""
        with self._lock:
            self._file.close()
