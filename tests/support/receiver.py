"""Somebody's server that takes webhooks, or does not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

HANG = 0
"""An answer that never comes."""

CUT = -1
"""The connection is closed without an answer."""


@dataclass(frozen=True)
class Posted:
    """One request: its path, its headers in lower case, its body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers each request with what `decide` says: a status, or HANG, or CUT."""

    decide: Callable[[Posted], int]
    posted: list[Posted] = field(default_factory=list[Posted])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    says: str = ""
    delay: float = 0.0  # seconds before each answer
    stops_after: int | None = None  # bytes of `says` after which the rest never comes
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while line := (await reader.readline()).decode().strip():
                headers: dict[str, str] = {}
                while header := (await reader.readline()).decode().strip():
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                one = Posted(line.split()[1], headers, body)
                self.posted.append(one)
                status = self.decide(one)
                await asyncio.sleep(self.delay)
                if status == HANG:
                    await asyncio.sleep(3600)
                if status == CUT:
                    break
                answer = {"content-length": str(len(self.says.encode())), **self.headers}
                head = "".join(f"{name}: {value}\r\n" for name, value in answer.items())
                says = self.says.encode()[: self.stops_after]
                writer.write(f"HTTP/1.1 {status} Said So\r\n{head}\r\n".encode() + says)
                await writer.drain()
                if self.stops_after is not None:
                    await asyncio.sleep(3600)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever posted was killed
        finally:
            writer.close()


@asynccontextmanager
async def receiving(decide: Callable[[Posted], int] = lambda _: 204) -> AsyncIterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver(decide)
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(receiver.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
