"""Input transcription: activity windows to chunks for a transcriber, and its texts in order and in time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from gemini_live_emulator.protocol.model_facts import Style
from gemini_live_emulator.protocol.outputs import Listen
from gemini_live_emulator.scenario import Transcription
from gemini_live_emulator.speech import TRANSCRIBER_RATE, resample, seconds_of

FRAME: Final = TRANSCRIBER_RATE // 50  # samples in 20 ms
BYTES_PER_SECOND: Final = TRANSCRIBER_RATE * 2
MAX_CHUNK: Final = 12.0  # moonshine's time grows faster than its input, and past 45 s it loops
PAUSE: Final = 0.5  # quiet that finishes a chunk
LEAD_IN: Final = 0.3  # quiet kept before a chunk
SHORTEST: Final = 1.0  # a tail after a forced cut that is not worth transcribing
SEARCH: Final = 4.0  # where a forced cut looks for the quietest place


class EnergyGate:
    """Voice activity by energy: a frame is voice when it is well above a floor that follows the noise."""

    LOWEST: Final = 150.0  # rms of 16-bit samples; a silent line measures under 50

    def __init__(self) -> None:
        self._floor = 30.0

    def levels(self, pcm: bytes) -> list[tuple[float, bool]]:
        """Return the RMS of each 20 ms frame of 16 kHz PCM, and whether the frame is voice."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32)
        frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
        measured: list[tuple[float, bool]] = []
        for level in np.sqrt((frames * frames).mean(axis=1)).tolist():
            # The floor falls at once and rises by 6 dB in about 3.5 s.
            self._floor = min(max(level, 10.0), self._floor * 1.004)
            measured.append((level, level > max(self.LOWEST, 3.0 * self._floor)))
        return measured


class Chunker:
    """Cuts the audio of one window into chunks of 12 s at most, in pauses where there are any."""

    def __init__(self) -> None:
        self._gate = EnergyGate()
        self._pcm = bytearray()
        self._levels: list[tuple[float, bool]] = []
        self._start = 0  # frames of the window before the buffer
        self._forced = False

    def push(self, pcm: bytes) -> list[tuple[bytes, float]]:
        """Add audio; return finished chunks, each with the second of the window it ends at."""
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
            elif len(self._levels) >= MAX_CHUNK * 50:
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
        chunk = bytes(self._pcm[: frames * FRAME * 2])
        self._drop(frames)
        self._forced = forced
        # From silence the transcriber invents words ("You"), so it never gets any.
        if voiced < 5 or short_tail:
            return []
        return [(chunk, self._start / 50)]

    def _drop(self, frames: int) -> None:
        del self._levels[:frames]
        del self._pcm[: frames * FRAME * 2]
        self._start += frames


@dataclass
class _Window:
    chunker: Chunker | None
    flushed: bool  # opened by a flush: the model had not yet read the words of the window before
    seconds: float = 0.0
    open: bool = True
    texts: list[str] = field(default_factory=list[str])
    waiting: int = 0  # chunks without a transcript yet
    scripted: int = 0  # scripted words sent
    closed: float = 0.0  # when it ended


@dataclass(frozen=True, slots=True)
class _Chunk:
    window: _Window
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """A text to send; when `interim`, the next one replaces it."""

    text: str
    interim: bool = False


class InputTranscriber:
    """Transcribes the windows of one connection: each text in order, at the time the scenario's rules give it."""

    def __init__(
        self,
        rules: Transcription,
        style: Style,
        transcribes: bool,
        words_per_second: float | None,
        final_after: float = 0.0,
    ) -> None:
        self._rules = rules
        self._style = style
        self._final_after = final_after
        self._transcribes = transcribes
        self._pace = words_per_second
        self._window: _Window | None = None
        self._script: list[str] | None = None
        self._scripts: deque[str] | None = None
        self._chunks: dict[int, _Chunk] = {}
        self._answers: dict[int, str] = {}
        self._next, self._issued = 0, 0
        self._due: deque[tuple[float, Transcript]] = deque()
        self._words: list[str] = []
        self._unread = False

    def expect(self, script: str | None) -> None:
        """Set the transcript of the next answer, for a scripted examiner."""
        self._script = None if script is None else script.split()

    def expect_each(self, scripts: Iterable[str]) -> None:
        """Set the transcripts of the windows to come, one each, for a scripted examiner."""
        self._scripts = deque(scripts)

    def open(self) -> None:
        """Begin a window."""
        if self._scripts is not None:
            self.expect(self._scripts.popleft() if self._scripts else None)
        self._window = _Window(Chunker() if self._transcribes else None, flushed=self._unread)

    def feed(self, pcm: bytes, rate: int, now: float) -> list[Listen]:
        """Take audio of the open window."""
        window = self._window
        if window is None:
            return []
        window.seconds += seconds_of(pcm, rate)
        if window.chunker is not None:
            return self._listen(window, window.chunker.push(resample(pcm, rate)))
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
        self._unread = True
        asked: list[Listen] = []
        if window.chunker is not None:
            asked = self._listen(window, window.chunker.finish())
        elif self._pace is None and window.seconds > 0:
            text = f"({window.seconds:.1f} s of speech)"
            if self._script is not None:
                text, self._script = " ".join(self._script), []
            self._take(window, text, 0.0, window.seconds, now)
        self._utter(window, now)
        return asked

    def _listen(self, window: _Window, chunks: list[tuple[bytes, float]]) -> list[Listen]:
        asked: list[Listen] = []
        for pcm, ends in chunks:
            self._chunks[self._issued] = _Chunk(window, ends - len(pcm) / BYTES_PER_SECOND, ends)
            window.waiting += 1
            asked.append(Listen(self._issued, pcm))
            self._issued += 1
        return asked

    def transcribed(self, chunk: int, text: str, now: float) -> None:
        """Take the text of a chunk; texts are sent in the order of their audio."""
        if chunk in self._chunks:
            self._answers[chunk] = text
        while self._next in self._answers:
            known = self._chunks.pop(self._next)
            known.window.waiting -= 1
            self._take(known.window, self._answers.pop(self._next), known.begins, known.ends, now)
            self._utter(known.window, now)
            self._next += 1

    def _take(self, window: _Window, text: str, begins: float, ends: float, now: float) -> None:
        words = text.split()
        self._words += words
        stall = self._rules.stall_after
        if stall is not None and (ends > stall or begins >= stall):
            # The model still understands; only its transcript stops (discuss.ai.google.dev/t/110732).
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
        """Whether a chunk has no transcript yet."""
        return bool(self._chunks)

    def take(self) -> str:
        """Return the words of the user since the last call, for the model to reply to."""
        text, self._words, self._unread = " ".join(self._words), [], False
        return text

    def note(self, text: str) -> None:
        """Add words that the user typed."""
        self._words += text.split()
