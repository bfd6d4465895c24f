"""A second Live session as transcriber: its input transcription is used, its replies are dropped."""

import asyncio
from contextlib import suppress
from pathlib import Path

from pipecat.processors.frame_processor import FrameProcessorSetup
from pydantic import SecretStr

from core.audio import pcm
from core.billing.usage import AUDIO_TOKENS_PER_SECOND, fill_in
from core.live.messages import (
    Audio,
    EndActivity,
    InputTranscribed,
    ModelAudio,
    StartActivity,
    TurnComplete,
    UsageReceived,
)
from core.ports import Session
from core.transcript.spacing import Spacing
from processors.gemini_live.connection import Connection, ConnectionLostError
from processors.gemini_live.settings import GeminiLiveSettings, client, connect_config
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed

INSTRUCTION = "You only listen. Whatever you hear, answer with the single word: yes."
# Seconds of audio after which a new session is opened: every turn is billed for the whole context, and none is needed.
SESSION_LENGTH = 60.0
# Seconds of audio in a message: far below any limit of a frame, and few messages.
_MESSAGE = 0.5
# Seconds. Text arrives up to 4 s after the end of a window, and before or after turnComplete (public reports).
_TEXT_TIMEOUT = 10.0
_MORE_TEXT = 1.5


class LiveTranscriber:
    """Implements Transcriber. Each chunk is an activity window of its own, too short for the transcription to stall.

    A connection that is lost is dialed once more for the current chunk. Tokens are charged to the session's bill.
    """

    def __init__(self, settings: GeminiLiveSettings, session: Session) -> None:
        self._settings = settings
        self._session = session
        self._client = client(settings)
        self._connection: Connection | None = None
        self._receiver: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._text, self._spacing = "", Spacing()
        self._turn_complete = False
        self._lost: ConnectionLostError | None = None
        self._sent = self._received = 0.0  # seconds of audio in the session

    async def open(self, setup: FrameProcessorSetup) -> None:
        """Do nothing: it is dialed with the first chunk, since a call may have no gap."""

    async def transcribe(self, audio: bytes) -> str:
        """The words of a chunk. Raises TranscriptionFailed when the service cannot be reached, twice."""
        try:
            return await self._transcribe(audio)
        except ConnectionLostError:
            await self.close()
        try:
            return await self._transcribe(audio)
        except ConnectionLostError as lost:
            await self.close()
            raise TranscriptionFailed(f"the second Live session cannot transcribe: {lost.meaning}") from lost

    async def close(self) -> None:
        """Hang up."""
        receiver, self._receiver = self._receiver, None
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        if receiver is not None:
            receiver.cancel()
            await asyncio.gather(receiver, return_exceptions=True)

    async def _transcribe(self, audio: bytes) -> str:
        connection = await self._connected()
        self._text, self._spacing, self._turn_complete = "", Spacing(), False
        step = pcm.size(_MESSAGE, TRANSCRIBER_RATE)
        messages = (Audio(audio[at : at + step], TRANSCRIBER_RATE) for at in range(0, len(audio), step))
        connection.send(StartActivity(), *messages, EndActivity())
        self._sent += pcm.seconds(audio, TRANSCRIBER_RATE)
        with suppress(TimeoutError):
            async with asyncio.timeout(_TEXT_TIMEOUT) as limit:
                while self._lost is None:
                    self._changed.clear()
                    await self._changed.wait()
                    if self._text and self._turn_complete:  # more text may follow
                        limit.reschedule(asyncio.get_running_loop().time() + _MORE_TEXT)
        if self._lost is not None and not self._text:
            raise self._lost
        return " ".join(self._text.split())

    async def _connected(self) -> Connection:
        if self._lost is not None or self._sent >= SESSION_LENGTH:
            await self.close()
        if self._connection is None:
            settings = self._settings
            connection = Connection(self._client, settings.model, settings.model_facts, settings.chunk)
            config = connect_config(settings, [], None, instructions=INSTRUCTION)
            self._lost, self._sent, self._received = None, 0.0, 0.0
            await connection.open(config, settings.dial_timeout)
            self._connection = connection
            self._receiver = asyncio.create_task(self._receive(connection), name="second Live session")
        return self._connection

    async def _receive(self, connection: Connection) -> None:
        try:
            async for event in connection.events():
                match event:
                    case InputTranscribed(text, finished):
                        self._text += self._spacing.spaced(self._text, text) if text else ""
                        if finished:
                            self._spacing.transcription_finished()
                    case TurnComplete():
                        self._turn_complete = True
                    case ModelAudio(audio, rate):
                        self._received += pcm.seconds(audio, rate)
                        continue
                    case UsageReceived(counts):
                        tokens = (round(x * AUDIO_TOKENS_PER_SECOND) for x in (self._sent, self._received))
                        self._session.charge(self._settings.model, fill_in(counts, *tokens))
                    case _:
                        continue
                self._changed.set()
        except ConnectionLostError as lost:
            self._lost = lost
            self._changed.set()


def live_transcriber(
    model: str, key: SecretStr | None, base_url: str | None, ca_file: Path | None, session: Session
) -> LiveTranscriber:
    """A transcriber on this model. Raises ValueError in one sentence when there is neither a key nor a base URL."""
    # No resumption and no compression: a session lives for a minute of audio. Its replies are dropped.
    given = {"model": model, "key": key, "base_url": base_url, "ca_file": ca_file}
    needless = {"resumption": False, "compression": False, "transcribe_examiner": False}
    return LiveTranscriber(GeminiLiveSettings.model_validate({**given, **needless}), session)
