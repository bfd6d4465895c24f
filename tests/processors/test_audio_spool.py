"""What is put on the shelf comes back, whether it has been written by then or not."""

import threading

import pytest

from processors.audio_spool import FileSpool, _writer


def parts() -> list[bytes]:
    return [bytes([mark]) * (1000 + mark) for mark in range(200)]


def written() -> None:
    """Wait until all that was put is in its file."""
    _writer().submit(lambda: None).result()


def test_what_was_put_comes_back_from_memory_and_from_the_file() -> None:
    shelves = [FileSpool(), FileSpool()]
    places = [(shelf, shelf.put(pcm), pcm) for pcm in parts() for shelf in shelves]
    assert all(shelf.get(place, len(pcm)) == pcm for shelf, place, pcm in places)
    written()
    assert all(shelf._unwritten == {} for shelf in shelves)
    assert all(shelf.get(place, len(pcm)) == pcm for shelf, place, pcm in places)
    for shelf in shelves:
        shelf.close()


def test_a_disk_that_hangs_holds_up_nobody_and_a_closed_shelf_writes_nothing() -> None:
    hangs, shelf = threading.Event(), FileSpool()
    _writer().submit(hangs.wait)
    place = shelf.put(b"pcm")
    assert shelf.get(place, 3) == b"pcm"
    shelf.close()
    hangs.set()
    written()


def test_what_a_full_disk_does_not_take_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = FileSpool()
    kept = shelf._file

    class Full:
        def seek(self, place: int) -> None:
            raise OSError(28, "No space left on device")

    first = shelf.put(b"one")
    written()
    monkeypatch.setattr(shelf, "_file", Full())
    places = [shelf.put(b"two"), shelf.put(b"six")]
    written()
    assert [shelf.get(place, 3) for place in places] == [b"two", b"six"]
    monkeypatch.setattr(shelf, "_file", kept)
    assert shelf.get(first, 3) == b"one"
    shelf.close()
