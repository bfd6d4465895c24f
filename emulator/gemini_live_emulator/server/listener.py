"""The listener: one port for TLS and plain text, HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self

from gemini_live_emulator.protocol.wire import Json, Refused
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.server.certificate import issue
from gemini_live_emulator.server.ephemeral_tokens import PREFIX, Tokens, constrained
from gemini_live_emulator.server.http11 import HEAD_LIMIT, Exchange, Malformed, Request, Response, read_head
from gemini_live_emulator.server.rest import BAD_KEY, UNREGISTERED, Rest
from gemini_live_emulator.server.websocket import Engines, SocketShell
from gemini_live_emulator.session.conversation import Conversation, SetupCheck
from gemini_live_emulator.session.fault_injector import FaultInjector
from gemini_live_emulator.session.resumption import SessionStore
from gemini_live_emulator.speech import shared_synthesizer, shared_transcriber
from gemini_live_emulator.truth import Truth

# RFC 8446 section 5.1: a TLS connection starts with a handshake record, type 22.
TLS_FIRST_BYTE: Final = 0x16
FIRST_BYTE_LIMIT: Final = 30.0  # seconds that a silent connection is kept
IDLE_LIMIT: Final = 120.0  # seconds between the requests of one connection

_GEMINI = re.compile(
    r"/ws/google\.ai\.generativelanguage\.(v\w+)\.GenerativeService\."
    r"(BidiGenerateContent|BidiGenerateContentConstrained)$"
)
_VERTEX = re.compile(r"/ws/google\.cloud\.aiplatform\.(v\w+)\.LlmBidiService/BidiGenerateContent$")


class Emulator:
    """A Gemini Live server; use it as `async with Emulator("plain") as emulator`."""

    def __init__(
        self,
        scenario: Scenario | str | Path,
        host: str = "127.0.0.1",
        port: int = 0,
        truth: Path | str | None = None,
        keys: set[str] | None = None,
    ) -> None:
        self.scenario = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
        self.host = host
        self.port = port
        self._truth_path = Path(truth) if truth is not None else None
        self._keys = keys
        self._tasks: set[asyncio.Task[None]] = set()
        self._exit = contextlib.AsyncExitStack()

    @property
    def url(self) -> str:
        """The base URL for clients that speak TLS."""
        return f"https://{_bracketed(self.host)}:{self.port}"

    @property
    def plain_url(self) -> str:
        """The base URL for clients that cannot be given a certificate; the same port."""
        return f"http://{_bracketed(self.host)}:{self.port}"

    @property
    def ca_file(self) -> Path:
        """The PEM file that a client may trust."""
        return self._certificate.ca_file

    async def until(self, what: str, times: int = 1) -> None:
        """Wait until the truth file has an event of this kind so often, such as `setup` or `turn.ended`."""
        await self._truth.reached(what, times)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as exit_:
            folder = exit_.enter_context(tempfile.TemporaryDirectory(prefix="gemini-live-"))
            hosts = list(dict.fromkeys([self.host, "127.0.0.1", "::1", "localhost"]))
            self._certificate = issue(Path(folder), hosts)
            self._context = self._certificate.server_context()
            self._listener = exit_.enter_context(_listen(self.host, self.port))
            self.port = self._listener.getsockname()[1]
            # One thread each: neither engine takes two calls at once, and a busy transcriber must not
            # delay the synthesizer.
            transcriber = exit_.enter_context(ThreadPoolExecutor(1, "emulator-transcriber"))
            synthesizer = exit_.enter_context(ThreadPoolExecutor(1, "emulator-synthesizer"))
            self._engines = Engines(shared_transcriber, shared_synthesizer, transcriber, synthesizer)
            self._truth = Truth(self._truth_path, loop.time())
            exit_.callback(self._truth.close)
            self._truth.start({"scenario": self.scenario.model_dump(mode="json")}, loop.time())
            if self.scenario.examiner.kind == "speaking":
                # Loaded before the first caller waits for them.
                await asyncio.gather(
                    loop.run_in_executor(transcriber, shared_transcriber),
                    loop.run_in_executor(synthesizer, shared_synthesizer),
                )
            self._sessions = SessionStore(self.scenario.seed)
            self._tokens = Tokens(self.scenario.seed)
            self._rest = Rest(self.scenario, self._keys, self._tokens, self._sessions.fired)
            exit_.push_async_callback(self._stop)
            self._spawn(self._accept())
            self._exit = exit_.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    async def _stop(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError:
                # Too many open files, or a client that was gone before it was accepted.
                await asyncio.sleep(0.05)
                continue
            self._spawn(self._serve(connection))

    async def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(FIRST_BYTE_LIMIT):
                first = await _peek(connection)
                if first is None:
                    return
                tls = self._context if first == TLS_FIRST_BYTE else None
                reader, writer = await _streams(connection, tls)
            await self._requests(reader, writer)
        except (OSError, ssl.SSLError, Malformed, TimeoutError):
            # The peer broke off or talked nonsense; nobody else is concerned.
            pass
        finally:
            if writer is not None:
                writer.close()
            else:
                connection.close()

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = Exchange()
        loop = asyncio.get_running_loop()
        while True:
            async with asyncio.timeout(IDLE_LIMIT):
                head = await read_head(reader)
            if head is None:
                return
            request = exchange.head(head)
            if request.upgrade:
                refused = await self._upgrade(request, head, reader, writer)
                if refused is None:
                    return
                response = refused
            else:
                body = await exchange.body(reader, writer.write)
                whole = Request(request.method, request.path, request.query, request.headers, body)
                response = self._rest.answer(whole, loop.time())
                fields = {"path": request.path, "status": response.status}
                self._truth.write("http", fields, loop.time())
            raw, keep = exchange.answer(response)
            writer.write(raw)
            await writer.drain()
            if not keep or request.upgrade:
                return

    async def _upgrade(
        self,
        request: Request,
        head: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> Response | None:
        gemini, vertex = _GEMINI.search(request.path), _VERTEX.search(request.path)
        # A Vertex client with only a base URL keeps it as it is (python-genai live.py).
        bare = request.path == "/"
        if not (gemini or vertex or bare):
            return Response.error(404, "NOT_FOUND", "Requested entity was not found.")
        sessions, scenario = self._sessions, self.scenario
        faults = FaultInjector(scenario.faults, sessions.connect(), scenario.seed, sessions.fired)
        refusal = faults.refuse_upgrade()
        if refusal is not None:
            return Response.error(refusal.status, refusal.code, refusal.message, refusal.reason)
        version = gemini[1] if gemini else vertex[1] if vertex else "v1beta1"
        loop = asyncio.get_running_loop()
        conversation = Conversation(
            scenario,
            sessions,
            loop.time(),
            faults=faults,
            version=version,
            vertex=gemini is None,
            check_setup=self._setup_check(request, gemini is None),
            keep_audio=self._truth.writes,
        )
        fields = {"path": request.path, "agent": request.headers.get("x-goog-api-client")}
        self._truth.write("connection.opened", fields, loop.time(), conversation.connection)
        await SocketShell(conversation, reader, writer, self._engines, self._truth).run(head)
        return None

    def _setup_check(self, request: Request, vertex: bool) -> SetupCheck:
        key = request.key

        def check(setup: Json, now: float) -> Json:
            if vertex:
                return setup
            if not key:
                raise Refused(1008, UNREGISTERED)
            if key.startswith(PREFIX):
                resumes = "handle" in setup.get("sessionResumption", {})
                return constrained(setup, self._tokens.use(key, resumes, now))
            if self._keys is not None and key not in self._keys:
                raise Refused(1007, BAD_KEY)
            return setup

        return check


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


async def _peek(connection: socket.socket) -> int | None:
    """Look at the first byte of a connection without taking it."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection.fileno(), readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection.fileno())
    first = connection.recv(1, socket.MSG_PEEK)
    return first[0] if first else None


async def _streams(
    connection: socket.socket, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=HEAD_LIMIT, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=tls)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
