"""One google-genai session: one sending queue, one receiving loop, and its end as a close action."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import websockets.exceptions
from google import genai
from google.genai import errors, types
from google.genai.live import AsyncSession
from loguru import logger

from core.audio.pcm import size
from core.failure import explained
from core.live.close_codes import CloseAction, classify, classify_refusal, explain, explain_refusal
from core.live.connection import FIRST_CLOSE_CODE
from core.live.messages import Audio, EndActivity, Incoming, InTurnText, Outgoing, StartActivity, TextTurn, ToolResult
from core.live.model_facts import ModelFacts
from processors.gemini_live.translate import translate

# Seconds. A peer that does not take part in the closing handshake must not hold up the next connection.
CLOSE_TIMEOUT = 2.0

# Of an HTTP answer that refuses the connection, so many bytes are searched for the reason.
ANSWER_LIMIT = 4096

# How the SDK refuses a setting before it dials, and how it begins to complain of the server's answer, which it cites
# (google-genai _live_converters.py and live.py); both are ValueErrors.
NOT_SUPPORTED = "not supported in"
UNREADABLE = "Failed to parse response"


class ConnectionLostError(Exception):
    """The connection ended: the WebSocket close code (or an HTTP status), its reason, and what to do about it."""

    def __init__(self, code: int, reason: str, action: CloseAction, meaning: str) -> None:
        super().__init__(meaning)
        self.code = code
        self.reason = reason
        self.action = action
        self.meaning = meaning


@dataclass(frozen=True, slots=True)
class _History:
    turns: tuple[tuple[str, str], ...]


class Connection:
    """A session of the Live API.

    `send` never waits. Items of one call stay together: nothing is sent between them. What was sent before the
    connection is open goes out, in order, as soon as it is. Audio is gathered into messages of at least `chunk`
    seconds; any other item sends what was gathered first.
    """

    def __init__(self, client: genai.Client, model: str, model_facts: ModelFacts, chunk: float = 0.08) -> None:
        self._client = client
        self._model = model
        self._model_facts = model_facts
        self._chunk = chunk
        self._speech = bytearray()
        self._speech_rate = 0
        self._outbox: deque[Sequence[Outgoing | _History]] = deque()
        self._more = asyncio.Event()
        self._resources = AsyncExitStack()
        self._session: AsyncSession | None = None
        self._failure: BaseException | None = None

    @property
    def service_session(self) -> str | None:
        """The service's own name for the session, where it gives one."""
        return self._session.session_id if self._session else None

    async def open(self, config: types.LiveConnectConfig, timeout: float) -> None:
        """Connect and wait for the service to answer setup. Raises ConnectionLostError."""
        try:
            async with asyncio.timeout(timeout):
                self._session = await self._resources.enter_async_context(
                    self._client.aio.live.connect(model=self._model, config=config)
                )
        except Exception as error:
            raise lost_error(error, opened=False) from error

    def send(self, *items: Outgoing) -> None:
        """Queue items to be sent together."""
        match items:
            case (Audio(pcm, rate),):
                if rate != self._speech_rate:
                    self._post_speech()
                self._speech += pcm
                self._speech_rate = rate
                if len(self._speech) >= size(self._chunk, rate):
                    self._post_speech()
            case _:
                self._post_speech()
                self._post(items)

    def seed(self, turns: Sequence[tuple[str, str]]) -> None:
        """Queue the conversation so far, as (role, text), for a new session."""
        self._post_speech()
        self._post((_History(tuple(turns)),))

    async def events(self) -> AsyncIterator[Incoming]:
        """The messages of the service, until the connection ends. Raises ConnectionLostError at the end."""
        assert self._session is not None
        sender = asyncio.create_task(self._send_all(self._session), name="live sender")
        try:
            while True:
                # The SDK's iterator ends with every turn of the model.
                async for message in self._session.receive():
                    for event in translate(message):
                        yield event
        except Exception as error:
            raise lost_error(self._failure or error) from error
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)

    async def close(self) -> None:
        """Close the socket. What is still queued is not sent."""
        with suppress(Exception):  # the peer may be gone already, which is what closing is for
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._resources.aclose()

    def _post(self, items: Sequence[Outgoing | _History]) -> None:
        self._outbox.append(items)
        self._more.set()

    def _post_speech(self) -> None:
        if self._speech:
            self._post((Audio(bytes(self._speech), self._speech_rate),))
            self._speech.clear()

    async def _send_all(self, session: AsyncSession) -> None:
        try:
            while True:
                while self._outbox:
                    for item in self._outbox.popleft():
                        await self._send(session, item)
                self._more.clear()
                await self._more.wait()
        except websockets.exceptions.ConnectionClosed:
            pass  # the receiving loop sees the same end, with its reason
        except Exception as error:
            self._failure = error
            await self._resources.aclose()

    async def _send(self, session: AsyncSession, item: Outgoing | _History) -> None:
        match item:
            case Audio(pcm, rate):
                blob = types.Blob(data=pcm, mime_type=f"audio/pcm;rate={rate}")
                await session.send_realtime_input(audio=blob)
            case StartActivity():
                await session.send_realtime_input(activity_start=types.ActivityStart())
            case EndActivity():
                await session.send_realtime_input(activity_end=types.ActivityEnd())
            case _History(turns):
                history = [types.Content(role=role, parts=[types.Part(text=text)]) for role, text in turns]
                # Initial history ends with turnComplete, which does not ask for a reply there (types.HistoryConfig).
                initial = self._model_facts.history == "initial"
                await session.send_client_content(turns=list(history), turn_complete=initial)
            case TextTurn(text) if self._model_facts.text == "content":
                turn = types.Content(role="user", parts=[types.Part(text=text)])
                await session.send_client_content(turns=turn, turn_complete=True)
            case TextTurn(text):
                # With manual activity a text is a turn only inside a window (livekit/agents-js#1724).
                await session.send_realtime_input(activity_start=types.ActivityStart())
                await session.send_realtime_input(text=text)
                await session.send_realtime_input(activity_end=types.ActivityEnd())
            case InTurnText(text) if self._model_facts.text == "content":
                turn = types.Content(role="user", parts=[types.Part(text=text)])
                await session.send_client_content(turns=turn, turn_complete=False)
            case InTurnText(text):
                await session.send_realtime_input(text=text)
            case ToolResult(id, name, result):
                response = types.FunctionResponse(id=id, name=name, response=result)
                await session.send_tool_response(function_responses=response)


def lost_error(error: BaseException, *, opened: bool = True) -> ConnectionLostError:
    """How a connection ended, from any exception of the SDK or its socket; `opened` when it had been open.

    Final is only what close_codes lists, and what the SDK refuses before it dials. All else says nothing about the
    session: a message that the SDK cannot parse, a server or a proxy that answers with no HTTP, TLS, DNS.
    """
    match error:
        case ConnectionLostError():
            return error
        case errors.APIError():
            # A close during receive(): `.code` is the WebSocket's, `.details` its reason (google-genai live.py).
            code = error.code if isinstance(error.code, int) else 0  # pyright: ignore[reportUnnecessaryIsInstance]
            reason = error.details if isinstance(error.details, str) else str(error.message or "")
            if code < FIRST_CLOSE_CODE:  # an error in place of a message, with the code it would have over HTTP
                return _refused(code, reason, f"{error.status or ''} {reason}")
            return _closed(code, reason)
        case websockets.exceptions.ConnectionClosed():
            frame = error.rcvd or error.sent
            return _closed(frame.code if frame else 1006, frame.reason if frame else "")
        case websockets.exceptions.InvalidStatus():
            status, body = error.response.status_code, (error.response.body or b"")[:ANSWER_LIMIT]
            return _refused(status, f"HTTP {status}", bytes(body).decode(errors="replace"))
        case TimeoutError():
            return ConnectionLostError(0, "timeout", CloseAction.RESUME, "The service did not answer in time.")
        case OSError():
            why = explained(error)
            return ConnectionLostError(0, why, CloseAction.RESUME, f"The service cannot be reached: {why}.")
        case _:
            refused = not opened and isinstance(error, ValueError) and not str(error).startswith(UNREADABLE)
            refused = refused and (isinstance(error, UnicodeError) or NOT_SUPPORTED in str(error))
            # Its text may hold a header of ours, with the key in it: it stays in the log.
            logger.opt(exception=error).warning("The Live client failed.")
            why = explained(error)
            action = CloseAction.GIVE_UP if refused else CloseAction.RESUME
            return ConnectionLostError(0, why, action, f"The Live client failed: {why}.")


def _closed(code: int, reason: str) -> ConnectionLostError:
    return ConnectionLostError(code, reason, classify(code, reason), explain(code, reason))


def _refused(status: int, reason: str, answer: str) -> ConnectionLostError:
    return ConnectionLostError(status, reason, classify_refusal(status, answer), explain_refusal(status, answer))
