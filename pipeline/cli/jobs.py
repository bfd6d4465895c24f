"""colloquy jobs: late verdicts and webhooks of sessions whose calls are over."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pipeline.config.resolved import Config


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--database", help="The database of the record instead of the config's.")
@click.option(
    "--while-input",
    is_flag=True,
    help="End when the standard input does, as `serve` has it, so that no worker outlives its server.",
)
def jobs(config: Path, database: str | None, while_input: bool) -> None:
    """Give the sessions of CONFIG that ended without one their verdict, and deliver results to its webhook.

    `colloquy serve` starts this beside itself; run it by itself where no server runs, or on another machine that shares
    the database. Of several, one works and the others wait to take its place. Ctrl-C ends it: what can be done in some
    seconds is done, the rest goes on with the next one.

    Example: colloquy jobs configs/baseline.yaml
    """
    from pipeline.cli.main import fail
    from pipeline.config.loading import load
    from pipeline.record.models import StoreError

    loaded = load(config)
    if database is not None:
        loaded = replace(loaded, database=database)
    if not loaded.info.owes_verdict:
        fail(f"{config}: nothing is scored, so there is nothing to do; add the stage `scoring`.")
    try:
        asyncio.run(_work(loaded, while_input))
    except StoreError as error:
        fail(str(error))


async def _work(config: "Config", while_input: bool) -> None:
    from pipeline.cli.signals import interruptible, report_pending
    from pipeline.jobs.worker import work
    from pipeline.record.store import Store

    stop = asyncio.Event()
    if while_input:
        asyncio.get_running_loop().add_reader(sys.stdin, _ended, stop)
    store = await Store.open(config.database)
    try:
        async with interruptible(stop.set):
            report_pending(await work(store, config, stop), config)
    finally:
        await store.close()


def _ended(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin)
        stop.set()
