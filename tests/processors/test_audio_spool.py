"""What is put into the spool comes back, whether it has been written by then or not."""

import threading

import pytest

from processors.audio_spool import FileSpool, _writer


def parts() -> list[bytes]:
    return [bytes([mark]) * (1000 + mark) for mark in range(200)]


def written() -> None:
    """Wait until all that was put is in its file."""
    _writer().submit(lambda: None).result()


def test_what_was_put_comes_back_from_memory_and_from_the_file() -> None:
    spools = [FileSpool(), FileSpool()]
    positions = [(spool, spool.put(pcm), pcm) for pcm in parts() for spool in spools]
    assert all(spool.get(position, len(pcm)) == pcm for spool, position, pcm in positions)
    written()
    assert all(spool._unwritten == {} for spool in spools)
    assert all(spool.get(position, len(pcm)) == pcm for spool, position, pcm in positions)
    for spool in spools:
        spool.close()


def test_a_disk_that_hangs_holds_up_nobody_and_a_closed_spool_writes_nothing() -> None:
    hangs, spool = threading.Event(), FileSpool()
    _writer().submit(hangs.wait)
    position = spool.put(b"pcm")
    assert spool.get(position, 3) == b"pcm"
    spool.close()
    hangs.set()
    written()


def test_what_a_full_disk_does_not_take_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    spool = FileSpool()
    file = spool._file

    class Full:
        def seek(self, position: int) -> None:
            raise OSError(28, "No space left on device")

    first = spool.put(b"one")
    written()
    monkeypatch.setattr(spool, "_file", Full())
    positions = [spool.put(b"two"), spool.put(b"six")]
    written()
    assert [spool.get(position, 3) for position in positions] == [b"two", b"six"]
    monkeypatch.setattr(spool, "_file", file)
    assert spool.get(first, 3) == b"one"
    spool.close()
