"""Ears without a network: moonshine-voice, whose small English model is in its package. They cost nothing but CPU."""

import asyncio
import importlib
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from pipecat.processors.frame_processor import FrameProcessorSetup

from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed

# One transcriber a process, in one thread: concurrent calls of it return garbage, and one core of all that there are
# is what a process that holds calls can spare. A piece takes a tenth of its length.
MOST_WAITING = 64
MISSING = "offline ears need the speech extra: pip install 'colloquy[speech]'"


class OfflineTranscriber:
    """Implements Ears. All calls of a process share one engine; past MOST_WAITING pieces the newest is refused."""

    _waiting = 0  # in all calls of the process

    async def open(self, setup: FrameProcessorSetup) -> None:
        """Raises Deaf when there is no engine. It is loaded with the first piece of the process (0.3 s, 150 MB): most
        calls have nothing to be heard again.
        """
        if importlib.util.find_spec("moonshine_voice") is None:
            raise TranscriptionFailed(MISSING)

    async def transcribe(self, audio: bytes) -> str:
        """The words of a piece. Raises Deaf when too many pieces wait already."""
        if OfflineTranscriber._waiting >= MOST_WAITING:
            raise TranscriptionFailed(
                f"the offline ears have {MOST_WAITING} pieces to hear already; this one is left out"
            )
        OfflineTranscriber._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(_thread(), _hear, audio)
        finally:
            OfflineTranscriber._waiting -= 1

    async def close(self) -> None:
        """The engine stays for the next call."""


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="offline ears")


@cache
def _engine() -> Any:
    try:
        engine: Any = importlib.import_module("moonshine_voice")
    except ImportError as error:
        raise TranscriptionFailed(MISSING) from error
    model: Any = engine.get_model_path("tiny-en")
    # Later versions of the package leave the model out and download it.
    if not (model / "encoder_model.ort").exists():
        raise TranscriptionFailed(
            "this moonshine-voice has no model inside; 0.1.0 has: pip install 'moonshine-voice==0.1.0'"
        )
    # Its own voice detection keeps state between calls and loses words at its cuts.
    options = {"vad_threshold": "0.0", "identify_speakers": "false", "return_audio_data": "false"}
    return engine.Transcriber(model, engine.ModelArch.TINY, options=options)


def _hear(pcm: bytes) -> str:
    samples = np.frombuffer(pcm, np.int16).astype(np.float32) / 32768.0
    result = _engine().transcribe_without_streaming(samples, TRANSCRIBER_RATE)
    return " ".join(line.text.strip() for line in result.lines).strip()
