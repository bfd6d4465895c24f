"""The page's HTTP server: uvicorn, with our own hand on who is connected."""

import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from pipeline.http.connections import ConnectionLimits, Connections, PageProtocol

# Seconds in which requests that are being answered may end when the server does.
GRACE = 3


class PageServer(uvicorn.Server):
    """Serves an application on a listening socket. It ends with `should_exit`, not by a signal: that is the host's."""

    def __init__(self, app: FastAPI, listening: socket.socket, limits: ConnectionLimits) -> None:
        config = uvicorn.Config(
            app,
            http=PageProtocol,
            ws="none",  # the page has no WebSocket; an upgrade would leave the limits behind
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        super().__init__(config)
        self._listening = listening
        self.page_connections = Connections(listening, limits, self._protocol)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections."""
        await super().startup(sockets=[])
        self.page_connections.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept none, and end those that are open."""
        self.page_connections.stop()
        await super().shutdown(sockets=[self._listening])

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take no signals: Ctrl-C ends the calls before the page goes."""
        yield

    def _protocol(self, on_lost: object) -> PageProtocol:
        return PageProtocol(
            on_lost,  # pyright: ignore[reportArgumentType] - of Connections
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
