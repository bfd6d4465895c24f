"""The shell around one conversation: a WebSocket, one alarm, and a thread each for the two speech engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final, assert_never, cast

from websockets.exceptions import InvalidState
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from gemini_live_emulator.protocol import wire
from gemini_live_emulator.protocol.outputs import Close, Drop, Listen, Note, Output, Send, SendRaw, Speak
from gemini_live_emulator.session.conversation import Conversation
from gemini_live_emulator.speech import Synthesizer, Transcriber
from gemini_live_emulator.truth import Truth

CLOSE_LIMIT: Final = 5.0  # seconds for the client to answer a close frame


@dataclass(frozen=True, slots=True)
class Engines:
    """The speech engines: a loader and a thread for each."""

    transcriber: Callable[[], Transcriber]
    synthesizer: Callable[[], Synthesizer]
    transcriber_thread: Executor
    synthesizer_thread: Executor


class _Protocol(ServerProtocol):
    """A server protocol that can hold back its pongs."""

    def __init__(self, hold: Callable[[bytes], bool] | None, **options: Any) -> None:
        super().__init__(**options)
        self._hold = hold

    def send_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG and self._hold is not None and self._hold(bytes(frame.data)):
            return
        super().send_frame(frame)


class SocketShell:
    """Carries out what a conversation decides."""

    def __init__(
        self,
        conversation: Conversation,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        engines: Engines,
        truth: Truth,
    ) -> None:
        self._talk = conversation
        self._rules = conversation.wire
        self._reader, self._writer = reader, writer
        self._engines, self._truth = engines, truth
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._next_ping: asyncio.TimerHandle | None = None
        self._cut_off: asyncio.TimerHandle | None = None
        self._jobs: set[asyncio.Task[None]] = set()
        self._message: list[bytes] = []
        extensions = [ServerPerMessageDeflateFactory()] if self._rules.deflate else None
        self._protocol = _Protocol(
            self._hold_pong if self._rules.pong_delay else None,
            max_size=self._rules.max_frame,
            extensions=extensions,
        )

    async def run(self, head: bytes) -> None:
        """Serve the connection until it is gone; `head` is the upgrade request."""
        try:
            if not self._handshake(head):
                return
            self._carry_out(self._talk.tick(self._loop.time()))
            self._ping()
            await self._read()
        except asyncio.CancelledError:
            # The server shuts down.
            self._close(1001, "")
            self._flush()
            raise
        except Exception:
            self._fail()
            raise
        finally:
            self._carry_out(self._talk.lost(self._loop.time()))
            for timer in (self._alarm, self._next_ping):
                if timer is not None:
                    timer.cancel()
            for job in self._jobs:
                job.cancel()
            sent, got = self._protocol.close_sent, self._protocol.close_rcvd
            self._note(
                "connection.closed",
                {
                    "sent": [sent.code, sent.reason] if sent else None,
                    "received": [got.code, got.reason] if got else None,
                },
            )
            self._cut_off_later()
            self._writer.close()

    def _handshake(self, head: bytes) -> bool:
        self._protocol.receive_data(head)
        for event in cast("list[Handshake]", self._protocol.events_received()):
            self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        return self._protocol.state is OPEN

    async def _read(self) -> None:
        allowance, since = self._rules.max_rate, self._loop.time()
        while data := await self._reader.read(65_536):
            self._protocol.receive_data(data)
            frames = cast("list[Frame]", self._protocol.events_received())
            for frame in frames:
                self._frame(frame)
            if self._protocol.state is not OPEN:
                # The client said goodbye or broke the protocol: it must not keep a session by staying on.
                self._carry_out(self._talk.lost(self._loop.time()))
                self._cut_off_later()
            self._flush()
            # More messages than the service would take in wait in the sender's socket, so that
            # a flood on one connection leaves the loop to the others.
            now = self._loop.time()
            burst = self._rules.max_rate
            allowance = min(burst, allowance + (now - since) * burst) - len(frames)
            since = now
            if allowance < 0:
                await asyncio.sleep(-allowance / burst)
        self._protocol.receive_eof()
        self._flush()

    def _frame(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._message.append(bytes(frame.data))
            if frame.fin:
                whole = b"".join(self._message)
                self._message.clear()
                self._carry_out(self._talk.receive(whole, self._loop.time()))

    def _carry_out(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Send(message):
                    self._send(wire.encode(message))
                case SendRaw(frame):
                    self._send(frame)
                case Close(code, reason):
                    self._close(code, reason)
                case Drop():
                    self._writer.transport.abort()
                case Listen(number, pcm):
                    self._start(self._listen(number, pcm))
                case Speak(number, text):
                    self._start(self._speak(number, text))
                case Note(what, fields):
                    self._note(what, fields)
                case _:
                    assert_never(output)
        self._flush()
        self._set_alarm()

    def _send(self, frame: bytes | str) -> None:
        if self._protocol.state is not OPEN:
            return
        text = isinstance(frame, str) or self._rules.frames == "text"
        data = frame.encode() if isinstance(frame, str) else frame
        send = self._protocol.send_text if text else self._protocol.send_binary
        size = self._rules.fragment or max(1, len(data))
        send(data[:size], fin=size >= len(data))
        for start in range(size, len(data), size):
            part = data[start : start + size]
            self._protocol.send_continuation(part, fin=start + size >= len(data))

    def _close(self, code: int, reason: str) -> None:
        try:
            self._protocol.send_close(code, wire.cut_reason(reason))
        except InvalidState:
            return
        self._cut_off_later()

    def _cut_off_later(self) -> None:
        # A client that never answers the close, or never hangs up, is cut off.
        if self._cut_off is None:
            self._cut_off = self._loop.call_later(CLOSE_LIMIT, self._writer.transport.abort)

    def _flush(self) -> None:
        data = self._protocol.data_to_send()
        if self._writer.is_closing():
            return
        for part in data:
            if part:
                self._writer.write(part)
            elif self._writer.can_write_eof():
                self._writer.write_eof()
            else:
                # TLS has no half-close.
                self._writer.close()
        # A client that does not read is cut off, so that it costs nobody else anything.
        if self._writer.transport.get_write_buffer_size() > self._rules.unread:
            self._note("client.stalled", {})
            self._writer.transport.abort()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        at = self._talk.deadline()
        if at is not None:
            self._alarm = self._loop.call_at(max(at, self._loop.time()), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        try:
            self._carry_out(self._talk.tick(self._loop.time()))
        except Exception:
            self._fail()
            raise

    def _fail(self) -> None:
        # A mistake of ours: the client gets the close of the service, and the log the reason.
        self._close(1011, "Internal error encountered.")
        self._flush()

    def _ping(self) -> None:
        if self._rules.ping_every is not None and self._protocol.state is OPEN:
            self._protocol.send_ping(b"")
            self._flush()
            self._next_ping = self._loop.call_later(self._rules.ping_every, self._ping)

    def _hold_pong(self, data: bytes) -> bool:
        self._loop.call_later(self._rules.pong_delay, self._late_pong, data)
        return True

    def _late_pong(self, data: bytes) -> None:
        if self._protocol.state is OPEN:
            # Past the hook that held it back.
            ServerProtocol.send_frame(self._protocol, Frame(Opcode.PONG, data))
            self._flush()

    def _start(self, job: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(self._guarded(job))
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _guarded(self, job: Coroutine[None, None, None]) -> None:
        try:
            await job
        except Exception:
            self._fail()
            raise

    async def _listen(self, number: int, pcm: bytes) -> None:
        engines = self._engines
        text = await self._loop.run_in_executor(
            engines.transcriber_thread, lambda: engines.transcriber().transcribe(pcm)
        )
        self._carry_out(self._talk.transcribed(number, text, self._loop.time()))

    async def _speak(self, number: int, text: str) -> None:
        engines = self._engines
        pcm = await self._loop.run_in_executor(
            engines.synthesizer_thread, lambda: engines.synthesizer().synthesize(text)
        )
        self._carry_out(self._talk.synthesized(number, pcm, self._loop.time()))

    def _note(self, what: str, fields: wire.Json) -> None:
        self._truth.write(what, fields, self._loop.time(), self._talk.connection)
