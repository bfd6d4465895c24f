"""Speech is cut where it is quietest, and no sample is lost."""

import array
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio.chunker import LONGEST, Chunker, cut, halve
from core.audio.pcm import seconds

RATE = 16000


def tone(duration: float, level: int) -> bytes:
    count = round(duration * RATE)
    return array.array("h", (round(level * math.sin(n / 8)) for n in range(count))).tobytes()


def test_a_long_stretch_is_cut_in_its_pause() -> None:
    speech = tone(8.0, 8000) + tone(0.2, 20) + tone(6.0, 8000)
    first, second = cut(speech, RATE)
    assert 8.0 <= seconds(first, RATE) <= 8.2
    assert first + second == speech


def test_a_short_stretch_is_one_piece_and_nothing_is_none() -> None:
    assert list(cut(tone(3.0, 8000), RATE)) == [tone(3.0, 8000)]
    assert list(cut(b"", RATE)) == []


@pytest.mark.parametrize("length", [11.9, 12.0, 12.3, 12.9, 13.1, 24.2])
def test_the_last_piece_is_more_than_the_quiet_behind_the_last_word(length: float) -> None:
    speech = tone(length, 8000) + tone(0.3, 20)
    pieces = [seconds(piece, RATE) for piece in cut(speech, RATE)]
    assert all(1.0 <= piece <= LONGEST + 1.0 for piece in pieces)
    assert sum(pieces) == pytest.approx(length + 0.3)


def test_a_piece_is_halved_in_its_pause() -> None:
    speech = tone(3.0, 8000) + tone(0.2, 20) + tone(2.0, 8000)
    first, second = halve(speech, RATE)
    assert 3.0 <= seconds(first, RATE) <= 3.2 and first + second == speech
    with pytest.raises(ValueError, match="no room for a cut"):
        halve(tone(0.4, 8000), RATE)


def test_the_quiet_behind_the_last_word_is_left_out() -> None:
    cutter = Chunker(RATE)
    cutter.push(tone(3.0, 8000))
    assert cutter.finish(surplus=1.0) == tone(3.0, 8000)[: 2 * 2 * RATE]
    assert cutter.finish() == b""
    cutter.push(tone(0.5, 100))
    assert cutter.finish(surplus=1.0) == b""


@settings(max_examples=20)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=60))
def test_no_sample_is_lost_and_no_piece_too_long(tens: list[int]) -> None:
    chunks = [tone(one / 100, 1000 + n) for n, one in enumerate(tens)]
    cutter, pieces = Chunker(RATE), list[bytes]()
    for chunk in chunks:
        if (piece := cutter.push(chunk)) is not None:
            pieces.append(piece)
    longest = max(len(chunk) for chunk in chunks) + LONGEST * 2 * RATE
    assert all(0 < len(piece) <= longest for piece in pieces)
    assert b"".join([*pieces, cutter.finish()]) == b"".join(chunks)
