"""Google's transcription model as second ears, through Pipecat's service for it.

It was never run against the real service, and the emulator has no such model: docs/transcript.md says what was tried.
"""

import asyncio
from typing import Any

from pipecat.frames.frames import Frame, TranscriptionFrame, VADUserStoppedSpeakingFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.services.google.gemini_live.stt import GeminiSTTService

from core import pcm
from processors.ears import EAR_RATE, Deaf

# The final text came 262 ms after the end of an utterance in one public measurement, and once an utterance.
_FINAL = 10.0
_SETTLED = 0.7
_STEP = 0.1


class _Service(GeminiSTTService):
    """The service outside a pipeline: what it would push is kept."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    async def push_frame(self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM) -> None:
        if isinstance(frame, TranscriptionFrame) and frame.text.strip():
            self.heard.put_nowait(frame.text.strip())


class GoogleEars:
    """Implements Ears. The service reports no tokens here, so what it costs is not on the bill."""

    def __init__(self, model: str, key: str, http_options: Any = None) -> None:
        self._service = _Service(
            api_key=key,
            http_options=http_options,
            sample_rate=EAR_RATE,
            settings=GeminiSTTService.Settings(model=model, mode="VERBATIM"),
        )
        self._deaf: Deaf | None = Deaf("Google's transcription was not opened")

    async def open(self, setup: FrameProcessorSetup) -> None:
        """Connect. Raises Deaf."""
        try:
            await self._service.setup(setup)
        except Exception as error:
            self._deaf = Deaf(f"Google's transcription cannot be reached: {' '.join(str(error).split())[:200]}")
            raise self._deaf from error
        self._deaf = None

    async def transcribe(self, audio: bytes) -> str:
        """The words of a piece; none when the service gives none in time. Raises Deaf when it was never reached."""
        if self._deaf is not None:
            raise self._deaf
        step = pcm.size(_STEP, EAR_RATE)
        for at in range(0, len(audio), step):
            async for _ in self._service.run_stt(audio[at : at + step]):
                pass
        await self._service.process_frame(VADUserStoppedSpeakingFrame(), FrameDirection.DOWNSTREAM)
        heard: list[str] = []
        try:
            async with asyncio.timeout(_FINAL) as limit:
                while True:
                    heard.append(await self._service.heard.get())
                    limit.reschedule(asyncio.get_running_loop().time() + _SETTLED)
        except TimeoutError:
            return " ".join(heard)

    async def close(self) -> None:
        """Hang up."""
        await self._service.cleanup()
