"""Whoever transcribes the caller beside the dialogue."""

from typing import Protocol

from pipecat.processors.frame_processor import FrameProcessorSetup

# What all of them hear: 16-bit mono PCM at this rate.
TRANSCRIBER_RATE = 16000


class TranscriptionFailed(RuntimeError):
    """A piece that could not be transcribed; the message is one sentence."""


class Transcriber(Protocol):
    """Turns speech into text. One piece at a time."""

    async def open(self, setup: FrameProcessorSetup) -> None:
        """Get ready. Raises Deaf when that can never be."""
        ...

    async def transcribe(self, audio: bytes) -> str:
        """The words of a chunk with voice in it, `chunker.LONGEST` seconds at most; empty when there are none.

        Raises Deaf.
        """
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
