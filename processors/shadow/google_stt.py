"""Google's transcription model as second transcriber, through Pipecat's service for it.

It was tried on the emulator only, never on the real service: docs/transcript.md says what was tried.
"""

import asyncio
from contextlib import suppress
from typing import Any

from loguru import logger
from pipecat.frames.frames import ErrorFrame, Frame, TranscriptionFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.services.google.gemini_live.stt import GeminiSTTService

from core.audio import pcm
from core.failure import explained
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed

# Seconds. The final text arrived 262 ms after the end of an utterance in one public measurement.
_TEXT_TIMEOUT = 10.0
# Where no message says that the text is complete: seconds from each text in which another may arrive.
_MORE_TEXT = 0.7
_MESSAGE = 0.1  # seconds of audio in a message


class _ConnectionLost(Exception):
    """The connection was lost while a chunk was transcribed; the message is part of a sentence."""


class _Service(GeminiSTTService):
    """The service outside a pipeline, with manual activity windows: what it would push is collected.

    With its own activity detection a pause within a chunk ends an utterance, the texts of a chunk arrive one by one,
    and nothing says which is the last: one that was late would be taken for a part of the next chunk.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._changed = asyncio.Event()
        self._texts: list[str] = []
        self._window_closed = self._complete = False
        self._failure = ""
        self._stale = False  # text that still arrives on this connection may belong to an earlier chunk

    async def transcribe(self, audio: bytes) -> str:
        """The words of a chunk. Raises _ConnectionLost, and whatever dialing raises."""
        if self._session is None or self._stale:
            await self._do_reconnect()
            self._stale = False
        self._texts, self._window_closed, self._complete, self._failure = [], False, False, ""
        self._stale = True
        try:
            await self._send(audio)
        except Exception as error:
            raise _ConnectionLost(explained(error)) from error
        with suppress(TimeoutError):
            async with asyncio.timeout(_TEXT_TIMEOUT) as limit:
                while not (self._complete or self._failure):
                    if self._texts:
                        limit.reschedule(asyncio.get_running_loop().time() + _MORE_TEXT)
                    self._changed.clear()
                    await self._changed.wait()
        if not self._texts and (self._failure or not self._window_closed):
            raise _ConnectionLost(self._failure or f"no answer in {_TEXT_TIMEOUT:g} s")
        self._stale = not self._complete
        return " ".join(self._texts)

    async def _send(self, audio: bytes) -> None:
        session = self._session
        assert session is not None
        await session.send_realtime_input(activity_start={})
        step = pcm.size(_MESSAGE, TRANSCRIBER_RATE)
        for at in range(0, len(audio), step):
            blob = {"data": audio[at : at + step], "mime_type": f"audio/pcm;rate={TRANSCRIBER_RATE}"}
            await session.send_realtime_input(audio=blob)  # pyright: ignore[reportArgumentType] - read as a Blob
        await session.send_realtime_input(activity_end={})

    def _build_live_config(self) -> Any:
        config = super()._build_live_config()
        manual = {"realtime_input_config": {"automatic_activity_detection": {"disabled": True}}}
        return type(config).model_validate(config.model_dump(exclude_none=True) | manual)

    async def _handle_server_message(self, message: Any) -> None:
        await super()._handle_server_message(message)
        if (activity := message.voice_activity) is not None and activity.voice_activity_type == "ACTIVITY_END":
            self._window_closed = True
        content = message.server_content
        # What is complete before the window is closed was a part of it.
        if content is not None and content.generation_complete and self._window_closed:
            self._complete = True
        self._changed.set()

    async def push_frame(self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM) -> None:
        match frame:
            case TranscriptionFrame() if frame.text.strip():
                self._texts.append(frame.text.strip())
            case ErrorFrame():
                self._failure = explained(frame.exception) if frame.exception else "the service failed"
            case _:
                return
        self._changed.set()


class GoogleTranscriber:
    """Implements Transcriber. Each chunk is an activity window of its own; a lost connection is dialed once more.

    The service reports no tokens, so what it costs is not on the bill.
    """

    def __init__(self, model: str, key: str, http_options: Any = None) -> None:
        self._service = _Service(
            api_key=key,
            http_options=http_options,
            sample_rate=TRANSCRIBER_RATE,
            settings=GeminiSTTService.Settings(model=model, mode="VERBATIM"),
        )

    async def open(self, setup: FrameProcessorSetup) -> None:
        """Connect. Raises TranscriptionFailed; each chunk tries anew."""
        try:
            await self._service.setup(setup)
        except Exception as error:
            raise _unreachable(error) from error

    async def transcribe(self, audio: bytes) -> str:
        """The words of a chunk. Raises TranscriptionFailed when the service cannot be reached, or is lost twice."""
        try:
            return await self._service.transcribe(audio)
        except _ConnectionLost:
            pass
        except Exception as error:
            raise _unreachable(error) from error
        try:
            return await self._service.transcribe(audio)
        except _ConnectionLost as lost:
            raise TranscriptionFailed(f"Google's transcription was lost twice in one chunk: {lost}") from lost
        except Exception as error:
            raise _unreachable(error) from error

    async def close(self) -> None:
        """Hang up."""
        await self._service.cleanup()


def _unreachable(error: Exception) -> TranscriptionFailed:
    logger.opt(exception=error).debug("Google's transcription cannot be reached.")
    return TranscriptionFailed(f"Google's transcription cannot be reached: {explained(error)}")
