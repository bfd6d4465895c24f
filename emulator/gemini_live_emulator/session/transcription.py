"""What the service makes of the user's audio: windows, pieces for the ears, and their text."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from gemini_live_emulator.protocol.model_facts import Style
from gemini_live_emulator.protocol.outputs import Listen
from gemini_live_emulator.scenario import Transcription
from gemini_live_emulator.speech import EAR_RATE, resample

FRAME: Final = EAR_RATE // 50  # samples in 20 ms
BYTES_PER_SECOND: Final = EAR_RATE * 2
MAX_PIECE: Final = 12.0  # moonshine's time grows faster than its input, and past 45 s it loops
PAUSE: Final = 0.5  # quiet that finishes a piece
LEAD_IN: Final = 0.3  # quiet kept before a piece
SHORTEST: Final = 1.0  # a tail after a forced cut that is not worth hearing
SEARCH: Final = 4.0  # where a forced cut looks for the quietest place


class Gate:
    """Tells voice from quiet by energy, above a floor that follows the noise."""

    LOWEST: Final = 150.0  # rms of 16-bit samples; a silent line measures under 50

    def __init__(self) -> None:
        self._floor = 30.0

    def levels(self, pcm: bytes) -> list[tuple[float, bool]]:
        """Measure whole frames: their loudness and whether they are voice."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
        measured: list[tuple[float, bool]] = []
        for level in np.sqrt((frames * frames).mean(axis=1)).tolist():
            # The floor falls at once and rises by 6 dB in about 3.5 s.
            self._floor = min(max(level, 10.0), self._floor * 1.004)
            measured.append((level, level > max(self.LOWEST, 3.0 * self._floor)))
        return measured


class Cutter:
    """Cuts the audio of one window into pieces that the ears can take."""

    def __init__(self) -> None:
        self._gate = Gate()
        self._pcm = bytearray()
        self._levels: list[tuple[float, bool]] = []
        self._start = 0  # frames of the window before the buffer
        self._forced = False

    def push(self, pcm: bytes) -> list[tuple[bytes, float]]:
        """Add audio; return finished pieces, each with the second of the window it ends at."""
        self._pcm += pcm
        done: list[tuple[bytes, float]] = []
        new = bytes(self._pcm[len(self._levels) * FRAME * 2 :])
        for measure in self._gate.levels(new):
            self._levels.append(measure)
            quiet = self._quiet()
            if quiet == len(self._levels):
                if quiet > LEAD_IN * 50:
                    self._drop(1)
            elif quiet >= PAUSE * 50:
                done += self._cut(len(self._levels) - quiet // 2, forced=False)
            elif len(self._levels) >= MAX_PIECE * 50:
                done += self._cut(self._quietest(), forced=True)
        return done

    def finish(self) -> list[tuple[bytes, float]]:
        """End the window; return what is left of it, if anybody spoke."""
        return self._cut(len(self._levels), forced=False)

    def _quiet(self) -> int:
        count = 0
        for _, voiced in reversed(self._levels):
            if voiced:
                break
            count += 1
        return count

    def _quietest(self) -> int:
        first = len(self._levels) - int(SEARCH * 50)
        sums = [sum(level for level, _ in self._levels[i : i + 5]) for i in range(first, len(self._levels) - 5)]
        return first + sums.index(min(sums)) + 2

    def _cut(self, frames: int, forced: bool) -> list[tuple[bytes, float]]:
        voiced = sum(v for _, v in self._levels[:frames])
        short_tail = self._forced and frames < SHORTEST * 50
        piece = bytes(self._pcm[: frames * FRAME * 2])
        self._drop(frames)
        self._forced = forced
        # Silence makes the ears invent words ("You"), so it is never sent to them.
        if voiced < 5 or short_tail:
            return []
        return [(piece, self._start / 50)]

    def _drop(self, frames: int) -> None:
        del self._levels[:frames]
        del self._pcm[: frames * FRAME * 2]
        self._start += frames


@dataclass
class _Window:
    cutter: Cutter | None
    flushed: bool  # opened by a flush: the model had not yet taken what another window held
    seconds: float = 0.0
    open: bool = True
    texts: list[str] = field(default_factory=list[str])
    waiting: int = 0  # pieces that the ears have not answered
    scripted: int = 0  # scripted words let out
    closed: float = 0.0  # when it ended


@dataclass(frozen=True, slots=True)
class _Piece:
    window: _Window
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """A text to send; when `interim`, the next one replaces it."""

    text: str
    interim: bool = False


class Hearing:
    """Keeps the windows of one connection and gives their text, in order and in time."""

    def __init__(
        self, rules: Transcription, style: Style, ears: bool, words_per_second: float | None, final_after: float = 0.0
    ) -> None:
        self._rules = rules
        self._style = style
        self._final_after = final_after
        self._ears = ears
        self._pace = words_per_second
        self._window: _Window | None = None
        self._script: list[str] | None = None
        self._scripts: deque[str] | None = None
        self._pieces: dict[int, _Piece] = {}
        self._answers: dict[int, str] = {}
        self._next, self._issued = 0, 0
        self._due: deque[tuple[float, Transcript]] = deque()
        self._words: list[str] = []
        self._untaken = False

    def expect(self, script: str | None) -> None:
        """Set what the next answer will be heard as, when there are no ears."""
        self._script = None if script is None else script.split()

    def expect_each(self, scripts: Iterable[str]) -> None:
        """Set what each window will be heard as, one after the other, when there are no ears."""
        self._scripts = deque(scripts)

    def open(self) -> None:
        """Begin a window."""
        if self._scripts is not None:
            self.expect(self._scripts.popleft() if self._scripts else None)
        self._window = _Window(Cutter() if self._ears else None, flushed=self._untaken)

    def feed(self, pcm: bytes, rate: int, now: float) -> list[Listen]:
        """Take audio of the open window."""
        window = self._window
        if window is None:
            return []
        window.seconds += len(pcm) / 2 / rate
        if window.cutter is not None:
            return self._listen(window, window.cutter.push(resample(pcm, rate)))
        if self._pace is not None and self._script:
            total = int(window.seconds * self._pace)
            while window.scripted < total and self._script:
                word = self._script.pop(0)
                at = window.scripted / self._pace
                window.scripted += 1
                self._take(window, word, at, at, now)
        return []

    def close(self, now: float) -> list[Listen]:
        """End the window."""
        window, self._window = self._window, None
        if window is None:
            return []
        window.open, window.closed = False, now
        self._untaken = True
        asked: list[Listen] = []
        if window.cutter is not None:
            asked = self._listen(window, window.cutter.finish())
        elif self._pace is None and window.seconds > 0:
            text = f"({window.seconds:.1f} s of speech)"
            if self._script is not None:
                text, self._script = " ".join(self._script), []
            self._take(window, text, 0.0, window.seconds, now)
        self._utter(window, now)
        return asked

    def _listen(self, window: _Window, pieces: list[tuple[bytes, float]]) -> list[Listen]:
        asked: list[Listen] = []
        for pcm, ends in pieces:
            self._pieces[self._issued] = _Piece(window, ends - len(pcm) / BYTES_PER_SECOND, ends)
            window.waiting += 1
            asked.append(Listen(self._issued, pcm))
            self._issued += 1
        return asked

    def heard(self, piece: int, text: str, now: float) -> None:
        """Take the text of a piece; pieces are told in the order in which they were said."""
        if piece in self._pieces:
            self._answers[piece] = text
        while self._next in self._answers:
            known = self._pieces.pop(self._next)
            known.window.waiting -= 1
            self._take(known.window, self._answers.pop(self._next), known.begins, known.ends, now)
            self._utter(known.window, now)
            self._next += 1

    def _take(self, window: _Window, text: str, begins: float, ends: float, now: float) -> None:
        words = text.split()
        self._words += words
        stall = self._rules.stall_after
        if stall is not None and (ends > stall or begins >= stall):
            # The model hears on; only its transcript stops (discuss.ai.google.dev/t/110732).
            share = max(0.0, stall - begins) / (ends - begins) if ends > begins else 0.0
            words = words[: int(len(words) * share)]
        if not words:
            return
        if self._style != "increments":
            window.texts.append(" ".join(words))
            if self._style == "interim":
                self._say(window, " ".join(window.texts), now, interim=True)
            return
        step = self._rules.words
        for i in range(0, len(words), step):
            self._say(window, " " + " ".join(words[i : i + step]), now)

    def _utter(self, window: _Window, now: float) -> None:
        if self._style != "increments" and not window.open and not window.waiting and window.texts:
            text, window.texts = " ".join(window.texts), []
            self._say(window, text, max(now, window.closed + self._final_after))

    def _say(self, window: _Window, text: str, now: float, interim: bool = False) -> None:
        lag = self._rules.delay + (self._rules.restart if window.flushed else 0.0)
        self._due.append((now + lag, Transcript(text, interim)))

    def due(self, now: float) -> list[Transcript]:
        """Give the transcripts that should be sent by now."""
        out: list[Transcript] = []
        while self._due and self._due[0][0] <= now:
            out.append(self._due.popleft()[1])
        return out

    def deadline(self) -> float | None:
        """Say when the next transcript is due."""
        return self._due[0][0] if self._due else None

    @property
    def is_open(self) -> bool:
        """Whether a window is open."""
        return self._window is not None

    @property
    def seconds(self) -> float:
        """Seconds of audio in the open window."""
        return self._window.seconds if self._window else 0.0

    @property
    def waiting(self) -> bool:
        """Whether the ears still owe an answer."""
        return bool(self._pieces)

    def take(self) -> str:
        """Give all that was heard since the last time."""
        text, self._words, self._untaken = " ".join(self._words), [], False
        return text

    def note(self, text: str) -> None:
        """Add words that the user typed."""
        self._words += text.split()
