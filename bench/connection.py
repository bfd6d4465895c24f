"""`python -m bench.connection`: what each loss of the connection costs the caller, ours beside Pipecat's service."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench.audio_delivery import RATE
from bench.faulty_call import ROOT, Contender, Held, hold
from bench.long_call import write_wav
from core import events
from pipeline.call.emulator_process import EmulatorError
from tests.support.fault_cases import CASES, EXAMINER, FIRST, MOMENTS, Case, chosen, rules
from transports.wav.recording import read

CONTENDERS: tuple[Contender, ...] = ("ours", "stock")
LENGTH = 3.0  # seconds of an answer
MOST_MINUTES = 2.0
# The stock service now and then keeps its first connection; a fault is set for its second.
TRIES = 3
# Longer than any wait of ours (15 s after "quota exceeded", 14 s until a mute connection is replaced).
IDLE_TIMEOUT = 27.0
# The second transcriber that our default configs have; the stock service has nothing of the kind.
SECOND = {"use": "shadow", "transcriber": "offline", "when": "gaps"}
COLUMNS = ("fault", "when", "who", "lost", "in words", "repeated", "gap", "reconnects", "outcome")
WIDTHS = (25, 9, 5, 8, 8, 8, 6, 10, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """What one fault cost one contender. Times in seconds."""

    case: Case
    contender: Contender
    lost: float
    in_words: float
    repeated: float
    gap: float
    reconnects: int
    outcome: str
    sent: float = 0.0

    def cells(self) -> tuple[str, ...]:
        """As the table has it."""
        milliseconds = (f"{1000 * value:.0f} ms" for value in (self.lost, self.in_words, self.repeated))
        what = (self.case.fault, self.case.moment, self.contender)
        return (*what, *milliseconds, f"{self.gap:.1f} s", str(self.reconnects), self.outcome)


def summed_up(case: Case, contender: Contender, held: Held) -> Row:
    """The row of a call."""
    sent, received, record = held.sent, held.received, held.record
    # The truth file has the text of a new session's history, not that of a turn sent as text.
    received.as_text.update(n for turn in held.of(events.TurnSentAsText) for n in range(turn.first, turn.last + 1))
    # Audio that no model received is not lost either if the second transcriber has made words of it.
    repaired = [(gap.started, gap.ended) for gap in held.of(events.GapRepaired) if gap.text]
    received.as_text.update(sent.during(repaired))
    end = next(event.at for event in reversed(held.events) if isinstance(event, events.CallEnded))
    sources = sorted({score.source for score in record.scores if score.value is not None})
    scored = f"{record.scored} from {'+'.join(sources)}" if sources else "no score"
    why = record.why or "?"
    if not received.resumed:
        why += ", never connected"
    return Row(
        case,
        contender,
        received.lost(sent),
        received.only_text(sent),
        received.repeated(sent),
        sent.longest_silence(end),
        received.reconnects,
        f"{why}; {scored}",
        sent.samples / RATE,
    )


async def one(case: Case, contender: Contender, folder: Path, answers: Sequence[Path]) -> Row:
    """Hold the call of a case."""
    scenario: dict[str, Any] = {"name": "link", "examiner": EXAMINER, "faults": rules(case, contender)}
    for attempt in range(TRIES):
        there = folder / str(attempt)
        try:
            async with asyncio.timeout(MOST_MINUTES * 60 + 60):
                held = await hold(
                    there,
                    contender,
                    scenario,
                    answers,
                    minutes=MOST_MINUTES,
                    idle_timeout=IDLE_TIMEOUT,
                    second=SECOND if contender == "ours" else None,
                )
        except (EmulatorError, TimeoutError) as error:
            return Row(case, contender, 0, 0, 0, 0, 0, f"failed: {error or 'it never ended'}")
        if held.received.first_connection in (0, FIRST[contender]):
            return summed_up(case, contender, held)
    return Row(case, contender, 0, 0, 0, 0, 0, "failed: the exam did not begin on the connection that the fault is for")


async def run(cases: Sequence[Case], contenders: Sequence[Contender], folder: Path) -> list[Row]:
    """Every case, one call of each contender at a time; a case's rows are printed when both are there."""
    samples = [np.frombuffer(read(ROOT / "tests" / "data" / f"answer-{n}.wav")[0], np.int16) for n in (1, 3)]
    answers = [
        write_wav(folder / f"answer-{n}.wav", part[: round(LENGTH * RATE)]) for n, part in enumerate(2 * samples)
    ]
    loop = asyncio.get_running_loop()
    waiting = {(case, who): loop.create_future() for case in cases for who in contenders if _wanted(case, who)}

    async def work(who: Contender) -> None:
        for n, (case, one_of) in enumerate(waiting):
            if one_of == who:
                # A question that was cut off may have to be answered twice.
                count = 4 if case.moment in ("reply", "playing") else 2
                row = await one(case, who, folder / f"{n}-{who}", answers[:count])
                waiting[case, who].set_result(row)

    workers = [asyncio.create_task(work(who)) for who in contenders]
    rows: list[Row] = []
    try:
        for row in waiting.values():
            rows.append(await row)
            click.echo(line(rows[-1].cells()))
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return rows


def _wanted(case: Case, who: Contender) -> bool:
    return who == "ours" or not case.alike


def line(cells: Sequence[str]) -> str:
    """A row of text in columns."""
    padded = (
        cell.ljust(width) if n < 3 or not width else cell.rjust(width)
        for n, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    return "  ".join(padded).rstrip()


def totals(rows: Sequence[Row]) -> list[str]:
    """A sentence for each contender, over the cases that a client can survive."""
    sentences: list[str] = []
    for who in CONTENDERS:
        its = [row for row in rows if row.contender == who and not row.case.fatal]
        if its:
            done = sum(row.outcome.startswith("completed; complete") for row in its)
            sentences.append(
                f"{who}: of {len(its)} calls that could go on, {done} were completed and scored;"
                f" {sum(row.lost for row in its):.1f} s of {sum(row.sent for row in its):.1f} s of answers were lost,"
                f" {sum(row.repeated for row in its):.1f} s repeated; longest gap {max(row.gap for row in its):.1f} s"
            )
    return sentences


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--faults", default="", help="Only these, separated by commas: cut, or cut@reply.")
@click.option("--quick", is_flag=True, help="One of each family.")
@click.option("--only", type=click.Choice(CONTENDERS), help="Leave the other contender out.")
@click.option("--list", "listing", is_flag=True, help="Name the cases and end.")
def main(faults: str, quick: bool, only: Contender | None, listing: bool) -> None:
    """Break the connection of real calls in every known way, and print what it cost. docs/disconnects.md explains.

    Example: python -m bench.connection --faults internal_error,refuse_503
    """
    if listing:
        for case in CASES:
            click.echo(case.name + (" (no client can go on)" if case.fatal else ""))
        return
    try:
        cases = chosen([name.strip() for name in faults.split(",") if name.strip()], quick)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--faults") from error
    used = {case.moment for case in cases}
    for moment, meaning in MOMENTS.items():
        if moment in used:
            click.echo(f"{moment}: {meaning}")
    click.echo()
    click.echo(line(COLUMNS))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-connection-") as folder:
        rows = asyncio.run(run(cases, (only,) if only else CONTENDERS, Path(folder)))
    click.echo()
    for sentence in totals(rows):
        click.echo(sentence)
    click.echo(f"{len(cases)} cases took {(time.monotonic() - began) / 60:.1f} minutes.")
    if any(row.outcome.startswith("failed") for row in rows):
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    main()
