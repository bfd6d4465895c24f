"""What a broken or hostile client may send, and that nobody else notices."""

import asyncio
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gemini_live_emulator import Emulator, Scenario
from gemini_live_emulator.protocol.wire import base64_of
from gemini_live_emulator.session.conversation import Conversation
from gemini_live_emulator.session.simulated_client import LOUD
from gemini_live_emulator.speech import ToneSynthesizer

pytestmark = pytest.mark.real_time

LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=k"
SETUP = {"setup": {"model": "models/gemini-2.5-flash-native-audio-preview-12-2025"}}
MANUAL = {"setup": SETUP["setup"] | {"realtimeInputConfig": {"automaticActivityDetection": {"disabled": True}}}}
QUICK = Scenario.load("scripted").changed(
    examiner={"latency": 0.0, "opening": "", "questions": ["Why?"] * 500, "acknowledgements": []},
    model={"holds": False, "speed": 10_000.0},
)


@contextlib.asynccontextmanager
async def dialled(emulator: Emulator, setup: Any = SETUP) -> AsyncIterator[ClientConnection]:
    async with connect(emulator.plain_url.replace("http", "ws") + LIVE, compression=None) as raw:
        if setup is not None:
            await raw.send(json.dumps(setup))
            assert await raw.recv() == b'{"setupComplete":{}}'
        yield raw


async def ended(raw: ClientConnection) -> tuple[int | None, str | None]:
    with contextlib.suppress(ConnectionClosed):
        while True:
            await asyncio.wait_for(raw.recv(), 10)
    return raw.close_code, raw.close_reason


async def ask(raw: ClientConnection) -> None:
    """Hold a turn with another session, which nothing may hold up for ever."""
    await raw.send('{"realtimeInput":{"text":"hello"}}')
    while b"turnComplete" not in await asyncio.wait_for(raw.recv(decode=False), 30):
        pass


@pytest.mark.parametrize(
    ("frames", "code", "reason"),
    [
        (['{"realtimeInput":{"text":"hi"}}'], 1007, "setup must be the first message and only the first"),
        ([json.dumps(SETUP), json.dumps(SETUP)], 1007, "setup must be the first message and only the first"),
        (["garbage"], 1007, "Invalid JSON payload received."),
        ([b"\x00\xff"], 1007, "Invalid JSON payload received."),
        ([json.dumps({"config": {}})], 1007, 'Invalid JSON payload received. Unknown name "config"'),
        ([json.dumps({"setup": {"model": 5}})], 1007, "Invalid value at 'setup.model' (TYPE_STRING), 5"),
        ([json.dumps(SETUP), '{"realtimeInput":{"audio":{"data":"*"}}}'], 1007, "Invalid value at 'realtime_input."),
        ([json.dumps({"setup": {"model": "x" * 4000}})], 1008, "xxxx"),
    ],
)  # fmt: skip
async def test_bad_input_is_closed_with_the_service_s_reason(frames: list[Any], code: int, reason: str) -> None:
    async with Emulator(QUICK) as emulator, dialled(emulator, None) as raw:
        for frame in frames:
            await raw.send(frame)
        seen = await ended(raw)
    assert seen[0] == code
    assert seen[1].startswith(reason)
    assert len(seen[1].encode()) <= 123


async def test_a_frame_of_fifty_megabytes_is_refused_and_nobody_else_waits() -> None:
    async with Emulator(QUICK) as emulator, dialled(emulator) as bystander:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        size = 50 * 2**20
        writer.write(handshake() + b"\x81\xff" + size.to_bytes(8, "big") + bytes(4) + b"x" * size)
        await ask(bystander)
        await reader.readuntil(b"\r\n\r\n")
        closing = await reader.readexactly(4)
        assert (closing[0], int.from_bytes(closing[2:])) == (0x88, 1009)
        writer.transport.abort()
        await ask(bystander)


async def test_a_flood_of_tiny_messages_leaves_the_others_alone() -> None:
    async with Emulator(QUICK) as emulator, dialled(emulator) as bystander, dialled(emulator, MANUAL) as hostile:

        async def flood() -> None:
            while True:
                await hostile.send('{"realtimeInput":{}}')

        task = asyncio.create_task(flood())
        for _ in range(10):
            await ask(bystander)
        assert not task.done()  # it was answered while the flood went on
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
            await task
        hostile.transport.abort()


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    words = " ".join(["word"] * 700)
    scenario = QUICK.changed(examiner={"questions": [words]}, model={"speed": 400.0}, wire={"unread": 2**20})
    async with Emulator(scenario) as emulator, dialled(emulator) as bystander:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port, limit=1024)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        writer.write(handshake() + masked(json.dumps(SETUP)) + masked('{"realtimeInput":{"text":"go"}}'))
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.wait_for(emulator.until("client.stalled"), 20)
        await asyncio.wait_for(await bystander.ping(), 30)
        writer.transport.abort()


def handshake(path: str = LIVE) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def masked(text: str) -> bytes:
    """Write a text frame of under 126 bytes with a mask of zeros."""
    return bytes([0x81, 0x80 | len(text)]) + bytes(4) + text.encode()


@pytest.mark.parametrize(
    "opening",
    [
        b"",
        b"\x16",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x16\x03\x01 this is not a handshake at all, whatever its first byte says",
        b"GET /v1beta/models HT",
        b"\x00\x01\x02\r\n\r\n",
        b"BREW /pot HTTP/9.9\r\n\r\n",
        b"POST /v1beta/models/x:generateContent HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n{",
        handshake()[:60],
        handshake().replace(b"Sec-WebSocket-Key", b"X-Key"),
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000,
        handshake("/elsewhere"),
        handshake() + b"\xff\xff\xff\xff",
        handshake() + b"\x81\x05hello",
    ],
)
async def test_half_open_and_garbled_connections_hurt_nobody(opening: bytes) -> None:
    async with Emulator(QUICK) as emulator, dialled(emulator) as bystander:
        _, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(opening)
        await writer.drain()
        await ask(bystander)
        writer.transport.abort()
        await ask(bystander)


async def test_a_browser_that_does_not_trust_the_certificate_hurts_nobody() -> None:
    async with Emulator(QUICK) as emulator, dialled(emulator) as bystander:
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(emulator.url.replace("https", "wss") + LIVE, ssl=ssl.create_default_context())
        await ask(bystander)


async def test_an_unknown_path_is_not_upgraded() -> None:
    async with Emulator(QUICK) as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(handshake("/elsewhere"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 404")
        writer.close()


async def test_a_message_in_fragments_is_one_message() -> None:
    async with Emulator(QUICK) as emulator, dialled(emulator, None) as raw:
        text = json.dumps(SETUP)
        await raw.send(text[i : i + 5] for i in range(0, len(text), 5))
        assert await raw.recv() == b'{"setupComplete":{}}'


async def test_many_connections_at_once_are_all_served() -> None:
    async with Emulator(QUICK) as emulator, contextlib.AsyncExitStack() as stack:
        opened = [stack.enter_async_context(dialled(emulator)) for _ in range(60)]
        clients = await asyncio.gather(*opened)
        assert len(await asyncio.gather(*(ask(raw) for raw in clients))) == 60


async def test_an_upgrade_without_its_key_is_answered_400() -> None:
    async with Emulator(QUICK) as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(handshake().replace(b"Sec-WebSocket-Key", b"X-Key"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        writer.close()


@pytest.mark.parametrize("frame", [b"\xff\xff\xff\xff", b"\x81\x05hello"])
async def test_a_client_that_breaks_the_protocol_and_stays_is_cut_off(
    frame: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gemini_live_emulator.server.websocket.CLOSE_LIMIT", 0.05)
    async with Emulator(QUICK.changed(sessions=1)) as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(handshake() + masked(json.dumps(SETUP)))
        await emulator.until("setup")
        writer.write(frame)
        await reader.readuntil(b'{"setupComplete":{}}')
        closing = await asyncio.wait_for(reader.read(), 10)
        assert (closing[0], int.from_bytes(closing[2:4])) == (0x88, 1002)
        await asyncio.wait_for(emulator.until("connection.closed"), 10)
        # Its place is free.
        async with dialled(emulator) as next_one:
            await ask(next_one)
        writer.close()


async def test_what_comes_with_a_goodbye_is_not_answered() -> None:
    async with Emulator(QUICK) as emulator:
        reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
        writer.write(handshake() + masked(json.dumps(SETUP)))
        await reader.readuntil(b'{"setupComplete":{}}')
        writer.write(masked('{"realtimeInput":{"text":"hello"}}') + b"\x88\x82" + bytes(4) + b"\x03\xe8")
        assert await asyncio.wait_for(reader.read(), 10) == b"\x88\x02\x03\xe8"
        writer.close()


async def test_a_pong_that_is_due_after_the_end_is_not_sent() -> None:
    async with Emulator(QUICK.changed(wire={"pong_delay": 0.05})) as emulator:
        async with dialled(emulator) as raw:
            pong = await raw.ping()
        with pytest.raises(ConnectionClosed):
            await pong
        async with dialled(emulator) as other:
            await (await other.ping())  # by now the first one's was due as well


async def test_a_client_that_leaves_while_it_is_being_listened_to_hurts_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    listening, go_on = threading.Event(), threading.Event()

    class Slow:
        def transcribe(self, pcm: bytes) -> str:
            listening.set()
            go_on.wait(10)
            return "too late"

    monkeypatch.setattr("gemini_live_emulator.server.listener.shared_transcriber", Slow)
    monkeypatch.setattr("gemini_live_emulator.server.listener.shared_synthesizer", ToneSynthesizer)
    async with Emulator(QUICK.changed(examiner={"kind": "speaking"})) as emulator:
        async with dialled(emulator, MANUAL) as raw:
            audio = {"data": base64_of(LOUD * 10), "mimeType": "audio/pcm;rate=16000"}
            await raw.send(json.dumps({"realtimeInput": {"activityStart": {}, "audio": audio, "activityEnd": {}}}))
            await asyncio.to_thread(listening.wait, 10)
        await emulator.until("connection.closed")
        go_on.set()
        async with dialled(emulator) as bystander:
            await ask(bystander)


async def test_a_large_body_is_waited_for_and_a_larger_one_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemini_live_emulator.server.http11.BODY_LIMIT", 100_000)
    async with Emulator(QUICK) as emulator:
        for size, begins in ((90_000, b"HTTP/1.1 400"), (110_000, b"")):
            reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
            writer.write(
                b"POST /v1beta/models/gemini-x:generateContent?key=k HTTP/1.1\r\nHost: x\r\n"
                b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size
            )
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"x" * size)
            line = b""
            with contextlib.suppress(ConnectionResetError):
                line = await asyncio.wait_for(reader.readline(), 10)
            assert line[:12] == begins
            writer.transport.abort()


async def test_a_server_that_runs_out_of_files_takes_callers_again_when_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    accept, failures = loop.sock_accept, [OSError(24, "Too many open files")]

    async def sometimes(listener: socket.socket) -> Any:
        if failures:
            raise failures.pop()
        return await accept(listener)

    monkeypatch.setattr(loop, "sock_accept", sometimes)
    async with Emulator(QUICK) as emulator, dialled(emulator) as raw:
        await ask(raw)
    assert failures == []


@pytest.mark.parametrize("step", ["receive", "tick"])
async def test_a_mistake_of_ours_is_an_internal_error_to_one_client(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Emulator(QUICK) as emulator, dialled(emulator) as bystander, dialled(emulator) as raw:
        right = getattr(Conversation, step)
        seen: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, facts: seen.append(str(facts.get("exception"))))

        def wrong(self: Conversation, *values: Any) -> Any:
            if self.connection == 2:
                raise RecursionError("too deep")
            return right(self, *values)

        monkeypatch.setattr(Conversation, step, wrong)
        await raw.send('{"realtimeInput":{"text":"hello"}}')
        assert await ended(raw) == (1011, "Internal error encountered.")
        await ask(bystander)
    assert set(seen) <= {"too deep"}
