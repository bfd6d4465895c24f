"""The offline transcriber: moonshine-voice, whose small English model is in its package. It costs nothing but CPU."""

import asyncio
import importlib
import importlib.util
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from pipecat.processors.frame_processor import FrameProcessorSetup

from core.audio import pcm
from core.audio.chunker import halve
from core.transcript.overlap import normalized
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed

# One engine a process, in one thread: concurrent calls of it return garbage, and one core of all that there are is what
# a process that holds calls can spare. A chunk takes a tenth of its length.
QUEUE_LIMIT = 64
# So often in a row a phrase of so many words stands only where the engine has lost the thread, as it does with one in a
# hundred chunks. It is given the two halves of such a chunk; a chunk shorter than this stays as it is.
_LOOP, _PHRASE = 4, 12
_LEAST_CUT = 2.0  # seconds
MISSING = "the offline transcriber needs the speech extra: pip install 'colloquy[speech]'"


class OfflineTranscriber:
    """Implements Transcriber. All calls of a process share an engine; past QUEUE_LIMIT chunks the newest is refused."""

    _waiting = 0  # in all calls of the process

    async def open(self, setup: FrameProcessorSetup) -> None:
        """Raises TranscriptionFailed when there is no engine. It is loaded with the first chunk of the process (0.3 s,
        150 MB): most calls have nothing to retranscribe.
        """
        if importlib.util.find_spec("moonshine_voice") is None:
            raise TranscriptionFailed(MISSING)

    async def transcribe(self, audio: bytes) -> str:
        """The words of a chunk. Raises TranscriptionFailed when too many chunks wait already."""
        if OfflineTranscriber._waiting >= QUEUE_LIMIT:
            raise TranscriptionFailed(
                f"{QUEUE_LIMIT} chunks wait for the offline transcriber already; this one is left out"
            )
        OfflineTranscriber._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(_thread(), _transcribe, audio)
        finally:
            OfflineTranscriber._waiting -= 1

    async def close(self) -> None:
        """The engine stays for the next call."""


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="offline transcriber")


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


def _transcribe(audio: bytes) -> str:
    samples = np.frombuffer(audio, np.int16).astype(np.float32) / 32768.0
    result = _engine().transcribe_without_streaming(samples, TRANSCRIBER_RATE)
    text = " ".join(line.text.strip() for line in result.lines).strip()
    if loops(text) and pcm.seconds(audio, TRANSCRIBER_RATE) >= _LEAST_CUT:
        return " ".join(filter(None, map(_transcribe, halve(audio, TRANSCRIBER_RATE))))
    return text


def loops(text: str) -> bool:
    """Whether a phrase of the text is repeated over and over."""
    words = [normalized(word) for word in text.split()]
    return any(
        words[at : at + size] * _LOOP == words[at : at + size * _LOOP]
        for size in range(1, _PHRASE + 1)
        for at in range(len(words) - size * _LOOP + 1)
    )
