"""Google's transcription model as second ears, through Pipecat's service for it.

It was heard on the emulator only, never on the real service: docs/transcript.md says what was tried.
"""

import asyncio
from contextlib import suppress
from typing import Any

from pipecat.frames.frames import ErrorFrame, Frame, TranscriptionFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.services.google.gemini_live.stt import GeminiSTTService

from core.audio import pcm
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed

# The final text came 262 ms after the end of an utterance in one public measurement.
_FINAL = 10.0
# Where nothing tells that all of it has come: after each text, so long for another.
_SETTLED = 0.7
_STEP = 0.1


class _Lost(Exception):
    """The connection, while a piece was being heard; the message is part of a sentence."""


class _Service(GeminiSTTService):
    """The service outside a pipeline, in windows of ours: what it would push is kept.

    With its own detection a pause within a piece ends an utterance, the texts of a piece come one by one, and nothing
    tells which is the last: one that was late would be taken for a part of the next piece.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._changed = asyncio.Event()
        self._texts: list[str] = []
        self._window_over = self._complete = False
        self._broken = ""
        self._doubtful = False  # what still comes on this connection may belong to an earlier piece

    async def hear(self, audio: bytes) -> str:
        """The words of a piece. Raises _Lost, and whatever dialing raises."""
        if self._session is None or self._doubtful:
            await self._do_reconnect()
            self._doubtful = False
        self._texts, self._window_over, self._complete, self._broken = [], False, False, ""
        self._doubtful = True
        try:
            await self._send(audio)
        except Exception as error:
            raise _Lost(_sentence(error)) from error
        with suppress(TimeoutError):
            async with asyncio.timeout(_FINAL) as limit:
                while not (self._complete or self._broken):
                    if self._texts:
                        limit.reschedule(asyncio.get_running_loop().time() + _SETTLED)
                    self._changed.clear()
                    await self._changed.wait()
        if not self._texts and (self._broken or not self._window_over):
            raise _Lost(self._broken or f"no answer in {_FINAL:g} s")
        self._doubtful = not self._complete
        return " ".join(self._texts)

    async def _send(self, audio: bytes) -> None:
        session = self._session
        assert session is not None
        await session.send_realtime_input(activity_start={})
        step = pcm.size(_STEP, TRANSCRIBER_RATE)
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
            self._window_over = True
        content = message.server_content
        # What is complete before the window is over was a part of it.
        if content is not None and content.generation_complete and self._window_over:
            self._complete = True
        self._changed.set()

    async def push_frame(self, frame: Frame, direction: FrameDirection = FrameDirection.DOWNSTREAM) -> None:
        match frame:
            case TranscriptionFrame() if frame.text.strip():
                self._texts.append(frame.text.strip())
            case ErrorFrame():
                self._broken = _sentence(frame.exception or frame.error)
            case _:
                return
        self._changed.set()


class GoogleTranscriber:
    """Implements Ears. Each piece is an activity window of its own; a connection that breaks is dialed again once for
    the piece in hand. The service reports no tokens, so what it costs is not on the bill.
    """

    def __init__(self, model: str, key: str, http_options: Any = None) -> None:
        self._service = _Service(
            api_key=key,
            http_options=http_options,
            sample_rate=TRANSCRIBER_RATE,
            settings=GeminiSTTService.Settings(model=model, mode="VERBATIM"),
        )

    async def open(self, setup: FrameProcessorSetup) -> None:
        """Connect. Raises Deaf; each piece tries again."""
        try:
            await self._service.setup(setup)
        except Exception as error:
            raise _unreachable(error) from error

    async def transcribe(self, audio: bytes) -> str:
        """The words of a piece. Raises Deaf when the service cannot be reached, or is lost twice."""
        try:
            return await self._service.hear(audio)
        except _Lost:
            pass
        except Exception as error:
            raise _unreachable(error) from error
        try:
            return await self._service.hear(audio)
        except _Lost as lost:
            raise TranscriptionFailed(f"Google's transcription was lost twice in one piece: {lost}") from lost
        except Exception as error:
            raise _unreachable(error) from error

    async def close(self) -> None:
        """Hang up."""
        await self._service.cleanup()


def _unreachable(error: Exception) -> TranscriptionFailed:
    return TranscriptionFailed(f"Google's transcription cannot be reached: {_sentence(error)}")


def _sentence(error: object) -> str:
    return " ".join(str(error).split())[:200]
