"""Cutting speech at its quietest places, into chunks that a recogniser can process."""

from collections.abc import Iterator, Sequence

from core.audio import pcm

# The time of offline recognisers grows faster than their audio, and past some 45 s they loop; moonshine's own chunker
# stays within 12 s (measured: 4 s in 0.18 s, 12 s in 0.74 s, 30 s in 3.2 s).
LONGEST = 12.0  # seconds
# A cut is made in the last seconds of a full chunk. Even fluent speech has a pause of a tenth of a second in six.
_SEARCH = 6.0
_FRAME = 0.02
_QUIET = 5  # frames whose levels are added up
# Seconds that the last chunk has at least: out of a little silence, cut off behind the last word, some make a word.
_LEAST_REST = 1.0


class Chunker:
    """16-bit mono PCM in portions of any size in; chunks of LONGEST seconds at most out, every sample once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._frame = pcm.size(_FRAME, rate)
        self._audio = bytearray()
        self._levels: list[float] = []

    def push(self, audio: bytes) -> bytes | None:
        """Add audio; a chunk when one is full."""
        self._audio += audio
        for at in range(len(self._levels) * self._frame, len(self._audio) - self._frame + 1, self._frame):
            self._levels.append(pcm.level(bytes(self._audio[at : at + self._frame])))
        return self._cut() if len(self._levels) * _FRAME >= LONGEST else None

    def finish(self, surplus: float = 0.0) -> bytes:
        """The last chunk, without its last `surplus` seconds."""
        rest = bytes(self._audio[: max(0, len(self._audio) - pcm.size(surplus, self._rate))])
        self._audio.clear()
        self._levels.clear()
        return rest

    def _cut(self) -> bytes:
        frames = _quietest(self._levels, len(self._levels) - round(_SEARCH / _FRAME), len(self._levels))
        chunk = bytes(self._audio[: frames * self._frame])
        del self._audio[: frames * self._frame]
        del self._levels[:frames]
        return chunk


def cut(audio: bytes, rate: int) -> Iterator[bytes]:
    """All of the audio in chunks, of which the last may be a second longer."""
    chunker, step = Chunker(rate), pcm.size(_FRAME, rate)
    body = max(0, len(audio) - pcm.size(_LEAST_REST, rate))
    for at in range(0, body, step):
        if (chunk := chunker.push(audio[at : min(at + step, body)])) is not None:
            yield chunk
    if rest := chunker.finish() + audio[body:]:
        yield rest


def halve(audio: bytes, rate: int) -> tuple[bytes, bytes]:
    """The audio in two, cut where it is quietest about the middle. Raises ValueError with less than half a second."""
    size = pcm.size(_FRAME, rate)
    levels = [pcm.level(audio[at : at + size]) for at in range(0, len(audio) - size + 1, size)]
    if len(levels) * _FRAME < 0.5:
        raise ValueError("there is no room for a cut")
    place = _quietest(levels, len(levels) // 4, 3 * len(levels) // 4) * size
    return audio[:place], audio[place:]


def _quietest(levels: Sequence[float], first: int, last: int) -> int:
    """The middle of the quietest frames from `first` to `last`."""
    sums = [sum(levels[n : n + _QUIET]) for n in range(first, last - _QUIET)]
    return first + sums.index(min(sums)) + _QUIET // 2
