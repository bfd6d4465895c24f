"""Processes that are killed in the last minute of an exam, and what becomes of its result.

What was on record when a process was killed stays, and the verdict is what follows from it: that is asserted here, for
kills at each step of an exam and, in `make soak`, at any instant. How soon something is on record after it came is a
matter of tests/pipeline/record/test_lateness.py, whose clock no machine can hold up.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest

from pipeline.record.models import LoggedEvent, SessionRecord
from pipeline.record.store import FIRST_JOB_SEQ, Store
from support.killed import EXAMINERS, HEARD, QUESTION, SCORES, Exam, Exams, School, answer, exams, hold, jobs, scores_in
from support.postgres import address, postgres
from support.receiver import receiving
from support.record import until
from support.zygote import Zygote, zygote

__all__ = ["address", "postgres"]

pytestmark = pytest.mark.real_time

SEED = 6

# Seconds from the only question of an exam to the end of its process: all of that is within its last minute.
LAST_SECONDS = {"talkative": 13.0, "silent": 15.0, "short": 20.0}

# Per commit on SQLite alone: tests/pipeline/record has kills and losses on both.
POSTGRES = pytest.param("postgres", marks=pytest.mark.soak)
ON_BOTH = pytest.mark.parametrize("address", ["sqlite", POSTGRES], indirect=True)

Test = Callable[[Sequence[LoggedEvent]], bool]


def has(kind: str, test: Callable[[dict[str, Any]], object] = lambda _: True) -> Test:
    """Whether there is an event of this kind of which something is true."""
    return lambda events: any(one.kind == kind and test(one.data) for one in events)


# What is to be on record when the process is killed, and who examines.
STEPS: dict[str, tuple[str, Test]] = {
    "the question is asked": ("short", has("UtteranceSpoken", lambda data: QUESTION in data["text"])),
    "the answer is being given": ("talkative", has("TranscriptCheckpointed", lambda data: data["speaker"] == "caller")),
    "the answer has been given": ("silent", has("UtteranceSpoken", lambda data: data["text"] == HEARD)),
    "scores are being read out": ("talkative", has("TranscriptCheckpointed", lambda data: len(stated_in(data)) > 1)),
    "two scores have been read out": ("short", has("UtteranceSpoken", lambda data: len(scores_in(data["text"])) == 2)),
    "the scores are reported": ("talkative", has("ToolCalled")),
    "the call has ended": ("talkative", has("CallEnded")),
}


@dataclass(frozen=True)
class House:
    """What the exams of a test have in common."""

    there: Exams
    school: School
    store: Store
    mother: Zygote
    folder: Path
    dice: random.Random


@asynccontextmanager
async def house(address: str, folder: Path) -> AsyncIterator[House]:
    school = School(random.Random(SEED))
    async with (
        receiving(school.decide) as receiver,
        exams(folder, address, receiver) as there,
        zygote(folder) as mother,
    ):
        store = await Store.open(address)
        try:
            yield House(there, school, store, mother, folder, random.Random(SEED))
        finally:
            await store.close()


async def on_record(store: Store, caller: str) -> SessionRecord | None:
    """What the record has of the exam of this caller."""
    ids = [one.id for one in await store.sessions(limit=1000) if one.caller == caller]
    return await store.session(ids[0]) if ids else None


@ON_BOTH
@pytest.mark.timeout(600)
async def test_an_exam_killed_at_any_step_has_its_verdict_from_what_was_on_record(address: str, tmp_path: Path) -> None:
    seen: dict[str, tuple[LoggedEvent, ...]] = {}

    async def until_on_record(store: Store, name: str, test: Test) -> None:
        async def it_is_there() -> bool:
            record = await on_record(store, name)
            seen[name] = () if record is None else record.events
            return test(seen[name])

        await until(it_is_there, timeout=120, every=0.05, what=f"on record: {name}")

    async with house(address, tmp_path) as at:
        steps = {
            name: Exam(kind, partial(until_on_record, at.store, name, test)) for name, (kind, test) in STEPS.items()
        }
        done_first = await hold(at.mother, at.there, answer(tmp_path), steps)
        assert not done_first, "these were over before their step was on record"
        await jobs(at.mother, at.there.config("talkative", "worker"), at.store, 2, at.dice)
        records = {name: await on_record(at.store, name) for name in steps}
    for name, record in records.items():
        assert record is not None
        assert list(record.events[: len(seen[name])]) == list(seen[name]), (
            f"{name}: what was on record is there no more"
        )
        check(record, at.school)


@pytest.mark.soak
@pytest.mark.timeout(1200)
async def test_an_exam_killed_at_any_instant_has_its_verdict_from_what_was_on_record(
    address: str, tmp_path: Path
) -> None:
    database = address.partition("+")[0]
    kills, worker_kills = (50, 10) if database == "sqlite" else (8, 3)
    async with house(address, tmp_path) as at:
        loop = asyncio.get_running_loop()
        kinds = [kind for _ in range(kills) for kind in EXAMINERS][:kills]
        instants = [at.dice.uniform(0, LAST_SECONDS[kind]) for kind in kinds]
        times = [loop.time()]
        names = {
            f"exam {n} at {seconds:.3f}": Exam(kind, partial(asyncio.sleep, seconds))
            for n, (kind, seconds) in enumerate(zip(kinds, instants, strict=True))
        }
        done_first = await hold(at.mother, at.there, answer(tmp_path), names)
        times.append(loop.time())
        await jobs(at.mother, at.there.config("talkative", "worker"), at.store, worker_kills, at.dice)
        times.append(loop.time())
        found = [await at.store.session(one.id) for one in await at.store.sessions(limit=1000)]
    records = {record.caller: record for record in found if record is not None}
    truth = {kind: at.there.truth(kind) for kind in EXAMINERS}
    known = {name: Known.of(truth[exam.kind], name) for name, exam in names.items()}
    assert records.keys() == names.keys() and len(found) == len(names)
    tell(f"{database}, {kills} kills, {len(done_first)} exams done first", instants, times, records, known, at.school)
    assert len(at.school.taken) == len(records)
    for name, record in records.items():
        check(record, at.school)
        if known[name].answered is None:
            assert not given(record) and not stated_on_record(record), (name, known[name], record)


@dataclass(frozen=True)
class Known:
    """What the emulator knows of one exam: how many seconds before its end what had come."""

    answered: float | None  # the candidate's answer had been heard
    stated: Mapping[str, float]  # the examiner had stated a score, in speech or by its function, to the end
    phase: str

    @classmethod
    def of(cls, truth: list[dict[str, Any]], name: str) -> "Known":
        """Read it from the truth of all exams with this examiner."""
        setups = [line for line in truth if line["what"] == "setup" and f"This is {name}." in json.dumps(line["setup"])]
        mine = {line["connection"] for line in setups}
        lines = [line for line in truth if line.get("connection") in mine]
        died = max((line["t"] for line in lines), default=0.0)
        answered, stated, phase = None, dict[str, float](), "before the answer was heard"
        for line in lines:
            before = died - line["t"]
            match line["what"]:
                case "turn.started" if line["heard"] == HEARD:
                    answered, phase = before, "during the examiner's ending"
                case "turn.ended":
                    found = scores_in(line["sent"]["text"])
                    stated |= {name: max(before, stated.get(name, 0.0)) for name in found}
                    phase = phase if answered is None else "after the examiner's ending"
                case "tool.answered" if line["responses"][0]["response"]["status"] == "recorded":
                    stated |= dict.fromkeys(SCORES, before)
                case "connection.closed" if line["received"] is not None:
                    phase = "after the call"
                case _:
                    pass
        return cls(answered, stated, phase)


def check(record: SessionRecord, school: School) -> None:
    """The verdict is what follows from what was on record when the process died, and it was delivered, once."""
    values, stated = given(record), stated_on_record(record)
    answered = any(data["speaker"] == "caller" and data["text"] == HEARD for data in said(record))
    assert all(value == SCORES[name] for name, (value, _) in values.items()), (record.caller, values)
    assert all(name in values and values[name][1] in ("call", "speech") for name in stated), (record.caller, values)
    assert record.scored == "complete" or not answered, (record.caller, values)
    assert answered or stated or not values, (record.caller, values)
    (delivered,) = [one["data"] for one in school.results.values() if one["data"]["session"]["id"] == record.id]
    (verdict,) = [logged.data["verdict"] for logged in record.events if logged.kind == "VerdictGiven"]
    assert [logged.kind for logged in record.events].count("WebhookDelivered") == 1
    assert record.state == "closed" and delivered["verdict"] == verdict and len(verdict["criteria"]) == len(SCORES)


def said(record: SessionRecord) -> list[dict[str, Any]]:
    """What had been said, on record when the process died; of an utterance that was going on all its checkpoints."""
    kinds = ("UtteranceSpoken", "TranscriptCheckpointed")
    return [logged.data for logged in record.events if logged.seq < FIRST_JOB_SEQ and logged.kind in kinds]


def stated_on_record(record: SessionRecord) -> set[str]:
    """The criteria whose score had been stated, on record when the process died."""
    reported = any(logged.kind == "ToolCalled" and logged.seq < FIRST_JOB_SEQ for logged in record.events)
    return set(SCORES) if reported else {name for data in said(record) for name in stated_in(data)}


def stated_in(data: Mapping[str, Any]) -> list[str]:
    """The criteria whose score is stated in an utterance; one that is going on may end in half a score."""
    text: str = data["text"]
    if data["speaker"] != "examiner":
        return []
    return scores_in(text if data.get("partial") is False else text.rpartition(",")[0])


def given(record: SessionRecord) -> dict[str, tuple[float, str]]:
    """The values of a verdict and their sources."""
    return {score.criterion: (score.value, score.source) for score in record.scores if score.value is not None}


def behind(record: SessionRecord, known: Known) -> float:
    """Seconds before the kill at which the first thing had come that was not on record; 0 without one."""
    stated = stated_on_record(record)
    answered = any(data["speaker"] == "caller" and data["text"] == HEARD for data in said(record))
    missing = [before for name, before in known.stated.items() if name not in stated]
    return max([*missing, 0.0 if answered else known.answered or 0.0], default=0.0)


def tell(
    what: str,
    instants: Sequence[float],
    times: Sequence[float],
    records: Mapping[str, SessionRecord],
    known: Mapping[str, Known],
    school: School,
) -> None:
    """Print the counts."""
    verdicts = Counter((known[name].phase, record.scored) for name, record in records.items())
    sources = Counter(score.source or "none" for record in records.values() for score in record.scores)
    began, held, worked = times
    delays = sorted((behind(record, known[name]) for name, record in records.items()), reverse=True)
    click.echo(
        f"\n{what}, seed {SEED}; {held - began:.0f} s of exams, {worked - held:.0f} s of jobs"
        f"\n  killed so many seconds after the question: {' '.join(f'{at:.1f}' for at in sorted(instants))}"
    )
    for (phase, scored), count in sorted(verdicts.items()):
        click.echo(f"  killed {phase}: {count} {scored}")
    click.echo(
        f"  values by source: {dict(sources)}"
        f"\n  had come so many seconds before a kill and was not on record: {' '.join(f'{s:.1f}' for s in delays[:8])}"
        f"\n  deliveries: {school.taken.total()} taken of {len(school.taken)} ids,"
        f" {school.taken.total() - len(school.taken)} again under an id already taken; {school.refused} refused"
    )
