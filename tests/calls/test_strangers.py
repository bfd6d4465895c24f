"""A real `colloquy serve` with 1,024 descriptors, two exams going on, and strangers who try what they can."""

import asyncio
import json
import resource
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from pipeline.record.models import SessionRecord
from pipeline.record.store import Store
from support.calls import SHORT, config
from support.clips import ANSWERS
from support.deadline import expecting
from support.peer import Peer
from support.sound import at_rate

pytestmark = [pytest.mark.real_time, pytest.mark.soak, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
STRANGERS = ROOT / "tests" / "support" / "strangers.py"
NEW_LINE = "\n"
KEY = "AIzaSyD-9tSrke72PouQMnMX-of-this-test"
DESCRIPTORS = 1024
QUESTIONS = 20
# The examiner who reads a script hears this in place of each answer.
HEARD = [
    f"This is answer number {number}, and it is long enough to be judged by anybody." for number in range(QUESTIONS)
]
SCORES = {"fluency": 6.5, "vocabulary": 6.0, "grammar": 6.0, "pronunciation": 7.0, "overall": 6.5}


class Candidate(Peer):
    """Answers whenever the examiner has stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.over = asyncio.Event()
        self.session = ""
        self._answer = at_rate(ANSWERS[0].pcm, 48_000)

    async def begin(self, client: httpx.AsyncClient) -> None:
        """Take the exam, as the page does it."""
        begun = await client.post("/api/sessions", headers=bearer(KEY), json={"consent": True})
        assert begun.status_code == 201, begun.text
        self.session = begun.json()["session"]
        body = {"sdp": await self.offer(), "type": "offer"}
        answer = await client.post("/api/offer", headers=bearer(begun.json()["token"]), json=body)
        assert answer.status_code == 200, answer.text
        await self.accept(answer.json())
        self.send("client-ready", version="2.0.0", about={"library": "test"})
        self._spawn(self._converse())

    async def _converse(self) -> None:
        while not self.over.is_set():
            message = await self.messages.get()
            if message["type"] == "bot-stopped-speaking":
                self.microphone.speak(self._answer)
            elif message.get("message") == {"type": "peerLeft"}:
                self.over.set()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Serving:
    def __init__(self, process: asyncio.subprocess.Process, url: str, errors: Path) -> None:
        self.process = process
        self.url = url
        self.errors = errors
        self.most_descriptors = 0

    async def watch(self) -> None:
        """Keep the highest number of descriptors seen."""
        process = psutil.Process(self.process.pid)
        while True:
            self.most_descriptors = max(self.most_descriptors, process.num_fds())
            await asyncio.sleep(0.1)


@asynccontextmanager
async def serving(file: Path) -> AsyncIterator[Serving]:
    errors = file.parent / "errors.txt"
    with errors.open("wb") as stream:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pipeline", "-v", "serve", str(file), "--port", "0"),
            cwd=file.parent,
            stdout=asyncio.subprocess.PIPE,
            stderr=stream,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS // 2, DESCRIPTORS)),
        )
    assert process.stdout is not None
    try:
        async with expecting("the server says where its page is"):
            line = (await process.stdout.readline()).decode()
        yield Serving(process, line[line.index("http://") :].partition("/#")[0], errors)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def strangers(url: str) -> list[dict[str, Any]]:
    """What they did, and what it came to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(STRANGERS), url.rpartition(":")[2], KEY), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in printed.splitlines()]


async def records(database: str, sessions: list[str]) -> list[SessionRecord]:
    store = await Store.open(database, create=False)
    try:
        found = [await store.session(one) for one in sessions]
        return [one for one in found if one is not None]
    finally:
        await store.close()


def without_second_transcriber(file: Path) -> Path:
    """The same config, which then costs little CPU: the machine has the strangers to bear, too."""
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    data["stages"] = [stage for stage in data["stages"] if stage["use"] != "shadow"]
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return file


def table(rows: list[dict[str, Any]]) -> str:
    width = max(len(row["done"]) for row in rows)
    return "\n".join(f"  {row['done']:<{width}}  {row['took']:5.1f} s  {row['came to']}" for row in rows)


async def test_two_exams_end_complete_whatever_strangers_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examiner = SHORT | {"questions": [f"Question number {n}?" for n in range(QUESTIONS)], "heard": HEARD}
    file = without_second_transcriber(config(tmp_path, examiner, listen={"use": "webrtc", "key": KEY, "max_calls": 8}))
    candidates = [Candidate(), Candidate()]
    async with serving(file) as served, httpx.AsyncClient(base_url=served.url, timeout=60) as client:
        watching = asyncio.create_task(served.watch())
        for candidate in candidates:
            await candidate.begin(client)
        done = await strangers(served.url)
        calls = (await client.get("/healthz")).json()["calls"]
        assert not any(candidate.over.is_set() for candidate in candidates), "the exams were over before the strangers"
        assert calls >= 2
        late = Candidate()
        await late.begin(client)  # and whoever comes after them is let in
        await late.close()
        async with expecting("both exams come to their end", within=600):
            for candidate in candidates:
                await candidate.over.wait()
        watching.cancel()
        served.process.send_signal(signal.SIGINT)
        async with expecting("the server ends in order"):
            await served.process.communicate()
    log = served.errors.read_text(encoding="utf-8", errors="surrogateescape")
    held = await records(f"sqlite+aiosqlite:///{tmp_path / 'sessions.db'}", [one.session for one in candidates])
    with capsys.disabled():
        sys.stderr.write(
            f"\nDone to a server with {DESCRIPTORS} descriptors and two exams going on:\n{table(done)}\n"
            f"  at most {served.most_descriptors} descriptors, {log.count(NEW_LINE)} lines of log; the exams ended: "
            + " and ".join(f"{one.why}, scores {one.scored}" for one in held)
            + "\n"
        )
    assert len(held) == 2
    for record in held:
        said = " ".join(one.text for one in record.utterances if one.speaker == "caller")
        assert (record.why, record.scored) == ("completed", "complete")
        assert {score.criterion: score.value for score in record.scores} == SCORES
        assert [number for number, heard in enumerate(HEARD) if heard not in said] == []
    assert "Traceback" not in log and log.count("\n") < 400
    assert KEY[:10] not in log and not set(log) & set("\x1b\u202e\x07")
    assert served.most_descriptors < DESCRIPTORS
