"""Connections that only cost: silent ones, slow ones, ones that read nothing, and very many of them."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from loguru import logger

from pipeline.http import connections
from pipeline.http.connections import ConnectionLimits
from pipeline.http.descriptors import LEAST, MOST, limits_of
from pipeline.http.listen import bind
from pipeline.http.server import PageServer
from support.deadline import expecting
from support.record import until

pytestmark = pytest.mark.real_time

ROOM = ConnectionLimits(50, 50)
HELLO = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Served:
    def __init__(self, port: int, server: PageServer) -> None:
        self.port = port
        self.server = server
        self.lines: list[str] = []
        self.held: set[asyncio.StreamWriter] = set()

    async def connect(self, sent: bytes = b"") -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.held.add(writer)
        writer.write(sent)
        return reader

    async def hello(self) -> int:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as client:
            return (await client.get("/")).status_code

    @property
    def open(self) -> int:
        return len(self.server.page_connections)


@asynccontextmanager
async def served(limits: ConnectionLimits = ROOM) -> AsyncIterator[Served]:
    app = FastAPI()

    @app.get("/")
    async def hello() -> PlainTextResponse:
        return PlainTextResponse("hello")

    @app.get("/large")
    async def large() -> PlainTextResponse:
        return PlainTextResponse("x" * 40_000_000)

    @app.post("/")
    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    @app.post("/refused")
    async def refused() -> PlainTextResponse:
        return PlainTextResponse("no", 401)

    listening = bind("127.0.0.1", 0)
    server = PageServer(app, listening, limits)
    here = Served(listening.getsockname()[1], server)
    sink = logger.add(here.lines.append, level="WARNING")
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield here
    finally:
        for writer in here.held:
            writer.close()
        server.should_exit = True
        await serving
        logger.remove(sink)


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection is closed."""
    got = b""
    async with expecting("the server closes the connection"):
        try:
            while piece := await reader.read(65536):
                got += piece
        except ConnectionError:
            pass
    return got


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x16\x03\x01",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx",
        b"POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n",
    ],
    ids=["nothing", "TLS", "a header", "a body", "a body that is refused", "a chunk"],
)
async def test_a_request_that_does_not_come_whole_is_waited_for_only_so_long(
    sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REQUEST_WITHIN", 0.3)
    async with served() as here:
        await closed(await here.connect(sent))
        assert here.open == 0


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\n", b"POST /refused HTTP/1.1\r\nContent-Length: 99999\r\nHost: x\r\n\r\n"]
)
async def test_a_drop_now_and_then_prolongs_nothing(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "REQUEST_WITHIN", 0.5)
    async with served() as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(sent)

        async def drip() -> None:
            while True:
                writer.write(b"X: y\r\n")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        await closed(reader)
        dripping.cancel()
        writer.close()


async def test_whoever_does_not_read_the_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "ANSWER_WITHIN", 0.3)
    async with served() as here:
        await here.connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: here.open == 1)
        await until(lambda: here.open == 0)


async def test_one_connection_serves_many_requests() -> None:
    async with served() as here, httpx.AsyncClient(base_url=f"http://127.0.0.1:{here.port}") as client:
        for size in (0, 10, 60_000):
            assert (await client.post("/", content=b"x" * size)).text == str(size)
            assert (await client.get("/")).text == "hello"
        assert here.open == 1
        reader = await here.connect(3 * HELLO)  # one behind the other without waiting
        async with expecting("three answers"):
            while (await reader.readline()) != b"hello":
                break
        assert await here.hello() == 200


async def test_silent_connections_give_way_to_whoever_asks_for_something() -> None:
    async with served(ConnectionLimits(20, 10)) as here:
        for _ in range(200):
            await here.connect()
        assert await here.hello() == 200
        assert here.open <= 10
    assert [line for line in here.lines if "Connections to the page closed" in line][:1]
    assert len(here.lines) <= 2


async def test_a_connection_that_is_being_answered_does_not_give_way() -> None:
    async with served(ConnectionLimits(3, 3)) as here:
        for _ in range(3):
            await here.connect(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: sum(not one.waiting for one in here.server.page_connections._open) == 3)
        assert await closed(await here.connect(HELLO)) == b"", "there is no place"
        assert here.open == 3


async def test_one_address_takes_no_place_of_another() -> None:
    async with served(ConnectionLimits(20, 10)) as here:
        table = here.server.page_connections
        table._of_address["203.0.113.9"] = 9  # of somebody else
        for _ in range(30):
            await here.connect()
        await until(lambda: table._of_address["127.0.0.1"] == 10)
        assert table._of_address["203.0.113.9"] == 9


class OutOfDescriptors:
    """A listening socket of a process that has no descriptor left."""

    def __init__(self, listening: socket.socket) -> None:
        self.listening, self.tried = listening, 0

    def fileno(self) -> int:
        return self.listening.fileno()

    def accept(self) -> Any:
        self.tried += 1
        raise OSError(errno.EMFILE, "Too many open files")


async def test_without_a_descriptor_the_server_waits_and_writes_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "PAUSE", 0.3)
    async with served() as here:
        table = here.server.page_connections
        table.stop()
        real, table._listening = table._listening, OutOfDescriptors(table._listening)  # pyright: ignore
        table.start()
        knocking = asyncio.create_task(here.hello())
        await until(lambda: bool(here.lines))
        tried = table._listening.tried  # pyright: ignore[reportAttributeAccessIssue]
        table._listening = real
        async with expecting("the page is served again"):
            assert await knocking == 200
    assert tried == 1 and len(here.lines) == 1 and "too many open files" in here.lines[0]


@pytest.mark.parametrize(
    ("descriptors", "calls", "total"),
    [(1024, 2, 1024 - 128 - 48), (1024, 10, 1024 - 128 - 240), (2**20, 10, MOST), (256, 10, LEAST)],
)
def test_descriptors_are_kept_for_calls(descriptors: int, calls: int, total: int) -> None:
    limits = limits_of(descriptors, calls)
    assert (limits.total, limits.per_address) == (total, total // 2)
