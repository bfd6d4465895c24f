"""The farewell: a WAV file that is played when the connection is given up and no examiner is left to say goodbye."""

import wave
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

from processors.stage import ConfigPath

# A longer farewell would outlast what the host waits for a call to end.
MAX_SECONDS = 20.0


def read_farewell(path: Path) -> tuple[bytes, int]:
    """A WAV file as 16-bit mono PCM and its sample rate in Hz. Raises ValueError in a sentence."""
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise ValueError(f"{path} is not 16-bit mono; convert it, say with `sox IN -b 16 -c 1 OUT`")
            rate, count = file.getframerate(), file.getnframes()
            if count > MAX_SECONDS * rate:
                raise ValueError(
                    f"{path} lasts {count / rate:.0f} s, and a farewell {MAX_SECONDS:g} s at most; shorten it"
                )
            return file.readframes(count), rate
    except (OSError, EOFError, wave.Error) as error:
        raise ValueError(f"{path} cannot be read as a WAV file: {str(error) or 'it ends too soon'}") from error


def _is_farewell(path: Path) -> Path:
    read_farewell(path)
    return path


FarewellFile = Annotated[ConfigPath, AfterValidator(_is_farewell)]
"""The path of such a WAV file in a config."""
