"""Every fault the emulator knows, each in a whole exam: no call may hang, lose a word or stay unpaid.

On imagined time each is met at every moment in the tables; on the real clock, with the caller's audio and a database,
once. Calls on the real clock are held at once, as many as a small machine can carry, and each test looks at its own.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
from loguru import logger
from rich.console import Console
from rich.table import Table

from core.events import CallEnded, ConnectionDialed, ConnectionLost, ConnectionOpened
from core.live.connection import ConnectionPolicy
from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.server.listener import Emulator
from support import in_process
from support.calls import CallResult, Held, config, hold, hold_all, plan_of, short_answers
from support.fault_cases import EXAMINER, Case, rules
from support.fault_exams import (
    CASE,
    EVERY_CASE,
    NO_SCORES,
    REPLY_CUT,
    connections,
    ended_in_order,
    every_word_once,
    words_kept,
)

AT_ONCE = 10
LENGTH = 2.5  # seconds of an answer
# Shorter than an operator would have them, so that a refusal that is tried four times does not take a minute. What a
# busy machine, which plays the service too, could overrun is as an operator would have it.
IMPATIENT: dict[str, Any] = {
    "gemini_live__backoff": [0.3, 0.6, 1.2],
    "gemini_live__long_wait": 1.0,
    "scoring__farewell": 0.5,
}
ATTEMPTS = 1 + len(ConnectionPolicy().backoff)
# On the real clock with every commit: a fault of each part of the catalogue, and each way to end.
WITH_EVERY_COMMIT = (
    "cut",  # the end of a connection
    "refuse_401",  # a refused upgrade; the call is given up
    "handle_invalid",  # a refused setup, and a handle
    "short_life",  # goAway
    "mute",  # turns
    "usage_total_only",
    "transcription_late",
    "text_503",  # no function call, no text model, no scores
    "forgets",  # the examiner
    "huge_frame",  # frames; the caller may leave
)

Calls = Held[str]


def scenario(case: Case) -> Scenario:
    """Of an exam under this fault."""
    return Scenario.model_validate({"name": case.name, "examiner": EXAMINER, "faults": rules(case, "ours")})


@pytest.mark.parametrize("name", EVERY_CASE)
async def test_on_imagined_time_an_exam_comes_to_an_orderly_end_under(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    case = EVERY_CASE[name]
    logger.remove()  # Pipecat says a hundred things about every pipeline
    exam = await in_process.hold(
        scenario(case),
        monkeypatch,
        plan=plan_of(EXAMINER["questions"], tmp_path),
        answers=(LENGTH, LENGTH),
        chunk=0.08,  # the faults are set to messages of that length
        understands=case.fault != "output_text_missing",  # nobody can read there what is asked
        limit=120.0,
    )
    click.echo("\n".join(map(str, exam.events)))  # shown when the test fails: what came when
    ended_in_order(exam, case, ATTEMPTS)
    every_word_once(exam, case)
    if not case.fatal:
        assert exam.of(CallEnded)[0].why == "completed", "this caller does not hang up"
    assert (len(exam.of(ConnectionDialed)), len(exam.of(ConnectionLost))) == connections(case)


async def exam(case: Case, folder: Path) -> CallResult:
    """An exam of two questions under one fault."""
    os.makedirs(folder)
    answers = short_answers(folder, LENGTH)
    async with Emulator(scenario(case), truth=folder / "truth.jsonl") as emulator:
        there: dict[str, Any] = {"gemini_live__base_url": emulator.url, "gemini_live__ca_file": str(emulator.ca_file)}
        return await hold(config(folder, emulator=None, **there, **IMPATIENT), answers, think=0.2, hang_up_after=25.0)


def table(calls: Calls) -> Table:
    """A row for each call."""
    shown = Table(title="Exams under faults, on the real clock", caption="Words: of the caller's two answers.")
    for name in ("fault", "ended as", "scored"):
        shown.add_column(name, no_wrap=True)
    for name in ("connections", "seconds", "words kept", "USD"):
        shown.add_column(name, justify="right", no_wrap=True)
    for name, result in calls.calls.items():
        if isinstance(result, BaseException):
            shown.add_row(name, f"{type(result).__name__}: {result}"[:40])
            continue
        record, kept = result.record, words_kept(result)
        opened = f"{len(result.of(ConnectionOpened))} of {len(result.of(ConnectionDialed))}"
        shown.add_row(
            name, record.why, record.scored, opened, f"{record.seconds:.0f}", f"{kept:.0%}", f"{record.usd:.4f}"
        )
    return shown


@pytest.fixture(scope="module")
def calls(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calls]:
    """The calls of the faults that are asked for, by name; at the end, a table of them."""
    ours = (item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path)
    params = (item.callspec.params for item in ours if hasattr(item, "callspec"))
    wanted = [str(one["fault"]) for one in params if "fault" in one]
    folder = tmp_path_factory.mktemp("faults")
    wanted.sort(key=lambda fault: fault not in REPLY_CUT | NO_SCORES)  # the longest first
    exams = {name: partial(exam, CASE[name], folder / name) for name in wanted}
    held = asyncio.run(hold_all(exams, AT_ONCE))
    yield held
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        Console(file=sys.stderr, width=120).print("", table(held))


@pytest.mark.real_time
@pytest.mark.timeout(1200)  # the first test waits for all the calls, which are held once
@pytest.mark.xdist_group("every fault")
@pytest.mark.parametrize(
    "fault", [pytest.param(one, marks=() if one in WITH_EVERY_COMMIT else pytest.mark.soak) for one in FAULTS]
)
def test_an_exam_comes_to_an_orderly_end_under(fault: str, calls: Calls) -> None:
    result, case = calls[fault], CASE[fault]
    click.echo("\n".join(map(str, result.events)))  # shown when the test fails: what came when
    ended_in_order(result, case, ATTEMPTS)
    every_word_once(result, case)
    [ending] = result.of(CallEnded)
    assert result.record.state == "closed" and (result.record.why, result.record.detail) == (ending.why, ending.detail)
    if not case.fatal:
        assert result.record.scored == ("none" if fault in NO_SCORES else "complete")
    # A call that takes longer may be moved once more before an announced end. It is not lost more often.
    assert len(result.of(ConnectionLost)) <= connections(case)[1]
