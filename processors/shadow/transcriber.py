"""What a transcriber beside the Live session has to do."""

from typing import Protocol

from pipecat.processors.frame_processor import FrameProcessorSetup

# Hz, of the 16-bit mono PCM that every transcriber takes.
TRANSCRIBER_RATE = 16000


class TranscriptionFailed(RuntimeError):
    """A chunk could not be transcribed; the message is one sentence."""


class Transcriber(Protocol):
    """Turns speech into text, one chunk at a time."""

    async def open(self, setup: FrameProcessorSetup) -> None:
        """Get ready. Raises TranscriptionFailed when that can never be."""
        ...

    async def transcribe(self, audio: bytes) -> str:
        """The words of a chunk with voice in it, `chunker.LONGEST` seconds at most; empty when there are none.

        Raises TranscriptionFailed.
        """
        ...

    async def close(self) -> None:
        """Release all resources."""
        ...
