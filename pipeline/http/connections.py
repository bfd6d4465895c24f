"""TCP connections to the page: bounded in number and in time, so that strangers take nothing that calls need.

uvicorn bounds requests, not connections: one that sends nothing costs a descriptor for ever, and where descriptors run
out asyncio writes a traceback for every place in the backlog, again each second. So connections are accepted here.
"""

import asyncio
import errno
import ipaddress
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import h11
from loguru import logger
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline.http.tally import Tally

# Seconds: for a whole request, from the connection or from the answer before; for its answer, which an SDP offer may
# take ten for, to be sent to whoever reads it.
REQUEST_WITHIN = 10.0
ANSWER_WITHIN = 25.0
# Connections accepted in one turn of the event loop, between which calls go on.
AT_ONCE = 16
# Seconds in which none is accepted when the process has no descriptor for it.
PAUSE = 1.0

_NONE_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections there may be at once, in all and from one address."""

    total: int
    per_address: int


class PageProtocol(H11Protocol):
    """HTTP on one connection, which is cut when a request or its answer takes too long."""

    def __init__(self, on_lost: Callable[["PageProtocol"], None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._on_lost = on_lost
        self._deadline: asyncio.TimerHandle | None = None
        self._answering = False
        self._cut = False

    @property
    def waiting(self) -> bool:
        """Whether nobody is owed anything: no request has arrived whole that is not answered."""
        return self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        if self._cut:
            transport.abort()
        self._answer_within(REQUEST_WITHIN)

    def handle_events(self) -> None:
        super().handle_events()
        if not self._answering and not self.waiting:
            self._answering = True
            self._answer_within(ANSWER_WITHIN)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: an upgrade that is not on offer is ignored, as HTTP has it."""

    def on_response_complete(self) -> None:
        self._answering = False
        self._answer_within(REQUEST_WITHIN)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._deadline is not None:
            self._deadline.cancel()
        self._on_lost(self)

    def cut(self) -> None:
        """Close the connection at once; what was not sent yet is not sent."""
        self._cut = True
        if self.transport is not None:  # pyright: ignore[reportUnnecessaryComparison] - before connection_made
            self.transport.abort()

    def _answer_within(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self.cut)


class Connections:
    """Accepts connections. Where there are too many, the oldest one that only waits gives way to the new one."""

    def __init__(
        self,
        listening: socket.socket,
        limits: ConnectionLimits,
        protocol: Callable[[Callable[[PageProtocol], None]], PageProtocol],
    ) -> None:
        self._listening = listening
        self._limits = limits
        self._protocol = protocol
        self._open: dict[PageProtocol, str] = {}  # in the order of arrival, each with its address
        self._of_address: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._resuming: asyncio.TimerHandle | None = None
        self._given_up = Tally(
            f"Connections to the page closed to make room, as {limits.total} may be open"
            f" and {limits.per_address} of one address"
        )

    def __len__(self) -> int:
        """How many are open."""
        return len(self._open)

    def start(self) -> None:
        """Accept from now on."""
        self._resuming = None
        asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def stop(self) -> None:
        """Accept none from now on. Those that are open stay so."""
        if self._resuming is not None:
            self._resuming.cancel()
        asyncio.get_running_loop().remove_reader(self._listening)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NONE_LEFT:
                    raise
                logger.warning("No connection to the page can be accepted: {}.", (error.strerror or "").lower())
                asyncio.get_running_loop().remove_reader(self._listening)
                self._resuming = asyncio.get_running_loop().call_later(PAUSE, self.start)
                return
            self._take(connection, network(str(address[0])))

    def _take(self, connection: socket.socket, address: str) -> None:
        if not self._make_room(address):
            connection.close()
            return
        connection.setblocking(False)
        protocol = self._protocol(self._lost)
        self._open[protocol] = address
        self._of_address[address] += 1
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.connect_accepted_socket(lambda: protocol, connection), name="page connection")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._accepted(done, protocol))

    def _accepted(self, task: asyncio.Task[Any], protocol: PageProtocol) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is not None:
            self._lost(protocol)

    def _lost(self, protocol: PageProtocol) -> None:
        if (address := self._open.pop(protocol, None)) is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    def _make_room(self, address: str) -> bool:
        """Whether one more may come from an address; one that only waits gives way for it."""
        among_all = self._of_address[address] < self._limits.per_address
        if among_all and len(self._open) < self._limits.total:
            return True
        self._given_up.add(address)
        for protocol, one in self._open.items():
            if protocol.waiting and (among_all or one == address):
                self._lost(protocol)
                protocol.cut()
                return True
        return False


def network(address: str) -> str:
    """Whose an address is: of IPv6 the /64, which is one customer's."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # as a proxy wrote it
        return address[:64]
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
