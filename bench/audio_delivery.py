"""The caller's audio as it was sent, compared sample for sample with what the model has received of it.

A stage behind the voice detector logs every chunk that it passes on, after putting the chunk's number into the lowest
bit of its first 32 samples: 1/32768 of full scale, so it is inaudible, and no two chunks are equal, silence included.
The emulator's truth file has every activity window as its samples. Each is split into numbered chunks, which must be
equal to what was passed on, bit for bit.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    ClientConnectedFrame,
    Frame,
    InputAudioRawFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pydantic import Field

from core.audio.pcm import seconds
from core.ports import Session
from processors.frames import FlushFrame
from processors.stage import Stage, StageSettings

RATE = 16_000
BITS = 32


class AudioTapSettings(StageSettings):
    """Where the tap's log goes, and how long the caller waits for an examiner who is silent."""

    file: Path = Field(description="JSON Lines: each chunk of the caller's turns, and who speaks when")
    idle_timeout: float = Field(
        30.0, gt=0, description="seconds in which nobody speaks, after which the caller hangs up"
    )


class AudioTap(Stage[AudioTapSettings]):
    """Numbers the caller's audio behind the voice detector and logs it."""

    Settings = AudioTapSettings

    def __init__(self, settings: AudioTapSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._file: IO[str] = settings.file.open("w", encoding="utf-8", buffering=1)
        self._chunks = 0
        self._speaking = 0  # sides that speak now

    async def cleanup(self) -> None:
        await super().cleanup()
        self._file.close()

    async def woken(self, now: float) -> None:
        self.session.finish("caller left", f"Nobody has sent for {self.settings.idle_timeout:g} s.")

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case InputAudioRawFrame():
                self._chunks += 1
                frame.audio = numbered(frame.audio, self._chunks)
                self._note("chunk", n=self._chunks, pcm=base64.b64encode(frame.audio).decode())
            case ClientConnectedFrame() if direction is FrameDirection.DOWNSTREAM:
                self._note("connected")
                self._count_speaking(0)
            case UserStartedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                self._note("caller began")
                self._count_speaking(1)
            case UserStoppedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                self._note("caller stopped")
                self._count_speaking(-1)
            case FlushFrame():
                self._note("flushed")
            case BotStartedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                self._note("examiner began")
                self._count_speaking(1)
            case BotStoppedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                self._note("examiner stopped")
                self._count_speaking(-1)
            case _:
                pass
        await self.push_frame(frame, direction)

    def _note(self, what: str, **fields: Any) -> None:
        self._file.write(json.dumps({"at": round(self.session.now(), 3), "what": what} | fields) + "\n")

    def _count_speaking(self, change: int) -> None:
        self._speaking = max(0, self._speaking + change)
        self.wake_at(None if self._speaking else self.session.now() + self.settings.idle_timeout)


def numbered(audio: bytes, number: int) -> bytes:
    """The chunk with its number in the lowest bits of its first samples."""
    samples = np.frombuffer(audio, np.int16).copy()
    if len(samples) < BITS:
        raise ValueError(f"a chunk of {len(samples)} samples is too short to carry a number")
    bits = (number >> np.arange(BITS)) & 1
    samples[:BITS] = (samples[:BITS] & ~1) | bits
    return samples.tobytes()


def number(audio: bytes) -> int:
    """The number of the chunk that begins here, if one does."""
    bits = np.frombuffer(audio[: 2 * BITS], np.int16) & 1
    return int((bits.astype(np.int64) << np.arange(len(bits))).sum())


@dataclass
class SentAudio:
    """The caller's audio that the tap passed on."""

    chunks: dict[int, bytes] = field(default_factory=dict[int, bytes])
    turns: list[tuple[float, list[int]]] = field(default_factory=list[tuple[float, list[int]]])
    notes: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    @property
    def samples(self) -> int:
        """How many samples were passed on."""
        return sum(len(pcm) for pcm in self.chunks.values()) // 2

    @property
    def audio(self) -> bytes:
        """All of it, in order."""
        return b"".join(self.chunks[n] for n in sorted(self.chunks))

    @classmethod
    def read(cls, file: Path) -> "SentAudio":
        """Read a tap's file; one that was never written is a call in which nothing happened."""
        sent = cls()
        for line in read_lines(file):
            if line["what"] == "chunk":
                sent.chunks[line["n"]] = base64.b64decode(line["pcm"])
                sent.turns[-1][1].append(line["n"])
                continue
            sent.notes.append((line["at"], line["what"]))
            if line["what"] == "caller began":
                sent.turns.append((line["at"], []))
        return sent

    def during(self, spans: Sequence[tuple[float, float]]) -> set[int]:
        """The chunks of the turns that overlap these spans of time."""
        stops = [at for at, what in self.notes if what == "caller stopped"]
        found: set[int] = set()
        for began, chunks in self.turns:
            stopped = min((at for at in stops if at >= began), default=float("inf"))
            if any(first < stopped and began < last for first, last in spans):
                found.update(chunks)
        return found

    def longest_silence(self, end: float) -> float:
        """The longest time, in seconds, that the examiner was expected to speak and was silent.

        Expected are a greeting from the start, a reply from the end of the caller's turn, and the rest of a reply when
        the examiner stops and then goes on though the caller has said nothing. At the end of the call a reply to the
        caller's last turn is still expected.
        """
        longest, since, expected = 0.0, 0.0, False
        for at, what in self.notes:
            match what:
                case "connected" | "caller stopped":
                    since, expected = at, True
                case "examiner began":
                    longest, expected = max(longest, at - since), False
                case "examiner stopped":
                    since = at
                case "caller began":
                    if expected:
                        longest = max(longest, at - since)
                    expected = False
                case _:
                    pass
        return max(longest, end - since) if expected else longest


@dataclass(frozen=True, slots=True)
class Window:
    """An activity window of the truth file, as numbers of chunks; `unmatched` counts samples not passed on."""

    connection: int
    at: float
    whole: bool
    samples: int
    chunks: tuple[int, ...]
    unmatched: int


@dataclass
class Context:
    """The caller's audio in the context of one connection's model."""

    session: str
    windows: list[Window] = field(default_factory=list[Window])
    answered: list[Window] = field(default_factory=list[Window])


@dataclass
class ReceivedAudio:
    """The caller's audio that the service has received."""

    windows: list[Window] = field(default_factory=list[Window])
    context: list[Window] = field(default_factory=list[Window])  # in the context of the last connection's model
    as_text: set[int] = field(default_factory=set[int])  # chunks that its model was sent the text of
    repeats: Counter[int] = field(default_factory=Counter[int])
    resumed: list[bool] = field(default_factory=list[bool])  # of each setup that was accepted
    faults: list[tuple[float, int, str]] = field(default_factory=list[tuple[float, int, str]])
    reconnects: int = 0  # since the model first spoke
    discarded: int = 0
    first_connection: int = 0  # on which the model first spoke

    def lost(self, sent: SentAudio) -> float:
        """Seconds that the last model has neither as audio nor as text."""
        known = self.as_text.union(*(window.chunks for window in self.context))
        return _seconds(sent, (n for n in sent.chunks if n not in known))

    def only_text(self, sent: SentAudio) -> float:
        """Seconds that the last model has as text only."""
        audible: set[int] = set().union(*(window.chunks for window in self.context))
        return _seconds(sent, self.as_text - audible)

    def repeated(self, sent: SentAudio) -> float:
        """Seconds that some model has received more than once, each further time counted."""
        return _seconds(sent, self.repeats.elements())

    @property
    def unmatched(self) -> int:
        """Samples that reached the service and were not passed on by the tap."""
        return sum(window.unmatched for window in self.windows)


def received_audio(truth: Path, sent: SentAudio) -> ReceivedAudio:
    """Follow the truth file: the context of each connection's model, which handle resumed it, what it got as text."""
    received = ReceivedAudio()
    contexts: dict[int, Context] = {}
    handles: dict[str, tuple[Window, ...]] = {}
    last: Context | None = None
    for line in read_lines(truth):
        connection = line.get("connection", 0)
        match line["what"]:
            case "setup":
                last = contexts[connection] = _set_up(line, handles, last, received)
                received.reconnects += received.first_connection > 0
            case "handle.given":
                handles[line["handle"]] = tuple(contexts[connection].windows)
            case "window.closed":
                window = _window(line, sent)
                received.windows.append(window)
                if window.whole:
                    contexts[connection].windows.append(window)
                    _count_repeats(contexts[connection], received)
            case "turn.started":
                received.first_connection = received.first_connection or connection
            case "turn.ended" if not line["cut"]:
                contexts[connection].answered = list(contexts[connection].windows)
            case "audio.discarded":
                received.discarded += line["samples"]
            case "fault":
                received.faults.append((line["t"], connection, line["fault"]))
            case _:
                pass
    received.context = last.windows if last is not None else []
    return received


def _set_up(
    line: dict[str, Any], handles: dict[str, tuple[Window, ...]], last: Context | None, received: ReceivedAudio
) -> Context:
    setup = line["setup"]
    received.resumed.append(line["resumed"])
    if line["resumed"]:
        windows = list(handles.get(setup["sessionResumption"]["handle"], ()))
        return Context(line["session"], windows, list(windows))
    if last is not None and setup.get("historyConfig", {}).get("initialHistoryInClientContent"):
        received.as_text.update(n for window in last.answered for n in window.chunks)
    else:
        received.as_text.clear()
    return Context(line["session"])


def _count_repeats(context: Context, received: ReceivedAudio) -> None:
    times = Counter(n for window in context.windows for n in window.chunks)
    received.repeats |= Counter({n: count - 1 for n, count in times.items() if count > 1})


def _window(line: dict[str, Any], sent: SentAudio) -> Window:
    pcm = base64.b64decode(line["pcm"])
    chunks: list[int] = []
    at = unmatched = 0
    while at < len(pcm):
        chunk = sent.chunks.get(number(pcm[at:])) if len(pcm) - at >= 2 * BITS else None
        if chunk is not None and pcm[at : at + len(chunk)] == chunk:
            chunks.append(number(pcm[at:]))
            at += len(chunk)
        else:
            unmatched += 1
            at += 2
    return Window(line["connection"], line["t"], line["whole"], line["samples"], tuple(chunks), unmatched)


def read_lines(file: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file, none if there is no file."""
    if not file.exists():
        return
    with file.open(encoding="utf-8") as text:
        for line in text:
            yield json.loads(line)


def _seconds(sent: SentAudio, numbers: Iterator[int] | set[int]) -> float:
    return sum(seconds(sent.chunks[n], RATE) for n in numbers)


def samples_of(sent: SentAudio, windows: Sequence[Window]) -> bytes:
    """The samples of some windows, one after the other."""
    return b"".join(sent.chunks[n] for window in windows for n in window.chunks)
