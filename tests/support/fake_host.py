"""A host without an examiner: accepts calls, collects their audio, and plays and sends what a test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    OutputTransportMessageUrgentFrame,
    TTSAudioRawFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

from core.events import Event, as_record
from pipeline.http.app import PageInfo, create_app
from pipeline.http.connections import ConnectionLimits
from pipeline.http.listen import bind
from pipeline.http.server import PageServer
from pipeline.record.models import StoreError
from transports.call import Call
from transports.webrtc.listener import WebRtcListener, WebRtcSettings


class _AudioSink(FrameProcessor):
    def __init__(self) -> None:
        super().__init__()
        self.audio = bytearray()
        self.rates: set[tuple[int, int]] = set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self.audio += frame.audio
            self.rates.add((frame.sample_rate, frame.num_channels))
        else:
            await self.push_frame(frame, direction)


class Conversation:
    """One call as the examiner's side sees it."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.sink = _AudioSink()
        self.connected = asyncio.Event()
        self.ready = asyncio.Event()
        self.asked_to_end = asyncio.Event()
        self.left = asyncio.Event()
        self.over = asyncio.Event()
        transport = call.transport
        self.worker = PipelineWorker(
            Pipeline([transport.input(), self.sink, transport.output()]),
            idle_timeout_secs=None,
            enable_turn_tracking=False,
        )

        @transport.event_handler("on_client_connected")
        async def on_connected(transport: Any, client: Any) -> None:
            self.connected.set()

        @transport.event_handler("on_client_disconnected")
        async def on_disconnected(transport: Any, client: Any) -> None:
            self.left.set()
            await self.worker.cancel()

        @self.worker.rtvi.event_handler("on_client_ready")
        async def on_ready(rtvi: Any) -> None:
            self.ready.set()

        @self.worker.rtvi.event_handler("on_client_message")
        async def on_message(rtvi: Any, message: Any) -> None:
            if message.type == "end":
                self.asked_to_end.set()

    async def run(self) -> None:
        """Hold the call to its end."""
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self.worker)
        try:
            await runner.run()
        finally:
            self.over.set()

    async def send(self, type: str, **data: Any) -> None:
        """An RTVI message to the page."""
        message = {"label": "rtvi-ai", "type": type, **({"data": data} if data else {})}
        await self.worker.queue_frame(OutputTransportMessageUrgentFrame(message=message))

    async def tell(self, event: Event) -> None:
        """A recorded event, as the host sends it."""
        kind, data = as_record(event)
        await self.send("server-message", event=kind, **data)

    async def say(self, pcm: bytes, rate: int) -> None:
        """Speak samples to the page."""
        await self.worker.queue_frame(TTSAudioRawFrame(audio=pcm, sample_rate=rate, num_channels=1))

    async def hang_up(self) -> None:
        """End the call once everything said before is out."""
        await self.worker.queue_frame(EndFrame())

    async def drop(self) -> None:
        """End the call as a crash would: without a goodbye."""
        await self.call.transport.output()._connection.pc.close()  # pyright: ignore


class FakeRecords:
    """Records by session id, as a test puts them there."""

    def __init__(self) -> None:
        self.stored: dict[str, dict[str, Any]] = {}
        self.away = False

    async def ready(self) -> bool:
        return not self.away

    async def record(self, session_id: str) -> dict[str, Any] | None:
        if self.away:
            raise StoreError("The database is away.", lasting=False)
        return self.stored.get(session_id)


Script = Callable[[Conversation], Awaitable[None]]


class FakeHost:
    """A served listener, and its conversations."""

    def __init__(self, listener: WebRtcListener, records: FakeRecords, url: str) -> None:
        self.listener = listener
        self.records = records
        self.url = url
        self.conversations: list[Conversation] = []
        self.arrived: asyncio.Queue[Conversation] = asyncio.Queue()

    @property
    def page_url(self) -> str:
        """The page's URL with its key."""
        return f"{self.url}/#key={self.key}"

    @property
    def key(self) -> str:
        return self.listener.key.get_secret_value()


INFO = PageInfo(
    name="Speaking practice",
    model="gemini-live",
    emulated=True,
    questions=3,
    minutes=2,
    criteria=("fluency", "vocabulary", "grammar", "pronunciation", "overall"),
    scale=(0, 9),
)


@asynccontextmanager
async def serving(
    script: Script | None = None,
    *,
    info: PageInfo = INFO,
    limits: ConnectionLimits = ConnectionLimits(200, 100),  # noqa: B008 - frozen
    **settings: Any,
) -> AsyncIterator[FakeHost]:
    """Serve the page on a free port; each call is run with `script` beside it."""
    listener = WebRtcListener(WebRtcSettings(port=0, **settings))
    records = FakeRecords()
    listening = bind("127.0.0.1", 0)
    app = create_app(listener=listener, records=records, info=info)
    server = PageServer(app, listening, limits)
    host = FakeHost(listener, records, f"http://localhost:{listening.getsockname()[1]}")

    async def take_calls() -> None:
        async with asyncio.TaskGroup() as group:
            async for call in listener:
                conversation = Conversation(call)
                host.conversations.append(conversation)
                host.arrived.put_nowait(conversation)
                group.create_task(conversation.run())
                if script is not None:
                    group.create_task(_play(script, conversation))

    serve = asyncio.create_task(server.serve())
    taking = asyncio.create_task(take_calls())
    try:
        yield host
    finally:
        await listener.close()
        await listener.hang_up()
        async with asyncio.timeout(10):
            await taking
            server.should_exit = True
            await serve


async def _play(script: Script, conversation: Conversation) -> None:
    over = asyncio.create_task(conversation.over.wait())
    playing = asyncio.create_task(_when_ready(script, conversation))
    await asyncio.wait({over, playing}, return_when=asyncio.FIRST_COMPLETED)
    over.cancel()
    if not playing.done():
        playing.cancel()
    elif error := playing.exception():
        raise error


async def _when_ready(script: Script, conversation: Conversation) -> None:
    await conversation.ready.wait()
    await script(conversation)
