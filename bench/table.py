"""The arithmetic of the table, and its rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from bench.rounds import Measured
from pipeline.call.session import percentiles


@dataclass(frozen=True, slots=True)
class Failed:
    """A round that came to nothing, and why."""

    contender: str
    calls: int
    why: str


Result = Measured | Failed

COLUMNS = ("calls", "contender", "latency p50", "p95", "answers", "frames late", "CPU", "of echo", "memory", "")
# A contender whose frames or answers fail this often does not do the work that it is measured by.
SATURATED = 0.1


def table(results: Sequence[Result]) -> Table:
    """All rounds, those of as many calls side by side."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        remark = not name
        shown.add_column(name, justify="left" if remark or name == "contender" else "right", no_wrap=not remark)
    for calls in dict.fromkeys(result.calls for result in results):
        for result in (one for one in results if one.calls == calls):
            shown.add_row(*row(result, echo_of(results, calls)))
        shown.add_section()
    return shown


def row(result: Result, echo: Measured | None) -> list[str]:
    """One round as text, beside the echo with as many calls."""
    start = [str(result.calls), result.contender]
    if isinstance(result, Failed):
        return [*start, *[""] * (len(COLUMNS) - 3), f"failed: {result.why}"]
    measured = result.measurements
    p50, p95 = percentiles(measured.latencies)
    answers = f"{len(measured.latencies)}" + (f" ({measured.unanswered} missed)" if measured.unanswered else "")
    share = measured.late / measured.frames if measured.frames else 0.0
    missed = measured.unanswered / max(1, measured.unanswered + len(measured.latencies))
    return [
        *start,
        _milliseconds(p50),
        _milliseconds(p95),
        answers,
        f"{measured.late} of {measured.frames} ({share:.1%})",
        f"{1000 * cpu_per_call(result):.1f} ms/s",
        f"{cpu_per_call(result) / cpu_per_call(echo):.2f}" if echo is not None else "-",
        f"{result.memory / result.calls / 2**20:.1f} MB",
        "cannot keep up" if max(share, missed) >= SATURATED else "",
    ]


def cpu_per_call(result: Measured) -> float:
    """CPU seconds that a second of one call takes."""
    return result.cpu / (result.seconds * result.calls)


def memory_of_another(results: Sequence[Result], contender: str) -> float | None:
    """Megabytes that one call more takes: the difference between the rounds with the fewest and with the most calls."""
    measured = [one for one in results if isinstance(one, Measured) and one.contender == contender]
    if not measured:
        return None
    least = min(measured, key=lambda one: one.calls)
    most = max(measured, key=lambda one: one.calls)
    if least.calls == most.calls:
        return None
    return (most.memory - least.memory) / (most.calls - least.calls) / 2**20


def echo_of(results: Sequence[Result], calls: int) -> Measured | None:
    """The echo that as many calls are held against."""
    found = (one for one in results if isinstance(one, Measured) and one.contender == "echo" and one.calls == calls)
    return next(found, None)


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.0f} ms"
