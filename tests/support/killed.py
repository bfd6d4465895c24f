"""Exams in processes of their own that are killed, the jobs that are then due, and whoever ordered the exams."""

import asyncio
import json
import random
import wave
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipeline.call.emulator_process import Emulated, emulator
from pipeline.config.file import EmulatorSettings
from pipeline.record.store import Store
from support.clips import ANSWERS, RATE
from support.deadline import expecting
from support.receiver import CUT, SECRET, Posted, Receiver
from support.record import until
from support.zygote import Born, Zygote

CONFIGS = Path(__file__).parents[2] / "configs"
AT_ONCE = 8

QUESTION = "What is the weather like?"
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
                "questions": [QUESTION],
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
class Exam:
    """An exam to be killed: its examiner, and what waits from its question to the kill."""

    kind: str
    until: Callable[[], Awaitable[object]]


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
    while QUESTION.encode() not in (line := await call.output.readline()):
        said += line
        if not line:
            return said.decode() or "nothing"
    return ""


async def killed(call: Born, when: Awaitable[object]) -> bool:
    """Kill a process at some time; False when it was done before."""
    done, instant = asyncio.create_task(call.output.read()), asyncio.ensure_future(when)
    try:
        finished, _ = await asyncio.wait({done, instant}, return_when=asyncio.FIRST_COMPLETED)
        if instant in finished:
            instant.result()
        return done not in finished
    finally:
        instant.cancel()
        call.kill()
        await done


async def hold(mother: Zygote, there: Exams, wav: Path, exams: Mapping[str, Exam]) -> set[str]:
    """Hold exams, and kill the process of each at its time: the names of those that were done before."""
    left = list(exams.items())
    done_first: set[str] = set()
    refused: list[str] = []

    async def places() -> None:
        while left:
            name, exam = left.pop(0)
            file = there.config(exam.kind, name)
            call = await mother.colloquy("call", str(file), "--wav", str(wav), "--caller", name)
            try:
                async with expecting(f"{name} asks its question", 200):
                    said = await asked(call)
                if said:
                    refused.append(said)
                elif not await killed(call, exam.until()):
                    done_first.add(name)
            finally:
                call.kill()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(places())
    assert not refused, refused
    return done_first


async def jobs(mother: Zygote, file: Path, store: Store, kills: int, dice: random.Random) -> None:
    """A worker that is killed and killed again, and then let alone until nothing is pending."""
    for _ in range(kills):
        worker = await mother.colloquy("jobs", str(file))
        assert await killed(worker, asyncio.sleep(dice.uniform(0.2, 2.5))), "it ended by itself"
    worker = await mother.colloquy("jobs", str(file))

    async def nothing_is_pending() -> bool:
        return not await store.sessions(state="open") and not await store.pending("killed")

    try:
        await until(nothing_is_pending, timeout=200, every=0.2, what="the worker has done all jobs")
    finally:
        worker.kill()


def scores_in(text: str) -> list[str]:
    """The criteria whose score the examiner states in a text."""
    return [name for name, value in SCORES.items() if f"{name} {value:g}" in text]
