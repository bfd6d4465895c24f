"""colloquy serve: the page, and the calls that come from it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.events import CallEnded, Event

if TYPE_CHECKING:
    from pipeline.config.resolved import Config
    from pipeline.http.app import PageInfo
    from pipeline.record.store import Store
    from transports.call import SignallingListener


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port instead of the config's; 0 takes a free one.")
def serve(config: Path, port: int | None) -> None:
    """Wait for callers as CONFIG has it until Ctrl-C, and print the link for a candidate.

    Ctrl-C ends the calls politely, closes their records and delivers the results that can be delivered in some seconds;
    a second one ends the program at once. Exits with 130 when a call was cut off by it.

    Example: colloquy serve configs/offline.yaml --port 8080
    """
    from dataclasses import replace

    from pipeline.call.emulator_process import EmulatorError
    from pipeline.cli.main import fail
    from pipeline.config.loading import load
    from pipeline.http.listen import CannotListen
    from pipeline.record.models import StoreError

    loaded = load(config)
    if loaded.listen is None:
        fail(f"{config}: it has nothing to listen on; add `listen: {{use: webrtc}}`.")
    if port is not None:
        settings = loaded.listen.settings.model_copy(update={"port": port})
        loaded = replace(loaded, listen=replace(loaded.listen, settings=settings))
    try:
        code = asyncio.run(_serve(loaded))
    except (CannotListen, StoreError, EmulatorError) as error:
        fail(str(error))
    raise click.exceptions.Exit(code)


async def _serve(config: "Config") -> int:
    from pipeline.cli.screen import Log
    from pipeline.cli.signals import INTERRUPTED, interruptible
    from pipeline.http.listen import bind
    from pipeline.runtime import running
    from transports.call import SignallingListener

    assert config.listen is not None
    listener = config.listen.cls(config.listen.settings)
    page = bind(*listener.address) if isinstance(listener, SignallingListener) else None
    log = Log()
    cut_off = False

    def show(session: str, event: Event) -> None:
        nonlocal cut_off
        log.show(session, event)
        cut_off = cut_off or (isinstance(event, CallEnded) and event.why == "shut down")

    async with running(config, show) as there, _jobs(config):
        stopping: list[asyncio.Task[None]] = []

        async def stop() -> None:
            click.echo("No more calls are taken, and those going on are ended ...", err=True)
            await listener.close()
            await there.host.shut_down()

        async with interruptible(lambda: stopping.append(asyncio.create_task(stop()))):
            if page is None:
                await there.host.serve(listener)
            else:
                async with _page(listener, page, there.store, _info(there.config)):
                    await there.host.serve(listener)
        await asyncio.gather(*stopping)
    return INTERRUPTED if cut_off else 0


@asynccontextmanager
async def _jobs(config: "Config") -> AsyncIterator[None]:
    """Run the jobs of sessions whose calls are over, in a process of its own."""
    from pipeline.jobs.process import jobs_process

    if not config.info.owes_verdict:
        yield
        return
    async with jobs_process(config):
        yield


@asynccontextmanager
async def _page(
    listener: "SignallingListener", sock: socket.socket, store: "Store", info: "PageInfo"
) -> AsyncIterator[None]:
    """Serve the page for as long as the block lasts."""
    from pipeline.http.app import create_app
    from pipeline.http.descriptors import limits_of, raise_limit
    from pipeline.http.server import PageServer
    from pipeline.http.stored_records import StoredRecords
    from pipeline.record.plain_text import plain

    app = create_app(listener=listener, records=StoredRecords(store), info=info)
    server = PageServer(app, sock, limits_of(raise_limit(), listener.max_calls))
    serving = asyncio.create_task(server.serve())
    click.echo(f"{plain(info.name)}: {listener.page_url(sock.getsockname()[1])}")
    if info.emulated:
        click.echo("An emulator plays the examiner and follows a script: its scores are not an assessment.")
    click.echo("Ctrl-C ends.")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _info(config: "Config") -> "PageInfo":
    from pipeline.http.app import PageInfo

    assert config.listen is not None
    about = config.info
    return PageInfo(
        name=getattr(config.listen.settings, "title", config.name),
        model=about.model or "unknown",
        emulated=config.emulator is not None,
        questions=about.questions,
        minutes=config.budget.minutes or 0,
        criteria=about.criteria,
        scale=about.scale,
    )
