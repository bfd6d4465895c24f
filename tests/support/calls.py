"""A whole call, from a WAV file to a closed record, against the emulator on real sockets."""

import asyncio
import json
import wave
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml

from core.events import Event, UtteranceSpoken
from pipeline.config.loading import load
from pipeline.record.models import SessionRecord
from pipeline.runtime import Running, running
from support.clips import ANSWERS, RATE
from support.deadline import expecting
from transports.wav.listener import WavListener, WavSettings

Name = TypeVar("Name", bound=Hashable)

# A call is begun when the clock of those under way goes by the second: what a machine can carry depends on who else is
# at work on it, and a call that comes late by seconds is another call.
LATE = 0.03

CONFIGS = Path(__file__).parents[2] / "configs"

SHORT = {
    "kind": "scripted",
    "opening": "Hello.",
    "questions": ["What is your name?", "What is the weather like?"],
    "acknowledgements": ["I see."],
    "closing": "That is the end.",
    "heard": [
        "My name is Bruce and I am located in Sackville in New Brunswick.",
        "The weather here seems quite nice and the leaves are slowly departing from us.",
    ],
    "latency": 0.1,
}
"""An examiner who needs no models and asks twice."""


@dataclass
class Log:
    """The events of a call, in the order in which they were recorded, and what the emulator has to say of it."""

    events: list[Event] = field(default_factory=list[Event])
    truth: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def said(self, speaker: str) -> str:
        """All that one side said."""
        spoken = sorted(self.of(UtteranceSpoken), key=lambda one: one.started)
        return " ".join(one.text for one in spoken if one.speaker == speaker)


@dataclass(kw_only=True)
class CallResult(Log):
    """What a call left behind."""

    record: SessionRecord

    def said(self, speaker: str) -> str:
        """All that one side said, as it is in the record."""
        return " ".join(u.text for u in self.record.utterances if u.speaker == speaker)

    def scores(self) -> dict[str, tuple[float | None, str]]:
        """The value and the source of each criterion."""
        return {score.criterion: (score.value, score.source) for score in self.record.scores}


def config(
    folder: Path, examiner: dict[str, Any] | None = None, *, scenario: dict[str, Any] | None = None, **changes: Any
) -> Path:
    """configs/offline.yaml with another scenario, and settings changed as `stage__key=value`."""
    data = yaml.safe_load((CONFIGS / "offline.yaml").read_text(encoding="utf-8"))
    for stage in data["stages"]:
        if stage["use"] == "exam":
            stage["plan"] = "plan.yaml"
        for key in ("prompt", "rubric", "farewell"):
            if key in stage:
                stage[key] = str(CONFIGS / stage[key])
    data["prices"] = str(CONFIGS / "prices.yaml")
    data["database"] = f"sqlite+aiosqlite:///{folder / 'sessions.db'}"
    asked = SHORT["questions"] if examiner is None else examiner.get("questions", SHORT["questions"])
    plan_of(asked, folder)
    played = {"name": "test", "examiner": SHORT if examiner is None else examiner, **(scenario or {})}
    (folder / "scenario.yaml").write_text(yaml.safe_dump(played), encoding="utf-8")
    data["emulator"] = {"scenario": "scenario.yaml"}
    for path, value in changes.items():
        stage, _, key = path.partition("__")
        if key:
            next(one for one in data["stages"] if one["use"] == stage)[key] = value
        else:
            data[stage] = value
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return file


def plan_of(questions: Sequence[str], folder: Path) -> Path:
    """An exam plan of these questions, in a file."""
    plan = {"name": "test", "closing": "", "parts": [{"name": "test", "questions": [*questions]}]}
    file = folder / "plan.yaml"
    file.write_text(yaml.safe_dump(plan), encoding="utf-8")
    return file


def short_answers(folder: Path, seconds: float) -> list[Path]:
    """Two recordings that break off after so many seconds."""
    files = [folder / f"answer-{n}.wav" for n in range(2)]
    for path, clip in zip(files, (ANSWERS[0], ANSWERS[2]), strict=True):
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(clip.pcm[: round(seconds * RATE) * 2])
    return files


async def hold(
    file: Path,
    recordings: Sequence[Path],
    *,
    during: Callable[[Running, Event], None] | None = None,
    **wav: Any,
) -> CallResult:
    """Hold a call of this config with these answers; `during` is given each event as it is recorded."""
    events: list[Event] = []
    truth = file.parent / "truth.jsonl"
    listener = WavListener(WavSettings(files=tuple(recordings), **wav), "call-1")
    held: list[Running] = []

    def seen(_: str, event: Event) -> None:
        events.append(event)
        if during is not None:
            during(held[0], event)

    async with running(load(file), seen, truth) as there:
        held.append(there)
        async with expecting("the end of the call", within=150):
            await there.host.serve(listener)
        record = await there.store.session("call-1")
    assert record is not None
    return CallResult(events, truth_of(truth), record=record)


def truth_of(file: Path | None) -> list[dict[str, Any]]:
    """The lines of the emulator's truth file, if there is one."""
    if file is None or not file.exists():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


async def in_time() -> None:
    """Returns when nothing has been late for most of a second."""
    loop = asyncio.get_running_loop()
    since = loop.time()
    while (now := loop.time()) < since + 0.7:
        await asyncio.sleep(0.02)
        if loop.time() - now > 0.02 + LATE:
            since = loop.time()


@dataclass
class Held(Generic[Name]):
    """What each of many calls left behind."""

    calls: dict[Name, CallResult | BaseException]

    def __getitem__(self, name: Name) -> CallResult:
        """What this one did. Raises what it failed of."""
        result = self.calls[name]
        if isinstance(result, BaseException):
            raise result
        return result


async def hold_all(calls: Mapping[Name, Callable[[], Awaitable[CallResult]]], at_once: int) -> Held[Name]:
    """Hold these calls, so many at once."""
    room, starting = asyncio.Semaphore(at_once), asyncio.Lock()

    async def one(call: Callable[[], Awaitable[CallResult]]) -> CallResult:
        async with room:
            async with starting:
                await in_time()
            return await call()

    held = await asyncio.gather(*map(one, calls.values()), return_exceptions=True)
    return Held(dict(zip(calls, held, strict=True)))
