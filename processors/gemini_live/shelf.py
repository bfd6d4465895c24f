"""A temporary file for the audio of an answer that grows too long for memory."""

import tempfile


class FileShelf:
    """Implements core.replay.Shelf. The file has no name and goes with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the call
        self._end = 0

    def put(self, pcm: bytes) -> int:
        """Append some audio; returns where it is."""
        place = self._end
        self._file.seek(place)
        self._end += self._file.write(pcm)
        return place

    def get(self, place: int, size: int) -> bytes:
        """The audio that was put there."""
        self._file.seek(place)
        return self._file.read(size)

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()
