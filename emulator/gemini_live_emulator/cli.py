"""The command line: serve a scenario, or list what there is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import click

from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.scenario import Scenario, ScenarioError, names
from gemini_live_emulator.server.listener import Emulator
from gemini_live_emulator.speech import SpeechMissing


@click.command("emulator")
@click.option("--scenario", default="plain", show_default=True, help="Name, or path of a YAML.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Port to listen on; 0 finds one."
)
@click.option("--truth", type=click.Path(path_type=Path), help="File for what really happened.")
@click.option("--announce", is_flag=True, help="Print one JSON line, and end when stdin closes.")
@click.option("--list", "listing", is_flag=True, help="List scenarios and faults, and end.")
def command(scenario: str, host: str, port: int, truth: Path | None, announce: bool, listing: bool) -> None:
    """Serve an emulated Gemini Live API.

    \b
    Example:
      gemini-live-emulator --scenario plain --port 8765
    """
    if listing:
        click.echo(catalogue())
        return
    try:
        asyncio.run(serve(Emulator(scenario, host, port, truth=truth), announce))
    except (ScenarioError, SpeechMissing) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{host}:{port}: {error.strerror or error}") from error


def catalogue() -> str:
    """List scenarios and faults, one line each."""
    lines = ["scenarios:"]
    lines += [f"  {name:28} {Scenario.load(name).summary}" for name in names()]
    lines.append("faults:")
    lines += [f"  {name:28} {fault.summary}" for name, fault in FAULTS.items()]
    return "\n".join(lines)


def greeting(emulator: Emulator) -> str:
    """Say in lines for a person how to connect."""
    return "\n".join(
        [
            f"Scenario {emulator.scenario.name!r} at {emulator.url} (plain text: {emulator.plain_url}).",
            "Its scores are written in the scenario; they assess nobody.",
            "Connect with google-genai:",
            f"  os.environ['SSL_CERT_FILE'] = {str(emulator.ca_file)!r}",
            f"  client = genai.Client(api_key='any', http_options={{'base_url': {emulator.url!r}}})",
        ]
    )


async def serve(emulator: Emulator, announce: bool) -> None:
    """Run an emulator until a signal, or (announced) the end of standard input."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, done.set)
    async with emulator:
        if announce:
            announcement = {"url": emulator.url, "ca_file": str(emulator.ca_file), "pid": os.getpid()}
            click.echo(json.dumps(announcement))
            _watch_stdin(loop, done)
        else:
            click.echo(greeting(emulator))
        sys.stdout.flush()
        await done.wait()


def _watch_stdin(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    """End when the parent closes our standard input, or is gone."""

    def read() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            done.set()

    try:
        loop.add_reader(0, read)
    except OSError:
        # A regular file or /dev/null is at its end already.
        done.set()
