"""colloquy call, colloquy demo: a recording is the candidate."""

import asyncio
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pipeline.config.resolved import Config
    from pipeline.runtime import Running
    from transports.wav.listener import WavSettings

# In a checkout these are links into `configs` and `tests/data`; in a wheel, the files themselves.
DEMO = Path(__file__).resolve().parents[1] / "demo"
DEMO_CONFIG = (DEMO / "configs" / "offline.yaml").resolve()
JOBS_TIMEOUT = 20.0  # seconds for pending jobs when the exam is over
JOBS_TIMEOUT_INTERRUPTED = 8.0  # the same after Ctrl-C
DEMO_ANSWERS = [(DEMO / "answers" / f"answer-{n}.wav").resolve() for n in (1, 2, 3)]


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--wav",
    "files",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="A recording; several are one answer each, a single one is cut into answers at its silences.",
)
@click.option("--straight", is_flag=True, help="Play from the start without waiting for the examiner.")
@click.option("--record", type=click.Path(path_type=Path), help="Write both sides to this WAV file.")
@click.option("--caller", default="recording", show_default=True, help="Who calls, for experiments.")
@click.option("--database", help="Where the record goes instead of the config's database.")
@click.option(
    "--truth",
    type=click.Path(path_type=Path, resolve_path=True),
    help="Where the emulator writes what really happened.",
)
def call(
    config: Path,
    files: tuple[Path, ...],
    straight: bool,
    record: Path | None,
    caller: str,
    database: str | None,
    truth: Path | None,
) -> None:
    """Hold one exam of CONFIG with a recording as the candidate.

    Prints the conversation as it happens, then the scores, the bill and where the record is. Exits with 1 when the
    exam ended without a complete set of scores, and with 130 when Ctrl-C ended it; the record is closed either way, and
    its result delivered if that can be done in some seconds.

    Example: colloquy call configs/offline.yaml --wav answer-1.wav --wav answer-2.wav
    """
    from pipeline.cli.main import fail
    from transports.wav.listener import WavSettings

    # Checked now, since the recording is written when the exam is over.
    if record is not None and (record.is_dir() or not record.parent.is_dir()):
        fail(f"{record} cannot be written: " + ("it is a folder." if record.is_dir() else "its folder does not exist."))
    wav = WavSettings(files=files, wait=not straight, record=record)
    _hold(config, wav, caller, database, truth)


@click.command()
@click.option("--database", help="Where the record goes instead of the config's database.")
def demo(database: str | None) -> None:
    """Hold a scored exam with a recorded candidate against the embedded emulator: no key, no microphone, no network.

    Example: colloquy demo
    """
    from transports.wav.listener import WavSettings

    click.echo("An emulator plays the examiner and follows a script: its scores are not an assessment.\n")
    _hold(DEMO_CONFIG, WavSettings(files=tuple(DEMO_ANSWERS)), "demo", database, None)


def _hold(config: Path, wav: "WavSettings", caller: str, database: str | None, truth: Path | None) -> None:
    from pipeline.call.emulator_process import EmulatorError
    from pipeline.cli.main import fail
    from pipeline.config.loading import load
    from pipeline.record.models import StoreError
    from transports.wav.recording import BadRecording

    loaded = load(config)
    if database is not None:
        loaded = replace(
            loaded, database=database, arms={n: replace(a, database=database) for n, a in loaded.arms.items()}
        )
    try:
        code = asyncio.run(_call(loaded, wav, caller, truth))
    except (BadRecording, StoreError, EmulatorError) as error:
        fail(str(error))
    raise click.exceptions.Exit(code)


async def _finish_jobs(there: "Running", timeout: float) -> None:
    """Do the pending jobs of this session and earlier ones, for at most `timeout` seconds."""
    if not await there.store.pending(there.config.name):
        return
    from pipeline.cli.signals import report_pending
    from pipeline.jobs.worker import finish

    report_pending(await finish(there.store, there.config, timeout), there.config)


async def _call(config: "Config", wav: "WavSettings", caller: str, truth: Path | None) -> int:
    from pipeline.cli.screen import Screen
    from pipeline.cli.signals import INTERRUPTED, interruptible
    from pipeline.runtime import running
    from transports.wav.listener import WavListener

    call_id = uuid.uuid4().hex
    listener = WavListener(wav, call_id, caller)  # a bad file is refused before anything is started
    screen = Screen()
    async with running(config, lambda _, event: screen.show(event), truth) as there:
        stopping: list[asyncio.Task[None]] = []

        def stop() -> None:
            click.echo("Ending the exam ...", err=True)
            stopping.append(asyncio.create_task(there.host.shut_down()))

        async with interruptible(stop):
            await there.host.serve(listener)
        await asyncio.gather(*stopping)
        await _finish_jobs(there, JOBS_TIMEOUT_INTERRUPTED if stopping else JOBS_TIMEOUT)
        record = await there.store.session(call_id)
        screen.summary(record, config.database)
        if stopping:
            return INTERRUPTED
        return 0 if record is not None and record.scored == "complete" else 1
