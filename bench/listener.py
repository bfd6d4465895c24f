"""SDP offers over HTTP for the contenders that bring no server: one route, and the URL on standard output."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import click
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Answer = Callable[[str], Awaitable[dict[str, str]]]


async def serve(answer: Answer) -> None:
    """Answer offers until the process is stopped."""

    async def offer(request: Request) -> JSONResponse:
        return JSONResponse(await answer((await request.json())["sdp"]))

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.setblocking(False)
        app = Starlette(routes=[Route("/api/offer", offer, methods=["POST"])])
        click.echo(f"http://localhost:{listening.getsockname()[1]}/")
        await uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).serve(sockets=[listening])


def run(answer: Answer) -> None:
    """The whole of a contender's process."""
    asyncio.run(serve(answer))
