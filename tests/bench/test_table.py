"""The arithmetic of the bench's table."""

import pytest
from click.testing import CliRunner
from rich.console import Console

from bench.__main__ import main, notes, rounds
from bench.callers import Measurements
from bench.contenders import CONTENDERS, ECHO, OURS, STOCK
from bench.rounds import Measured
from bench.table import Failed, cpu_per_call, memory_of_another, row, table

MB = 2**20


def measurements(
    latencies: list[float] | None = None, *, late: int = 0, unanswered: int = 0, own_late: int = 0
) -> Measurements:
    return Measurements(latencies or [], unanswered, frames=1000, late=late, dropped=0, own_late=own_late)


def measured(name: str, calls: int, cpu: float, memory: int = 0, seen: Measurements | None = None) -> Measured:
    return Measured(name, calls, seconds=20.0, cpu=cpu, memory=memory, measurements=seen or measurements([0.5]))


def test_cpu_is_that_of_one_second_of_one_call() -> None:
    assert cpu_per_call(measured("ours", 5, cpu=8.0)) == pytest.approx(0.08)


def test_a_row_is_held_against_the_echo_with_as_many_calls() -> None:
    ours = measured("ours", 5, 9.0, 50 * MB, measurements([0.9, 1.0, 1.1], late=5, unanswered=2))
    assert row(ours, measured("echo", 5, 6.0)) == [
        *(
            "5",
            "ours",
            "1000 ms",
            "1090 ms",
            "3 (2 missed)",
            "5 of 1000 (0.5%)",
            "90.0 ms/s",
            "1.50",
            "10.0 MB",
            "cannot keep up",
        )
    ]


def test_without_an_echo_or_an_answer_a_row_says_so() -> None:
    said = row(measured("ours", 1, 2.0, seen=measurements(unanswered=4)), None)
    assert (said[2], said[3], said[4], said[7]) == ("-", "-", "0 (4 missed)", "-")


def test_a_failure_is_shown_in_its_row() -> None:
    console = Console(width=140)
    with console.capture() as printed:
        console.print(table([measured("ours", 1, 2.0), Failed("stock", 1, "the server died during the calls")]))
    (line,) = (line for line in printed.get().splitlines() if "stock" in line)
    assert "failed: the server died during the calls" in line


@pytest.mark.parametrize(
    ("seen", "remark"),
    [
        (measurements([0.5], late=100), "cannot keep up"),
        (measurements([0.5], late=99), ""),
        (measurements([0.5] * 9, unanswered=1), "cannot keep up"),
        (measurements([0.5] * 10, unanswered=1), ""),
    ],
)
def test_a_contender_that_fails_a_tenth_of_its_frames_or_answers_cannot_keep_up(
    seen: Measurements, remark: str
) -> None:
    assert row(measured("echo", 10, 9.0, seen=seen), None)[-1] == remark


def test_memory_of_another_call_leaves_out_what_is_loaded_once() -> None:
    results = [measured("ours", calls, 1.0, (30 + 3 * calls) * MB) for calls in (1, 5, 10)]
    assert memory_of_another(results, "ours") == pytest.approx(3.0)
    assert memory_of_another(results[:1], "ours") is None
    assert memory_of_another([Failed("ours", 1, "why"), results[0]], "ours") is None


def test_a_reader_is_reported_when_the_callers_were_late_themselves() -> None:
    assert notes([measured("ours", 1, 1.0)]) == []
    (line,) = notes([measured("ours", 1, 1.0, seen=measurements([0.5], own_late=9))])
    assert "9 times (ours, 1 at once)" in line


def test_contenders_take_turns_in_going_first() -> None:
    assert rounds((1, 5, 10), CONTENDERS) == [
        *((OURS, 1), (STOCK, 1), (ECHO, 1)),
        *((STOCK, 5), (ECHO, 5), (OURS, 5)),
        *((ECHO, 10), (OURS, 10), (STOCK, 10)),
    ]


@pytest.mark.parametrize("calls", ["", "none", "0 5", "1.5"])
def test_numbers_of_calls_that_are_none_are_refused(calls: str) -> None:
    refused = CliRunner().invoke(main, ["--calls", calls])
    assert refused.exit_code == 2
    assert "is no list of numbers of calls, such as '1 5 10'" in " ".join(refused.output.replace("│", " ").split())
