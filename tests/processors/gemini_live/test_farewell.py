"""The farewell: which WAV files are read, and which are refused in a sentence."""

import wave
from pathlib import Path

import pytest

from core.audio.pcm import seconds
from processors.gemini_live.farewell import MAX_SECONDS, read_farewell
from processors.gemini_live.settings import GeminiLiveSettings

CONFIGS = Path(__file__).parents[3] / "configs"


def wav(path: Path, duration: float = 1.0, channels: int = 1, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(8000)
        file.writeframes(bytes(round(duration * 8000) * channels * width))
    return path


def test_a_recording_is_read_with_its_rate(tmp_path: Path) -> None:
    assert read_farewell(wav(tmp_path / "a.wav")) == (bytes(16000), 8000)
    pcm, rate = read_farewell(CONFIGS / "farewell.wav")
    assert rate == 16000 and 5 < seconds(pcm, rate) < 10


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: wav(path, channels=2), "not 16-bit mono"),
        (lambda path: wav(path, width=1), "not 16-bit mono"),
        (lambda path: wav(path, MAX_SECONDS + 1), "21 s, and a farewell 20 s at most"),
        (lambda path: path.write_bytes(b""), "cannot be read as a WAV file: it ends too soon"),
        (lambda path: path.write_text("Goodbye."), "cannot be read as a WAV file"),
        (lambda path: path.write_bytes(wav(path).read_bytes()[:20]), "cannot be read as a WAV file"),
    ],
)
def test_what_is_no_such_recording_is_refused_in_a_sentence(make, what: str, tmp_path: Path) -> None:  # pyright: ignore
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(ValueError, match=what) as refused:
        read_farewell(path)
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)
    with pytest.raises(ValueError, match=what):
        GeminiLiveSettings(farewell=path)  # pyright: ignore


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"there is no file {tmp_path}/none.wav"):
        GeminiLiveSettings(farewell=tmp_path / "none.wav")  # pyright: ignore
