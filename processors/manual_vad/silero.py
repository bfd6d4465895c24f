"""Voice detection with Silero's model as Pipecat ships it: loaded once a process, with a state for each call."""

import copy
from functools import cache
from importlib.resources import files
from typing import Protocol

import numpy as np
from pipecat.audio.vad.silero import SileroOnnxModel

WINDOW = 512  # samples at 16 kHz in one inference of the model: 32 ms
RATE = 16000


class VoiceDetector(Protocol):
    """Detects voice in one call's 16 kHz mono PCM."""

    def confidence(self, audio: bytes, *, in_turn: bool) -> float:
        """The likelihood (0 to 1) that this audio, which follows the last, ends in voice."""
        ...


@cache
def _shared_model() -> SileroOnnxModel:
    return SileroOnnxModel(str(files("pipecat.audio.vad").joinpath("data/silero_vad.onnx")))


# Non-speech biases the recurrent state against the speech that follows it, and a reset in mid-word costs a moment of
# confidence. So: every two seconds, after five clearly quiet windows, and never in a turn (as Pipecat's analyzer does).
_RESET_AFTER = 2 * RATE // WINDOW
_QUIET_WINDOWS = 5
_QUIET = 0.1

# The model is the most expensive part of a call, and a microphone with noise suppression, or one that is switched off,
# is next to silent for half of it. Where all samples are below this level (-66 dB of full scale) the model runs until
# its state no longer changes (0.6 s), and then not before there is a sound: the likelihoods of speech after it are the
# same.
_STILL = 16
_STILL_WINDOWS = 20


class SileroDetector:
    """A VoiceDetector with Silero's model."""

    def __init__(self) -> None:
        # The copy shares the ONNX session, which is stateless and thread-safe; the recurrent state is its own.
        self._model = copy.copy(_shared_model())
        self._model.reset_states()
        self._rest = bytearray()
        self._confidence = 0.0
        self._since_reset = 0
        self._quiet_windows = 0
        self._still_windows = 0

    def confidence(self, audio: bytes, *, in_turn: bool) -> float:
        """The likelihood of voice (0 to 1) in the last whole window so far; audio may have any length."""
        self._rest += audio
        while len(self._rest) >= 2 * WINDOW:
            window = np.frombuffer(bytes(self._rest[: 2 * WINDOW]), np.int16)
            del self._rest[: 2 * WINDOW]
            still = window.min() > -_STILL and window.max() < _STILL
            self._still_windows = self._still_windows + 1 if still else 0
            if self._still_windows > _STILL_WINDOWS:
                self._confidence = 0.0
                continue
            self._confidence = float(self._model(window.astype(np.float32) / 32768, RATE)[0].item())
            self._quiet_windows = self._quiet_windows + 1 if self._confidence < _QUIET else 0
            self._since_reset += 1
            if self._since_reset >= _RESET_AFTER and self._quiet_windows >= _QUIET_WINDOWS and not in_turn:
                self._model.reset_states()
                self._since_reset = 0
        return self._confidence
