"""Processes that are killed around the end of an exam, and what becomes of its result."""

import asyncio
import json
import random
import wave
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from support.clips import ANSWERS, RATE
from support.postgres import address, postgres
from support.receiver import CUT, SECRET, Posted, Receiver, receiving
from support.zygote import Born, Zygote, zygote

from core.events import CallEnded, VerdictGiven, WebhookDelivered
from pipeline.config import EmulatorSettings
from pipeline.emulated import emulator
from pipeline.store import Store

__all__ = ["address", "postgres"]

pytestmark = pytest.mark.real_time

CONFIGS = Path(__file__).parents[2] / "configs"
SEED = 6
AT_ONCE = 12

# From the last answer on; a call that is done with everything sooner does not count as killed.
LAST_SECONDS = 13.0

HEARD = (
    "The weather here seems quite nice and the leaves are slowly departing from us, which I like, because then I can"
    " see the sea from my window."
)
EXAMINERS: dict[str, dict[str, Any]] = {
    "talkative": {},
    "silent": {"ending": {"speak": "none", "call": "none", "farewell": "Goodbye."}},
    "short": {"ending": {"speak": "two", "call": "none"}},
}


@dataclass
class School:
    """Whoever ordered the exams: takes results, sometimes in vain, and remembers what it has taken."""

    dice: random.Random
    taken: Counter[str] = field(default_factory=Counter[str])
    results: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    refused: int = 0

    def decide(self, posted: Posted) -> int:
        """Refuses a quarter; of a tenth it takes the result and its answer is lost."""
        luck = self.dice.random()
        if luck < 0.25:
            self.refused += 1
            return 503
        message = json.loads(posted.body)
        assert message["id"] == posted.headers["webhook-id"]
        self.taken[message["id"]] += 1
        assert self.results.setdefault(message["id"], message) == message, "an id has one content"
        return CUT if luck < 0.35 else 204


@asynccontextmanager
async def configs(folder: Path, address: str, receiver: Receiver) -> AsyncIterator[list[Path]]:
    """A config for each kind of examiner; they differ in the emulator they dial."""
    files: list[Path] = []
    async with AsyncExitStack() as opened:
        for name, changes in EXAMINERS.items():
            examiner = {
                "opening": "Hello.",
                "questions": ["What is the weather like?"],
                "acknowledgements": ["I see."],
                "closing": "That is it.",
                "heard": [HEARD],
                "latency": 0.1,
                **changes,
            }
            scenario = folder / f"{name}-scenario.yaml"
            scenario.write_text(yaml.safe_dump({"name": name, "examiner": examiner}), encoding="utf-8")
            there = await opened.enter_async_context(emulator(EmulatorSettings(scenario=str(scenario))))
            live = {"use": "gemini_live", "model": "gemini-3.8-live", "base_url": there.url}
            data = {
                "name": "killed",
                "stages": [
                    {"use": "resampler", "rate": 16000},
                    {"use": "manual_vad"},
                    {**live, "ca_file": str(there.ca_file)},
                    {"use": "transcript"},
                    {"use": "scoring", "rubric": str(CONFIGS / "rubrics" / "speaking.yaml"), "patience": 2},
                ],
                "database": address,
                "webhook": {"url": receiver.url, "secret": SECRET, "timeout": 5, "retries": [0.2] * 50},
            }
            files.append(folder / f"{name}.yaml")
            files[-1].write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        yield files


def answer(folder: Path) -> Path:
    """Two seconds of somebody speaking."""
    file = folder / "answer.wav"
    with wave.open(str(file), "wb") as written:
        written.setparams((1, 2, RATE, 0, "NONE", ""))
        written.writeframes(ANSWERS[2].pcm[: 2 * 2 * RATE])
    return file


async def answered(call: Born) -> str:
    """Wait until the candidate's only answer is over; else what the process said before it ended by itself."""
    said = b""
    while b"Candidate" not in (line := await call.output.readline()):
        said += line
        if not line:
            return said.decode() or "nothing"
    return ""


async def killed(call: Born, seconds: float) -> bool:
    """Kill a process after so long; False when it was done before."""
    done = asyncio.create_task(call.output.read())
    finished, _ = await asyncio.wait({done}, timeout=seconds)
    call.kill()
    await done
    return not finished


async def exams(mother: Zygote, files: list[Path], wav: Path, kills: int, dice: random.Random) -> tuple[int, int]:
    """Hold exams until so many of their processes were killed: how many were killed, and how many were not."""
    places = asyncio.Semaphore(AT_ONCE)
    left = [dice.uniform(0, LAST_SECONDS) for _ in range(kills)]
    spared = 0
    refused: list[str] = []

    async def exam(file: Path) -> None:
        nonlocal spared
        while True:
            async with places:
                if not left:
                    return
                seconds = left.pop()
                call = await mother.colloquy("call", str(file), "--wav", str(wav))
                try:
                    if said := await answered(call):
                        # A machine that is busy with other things may not get so far; more than a few is a fault.
                        refused.append(said)
                        assert len(refused) < 10, refused
                        left.append(seconds)
                    elif not await killed(call, seconds):
                        spared += 1
                        left.append(dice.uniform(0, seconds))
                finally:
                    call.kill()

    async with asyncio.TaskGroup() as group:
        for n in range(AT_ONCE):
            group.create_task(exam(files[n % len(files)]))
    return kills, spared


async def jobs(mother: Zygote, file: Path, store: Store, kills: int, dice: random.Random) -> None:
    """A worker that is killed and killed again, and then let alone until nothing is due."""
    for _ in range(kills):
        assert await killed(await mother.colloquy("jobs", str(file)), dice.uniform(0.2, 2.5)), "it ended by itself"
    worker = await mother.colloquy("jobs", str(file))

    try:
        async with asyncio.timeout(120):
            # The worker is another process: the record has to be looked at.
            while await store.sessions(state="open") or await store.due("killed"):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    finally:
        worker.kill()


@pytest.mark.timeout(1200)
async def test_every_killed_exam_has_its_verdict_and_is_delivered_under_one_id(address: str, tmp_path: Path) -> None:
    kind = address.partition("+")[0]
    kills, worker_kills = (50, 10) if kind == "sqlite" else (8, 3)
    dice = random.Random(SEED)
    school = School(random.Random(SEED))
    async with (
        receiving(school.decide) as receiver,
        configs(tmp_path, address, receiver) as files,
        zygote(tmp_path) as mother,
    ):
        store = await Store.open(address)
        dead, spared = await exams(mother, files, answer(tmp_path), kills, dice)
        records = [await store.session(one.id) for one in await store.sessions(limit=1000)]
        before = Counter(state_of(record) for record in records)
        due_before, delivered_before = len(await store.due("killed")), len(school.taken)
        await jobs(mother, files[0], store, worker_kills, dice)
        records = [await store.session(one.id) for one in await store.sessions(limit=1000)]
        await store.close()

    assert dead == kills and len(records) == dead + spared
    kinds = [Counter(logged.kind for logged in record.events) for record in records if record is not None]
    verdicts = Counter(record.scored for record in records if record is not None)
    sources = Counter(score.source or "none" for record in records if record for score in record.scores)
    click.echo(
        f"\nseed {SEED}, {kind}: {dead} exams killed, {spared} were done first; {worker_kills} workers killed"
        f"\n  killed when: {dict(before)}; due then {due_before}, delivered then {delivered_before}"
        f"\n  verdicts: {dict(verdicts)}; values by source: {dict(sources)}"
        f"\n  deliveries: {school.taken.total()} taken of {len(school.taken)} ids,"
        f" {school.taken.total() - len(school.taken)} again under an id already taken; {school.refused} refused"
    )
    assert {count["VerdictGiven"] for count in kinds} == {1}
    assert {count["WebhookDelivered"] for count in kinds} == {1}
    assert len(school.taken) == len(records)
    for record in records:
        assert record is not None and record.state == "closed"
        (given,) = [logged.data["verdict"] for logged in record.events if logged.kind == "VerdictGiven"]
        (told,) = [one["data"] for one in school.results.values() if one["data"]["session"]["id"] == record.id]
        assert told["verdict"] == given
        assert len(given["criteria"]) == 5


def state_of(record: Any) -> str:
    """How far a session had come when its process was killed."""
    kinds = {logged.kind for logged in record.events}
    if WebhookDelivered.__name__ in kinds:
        return "delivered"
    if CallEnded.__name__ in kinds:
        return "closed"
    return "judged" if VerdictGiven.__name__ in kinds else "in the exam"
