"""What the model has been sent and has not answered: kept in numbered pieces, and sent again on the next connection.

An answer is not the end of it. A resumption handle brings a session back as it was when the handle was given, and the
service gives none while the model speaks, so a connection that dies then takes the answered turn with it. Nor is a
flush: the part before it was heard, and until a handle knows of it, on that connection only.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.live.messages import Audio, EndActivity, InTurnText, Outgoing, StartActivity, TextTurn, ToolResult

# Pieces of replayed audio: long enough that minutes of speech are few messages, short enough for any frame limit.
REPLAY_PIECE = 0.5


class AudioSpool(Protocol):
    """Where audio goes that has waited too long to be kept in memory."""

    def put(self, pcm: bytes) -> int:
        """Keep some audio; returns where it is."""
        ...

    def get(self, place: int, size: int) -> bytes:
        """The audio that was put there."""
        ...


@dataclass(frozen=True, slots=True)
class _Shelved:
    place: int
    size: int
    rate: int

    @property
    def seconds(self) -> float:
        return self.size / 2 / self.rate


@dataclass(frozen=True, slots=True)
class _Kept:
    """An item and, if it is audio, its number among all the audio of the call."""

    item: Outgoing | _Shelved
    number: int = 0


@dataclass
class ReplayBuffer:
    """Everything since the model last finished an answer, and what it answered since the last handle.

    Up to `limit` seconds of audio are held in memory; what is older goes to the shelf. Without a shelf it stays in
    memory: an answer is never forgotten for its length.
    """

    limit: float = 120.0
    shelf: AudioSpool | None = None
    chunks: int = 0  # audio items of the call so far; each has its number
    behind: bool = False  # the last handle does not know a turn whose text is recorded: that is told in words
    told: list[int] = field(default_factory=list[int])  # the numbers of the audio of such turns
    _items: list[_Kept] = field(default_factory=list[_Kept])
    _answered: list[_Kept] = field(default_factory=list[_Kept])  # heard, and not known to any handle
    _seconds: float = 0.0  # of audio in memory

    @property
    def pending(self) -> bool:
        """Whether the model owes an answer, or the caller is in the middle of a turn."""
        return bool(self._items)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the audio items that would be sent again, in order."""
        return [kept.number for kept in (*self._answered, *self._items) if kept.number]

    def sent(self, item: Outgoing) -> None:
        """Keep what goes to the service."""
        if isinstance(item, ToolResult):
            return  # a resumed session does not know the call (pipecat-ai/pipecat#5497)
        if not isinstance(item, Audio):
            self._items.append(_Kept(item))
            return
        self.chunks += 1
        self._items.append(_Kept(item, self.chunks))
        self._seconds += _seconds(item)
        if self.shelf is not None and self._seconds > self.limit:
            self._put_aside(self.shelf)

    def answered(self) -> None:
        """The model has answered all that was finished; a window that is still open stays unanswered."""
        ends = (n for n, kept in enumerate(self._items) if isinstance(kept.item, EndActivity | TextTurn))
        end = max(ends, default=-1) + 1
        self._answered += self._items[:end]
        self._keep_from(end)

    def recorded(self) -> None:
        """The answered turn is in the transcript: another session is told of it in words, never its audio again."""
        self._answered = self._told(self._answered)

    def safe(self) -> bool:
        """A handle was given: what was heard is known to the session behind it.

        Returns whether that is a part of a turn which goes on: it will not be said again.
        """
        part = bool(self._answered) and _is_flush(self._answered[-1])
        self.known()
        self._answered.clear()
        return part

    def known(self) -> None:
        """A fresh session was told all that is recorded."""
        self.behind = False
        self.told.clear()

    def interrupted(self) -> None:
        """The model's reply was cut off by the newest window, which is all that is left to answer."""
        starts = (n for n, kept in enumerate(self._items) if isinstance(kept.item, StartActivity | TextTurn))
        start = max(starts, default=len(self._items))
        self._answered += self._items[:start]  # heard, and so far on this connection only
        self._keep_from(start)

    def _told(self, heard: list[_Kept]) -> list[_Kept]:
        """Take the turns that are over as told in words; what is left belongs to one that goes on."""
        end = max((n for n, kept in enumerate(heard) if _is_end(kept)), default=-1) + 1
        self.behind = self.behind or end > 0
        self.told += [kept.number for kept in heard[:end] if kept.number]
        return heard[end:]

    def again(self) -> list[Outgoing]:
        """What the next connection has to hear first. A flush has no meaning there: one turn is one window."""
        self._items = [*self._answered, *self._items]
        self._answered.clear()
        items = list(self._items)
        for n in range(len(items) - 2, -1, -1):
            if items[n].item == EndActivity(flush=True):
                del items[n : n + 2]  # with the start that follows it
        return list(_joined(self._read(kept.item) for kept in items))

    def _keep_from(self, index: int) -> None:
        self._items = self._items[index:]
        self._seconds = sum(_seconds(kept.item) for kept in self._items if isinstance(kept.item, Audio))

    def _read(self, item: Outgoing | _Shelved) -> Outgoing:
        if not isinstance(item, _Shelved):
            return item
        assert self.shelf is not None
        return Audio(self.shelf.get(item.place, item.size), item.rate)

    def _put_aside(self, shelf: AudioSpool) -> None:
        for n, kept in enumerate(self._items):
            if isinstance(kept.item, Audio):
                audio = kept.item
                self._items[n] = _Kept(_Shelved(shelf.put(audio.pcm), len(audio.pcm), audio.rate), kept.number)
                self._seconds -= _seconds(audio)
                if self._seconds <= self.limit / 2:  # half, so that the next chunk does not come here again
                    return


def with_aside(items: Sequence[Outgoing], aside: str) -> tuple[Outgoing, ...] | None:
    """These with words nobody spoke at the beginning of their first turn; None when no turn begins in them."""
    for n, item in enumerate(items):
        if isinstance(item, StartActivity):
            return (*items[: n + 1], InTurnText(aside), *items[n + 1 :])
        if isinstance(item, TextTurn):
            return (*items[:n], TextTurn(f"{aside} {item.text}"), *items[n + 1 :])
    return None


def _is_flush(kept: _Kept) -> bool:
    return kept.item == EndActivity(flush=True)


def _is_end(kept: _Kept) -> bool:
    return isinstance(kept.item, EndActivity | TextTurn) and not _is_flush(kept)


def _joined(items: Iterator[Outgoing]) -> Iterator[Outgoing]:
    """The same samples in fewer messages."""
    held: Audio | None = None
    for item in items:
        if isinstance(item, Audio) and held is not None and held.rate == item.rate and _seconds(held) < REPLAY_PIECE:
            held = Audio(held.pcm + item.pcm, held.rate)
            continue
        if held is not None:
            yield held
        held = item if isinstance(item, Audio) else None
        if held is None:
            yield item
    if held is not None:
        yield held


def _seconds(audio: Audio) -> float:
    return len(audio.pcm) / 2 / audio.rate
