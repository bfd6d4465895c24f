"""Ctrl-C in the middle of an answer: no utterance is lost, and the exit code says so."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.record.models import SessionRecord
from pipeline.record.store import Store
from support.calls import config
from support.clips import ANSWERS
from support.deadline import expecting
from support.receiver import HANG, SECRET, Receiver, receiving
from support.record import until

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.real_time


async def recorded(url: str) -> SessionRecord | None:
    store = await Store.open(url, create=False)
    try:
        [summary] = await store.sessions()
        return await store.session(summary.id)
    finally:
        await store.close()


async def second_answer_begun(process: asyncio.subprocess.Process, url: str) -> None:
    assert process.stdout is not None
    while b"What is the weather like?" not in (line := await process.stdout.readline()):
        assert line, "it ended by itself"

    async def it_is_on_record() -> bool:
        record = await recorded(url)
        return record is not None and [one.kind for one in record.events].count("TurnOpened") == 2

    await until(it_is_on_record, every=0.1, what="the turn of the second answer is on record")


async def test_ctrl_c_in_an_answer_closes_the_record_with_what_was_said(tmp_path: Path) -> None:
    files = [word for answer in ANSWERS[:2] for word in ("--wav", str(answer.path))]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipeline", "call", str(config(tmp_path)), *files),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    url = f"sqlite+aiosqlite:///{tmp_path / 'sessions.db'}"
    async with expecting("the exam is ended by Ctrl-C in its second answer", 200):
        await second_answer_begun(process, url)
        process.send_signal(signal.SIGINT)
        rest, complaints = await process.communicate()
    printed = rest.decode()
    assert process.returncode == 130
    assert complaints.decode() == "Ending the exam ...\n"
    assert "Ended    shut down after" in printed
    record = await recorded(url)
    assert record is not None and (record.state, record.why) == ("closed", "shut down")
    assert [said.speaker for said in record.utterances][:3] == ["examiner", "caller", "examiner"]
    assert f"sessions show {record.id[:8]} --database sqlite" in printed


async def cut_off(folder: Path, receiver: Receiver, **webhook: Any) -> str:
    """An exam that Ctrl-C ends at its first question: what the program then complains of."""
    file = config(folder, webhook={"url": receiver.url, "secret": SECRET, **webhook})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipeline", "call", str(file), "--wav", str(ANSWERS[0].path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with expecting("the exam is ended by Ctrl-C at its first question", 100):
        while b"What is your name?" not in (line := await process.stdout.readline()):
            assert line, "it ended by itself"
        process.send_signal(signal.SIGINT)
        _, complaints = await process.communicate()
    assert process.returncode == 130
    return complaints.decode()


async def test_ctrl_c_has_the_result_delivered_before_the_program_ends(tmp_path: Path) -> None:
    async with receiving() as receiver:
        complaints = await cut_off(tmp_path, receiver)
    (posted,) = receiver.posted
    data = json.loads(posted.body)["data"]
    assert data["session"]["why"] == "shut down" and data["verdict"]["status"] == "insufficient"
    assert complaints == "Ending the exam ...\n"


@pytest.mark.soak  # per commit tests/pipeline/jobs has a receiver that hangs
async def test_a_receiver_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with receiving(lambda _: HANG) as receiver:
        complaints = await cut_off(tmp_path, receiver, timeout=120)
    assert len(receiver.posted) == 1
    file = tmp_path / "test.yaml"
    assert (
        complaints == f"Ending the exam ...\nThe result of 1 session is left to the next start: colloquy jobs {file}\n"
    )


async def test_a_recording_that_could_not_be_written_is_refused_before_the_exam(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipeline", "call", "configs/offline.yaml"),
        *("--wav", str(ANSWERS[0].path), "--record", str(tmp_path / "nowhere" / "both.wav")),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaints = await process.communicate()
    assert process.returncode == 2
    assert complaints.decode() == f"{tmp_path}/nowhere/both.wav cannot be written: its folder does not exist.\n"
