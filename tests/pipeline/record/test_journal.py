"""Nothing recorded is lost: not to a slow database, not to a broken one, not to the end of the process."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger

from core.events import CallerConnected, Event, ToolCalled
from core.ports import Journal
from pipeline.record import journal as journal_module
from pipeline.record.journal import StoreJournal
from pipeline.record.models import LoggedEvent, StoreError
from pipeline.record.spill import SpillFile
from pipeline.record.store import Store
from support.deadline import expecting
from support.postgres import sqlite
from support.record import numbered, opening, said, until

pytestmark = pytest.mark.real_time

AWAY = StoreError("The database is away.", lasting=False)


class FakeStore:
    """Events in a dictionary, and the failures of writes in their order; None is a write that works."""

    def __init__(self, folder: Path, *failures: Exception | None) -> None:
        self.spill_folder = folder / "spill"
        self.closed = False
        self.failures = list(failures)
        self.events: dict[int, LoggedEvent] = {}
        self.writes = 0
        self.tried = asyncio.Event()

    async def append_logged(self, session_id: str, events: Sequence[LoggedEvent]) -> None:
        self.writes += 1
        self.tried.set()
        await asyncio.sleep(0)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        for event in events:
            assert self.events.setdefault(event.seq, event) == event

    @property
    def texts(self) -> list[str]:
        return [self.events[seq].data["text"] for seq in sorted(self.events)]


class AwayStore(FakeStore):
    """A database that is away until `back` is set."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.back = False

    async def append_logged(self, session_id: str, events: Sequence[LoggedEvent]) -> None:
        self.failures = [] if self.back else [AWAY]
        await super().append_logged(session_id, events)


@pytest.fixture
def warnings() -> Iterator[list[str]]:
    said: list[str] = []
    handler = logger.add(lambda message: said.append(message.record["message"]), level="WARNING")
    yield said
    logger.remove(handler)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "LINGER", 0.02)
    monkeypatch.setattr(journal_module, "FIRST_RETRY", 0.01)
    monkeypatch.setattr(journal_module, "LAST_RETRY", 0.02)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return sqlite(tmp_path)


@pytest.fixture
async def store(address: str) -> AsyncIterator[Store]:
    store = await Store.open(address, timeout=0.5)
    await store.open_session(opening("s1"))
    yield store
    await store.close()


async def texts(address: str) -> list[str]:
    """The texts of the utterances of s1, read by a store of their own."""
    store = await Store.open(address)
    try:
        record = await store.session("s1")
        assert record is not None
        return [event.data["text"] for event in record.events if event.kind == "UtteranceSpoken"]
    finally:
        await store.close()


def spilled(folder: Path) -> list[str]:
    return [json.loads(line)["data"]["text"] for path in folder.glob("*") for line in path.read_text().splitlines()]


async def until_written(journal: StoreJournal) -> None:
    """Wait for a journal whose database has come back."""
    async with expecting("the journal has written everything"):
        while journal.unwritten or journal.spilled:
            await journal.drain(0.1)


async def test_events_are_written_in_the_order_of_recording(store: Store, address: str) -> None:
    journal: Journal = StoreJournal(store, "s1")
    for number in range(500):
        journal.record(said(str(number)))
    await journal.drain()
    assert await texts(address) == [str(number) for number in range(500)]


async def test_events_are_written_without_a_drain(store: Store, address: str) -> None:
    StoreJournal(store, "s1").record(said("Hello"))

    async def is_there() -> bool:
        return await texts(address) == ["Hello"]

    await until(is_there)


async def test_what_the_result_depends_on_does_not_linger(
    store: Store, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "LINGER", 3600)
    journal = StoreJournal(store, "s1")
    lingering, pause = asyncio.Event(), journal._pause

    async def pausing(seconds: float) -> None:
        lingering.set()
        await pause(seconds)

    monkeypatch.setattr(journal, "_pause", pausing)
    journal.record(CallerConnected(0.0, "wav"))
    await lingering.wait()
    assert journal.unwritten == 1
    journal.record(said("I give you a six"))

    async def is_there() -> bool:
        return await texts(address) == ["I give you a six"]

    async def is_written() -> bool:
        return journal.unwritten == 0

    await until(is_there)
    journal.record(ToolCalled(1.0, "1", "report", {"fluency": 6}))
    await until(is_written)


async def test_recording_goes_on_after_a_drain(store: Store, address: str) -> None:
    journal = StoreJournal(store, "s1")
    for text in ("one", "two", "three"):
        journal.record(said(text))
        await journal.drain()
    assert await texts(address) == ["one", "two", "three"]


async def test_an_event_is_stored_as_it_was_when_recorded(tmp_path: Path) -> None:
    store = FakeStore(tmp_path)
    journal = StoreJournal(store, "s1")
    args = {"fluency": 6}
    journal.record(ToolCalled(1.0, "c1", "report_score", args))
    args["fluency"] = 9
    await journal.drain()
    assert store.events[1].data["args"] == {"fluency": 6}


async def test_a_view_sees_each_event_at_once_and_its_failure_harms_nobody(tmp_path: Path, warnings: list[str]) -> None:
    store, seen = FakeStore(tmp_path), []

    def view(event: Event) -> None:
        seen.append(event)
        raise RuntimeError("no such socket")

    journal = StoreJournal(store, "s1", on_event=view)
    for text in ("one", "two"):
        journal.record(said(text))
        assert seen[-1] == said(text)
    await journal.drain()
    assert store.texts == ["one", "two"]
    assert len(warnings) == 1 and "no such socket" in warnings[0]


async def test_an_event_that_cannot_be_recorded_leaves_a_note_of_it(tmp_path: Path, warnings: list[str]) -> None:
    store = FakeStore(tmp_path)
    journal = StoreJournal(store, "s1")
    journal.record(ToolCalled(1.0, "c1", "report_score", {"lock": threading.Lock()}))
    await journal.drain()
    assert store.events[1].data["what"] == "a ToolCalled could not be recorded"
    assert len(warnings) == 1


async def test_a_database_that_fails_for_a_while_gets_everything_once(tmp_path: Path, warnings: list[str]) -> None:
    store = FakeStore(tmp_path, AWAY, AWAY, None, RuntimeError("a fault of ours"), AWAY)
    journal = StoreJournal(store, "s1")
    for number in range(500):
        journal.record(said(str(number)))
    await journal.drain()
    assert store.texts == [str(number) for number in range(500)]
    assert len(warnings) == 2 and not store.spill_folder.exists()


@given(
    actions=st.lists(st.sampled_from(["record", "drain", "give up", "wait"]), max_size=20),
    failures=st.lists(st.sampled_from([None, AWAY]), max_size=12),
    limit=st.integers(1, 4),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_fails_and_whenever_every_fact_arrives(
    tmp_path: Path, actions: list[str], failures: list[Exception | None], limit: int
) -> None:
    store = FakeStore(tmp_path, *failures)
    journal = StoreJournal(store, "s1", limit=limit)
    recorded = 0
    for action in actions:
        if action == "record":
            journal.record(said(str(recorded)))
            recorded += 1
        elif action == "wait":
            await asyncio.sleep(0.005)  # the pause between two events, in which the writer may get so far or not
        else:
            await journal.drain(1.0 if action == "drain" else 0.0)
    await until_written(journal)
    assert store.texts == [str(number) for number in range(recorded)]
    assert list(store.spill_folder.glob("*")) == []


async def test_past_a_limit_events_wait_in_a_file_and_not_in_memory(tmp_path: Path, warnings: list[str]) -> None:
    store = AwayStore(tmp_path)
    journal = StoreJournal(store, "s1", limit=10)
    for number in range(100):
        journal.record(said(str(number)))

    async def is_out_of_memory() -> bool:
        return journal.unwritten == 0

    await until(is_out_of_memory)
    assert spilled(store.spill_folder) == [str(number) for number in range(100)]
    assert [warning for warning in warnings if str(journal.spilled) in warning]
    assert not journal.spilled.stat().st_mode & 0o077, "others may not read what a candidate said"
    store.back = True
    journal.record(said("100"))
    await until_written(journal)
    assert store.texts == [str(number) for number in range(101)]
    assert list(store.spill_folder.glob("*")) == []


async def test_what_a_drain_could_not_write_goes_in_when_the_store_is_next_opened(
    store: Store, address: str, tmp_path: Path, warnings: list[str]
) -> None:
    journal = StoreJournal(store, "s1")
    journal.record(said("before"))
    await journal.drain()
    other = sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal.record(said("while it was locked"))
    await journal.drain(0.2)
    assert journal.unwritten == 0 and spilled(store.spill_folder) == ["while it was locked"]
    assert any(str(journal.spilled) in warning for warning in warnings)
    await store.close()
    journal.record(said("after the store was closed"))
    await journal.drain(5)
    other.close()
    assert await texts(address) == ["before", "while it was locked", "after the store was closed"]
    assert list(store.spill_folder.glob("*")) == []


async def test_what_was_spilled_is_written_by_itself_when_the_database_is_back(
    store: Store, address: str, tmp_path: Path
) -> None:
    journal = StoreJournal(store, "s1")
    other = sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal.record(said("locked"))
    await journal.drain(0.1)
    other.close()
    journal.record(said("unlocked"))
    await until_written(journal)
    assert await texts(address) == ["locked", "unlocked"]


async def test_a_server_that_drops_its_connections_loses_nothing(postgres: str) -> None:
    store = await Store.open(postgres)
    await store.open_session(opening("s1"))
    journal = StoreJournal(store, "s1")
    journal.record(said("before"))
    await journal.drain()
    killer = await asyncpg.connect(postgres.replace("+asyncpg", ""))
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = $1"
    assert [tuple(row) for row in await killer.fetch(others, postgres.rpartition("/")[2])] != []
    await killer.close()
    journal.record(said("after"))
    await journal.drain()
    await store.close()
    assert journal.spilled is None and await texts(postgres) == ["before", "after"]


async def test_a_drain_ends_in_time_though_the_database_never_answers(tmp_path: Path) -> None:
    class SilentStore(FakeStore):
        async def append_logged(self, session_id: str, events: Sequence[LoggedEvent]) -> None:
            await asyncio.Event().wait()

    store = SilentStore(tmp_path)
    journal = StoreJournal(store, "s1")
    journal.record(said("one"))
    async with expecting("the drain ends"):
        await journal.drain(0.2)
    journal.record(said("two"))
    async with expecting("the drain ends"):
        await journal.drain(0.2)
    assert spilled(store.spill_folder) == ["one", "two"]


async def test_a_disk_that_takes_nothing_leaves_the_events_in_memory(tmp_path: Path, warnings: list[str]) -> None:
    store = AwayStore(tmp_path)
    store.spill_folder.write_text("a file where the folder should be")
    journal = StoreJournal(store, "s1", limit=1)
    for text in ("one", "two", "three"):
        journal.record(said(text))
    await journal.drain(0.2)
    assert journal.unwritten == 3 and any("in memory only" in warning for warning in warnings)
    store.back = True
    await until_written(journal)
    assert store.texts == ["one", "two", "three"]


async def test_one_fact_that_no_database_takes_does_not_hold_up_the_others(tmp_path: Path, warnings: list[str]) -> None:
    class PickyStore(FakeStore):
        async def append_logged(self, session_id: str, events: Sequence[LoggedEvent]) -> None:
            if any(event.data.get("text") == "unlucky" for event in events):
                raise StoreError("That is not for us.")
            await super().append_logged(session_id, events)

    store = PickyStore(tmp_path)
    journal = StoreJournal(store, "s1")
    for text in ("one", "two", "unlucky", "four", "five"):
        journal.record(said(text))
    await journal.drain()
    assert store.texts == ["one", "two", "four", "five"]
    assert spilled(store.spill_folder) == ["unlucky"] and "not for us" in warnings[0]


async def test_events_of_a_session_that_is_not_there_stay_in_a_file_and_are_not_tried_again(
    address: str, warnings: list[str]
) -> None:
    store = await Store.open(address)
    journal = StoreJournal(store, "unknown")
    for text in ("one", "two"):
        journal.record(said(text))
    await journal.drain()
    await store.close()
    assert spilled(store.spill_folder) == ["one", "two"] and len(warnings) == 1
    store = await Store.open(address)
    await store.close()
    assert len(warnings) == 1


async def test_half_a_line_does_not_spoil_the_rest(store: Store, address: str, warnings: list[str]) -> None:
    store.spill_folder.mkdir()
    lines = [
        json.dumps({"session": "s1", "seq": seq, "kind": "UtteranceSpoken", "data": LoggedEvent.of(seq, event).data})
        for seq, event in numbered([said("one"), said("two")])
    ]
    (store.spill_folder / "s1-x.jsonl").write_text("\n".join([*lines, lines[0][:20]]))
    assert await texts(address) == ["one", "two"]
    (refused,) = store.spill_folder.glob("*")
    assert refused.suffix == ".refused" and str(refused) in warnings[-1]


async def test_what_waits_for_a_session_that_is_gone_stays_in_a_file(
    store: Store, address: str, warnings: list[str], tmp_path: Path
) -> None:
    SpillFile(store.spill_folder, "gone").add([LoggedEvent.of(1, said("Hello"))])
    assert await texts(address) == []
    assert spilled(store.spill_folder) == ["Hello"] and "holds no session gone" in warnings[0]
    said_so = len(warnings)
    assert await texts(address) == [] and len(warnings) == said_so


async def test_what_waits_for_a_locked_database_waits_on(store: Store, tmp_path: Path, warnings: list[str]) -> None:
    SpillFile(store.spill_folder, "s1").add([LoggedEvent.of(1, said("Hello"))])
    other = sqlite3.connect(tmp_path / "sessions.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    address = f"sqlite:///{tmp_path}/sessions.db"
    second = await Store.open(address, timeout=0.1)
    await second.close()
    assert spilled(store.spill_folder) == ["Hello"] and "still wait in" in warnings[0]
    other.close()
    assert await texts(address) == ["Hello"]


async def test_a_drain_that_is_broken_off_leaves_a_file(tmp_path: Path) -> None:
    store = AwayStore(tmp_path)
    journal = StoreJournal(store, "s1")
    journal.record(said("one"))
    draining = asyncio.create_task(journal.drain())
    await store.tried.wait()
    draining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await draining
    assert spilled(store.spill_folder) == ["one"] and journal.unwritten == 0


async def test_a_loop_that_has_begun_to_end_gets_no_new_tasks(tmp_path: Path) -> None:
    store = AwayStore(tmp_path)
    journal = StoreJournal(store, "s1")
    journal.record(said("one"))
    await store.tried.wait()
    assert journal._writer is not None
    journal._writer.cancel()
    await asyncio.wait({journal._writer})
    journal.record(said("two"))
    assert spilled(store.spill_folder) == ["one", "two"] and journal._writer.done()
    store.back = True
    await until_written(journal)
    assert store.texts == ["one", "two"]


def test_what_is_recorded_when_the_loop_ends_without_a_drain_is_there_next_time(address: str) -> None:
    async def forgetful() -> StoreJournal:
        store = await Store.open(address)
        await store.open_session(opening("s1"))
        journal = StoreJournal(store, "s1")
        journal.record(said("one"))
        await store.close()
        return journal

    journal = asyncio.run(forgetful())
    journal.record(said("two, when there is no loop any more"))
    assert asyncio.run(texts(address)) == ["one", "two, when there is no loop any more"]


KILLED = """
import asyncio, sys
from pipeline.record.journal import StoreJournal
from pipeline.record.store import Store
from support.record import opening, said

async def main():
    store = await Store.open(sys.argv[1])
    await store.open_session(opening("s1"))
    journal = StoreJournal(store, "s1")
    for number in range(50):
        journal.record(said(str(number), float(number)))
    await journal.drain()
    print("drained", flush=True)
    while True:
        journal.record(said("perhaps", 60.0))
        await asyncio.sleep(0.001)  # the pace of a busy call

asyncio.run(main())
"""


async def test_a_killed_process_leaves_what_was_drained_and_a_session_that_can_be_closed(address: str) -> None:
    tests = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        f"import sys; sys.path[:0] = {[str(tests), str(tests.parent)]}\n{KILLED}",
        address,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"drained\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()
    store = await Store.open(address)
    assert await store.close_orphans() == ["s1"]
    record = await store.session("s1")
    await store.close()
    assert record is not None and (record.state, record.why) == ("closed", "process died")
    assert [each.text for each in record.utterances][:50] == [str(number) for number in range(50)]
