"""How much a session costs: many at once in real time, and one exam in simulated time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import statistics
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gemini_live_emulator.protocol.wire import Json, base64_of
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.session.simulated_client import LOUD, MANUAL, MODEL, SimulatedClient

CHUNK: Final = 0.1  # seconds of audio in a message, as Google's agent kit recommends
PATH: Final = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=any"


@dataclass
class Tally:
    """What the clients of a run saw."""

    replies: list[float] = field(default_factory=list[float])
    late: list[float] = field(default_factory=list[float])
    turns: int = 0
    failed: int = 0


class Server:
    """An emulator in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, announced: Json) -> None:
        self.process, self.announced = process, announced

    def cpu(self) -> float:
        """Seconds of processor time used so far."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident memory in megabytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextlib.asynccontextmanager
async def _server(scenario: str) -> AsyncGenerator[Server]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gemini_live_emulator", "--scenario", scenario, "--port", "0", "--announce"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield Server(process, json.loads(await process.stdout.readline()))
    finally:
        process.stdin.close()
        await process.wait()


async def _session(url: str, context: ssl.SSLContext, until: float, answer: float, tally: Tally) -> None:
    """Answer questions until the time is up."""
    loop = asyncio.get_running_loop()
    try:
        async with connect(url, ssl=context, compression=None, max_size=None) as socket:
            setup: Json = {
                "model": MODEL,
                "realtimeInputConfig": MANUAL,
                "inputAudioTranscription": {},
                "outputAudioTranscription": {},
                "sessionResumption": {},
            }
            await socket.send(json.dumps({"setup": setup}))
            await socket.send(json.dumps({"realtimeInput": {"text": "Begin."}}))
            while loop.time() < until:
                await _receive_turn(socket, None, tally)
                ended = await _answer(socket, answer, tally)
                await _receive_turn(socket, ended, tally)
                await _answer(socket, answer, tally)
    except (ConnectionClosed, OSError):
        tally.failed += 1


_AUDIO: Final = json.dumps({"realtimeInput": {"audio": {"data": base64_of(LOUD), "mimeType": "audio/pcm;rate=16000"}}})


async def _answer(socket: ClientConnection, seconds: float, tally: Tally) -> float:
    loop = asyncio.get_running_loop()
    await socket.send('{"realtimeInput":{"activityStart":{}}}')
    began = loop.time()
    for i in range(round(seconds / CHUNK)):
        await socket.send(_AUDIO)
        wait = began + (i + 1) * CHUNK - loop.time()
        tally.late.append(max(0.0, -wait))
        await asyncio.sleep(max(0.0, wait))
    await socket.send('{"realtimeInput":{"activityEnd":{}}}')
    return loop.time()


async def _receive_turn(socket: ClientConnection, ended: float | None, tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    while True:
        frame = await socket.recv(decode=False)
        if ended is not None and b'"modelTurn"' in frame:
            tally.replies.append(loop.time() - ended)
            ended = None
        if b'"turnComplete"' in frame:
            tally.turns += 1
            return


async def run(sessions: int, seconds: float, scenario: str, answer: float) -> Json:
    """Hold many sessions at once and measure what they cost the server."""
    async with _server(scenario) as server:
        context = ssl.create_default_context(cafile=server.announced["ca_file"])
        url = server.announced["url"].replace("https://", "wss://") + PATH
        loop = asyncio.get_running_loop()
        tally = Tally()
        empty = server.memory()
        began, cpu = loop.time(), server.cpu()
        tasks: list[asyncio.Task[None]] = []
        for _ in range(sessions):
            tasks.append(asyncio.create_task(_session(url, context, began + seconds, answer, tally)))
            # Callers do not all call in the same millisecond.
            await asyncio.sleep(min(2.0, seconds / 4) / sessions)
        await asyncio.sleep(seconds / 2)
        memory = server.memory()
        await asyncio.gather(*tasks)
        took, used = loop.time() - began, server.cpu() - cpu
    replies, late = sorted(tally.replies) or [0.0], sorted(tally.late) or [0.0]
    return {
        "sessions": sessions,
        "seconds": round(took, 1),
        "turns": tally.turns,
        "failed": tally.failed,
        "cpu_ms_per_session_second": round(1000 * used / took / sessions, 2),
        "cores_used": round(used / took, 2),
        "mb_empty": round(empty, 1),
        "mb_per_session": round((memory - empty) / sessions, 3),
        "reply_ms_p50": round(1000 * statistics.median(replies), 1),
        "reply_ms_p95": round(1000 * replies[int(len(replies) * 0.95)], 1),
        "client_late_ms_p95": round(1000 * late[int(len(late) * 0.95)], 1),
    }


def rehearse(minutes: float = 14.0) -> Json:
    """Hold one exam in simulated time."""
    questions = [f"Here is question {i}. What do you think of it, and why?" for i in range(20)]
    scenario = Scenario.load("scripted").changed(
        examiner={"questions": questions, "heard": []},
        model={"lifetime": None, "lifetime_compressed": None},
    )
    began = time.perf_counter()
    it = SimulatedClient(scenario).set_up(inputAudioTranscription={}, outputAudioTranscription={}, sessionResumption={})
    it.begin()
    it.turn()
    answer = minutes * 60 / len(questions) - 5
    for _ in questions:
        it.say(answer)
        it.turn()
    return {"exam_seconds": round(it.now, 1), "took_seconds": round(time.perf_counter() - began, 3)}


@click.command()
@click.option("--sessions", default=(1, 50, 200), multiple=True, show_default=True)
@click.option("--seconds", default=20.0, show_default=True, help="How long new turns are begun.")
@click.option("--answer", default=3.0, show_default=True, help="Seconds of speech in an answer.")
@click.option("--scenario", default="bench", show_default=True)
def main(sessions: tuple[int, ...], seconds: float, answer: float, scenario: str) -> None:
    """Print a line of JSON for each measurement.

    \b
    Example:
      python -m bench.emulator --sessions 200 --seconds 30
    """
    click.echo(json.dumps(rehearse()))
    for count in sessions:
        click.echo(json.dumps(asyncio.run(run(count, seconds, scenario, answer))))


if __name__ == "__main__":
    main()
