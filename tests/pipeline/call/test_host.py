"""However a call ends, each of its stages finishes once, and none is left out."""

import asyncio
import errno
from collections import Counter
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from pipecat.frames.frames import CancelWorkerFrame, Frame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.transports.base_transport import BaseTransport

from core.events import Event, KeyPressed, ProblemSeen
from pipeline.call import host
from pipeline.call.host import Host
from pipeline.call.loop_lag import LoopLag
from pipeline.config.resolved import Config, StagePlan
from pipeline.record.export import as_json
from pipeline.record.models import SessionRecord
from pipeline.record.store import Store
from processors.frames import PacketsStoppedFrame
from processors.stage import Stage, StageSettings
from support.record import until
from transports.call import Call

KEY = "AIzaSyD-9tSrke72PouQMnMX"

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(30)]


class Counting(Stage[StageSettings]):
    """A user's stage that records something when the call is over, as many times as it is asked to."""

    started: ClassVar[list["Counting"]] = []

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self.started.append(self)

    async def finish(self) -> None:
        self.session.record(KeyPressed(self.session.now(), type(self).__name__))


class Slow(Counting):
    """Finishes when it is let."""

    reached: ClassVar[asyncio.Event]
    allowed: ClassVar[asyncio.Event]

    async def finish(self) -> None:
        self.reached.set()
        await self.allowed.wait()
        await super().finish()


class Broken(Counting):
    """Fails at its work."""

    async def finish(self) -> None:
        await super().finish()
        raise RuntimeError("no paper left")


class Cancelled(Counting):
    """Waits for something that is cancelled."""

    async def finish(self) -> None:
        await super().finish()
        waiting = asyncio.create_task(asyncio.sleep(10))
        asyncio.get_running_loop().call_soon(waiting.cancel)
        await waiting


class Leaking(Counting):
    """Stands on a library whose exceptions hold what it was given, here a header with the key."""

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        await super().handle(frame, direction)
        if isinstance(frame, StartFrame):
            await self.push_error("the library failed", exception=of_a_library())

    async def finish(self) -> None:
        raise of_a_library()


def of_a_library() -> Exception:
    with pytest.raises(UnicodeEncodeError) as raised:
        httpx.Request("GET", "https://localhost", headers={"x-goog-api-key": f"{KEY}\u200b"})
    return raised.value


class Listening(Counting):
    """Records a report of the transport."""

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        await super().handle(frame, direction)
        if isinstance(frame, PacketsStoppedFrame):
            self.session.record(ProblemSeen(self.session.now(), "packets", f"none for {frame.silent_for} s"))
            self.session.finish("caller left")


class Last(Counting):
    """The last stage of the call."""


class Passing(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Silent(BaseTransport):
    """A caller who says nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._ends = Passing(), Passing()
        self._register_event_handler("on_client_connected")
        self._register_event_handler("on_client_disconnected")
        self._register_event_handler("on_packets_stopped")

    def input(self) -> FrameProcessor:
        return self._ends[0]

    def output(self) -> FrameProcessor:
        return self._ends[1]


class Holding:
    """A call of these stages, held in a task of its own."""

    def __init__(self, store: Store, folder: Path, stages: tuple[type[Counting], ...]) -> None:
        plans = tuple(StagePlan(one.__name__, one.__name__, one, StageSettings()) for one in stages)
        self.stages, self.store = stages, store
        self.transport = Silent()
        self.recorded: list[Event] = []
        config = Config("test", folder / "test.yaml", plans)
        self.host = Host(config, store, LoopLag(), lambda _, event: self.recorded.append(event))
        self.task = asyncio.create_task(self.host.serve(self))

    async def __aiter__(self):
        yield Call("call-1", "anna", "test", self.transport, 16000, 16000, reports_packets=True)

    async def close(self) -> None:
        pass

    async def started(self) -> Counting:
        """The last stage, once the pipeline runs."""
        await until(lambda: len(Counting.started) == len(self.stages))
        return Counting.started[-1]

    async def over(self) -> SessionRecord:
        """The closed record."""
        await self.task
        record = await self.store.session("call-1")
        assert record is not None and record.state == "closed"
        return record


@pytest.fixture
async def store(tmp_path: Path):
    Counting.started.clear()
    Slow.reached, Slow.allowed = asyncio.Event(), asyncio.Event()
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path}/sessions.db")
    yield store
    await store.close()


async def closing() -> None:
    """Wait until the call is being closed, which begins by ending what would have ended it politely."""
    await until(lambda: all(task.get_name() != "wind up" for task in asyncio.all_tasks()))


def finished(record: SessionRecord) -> Counter[str]:
    return Counter(one.data["key"] for one in record.events if one.kind == KeyPressed.__name__)


def problems(record: SessionRecord) -> list[str]:
    return [one.data["what"] for one in record.events if one.kind == ProblemSeen.__name__]


async def test_a_call_that_is_ended_politely(store: Store, tmp_path: Path) -> None:
    call = Holding(store, tmp_path, (Counting, Last))
    (await call.started()).session.finish("caller left")
    record = await call.over()
    assert (record.why, finished(record)) == ("caller left", {"Counting": 1, "Last": 1})


async def test_packets_that_the_transport_misses_are_reported_to_the_stages(store: Store, tmp_path: Path) -> None:
    call = Holding(store, tmp_path, (Listening, Last))
    await call.started()
    await call.transport._call_event_handler("on_packets_stopped", 0.5)
    assert "none for 0.5 s" in problems(await call.over())


async def test_a_pipeline_that_dies(store: Store, tmp_path: Path) -> None:
    call = Holding(store, tmp_path, (Counting, Last))
    await (await call.started()).push_frame(CancelWorkerFrame(), FrameDirection.UPSTREAM)
    record = await call.over()
    assert (record.why, finished(record)) == ("error", {"Counting": 1, "Last": 1})


async def test_a_pipeline_that_dies_while_a_stage_finishes(store: Store, tmp_path: Path) -> None:
    call = Holding(store, tmp_path, (Counting, Slow, Last))
    last = await call.started()
    last.session.finish("caller left")
    await Slow.reached.wait()
    await last.push_frame(CancelWorkerFrame(), FrameDirection.UPSTREAM)
    await closing()
    Slow.allowed.set()
    record = await call.over()
    assert (record.why, finished(record)) == ("caller left", {"Counting": 1, "Slow": 1, "Last": 1})


async def test_a_call_that_is_cancelled_while_a_stage_finishes(store: Store, tmp_path: Path) -> None:
    call = Holding(store, tmp_path, (Counting, Slow, Last))
    await call.started()
    shutting_down = asyncio.create_task(call.host.shut_down(timeout=0.1))
    await Slow.reached.wait()
    await closing()
    assert not call.task.done()
    Slow.allowed.set()
    await shutting_down
    record = await call.over()
    assert (record.why, finished(record)) == ("shut down", {"Counting": 1, "Slow": 1, "Last": 1})


async def test_stages_that_fail_keep_no_other_from_finishing(store: Store, tmp_path: Path) -> None:
    call = Holding(store, tmp_path, (Broken, Cancelled, Last))
    (await call.started()).session.finish("caller left")
    record = await call.over()
    assert finished(record) == {"Broken": 1, "Cancelled": 1, "Last": 1}
    assert problems(record) == ["could not finish: no paper left", "could not finish: CancelledError"]


async def test_the_text_of_a_library_s_exception_is_not_recorded(store: Store, tmp_path: Path) -> None:
    call = Holding(store, tmp_path, (Leaking, Last))
    (await call.started()).session.finish("caller left")
    record = await call.over()
    assert problems(record) == [
        "a text holds a character that cannot be sent",
        "could not finish: a text holds a character that cannot be sent",
    ]
    assert KEY not in as_json(record)


class Exhausted(Counting):
    """Meets an error of the machine."""

    errors: ClassVar[Exception]

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        await super().handle(frame, direction)
        if isinstance(frame, StartFrame):
            await self.push_error("it failed", exception=self.errors)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (OSError(errno.EMFILE, "with a path"), ("error", "this server ran out of something: too many open files")),
        (MemoryError(), ("error", "this server ran out of something: there is no memory left")),
        (RuntimeError("a stage of a user failed"), ("caller left", "")),
    ],
)
async def test_a_call_that_the_server_could_not_hold_was_not_left_by_its_caller(
    store: Store, tmp_path: Path, error: Exception, ending: tuple[str, str]
) -> None:
    Exhausted.errors = error
    call = Holding(store, tmp_path, (Exhausted, Last))
    await call.started()
    [held] = call.host.sessions
    await until(lambda: any(isinstance(one, ProblemSeen) for one in call.recorded))
    await call.transport._call_event_handler("on_client_disconnected", None)
    record = await call.over()
    assert (record.why, record.detail or "") == ending and held.ending is not None


async def test_a_call_that_ends_while_no_descriptor_is_left_was_not_left_by_its_caller(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Holding(store, tmp_path, (Last,))
    await call.started()
    monkeypatch.setattr(host, "_no_descriptor", lambda: OSError(errno.EMFILE, "Too many open files"))
    await call.transport._call_event_handler("on_client_disconnected", None)
    record = await call.over()
    assert (record.why, record.detail) == ("error", "this server ran out of something: too many open files")
