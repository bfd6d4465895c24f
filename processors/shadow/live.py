"""A second Live session that only listens: its transcription is what is wanted, its answers reach nobody."""

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
from processors.gemini_live.connection import Connection, Lost
from processors.gemini_live.settings import GeminiLiveSettings, client, connect_config
from processors.shadow.transcriber import TRANSCRIBER_RATE, TranscriptionFailed

INSTRUCTION = "You only listen. Whatever you hear, answer with the single word: yes."
# Every turn is billed for the whole context again, and ears need none: a new session after so much audio.
AFRESH = 60.0
# Far below any limit of a frame, and few messages.
_MESSAGE = 0.5
# Text comes up to 4 s after the end of a window, and before or after the turn is declared over (public reports).
_TEXT = 10.0
_SETTLED = 1.5


class LiveTranscriber:
    """Implements Ears. Each piece is an activity window of its own, so transcription never runs long enough to stall.

    A connection that breaks is dialed again once for the piece in hand. Tokens are charged to the session's bill.
    """

    def __init__(self, settings: GeminiLiveSettings, session: Session) -> None:
        self._settings = settings
        self._session = session
        self._client = client(settings)
        self._connection: Connection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._heard: list[str] = []
        self._over = False
        self._lost: Lost | None = None
        self._seconds = self._replied = 0.0  # of audio in the session, both ways

    async def open(self, setup: FrameProcessorSetup) -> None:
        """Nothing: it is dialed with the first piece, since a call may have no hole."""

    async def transcribe(self, audio: bytes) -> str:
        """The words of a piece. Raises Deaf when the service cannot be reached, twice."""
        try:
            return await self._ask(audio)
        except Lost:
            await self.close()
        try:
            return await self._ask(audio)
        except Lost as lost:
            await self.close()
            raise TranscriptionFailed(f"the second Live session cannot hear: {lost.meaning}") from lost

    async def close(self) -> None:
        """Hang up."""
        listening, self._listening = self._listening, None
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _ask(self, audio: bytes) -> str:
        connection = await self._dialed()
        self._heard, self._over = [], False
        step = pcm.size(_MESSAGE, TRANSCRIBER_RATE)
        pieces = (Audio(audio[at : at + step], TRANSCRIBER_RATE) for at in range(0, len(audio), step))
        connection.send(StartActivity(), *pieces, EndActivity())
        self._seconds += pcm.seconds(audio, TRANSCRIBER_RATE)
        with suppress(TimeoutError):
            async with asyncio.timeout(_TEXT) as limit:
                while self._lost is None:
                    self._changed.clear()
                    await self._changed.wait()
                    if self._heard and self._over:  # more of it may follow
                        limit.reschedule(asyncio.get_running_loop().time() + _SETTLED)
        if self._lost is not None and not self._heard:
            raise self._lost
        return " ".join("".join(self._heard).split())

    async def _dialed(self) -> Connection:
        if self._lost is not None or self._seconds >= AFRESH:
            await self.close()
        if self._connection is None:
            settings = self._settings
            connection = Connection(self._client, settings.model, settings.facts, settings.chunk)
            config = connect_config(settings, [], None, instructions=INSTRUCTION)
            self._lost, self._seconds, self._replied = None, 0.0, 0.0
            await connection.open(config, settings.dial_timeout)
            self._connection = connection
            self._listening = asyncio.create_task(self._listen(connection), name="second Live session")
        return self._connection

    async def _listen(self, connection: Connection) -> None:
        try:
            async for event in connection.events():
                match event:
                    case InputTranscribed(text):
                        self._heard.append(text)
                    case TurnComplete():
                        self._over = True
                    case ModelAudio(audio, rate):
                        self._replied += len(audio) / 2 / rate
                        continue
                    case UsageReceived(counts):
                        tokens = (round(x * AUDIO_TOKENS_PER_SECOND) for x in (self._seconds, self._replied))
                        self._session.charge(self._settings.model, fill_in(counts, *tokens))
                    case _:
                        continue
                self._changed.set()
        except Lost as lost:
            self._lost = lost
            self._changed.set()


def live_ears(
    model: str, key: SecretStr | None, base_url: str | None, ca_file: Path | None, session: Session
) -> LiveTranscriber:
    """Ears on this model. Raises ValueError in one sentence when there is neither a key nor a base URL."""
    # No handle and no window: a session lives for a minute of audio. Nobody reads what it answers.
    there = {"model": model, "key": key, "base_url": base_url, "ca_file": ca_file}
    needless = {"resumption": False, "compression": False, "transcribe_examiner": False}
    return LiveTranscriber(GeminiLiveSettings.model_validate({**there, **needless}), session)
