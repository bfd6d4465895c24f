"""The embedded emulator as a process of its own, so that its work is never counted as ours."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from loguru import logger

from pipeline.config.file import EmulatorSettings
from pipeline.config.resolved import Config, StagePlan
from processors.stage import StageSettings

START_TIMEOUT = 60.0  # seconds; a cold machine loads two speech models


@dataclass(frozen=True, slots=True)
class Emulated:
    """A running emulator: where it is, and the certificate that makes it trusted."""

    url: str
    ca_file: Path
    pid: int


class EmulatorError(RuntimeError):
    """The emulator did not start; the message says why."""


@asynccontextmanager
async def emulator(settings: EmulatorSettings, truth: Path | None = None) -> AsyncIterator[Emulated]:
    """Run the emulator for as long as the block lasts. Raises EmulatorError, in a sentence."""
    command = [sys.executable, "-P", "-m", "gemini_live_emulator"]
    command += ["--scenario", settings.scenario, "--port", "0", "--announce"]
    if truth is not None:
        command += ["--truth", str(truth)]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: the emulator must outlive the calls we then close
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(_tail(process.stderr))
    try:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT)
            announced = json.loads(line)
        except (TimeoutError, json.JSONDecodeError) as error:
            _kill(process)
            raise EmulatorError(f"The emulator did not start: {await errors or 'it said nothing'}") from error
        yield Emulated(announced["url"], Path(announced["ca_file"]), announced["pid"])
    finally:
        process.stdin.close()  # it ends when its input does
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            _kill(process)
            await process.wait()
        errors.cancel()
        await asyncio.gather(errors, return_exceptions=True)


def pointed_at(config: Config, emulated: Emulated) -> Config:
    """The config with every stage that talks to a service talking to the emulator."""
    arms = {name: pointed_at(arm, emulated) for name, arm in config.arms.items()}
    stages = tuple(_pointed(plan, emulated) for plan in config.stages)
    return replace(config, stages=stages, arms=arms)


def _pointed(plan: StagePlan, emulated: Emulated) -> StagePlan:
    if not isinstance(plan.settings, StageSettings):
        return plan
    return replace(plan, settings=plan.settings.pointed_at(emulated.url, emulated.ca_file))


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):  # it ended by itself in this moment
        process.kill()


async def _tail(stream: asyncio.StreamReader) -> str:
    """Log what the emulator writes to its error stream; its last line, which says why it ended."""
    last = ""
    while line := (await stream.readline()).decode(errors="replace").strip():
        logger.debug(f"emulator: {line}")
        last = line
    return last
