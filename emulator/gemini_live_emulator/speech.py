"""Offline speech recognition and synthesis behind two small Protocols. The engines are loaded when first used."""

from __future__ import annotations

import importlib
import threading
from functools import lru_cache
from typing import Any, Final, Protocol

import numpy as np

TRANSCRIBER_RATE: Final = 16_000
SYNTHESIZER_RATE: Final = 24_000
# Tones are said at the pace of an unhurried speaker.
WORDS_PER_SECOND: Final = 2.7


class Transcriber(Protocol):
    """Turns a piece of speech into text."""

    def transcribe(self, pcm: bytes) -> str:
        """Transcribe 16 kHz mono 16-bit audio of 12 s at most."""
        ...


class Synthesizer(Protocol):
    """Turns text into speech."""

    def synthesize(self, text: str) -> bytes:
        """Speak a sentence as 24 kHz mono 16-bit audio."""
        ...


class SpeechMissing(RuntimeError):
    """An offline speech engine that is not installed, and how to install it."""


class MoonshineTranscriber:
    """Listens with moonshine-voice, whose small English model is in its package."""

    def __init__(self) -> None:
        try:
            engine: Any = importlib.import_module("moonshine_voice")
        except ImportError as error:
            raise SpeechMissing(
                "a speaking examiner needs moonshine-voice==0.1.0 (extra `speech`); the scenario `scripted` does not"
            ) from error
        model: Any = engine.get_model_path("tiny-en")
        # Later versions of the package leave the model out and download it.
        if not (model / "encoder_model.ort").exists():
            raise SpeechMissing("this moonshine-voice has no model inside; 0.1.0 has")
        self._engine: Any = engine.Transcriber(
            model,
            engine.ModelArch.TINY,
            # Its own voice detection keeps state between calls and loses words at its cuts.
            options={
                "vad_threshold": "0.0",
                "identify_speakers": "false",
                "return_audio_data": "false",
            },
        )
        # Concurrent calls of one transcriber return garbage.
        self._lock = threading.Lock()

    def transcribe(self, pcm: bytes) -> str:
        """Transcribe 16 kHz mono 16-bit audio of 12 s at most."""
        samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768.0
        with self._lock:
            result = self._engine.transcribe_without_streaming(samples, TRANSCRIBER_RATE)
            return " ".join(line.text.strip() for line in result.lines).strip()


class HibariSynthesizer:
    """Speaks with hibari-tts, whose voice is in its package."""

    GAIN: Final = 2.0  # its peaks are at 0.3 to 0.5 of full scale

    def __init__(self) -> None:
        try:
            engine: Any = importlib.import_module("hibari")
        except ImportError as error:
            raise SpeechMissing(
                "a speaking examiner needs hibari-tts==0.2.1 (extra `speech`); the scenario `scripted` does not"
            ) from error
        self._engine: Any = engine.Hibari(threads=1)
        self._lock = threading.Lock()
        self.synthesize("Ready.")  # the first call is slow

    def synthesize(self, text: str) -> bytes:
        """Speak a sentence as 24 kHz mono 16-bit audio; text without Latin letters is silent."""
        if not text.strip():
            return b""
        with self._lock:
            samples = self._engine(text, seed=0)
        return (np.clip(np.asarray(samples) * self.GAIN, -1, 1) * 32767).astype("<i2").tobytes()


class ToneSynthesizer:
    """Says every sentence as a soft tone as long as its words would take."""

    def synthesize(self, text: str) -> bytes:
        """Make the tone of a sentence, the same each time."""
        return tone(text)


class DescribingTranscriber:
    """Transcribes audio as a note of how many seconds it lasts."""

    def transcribe(self, pcm: bytes) -> str:
        """Describe the audio."""
        return f"({seconds_of(pcm, TRANSCRIBER_RATE):.1f} s of speech)"


@lru_cache(maxsize=256)
def tone(text: str) -> bytes:
    """Make a 24 kHz tone whose length and pitch follow from the text."""
    words = len(text.split())
    if not words:
        return b""
    # Whole multiples of 40 ms, as the chunks of the service are (google-gemini/cookbook 952).
    steps = max(5, round(words / WORDS_PER_SECOND / 0.04))
    count = steps * SYNTHESIZER_RATE // 25
    pitch = 180 + sum(text.encode()) % 120
    time = np.arange(count) / SYNTHESIZER_RATE
    # A syllable-like swell four times a second makes it pass for a voice in energy detectors.
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    wave = np.sin(2 * np.pi * pitch * time) * swell * 0.25
    return (wave * 32767).astype("<i2").tobytes()


def seconds_of(pcm: bytes, rate: int) -> float:
    """How long 16-bit mono audio lasts at `rate` Hz."""
    return len(pcm) / (2 * rate)


def resample(pcm: bytes, rate: int, wanted: int = TRANSCRIBER_RATE) -> bytes:
    """Change the rate of 16-bit mono audio by linear interpolation."""
    if rate == wanted or not pcm:
        return pcm
    samples = np.frombuffer(pcm, "<i2")
    count = round(len(samples) * wanted / rate)
    places = np.arange(count) * (rate / wanted)
    return np.interp(places, np.arange(len(samples)), samples).astype("<i2").tobytes()


_shared: dict[str, Any] = {}
_loading = threading.Lock()


def shared_transcriber() -> Transcriber:
    """Return this process's only transcriber, loaded at the first call."""
    with _loading:
        if "transcriber" not in _shared:
            _shared["transcriber"] = MoonshineTranscriber()
        return _shared["transcriber"]


def shared_synthesizer() -> Synthesizer:
    """Return this process's only synthesizer, loaded at the first call."""
    with _loading:
        if "synthesizer" not in _shared:
            _shared["synthesizer"] = HibariSynthesizer()
        return _shared["synthesizer"]
