"""What the caller hears when the service is given up, and no examiner is left who could say goodbye."""

import wave
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from processors.stage import ConfigPath

# A goodbye that is longer would outlast what the host waits for a call to end.
LONGEST = 20.0


def recording(path: Path) -> tuple[bytes, int]:
    """A WAV file as 16-bit mono PCM and its sample rate in Hz. Raises ValueError in a sentence."""
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise ValueError(f"{path} is not 16-bit mono; convert it, say with `sox IN -b 16 -c 1 OUT`")
            rate, count = file.getframerate(), file.getnframes()
            if count > LONGEST * rate:
                raise ValueError(f"{path} lasts {count / rate:.0f} s, and a farewell {LONGEST:g} s at most; shorten it")
            return file.readframes(count), rate
    except (OSError, EOFError, wave.Error) as error:
        raise ValueError(f"{path} cannot be read as a WAV file: {str(error) or 'it ends too soon'}") from error


def _is_recording(path: Path) -> Path:
    recording(path)
    return path


Recording = Annotated[ConfigPath, AfterValidator(_is_recording)]
"""A WAV file named in a config."""
