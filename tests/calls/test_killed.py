"""Processes that are killed in the last minute of an exam, and what becomes of its result."""

import asyncio
import json
import random
import wave
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from pipeline.call.emulator_process import Emulated, emulator
from pipeline.config.file import EmulatorSettings
from pipeline.record.models import SessionRecord
from pipeline.record.store import FIRST_JOB_SEQ, Store
from support.clips import ANSWERS, RATE
from support.postgres import address, postgres
from support.receiver import CUT, SECRET, Posted, Receiver, receiving
from support.record import until
from support.zygote import Born, Zygote, zygote

__all__ = ["address", "postgres"]

pytestmark = pytest.mark.real_time

CONFIGS = Path(__file__).parents[2] / "configs"
SEED = 6
AT_ONCE = 8

HEARD = (
    "The weather here seems quite nice and the leaves are slowly departing from us, which I like, because then I can"
    " see the sea from my window."
)
SCORES = {"fluency": 6.5, "vocabulary": 6, "grammar": 6, "pronunciation": 7, "overall": 6.5}

EXAMINERS: dict[str, dict[str, Any]] = {
    "talkative": {},
    "silent": {"ending": {"speak": "none", "call": "none", "farewell": "Goodbye."}},
    "short": {"ending": {"speak": "two", "call": "none"}},
}

# Seconds from the only question of an exam to the end of its process: all of that is within its last minute.
LAST_SECONDS = {"talkative": 13.0, "silent": 15.0, "short": 20.0}

# What came up to so many seconds before the kill is to be in the verdict: words are kept a second after they came and
# written within another, and on a machine that is busy with seven other exams everything is late. Eight processes also
# take turns at one SQLite file, which is not fair to all: LATE exams in a hundred may be later than that.
GRACE = 4.0
LATE = 10


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


@dataclass(frozen=True)
class Exams:
    """Where exams are held: an emulator for each kind of examiner, and what all the configs have in common."""

    folder: Path
    emulators: dict[str, Emulated]
    common: dict[str, Any]

    def config(self, kind: str, name: str) -> Path:
        """The config of one exam; its prompt has the exam's name, which identifies it in the emulator's truth."""
        prompt, there = self.folder / f"{name}.md", self.emulators[kind]
        prompt.write_text(f"This is {name}.", encoding="utf-8")
        live = {"use": "gemini_live", "model": "gemini-3.8-live", "base_url": there.url, "ca_file": str(there.ca_file)}
        stages = [
            {"use": "resampler", "rate": 16000},
            {"use": "manual_vad"},
            {**live, "prompt": str(prompt)},
            {"use": "transcript"},
            {
                "use": "scoring",
                "rubric": str(CONFIGS / "rubrics" / "speaking.yaml"),
                "score_timeout": 2,
                "reply_timeout": 6,
            },
        ]
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(self.common | {"stages": stages}, sort_keys=False), encoding="utf-8")
        return file

    def truth(self, kind: str) -> list[dict[str, Any]]:
        """What the emulator knows of all its exams."""
        lines = (self.folder / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


@asynccontextmanager
async def exams(folder: Path, address: str, receiver: Receiver) -> AsyncIterator[Exams]:
    """Emulators for as long as the block lasts."""
    emulators: dict[str, Emulated] = {}
    async with AsyncExitStack() as opened:
        for kind, changes in EXAMINERS.items():
            examiner = {
                "opening": "Hello.",
                "questions": ["What is the weather like?"],
                "acknowledgements": ["I see."],
                "closing": "That is it.",
                "heard": [HEARD],
                "latency": 0.1,
                "scores": SCORES,
                **changes,
            }
            scenario = folder / f"{kind}-scenario.yaml"
            scenario.write_text(yaml.safe_dump({"name": kind, "examiner": examiner}), encoding="utf-8")
            settings = EmulatorSettings(scenario=str(scenario))
            emulators[kind] = await opened.enter_async_context(emulator(settings, folder / f"{kind}.jsonl"))
        webhook = {"url": receiver.url, "secret": SECRET, "timeout": 5, "retries": [0.2] * 50}
        yield Exams(folder, emulators, {"name": "killed", "database": address, "webhook": webhook})


@dataclass(frozen=True)
class Known:
    """What the emulator knows of one exam: how many seconds before its end what had come."""

    answered: float | None  # the candidate's answer had been heard
    stated: dict[str, float]  # the examiner had stated a score, in speech or by its function, to the end
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


def answer(folder: Path) -> Path:
    """Two seconds of somebody speaking."""
    file = folder / "answer.wav"
    with wave.open(str(file), "wb") as written:
        written.setparams((1, 2, RATE, 0, "NONE", ""))
        written.writeframes(ANSWERS[2].pcm[: 2 * 2 * RATE])
    return file


async def asked(call: Born) -> str:
    """Wait until the examiner has asked its question; else what the process said before it ended by itself."""
    said = b""
    while b"What is the weather like?" not in (line := await call.output.readline()):
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


async def hold(mother: Zygote, there: Exams, wav: Path, instants: list[tuple[str, float]]) -> dict[str, str]:
    """Hold an exam for each instant, at which its process is killed: the kinds of the exams held, by name."""
    left = list(enumerate(instants))
    held: dict[str, str] = {}
    refused: list[str] = []

    async def places() -> None:
        while left:
            n, (kind, seconds) = left.pop(0)
            name = f"exam {n} at {seconds:.3f}"
            call = await mother.colloquy("call", str(there.config(kind, name)), "--wav", str(wav), "--caller", name)
            try:
                if said := await asked(call):
                    # A machine that is busy with other things may not get so far; more than a few is a fault.
                    refused.append(said)
                    assert len(refused) < 10, refused
                    left.append((n, (kind, seconds)))
                    continue
                held[name] = kind
                if not await killed(call, seconds):
                    left.append((n, (kind, seconds * 0.7)))  # it was done first
            finally:
                call.kill()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(places())
    return held


async def jobs(mother: Zygote, file: Path, store: Store, kills: int, dice: random.Random) -> None:
    """A worker that is killed and killed again, and then let alone until nothing is due."""
    for _ in range(kills):
        assert await killed(await mother.colloquy("jobs", str(file)), dice.uniform(0.2, 2.5)), "it ended by itself"
    worker = await mother.colloquy("jobs", str(file))

    async def nothing_is_pending() -> bool:
        return not await store.sessions(state="open") and not await store.pending("killed")

    try:
        await until(nothing_is_pending, timeout=120, every=0.2)
    finally:
        worker.kill()


@pytest.mark.timeout(1200)
async def test_every_killed_exam_has_its_verdict_and_is_delivered_under_one_id(address: str, tmp_path: Path) -> None:
    database = address.partition("+")[0]
    kills, worker_kills = (50, 10) if database == "sqlite" else (8, 3)
    dice, school = random.Random(SEED), School(random.Random(SEED))
    kinds = [kind for _ in range(kills) for kind in EXAMINERS][:kills]
    instants = [(kind, dice.uniform(0, LAST_SECONDS[kind])) for kind in kinds]
    loop = asyncio.get_running_loop()
    times = [loop.time()]
    async with (
        receiving(school.decide) as receiver,
        exams(tmp_path, address, receiver) as there,
        zygote(tmp_path) as mother,
    ):
        store = await Store.open(address)
        times.append(loop.time())
        held = await hold(mother, there, answer(tmp_path), instants)
        times.append(loop.time())
        await jobs(mother, there.config("talkative", "worker"), store, worker_kills, dice)
        times.append(loop.time())
        found = [await store.session(one.id) for one in await store.sessions(limit=1000)]
        await store.close()

    records = {record.caller: record for record in found if record is not None}
    truth = {kind: there.truth(kind) for kind in EXAMINERS}
    known = {name: Known.of(truth[kind], name) for name, kind in held.items()}
    assert records.keys() == held.keys() and len(found) == len(held)
    tell(f"{database}, {kills} kills, {len(held) - kills} exams done first", instants, times, records, known, school)
    behind = {name: known[name] for name, record in records.items() if late(record, known[name])}
    click.echo(f"  on record more than {GRACE:g} s after it came: {len(behind)}")
    assert len(behind) * 100 <= LATE * kills, behind
    assert len(school.taken) == len(records)
    for name, record in records.items():
        assert explained(record, known[name]), (name, known[name], record)
        (delivered,) = [one["data"] for one in school.results.values() if one["data"]["session"]["id"] == record.id]
        (given,) = [logged.data["verdict"] for logged in record.events if logged.kind == "VerdictGiven"]
        assert [logged.kind for logged in record.events].count("WebhookDelivered") == 1
        assert record.state == "closed" and delivered["verdict"] == given and len(given["criteria"]) == len(SCORES)


def explained(record: SessionRecord, known: Known) -> bool:
    """Whether a verdict is what follows from what was on record when the process was killed, and nothing more."""
    values = given(record)
    before = [logged for logged in record.events if logged.seq < FIRST_JOB_SEQ]
    said = [logged.data for logged in before if logged.kind in ("UtteranceSpoken", "TranscriptCheckpointed")]
    finished = [logged.data["text"] for logged in before if logged.kind == "UtteranceSpoken"]
    stated = {name for text in finished for name in scores_in(text)}
    if any(logged.kind == "ToolCalled" for logged in before):
        stated |= SCORES.keys()
    answered = any(one["speaker"] == "caller" and one["text"] == HEARD for one in said)
    no_guess = all(value == SCORES[name] for name, (value, _) in values.items())
    as_stated = all(name in values and values[name][1] in ("call", "speech") for name in stated)
    if known.answered is None:
        return not values and not stated
    return no_guess and as_stated and (record.scored == "complete" or not answered)


def late(record: SessionRecord, known: Known) -> bool:
    """Whether something had come long enough before the kill, and is not in the verdict."""
    values = given(record)
    stated = [name for name, before in known.stated.items() if before >= GRACE]
    answered = known.answered is not None and known.answered >= GRACE
    incomplete = any(name not in values or values[name][1] not in ("call", "speech") for name in stated)
    return incomplete or (answered and record.scored != "complete")


def given(record: SessionRecord) -> dict[str, tuple[float, str]]:
    """The values of a verdict and their sources."""
    return {score.criterion: (score.value, score.source) for score in record.scores if score.value is not None}


def scores_in(text: str) -> list[str]:
    """The criteria whose score the examiner states in a text."""
    return [name for name, value in SCORES.items() if f"{name} {value:g}" in text]


def tell(
    what: str,
    instants: list[tuple[str, float]],
    times: list[float],
    records: dict[str, SessionRecord],
    known: dict[str, Known],
    school: School,
) -> None:
    """Print the counts."""
    verdicts = Counter((known[name].phase, record.scored) for name, record in records.items())
    sources = Counter(score.source or "none" for record in records.values() for score in record.scores)
    started, held, worked = (after - before for before, after in pairwise(times))
    seconds = [at for _, at in instants]
    click.echo(
        f"\n{what}, seed {SEED}; {started:.0f} s to start, {held:.0f} s of exams, {worked:.0f} s of jobs"
        f"\n  killed so many seconds after the question: {' '.join(f'{at:.1f}' for at in sorted(seconds))}"
    )
    for (phase, scored), count in sorted(verdicts.items()):
        click.echo(f"  killed {phase}: {count} {scored}")
    click.echo(
        f"  values by source: {dict(sources)}"
        f"\n  deliveries: {school.taken.total()} taken of {len(school.taken)} ids,"
        f" {school.taken.total() - len(school.taken)} again under an id already taken; {school.refused} refused"
    )
