"""Recorded human speech for tests; `tests/data/LICENSES.md` names sources and licences."""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.audio.pcm import seconds

DATA = Path(__file__).parent.parent / "data"
RATE = 16_000


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording, and content words that any recogniser finds in it."""

    path: Path
    words: tuple[str, ...]

    @property
    def pcm(self) -> bytes:
        """Its samples: 16 kHz mono 16-bit."""
        with wave.open(str(self.path)) as file:
            return file.readframes(file.getnframes())

    @property
    def seconds(self) -> float:
        """How long it is."""
        return seconds(self.pcm, RATE)


ANSWERS = (
    Clip(DATA / "answer-1.wav", ("name", "Bruce", "located")),
    Clip(DATA / "answer-2.wav", ("small", "university", "town")),
    Clip(DATA / "answer-3.wav", ("weather", "nice", "day")),
)
"""Three answers of one spontaneous speaker, 5 to 9 seconds each."""

READ = Clip(DATA / "read.wav", ("leisure", "consider", "power"))
"""A sentence read aloud."""


def compose(path: Path, parts: Sequence[Clip | float]) -> Path:
    """Write one WAV of clips and silences (in seconds), such as a whole exam's answers with the questions' gaps."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for part in parts:
            file.writeframes(part.pcm if isinstance(part, Clip) else bytes(2 * int(part * RATE)))
    return path
