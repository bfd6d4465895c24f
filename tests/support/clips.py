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
    """A recording, content words that any recogniser finds in it, and the whole of what is said.

    The text is without fillers. The offline recogniser leaves none of its words out and writes each in one way wherever
    the audio is cut, but for those in parentheses: seen in 122 calls of different timing.
    """

    path: Path
    words: tuple[str, ...]
    text: str = ""

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
    Clip(
        DATA / "answer-1.wav",
        ("name", "Bruce", "located"),
        "My name is Bruce, Bravo Romeo (Uniform) Charlie Echo. I'm located in (Sackville), New (Brunswick).",
    ),
    Clip(
        DATA / "answer-2.wav",
        ("small", "university", "town"),
        "And (Sackville) is a small university town. Closest large town is (Moncton), New (Brunswick).",
    ),
    Clip(DATA / "answer-3.wav", ("weather", "nice", "day"), "The weather here seems quite nice, (nice) fall day."),
)
"""Three answers of one spontaneous speaker, 5 to 9 seconds each."""

READ = Clip(
    DATA / "read.wav",
    ("leisure", "consider", "power"),
    "And Mr. John Dashwood had then leisure to consider how much there might be prudently (in) (his) power to do for"
    " them.",
)
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
