"""The audio and text that another connection would need: unanswered by the model, or not acknowledged by a handle.

An answer is no acknowledgement. A resumption handle restores the session as it was when the handle was given, and the
service gives none while the model speaks, so a connection that dies then takes the answered turn with it. Nor is a
flush: the part of the turn before it has reached the model, but until a handle is given, on that connection only. And
should the handle be refused, a new session has nothing of a turn that goes on, neither as audio nor as text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from core.audio import pcm
from core.live.messages import Audio, EndActivity, InTurnText, Outgoing, StartActivity, TextTurn, ToolResult

# Seconds of audio in a replayed message: long enough that minutes of speech are few messages, short enough for any
# frame limit.
REPLAY_CHUNK = 0.5


class AudioSpool(Protocol):
    """Where audio goes that has waited too long to stay in memory."""

    def put(self, pcm: bytes) -> int:
        """Store some audio; returns its position."""
        ...

    def get(self, position: int, size: int) -> bytes:
        """The `size` bytes that were put at this position."""
        ...


@dataclass(frozen=True, slots=True)
class _Spooled:
    position: int
    size: int
    rate: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """An item and, if it is audio, its number among all the audio items of the call, from 1."""

    item: Outgoing | _Spooled
    number: int = 0


@dataclass
class ReplayBuffer:
    """Everything sent since the model last finished an answer, and what it answered since the last handle.

    Up to `limit` seconds of audio are held in memory; older audio goes to the spool. Without a spool it stays in
    memory: no answer is too long to be replayed.
    """

    limit: float = 120.0
    spool: AudioSpool | None = None
    chunks: int = 0  # audio items of the call so far; each has its number
    handle_is_stale: bool = False  # the last handle is older than a turn whose text is recorded: sent as text
    sent_as_text: list[int] = field(default_factory=list[int])  # the numbers of the audio of such turns
    _unanswered: list[_Entry] = field(default_factory=list[_Entry])
    _unacknowledged: list[_Entry] = field(default_factory=list[_Entry])  # answered, and newer than any handle
    _acknowledged: list[_Entry] = field(default_factory=list[_Entry])  # of the turn that goes on, for a new session
    _seconds: float = 0.0  # of audio in memory
    _replayed: int = 0  # of the unanswered items, so many were replayed at once on this connection

    @property
    def pending(self) -> bool:
        """Whether a turn is unanswered, or the caller is in the middle of one."""
        return bool(self._unanswered)

    @property
    def window_is_open(self) -> bool:
        """Whether the newest activity window is not closed: a turn of its own may not be sent into it."""
        edges = [entry.item for entry in self._unanswered if isinstance(entry.item, StartActivity | EndActivity)]
        return bool(edges) and isinstance(edges[-1], StartActivity)

    @property
    def numbers(self) -> list[int]:
        """The numbers of the audio items that would be replayed, in order."""
        return [entry.number for entry in (*self._unacknowledged, *self._unanswered) if entry.number]

    def add(self, item: Outgoing) -> None:
        """Buffer an item that goes to the service."""
        if isinstance(item, ToolResult):
            return  # a resumed session does not know the call (pipecat-ai/pipecat#5497)
        if not isinstance(item, Audio):
            self._unanswered.append(_Entry(item))
            return
        self.chunks += 1
        self._unanswered.append(_Entry(item, self.chunks))
        self._seconds += _seconds(item)
        if self.spool is not None and self._seconds > self.limit:
            self._spill(self.spool)

    def answered(self) -> None:
        """The model has answered all turns that were finished; a window that is still open stays unanswered."""
        ends = (n for n, entry in enumerate(self._unanswered) if isinstance(entry.item, EndActivity | TextTurn))
        end = max(ends, default=-1) + 1
        self._unacknowledged += self._unanswered[:end]
        self._drop_before(end)

    def recorded(self) -> None:
        """The answered turns are in the transcript: another session is given their text, never their audio.

        What is left of them belongs to a turn that goes on.
        """
        entries = self._unacknowledged
        end = _end(entries)
        self.handle_is_stale = self.handle_is_stale or end > 0
        self.sent_as_text += [entry.number for entry in entries[:end] if entry.number]
        self._unacknowledged = entries[end:]
        if end > 0:
            self._acknowledged.clear()

    def acknowledged(self) -> bool:
        """A handle was given: the session behind it has all that was answered.

        Returns whether that includes a part of a turn which goes on: it will not be replayed to that session.
        """
        part = bool(self._unacknowledged) and _is_flush(self._unacknowledged[-1])
        self._nothing_is_stale()
        entries = [*self._acknowledged, *self._unacknowledged]
        self._acknowledged = entries[_end(entries) :]
        self._unacknowledged.clear()
        return part

    def seeded(self) -> bool:
        """A new session was given the text of all that is recorded.

        Returns whether the turn that goes on will be replayed with a part that the lost session had acknowledged.
        """
        self._nothing_is_stale()
        part, self._acknowledged = self._acknowledged, []
        self._unacknowledged = [*part, *self._unacknowledged]
        return bool(part)

    def interrupted(self) -> None:
        """The model's reply was cut off by the newest turn, which is all that is left to answer.

        Of turns that were replayed at once each cuts off the reply to the one before: there it is the second, and a
        handle that is given now does not have the later ones.
        """
        starts = [n for n, entry in enumerate(self._unanswered) if isinstance(entry.item, StartActivity | TextTurn)]
        replayed = [n for n in starts if n < self._replayed]
        start = replayed[1] if len(replayed) > 1 else max(starts, default=len(self._unanswered))
        self._unacknowledged += self._unanswered[:start]  # so far on this connection only
        self._drop_before(start)

    def replay(self) -> list[Outgoing]:
        """What the next connection is sent first. A flush has no meaning there: one turn is one window."""
        self._unanswered = [*self._unacknowledged, *self._unanswered]
        self._unacknowledged.clear()
        # In the buffer, too: a later interruption or answer is of a window that this connection was sent, not of one
        # before a flush.
        for n in range(len(self._unanswered) - 2, -1, -1):
            if self._unanswered[n].item == EndActivity(flush=True):
                del self._unanswered[n : n + 2]  # with the start that follows it
        self._replayed = len(self._unanswered)
        return list(_joined(self._read(entry.item) for entry in self._unanswered))

    def _nothing_is_stale(self) -> None:
        self.handle_is_stale = False
        self.sent_as_text.clear()

    def _drop_before(self, index: int) -> None:
        self._unanswered = self._unanswered[index:]
        self._replayed = max(0, self._replayed - index)
        self._seconds = sum(_seconds(entry.item) for entry in self._unanswered if isinstance(entry.item, Audio))

    def _read(self, item: Outgoing | _Spooled) -> Outgoing:
        if not isinstance(item, _Spooled):
            return item
        assert self.spool is not None
        return Audio(self.spool.get(item.position, item.size), item.rate)

    def _spill(self, spool: AudioSpool) -> None:
        for n, entry in enumerate(self._unanswered):
            if isinstance(entry.item, Audio):
                audio = entry.item
                spooled = _Spooled(spool.put(audio.pcm), len(audio.pcm), audio.rate)
                self._unanswered[n] = _Entry(spooled, entry.number)
                self._seconds -= _seconds(audio)
                if self._seconds <= self.limit / 2:  # half, so that the next chunk does not come here again
                    return


def with_text(items: Sequence[Outgoing], text: str) -> tuple[Outgoing, ...] | None:
    """These with text that nobody spoke at the beginning of their first turn; None when no turn begins in them."""
    for n, item in enumerate(items):
        if isinstance(item, StartActivity):
            return (*items[: n + 1], InTurnText(text), *items[n + 1 :])
        if isinstance(item, TextTurn):
            return (*items[:n], TextTurn(f"{text} {item.text}"), *items[n + 1 :])
    return None


def _is_flush(entry: _Entry) -> bool:
    return entry.item == EndActivity(flush=True)


def _end(entries: Sequence[_Entry]) -> int:
    """Where the turn begins that goes on behind those that are finished."""
    ends = (n for n, entry in enumerate(entries) if isinstance(entry.item, EndActivity | TextTurn))
    return max((n for n in ends if not _is_flush(entries[n])), default=-1) + 1


def _joined(items: Iterator[Outgoing]) -> Iterator[Outgoing]:
    """The same samples in fewer messages."""
    joined: Audio | None = None
    for item in items:
        if (
            isinstance(item, Audio)
            and joined is not None
            and joined.rate == item.rate
            and _seconds(joined) < REPLAY_CHUNK
        ):
            joined = Audio(joined.pcm + item.pcm, joined.rate)
            continue
        if joined is not None:
            yield joined
        joined = item if isinstance(item, Audio) else None
        if joined is None:
            yield item
    if joined is not None:
        yield joined


def _seconds(audio: Audio) -> float:
    return pcm.seconds(audio.pcm, audio.rate)
