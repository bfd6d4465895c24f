"""python -m bench: the table."""

import asyncio
import time
from pathlib import Path

import click
from rich.console import Console

from bench import machine
from bench.contenders import CONTENDERS, Contender
from bench.rounds import RoundFailed, measure
from bench.table import Failed, Result, memory_of_another, table
from pipeline.call.emulator_process import emulator
from pipeline.config.file import EmulatorSettings

SCENARIO = Path(__file__).parent / "scenario.yaml"
# The examiner has questions for about this long.
MOST_SECONDS = 150.0
# Callers that were late themselves this often have made frames late that were not.
OWN_LATE = 5
WIDTH = 125


class Counts(click.ParamType):
    """Numbers of calls in one word: "1 5 10"."""

    name = "numbers"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            counts = tuple(int(word) for word in value.replace(",", " ").split())
        except ValueError:
            counts = ()
        if not counts or min(counts) < 1:
            self.fail(f"{value!r} is no list of numbers of calls, such as '1 5 10'", param, ctx)
        return counts


def rounds(counts: tuple[int, ...], contenders: tuple[Contender, ...]) -> list[tuple[Contender, int]]:
    """The order of the rounds: contenders take turns, and who begins changes, since a machine's load does too."""
    order: list[tuple[Contender, int]] = []
    for turn, calls in enumerate(counts):
        shift = turn % len(contenders)
        order += [(contender, calls) for contender in (*contenders[shift:], *contenders[:shift])]
    return order


async def run(counts: tuple[int, ...], contenders: tuple[Contender, ...], seconds: float) -> list[Result]:
    """Every round, each announced as it begins. The emulator is one process for all of them."""
    results: list[Result] = []
    async with emulator(EmulatorSettings(scenario=str(SCENARIO))) as service:
        env = {"BENCH_URL": service.url, "BENCH_CA_FILE": str(service.ca_file)}
        for contender, calls in rounds(counts, contenders):
            click.echo(f"{time.strftime('%H:%M:%S')} {contender.name}, {calls} at once ...", err=True)
            try:
                results.append(await measure(contender, calls, seconds, env))
            except RoundFailed as error:
                results.append(Failed(contender.name, calls, str(error)))
    names = [contender.name for contender in contenders]
    return sorted(results, key=lambda result: names.index(result.contender))


def notes(results: list[Result]) -> list[str]:
    """What a reader of the table must know."""
    lines = [
        f"One call more takes {more:.1f} MB: {name}."
        for name in dict.fromkeys(result.contender for result in results)
        if (more := memory_of_another(results, name)) is not None
    ]
    for result in results:
        if not isinstance(result, Failed) and result.measurements.own_late >= OWN_LATE:
            lines.append(
                f"The callers' own process was late {result.measurements.own_late} times ({result.contender},"
                f" {result.calls} at once): some of those late frames are its own."
            )
    return lines


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--calls", type=Counts(), default="1 5 10", show_default=True, help="Calls at once, a round each.")
@click.option(
    "--seconds", type=click.FloatRange(5, MOST_SECONDS), default=20.0, show_default=True, help="Length of a round."
)
@click.option(
    "--only", type=click.Choice([one.name for one in CONTENDERS]), multiple=True, help="Leave the others out."
)
def main(calls: tuple[int, ...], seconds: float, only: tuple[str, ...]) -> None:
    """Measure our pipeline, the stock Pipecat pipeline and a bare echo on this machine. docs/bench.md explains.

    Example: python -m bench --calls "1 5"
    """
    console = Console(soft_wrap=True, highlight=False)
    console.width = max(console.width, WIDTH)  # a table in a log is not to be folded at 80
    for line in machine.describe():
        console.print(line)
    contenders = tuple(one for one in CONTENDERS if not only or one.name in only)
    results = asyncio.run(run(calls, contenders, seconds))
    console.print()
    console.print(table(results))
    console.print()
    for line in notes(results):
        console.print(line)
    if any(isinstance(result, Failed) for result in results):
        raise click.exceptions.Exit(1)


if __name__ == "__main__":
    main()
