"""What is put on the shelf comes back, whoever else puts something there."""

from concurrent.futures import ThreadPoolExecutor

from processors.shelf import FileShelf


def test_many_threads_get_back_what_they_put() -> None:
    shelf = FileShelf()

    def put_and_get(mark: int) -> bool:
        pcm = bytes([mark]) * (1000 + mark)
        return shelf.get(shelf.put(pcm), len(pcm)) == pcm

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(put_and_get, range(200)))
    shelf.close()
