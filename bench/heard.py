"""What the caller said, sample for sample, held against what the model was left with.

A stage behind the voice detector writes down every piece it lets through, after putting the piece's number into the
lowest bit of its first 32 samples: 1/32768 of full scale, so nobody hears it, and no two pieces are alike, silence
included. The emulator's truth file has every activity window as its samples. Each is taken apart into numbered
pieces, which must be equal to what was let through, bit for bit.
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

from core.ports import Session
from processors.frames import FlushFrame
from processors.stage import Stage, StageSettings

RATE = 16_000
BITS = 32


class TapSettings(StageSettings):
    """Where the notes go, and how long the caller waits for an examiner who is silent."""

    file: Path = Field(description="JSON Lines: each piece of the caller's turns, and who speaks when")
    patience: float = Field(30.0, gt=0, description="seconds in which nobody speaks, after which the caller hangs up")


class Tap(Stage[TapSettings]):
    """Numbers the caller's audio behind the voice detector and writes it down."""

    Settings = TapSettings

    def __init__(self, settings: TapSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._file: IO[str] = settings.file.open("w", encoding="utf-8", buffering=1)
        self._pieces = 0
        self._speaking = 0  # sides that speak now

    async def cleanup(self) -> None:
        await super().cleanup()
        self._file.close()

    async def woken(self, now: float) -> None:
        self.session.finish("caller left", f"Nobody has spoken for {self.settings.patience:g} s.")

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case InputAudioRawFrame():
                self._pieces += 1
                frame.audio = numbered(frame.audio, self._pieces)
                self._note("piece", n=self._pieces, pcm=base64.b64encode(frame.audio).decode())
            case ClientConnectedFrame() if direction is FrameDirection.DOWNSTREAM:
                self._note("connected")
                self._spoke(0)
            case UserStartedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                self._note("caller began")
                self._spoke(1)
            case UserStoppedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                self._note("caller stopped")
                self._spoke(-1)
            case FlushFrame():
                self._note("flushed")
            case BotStartedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                self._note("examiner began")
                self._spoke(1)
            case BotStoppedSpeakingFrame() if direction is FrameDirection.UPSTREAM:
                self._note("examiner stopped")
                self._spoke(-1)
            case _:
                pass
        await self.push_frame(frame, direction)

    def _note(self, what: str, **facts: Any) -> None:
        self._file.write(json.dumps({"at": round(self.session.now(), 3), "what": what} | facts) + "\n")

    def _spoke(self, change: int) -> None:
        self._speaking = max(0, self._speaking + change)
        self.wake_at(None if self._speaking else self.session.now() + self.settings.patience)


def numbered(audio: bytes, number: int) -> bytes:
    """The piece with its number in the lowest bits of its first samples."""
    samples = np.frombuffer(audio, np.int16).copy()
    if len(samples) < BITS:
        raise ValueError(f"a piece of {len(samples)} samples is too short to carry a number")
    bits = (number >> np.arange(BITS)) & 1
    samples[:BITS] = (samples[:BITS] & ~1) | bits
    return samples.tobytes()


def number(audio: bytes) -> int:
    """The number of the piece that begins here, if one does."""
    bits = np.frombuffer(audio[: 2 * BITS], np.int16) & 1
    return int((bits.astype(np.int64) << np.arange(len(bits))).sum())


@dataclass
class Spoken:
    """What the tap wrote down."""

    pieces: dict[int, bytes] = field(default_factory=dict[int, bytes])
    turns: list[tuple[float, list[int]]] = field(default_factory=list[tuple[float, list[int]]])
    notes: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    @property
    def samples(self) -> int:
        """How many samples were let through."""
        return sum(len(pcm) for pcm in self.pieces.values()) // 2

    @property
    def audio(self) -> bytes:
        """All of it, in order."""
        return b"".join(self.pieces[n] for n in sorted(self.pieces))

    @classmethod
    def read(cls, file: Path) -> "Spoken":
        """Read a tap's file; one that was never written is a call in which nothing happened."""
        spoken = cls()
        for line in lines(file):
            if line["what"] == "piece":
                spoken.pieces[line["n"]] = base64.b64decode(line["pcm"])
                spoken.turns[-1][1].append(line["n"])
                continue
            spoken.notes.append((line["at"], line["what"]))
            if line["what"] == "caller began":
                spoken.turns.append((line["at"], []))
        return spoken

    def during(self, stretches: Sequence[tuple[float, float]]) -> set[int]:
        """The pieces of the turns that have a moment in common with these stretches of time."""
        stops = [at for at, what in self.notes if what == "caller stopped"]
        found: set[int] = set()
        for began, pieces in self.turns:
            stopped = min((at for at in stops if at >= began), default=float("inf"))
            if any(first < stopped and began < last for first, last in stretches):
                found.update(pieces)
        return found

    def longest_gap(self, end: float) -> float:
        """The longest that the examiner owed something and was silent.

        It owes a greeting from the start, a reply from the end of the caller's turn, and the rest of what it was
        saying when it stops and then speaks again though the caller has said nothing. When the call ends it owes what
        it owed the caller's last words.
        """
        longest, since, owed = 0.0, 0.0, False
        for at, what in self.notes:
            match what:
                case "connected" | "caller stopped":
                    since, owed = at, True
                case "examiner began":
                    longest, owed = max(longest, at - since), False
                case "examiner stopped":
                    since = at
                case "caller began":
                    if owed:
                        longest = max(longest, at - since)
                    owed = False
                case _:
                    pass
        return max(longest, end - since) if owed else longest


@dataclass(frozen=True, slots=True)
class Window:
    """An activity window of the truth, as numbers of pieces; `strange` counts samples that nobody let through."""

    connection: int
    at: float
    whole: bool
    samples: int
    pieces: tuple[int, ...]
    strange: int


@dataclass
class Known:
    """What the model of one connection knows of the caller's audio."""

    session: str
    windows: list[Window] = field(default_factory=list[Window])
    answered: list[Window] = field(default_factory=list[Window])


@dataclass
class Heard:
    """What became of the caller's audio."""

    windows: list[Window] = field(default_factory=list[Window])
    lineage: list[Window] = field(default_factory=list[Window])  # what the last connection's model has heard
    in_words: set[int] = field(default_factory=set[int])  # pieces that its model was told of in words
    most_repeats: Counter[int] = field(default_factory=Counter[int])
    resumed: list[bool] = field(default_factory=list[bool])  # of each setup that was accepted
    faults: list[tuple[float, int, str]] = field(default_factory=list[tuple[float, int, str]])
    reconnects: int = 0  # since the model first spoke
    discarded: int = 0
    first: int = 0  # the connection on which the model first spoke

    def lost(self, spoken: Spoken) -> float:
        """Seconds that the last model has neither heard nor been told of."""
        kept = self.in_words.union(*(window.pieces for window in self.lineage))
        return _seconds(spoken, (n for n in spoken.pieces if n not in kept))

    def told(self, spoken: Spoken) -> float:
        """Seconds that the last model knows in words only."""
        kept: set[int] = set().union(*(window.pieces for window in self.lineage))
        return _seconds(spoken, self.in_words - kept)

    def repeated(self, spoken: Spoken) -> float:
        """Seconds that some model has heard more than once, each further time counted."""
        return _seconds(spoken, self.most_repeats.elements())

    @property
    def strange(self) -> int:
        """Samples that reached the service and were not let through."""
        return sum(window.strange for window in self.windows)


def heard(truth: Path, spoken: Spoken) -> Heard:
    """Follow the truth file: what each connection's model knew, which handle carried it on, who was told in words."""
    told = Heard()
    known: dict[int, Known] = {}
    handles: dict[str, tuple[Window, ...]] = {}
    last: Known | None = None
    for line in lines(truth):
        connection = line.get("connection", 0)
        match line["what"]:
            case "setup":
                last = known[connection] = _begun(line, handles, last, told)
                told.reconnects += told.first > 0
            case "handle.given":
                handles[line["handle"]] = tuple(known[connection].windows)
            case "window.closed":
                window = _window(line, spoken)
                told.windows.append(window)
                if window.whole:
                    known[connection].windows.append(window)
                    _count(known[connection], told)
            case "turn.started":
                told.first = told.first or connection
            case "turn.ended" if not line["cut"]:
                known[connection].answered = list(known[connection].windows)
            case "audio.discarded":
                told.discarded += line["samples"]
            case "fault":
                told.faults.append((line["t"], connection, line["fault"]))
            case _:
                pass
    told.lineage = last.windows if last is not None else []
    return told


def _begun(line: dict[str, Any], handles: dict[str, tuple[Window, ...]], last: Known | None, told: Heard) -> Known:
    setup = line["setup"]
    told.resumed.append(line["resumed"])
    if line["resumed"]:
        windows = list(handles.get(setup["sessionResumption"]["handle"], ()))
        return Known(line["session"], windows, list(windows))
    if last is not None and setup.get("historyConfig", {}).get("initialHistoryInClientContent"):
        told.in_words.update(n for window in last.answered for n in window.pieces)
    else:
        told.in_words.clear()
    return Known(line["session"])


def _count(known: Known, told: Heard) -> None:
    times = Counter(n for window in known.windows for n in window.pieces)
    told.most_repeats |= Counter({n: count - 1 for n, count in times.items() if count > 1})


def _window(line: dict[str, Any], spoken: Spoken) -> Window:
    pcm = base64.b64decode(line["pcm"])
    pieces: list[int] = []
    at = strange = 0
    while at < len(pcm):
        piece = spoken.pieces.get(number(pcm[at:])) if len(pcm) - at >= 2 * BITS else None
        if piece is not None and pcm[at : at + len(piece)] == piece:
            pieces.append(number(pcm[at:]))
            at += len(piece)
        else:
            strange += 1
            at += 2
    return Window(line["connection"], line["t"], line["whole"], line["samples"], tuple(pieces), strange)


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """The facts of a JSON Lines file, none if there is no file."""
    if not file.exists():
        return
    with file.open(encoding="utf-8") as text:
        for line in text:
            yield json.loads(line)


def _seconds(spoken: Spoken, numbers: Iterator[int] | set[int]) -> float:
    return sum(len(spoken.pieces[n]) for n in numbers) / 2 / RATE


def joined(spoken: Spoken, windows: Sequence[Window]) -> bytes:
    """The samples of some windows, one after the other."""
    return b"".join(spoken.pieces[n] for window in windows for n in window.pieces)
