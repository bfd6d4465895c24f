"""What stands before the samples of a WAV file and keeps FFmpeg from reading them rightly."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

LARGEST = 2 << 30  # bytes of a file whose head is put right in memory
HEAD = 1 << 20  # bytes searched for the description of the samples
WIDE = (32).to_bytes(2, "little")
PCM, EXTENSIBLE = 0x0001, 0xFFFE  # wFormatTag


def without_obstacles(path: Path) -> io.BytesIO | None:
    """The file as FFmpeg reads it rightly, or None where it does so already. Raises OSError.

    A tag before a WAV file (ID3, as MP3 has it) is left out. Samples of 24 bits that are kept in 32 are described as
    32: FFmpeg takes the bits that are used for the size of a sample, and reads noise. A length of the samples after
    which no other chunk follows, but more of them, becomes all that there is.
    """
    if not path.is_file():
        return None  # what comes through a pipe can be read only once
    with path.open("rb") as file:
        start = _tag(file.read(10))
        file.seek(start)
        head = file.read(HEAD)
        end = path.stat().st_size - start
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE" or end > LARGEST:
            return None
        corrections: list[tuple[int, bytes]] = []
        content = end
        for name, at, size in _chunks(head):
            if name == b"fmt ":
                corrections += _bits(head, at, size)
            elif name == b"data":
                content = at
                file.seek(start + at + size + size % 2)
                if not _ends_well(file.read(8), at + size + size % 2, end):
                    corrections.append((at - 4, (end - at).to_bytes(4, "little")))
                break
        if not start and not corrections:
            return None
        file.seek(start)
        whole = bytearray(file.read())
    for at, value in corrections:
        if value == WIDE:
            _raise_to_the_top(whole, content)
        whole[at : at + len(value)] = value
    return io.BytesIO(whole)


def _raise_to_the_top(whole: bytearray, content: int) -> None:
    """Shift samples of 24 bits that some writers keep in the lower 24 of 32; by the standard they are in the upper."""
    samples = np.frombuffer(whole, "<i4", (len(whole) - min(content, len(whole))) // 4, min(content, len(whole)))
    # In the upper 24, the loudest of these would be 48 dB under full scale: a caller whom nobody hears.
    if len(samples) and samples.min() >= -(1 << 23) and samples.max() < 1 << 23:
        samples <<= 8


def _chunks(head: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, place of the content and its length in bytes of each chunk that begins in the head."""
    at = 12
    while at + 8 <= len(head):
        name, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        yield name, at + 8, size
        at += 8 + size + size % 2


def _ends_well(after: bytes, at: int, end: int) -> bool:
    """Whether the file ends at `at`, or earlier, or another chunk begins there that is not longer than the file."""
    if len(after) < 8:
        return True
    return all(0x20 <= byte < 0x7F for byte in after[:4]) and at + 8 + int.from_bytes(after[4:], "little") <= end + 1


def _tag(head: bytes) -> int:
    """The bytes of an ID3v2 tag at the beginning: each of its four bytes of length has seven bits."""
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return 10 + length + (10 if head[5] & 0x10 else 0)


def _bits(head: bytes, at: int, size: int) -> list[tuple[int, bytes]]:
    """Where the bits of a sample are described wrongly: they are the whole of the bytes that a sample takes."""
    if size < 16 or at + size > len(head):
        return []
    tag, channels, _, _, block, bits = struct.unpack_from("<HHIIHH", head, at)
    extended = tag == EXTENSIBLE and size >= 40
    if extended:
        tag = int.from_bytes(head[at + 24 : at + 26], "little")
    if tag != PCM or not channels or block % channels or not 0 < block // channels <= 4:
        return []
    container = 8 * (block // channels)
    valid = int.from_bytes(head[at + 18 : at + 20], "little") if extended else bits
    if bits == container and valid in (0, container):
        return []
    described = container.to_bytes(2, "little")
    return [(at + 14, described)] + ([(at + 18, described)] if extended else [])
