"""What is written of a call reads back, on SQLite and on PostgreSQL."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from subprocess import PIPE
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text, update

from core.events import (
    CallBilled,
    CallEnded,
    CallMeasured,
    Event,
    ScoreGiven,
    ScoreMissing,
    SegmentTiming,
    TranscriptCheckpointed,
    TranscriptMeasured,
    UtteranceSpoken,
    VerdictGiven,
    from_record,
)
from pipeline.record import tables
from pipeline.record.leases import LEASE
from pipeline.record.models import SessionRecord, StoreError, UnknownSession
from pipeline.record.process_id import ProcessId, this_process
from pipeline.record.store import FIRST_JOB_SEQ, Store
from support.record import EXAM, OPENED_AT, numbered, opening, recorded_events, said, until, used

pytestmark = pytest.mark.real_time

TIMES = (SegmentTiming(0, 2.0, 4.5), SegmentTiming(7, 4.5, 8.0))


@pytest.fixture
async def store(address: str) -> AsyncIterator[Store]:
    async with opened(address) as store:
        yield store


@asynccontextmanager
async def opened(address: str, **options: Any) -> AsyncIterator[Store]:
    store = await Store.open(address, **options)
    try:
        yield store
    finally:
        await store.close()


async def recorded(store: Store, *events: Event, session_id: str = "s1", **changes: Any) -> SessionRecord:
    await store.open_session(opening(session_id, **changes))
    await store.append(session_id, numbered(events))
    return await read(store, session_id)


async def read(store: Store, session_id: str = "s1") -> SessionRecord:
    record = await store.session(session_id)
    assert record is not None
    return record


async def test_a_whole_exam_reads_back(store: Store) -> None:
    record = await recorded(store, *EXAM, arm="pause", experiment="flush")
    assert [from_record(event.kind, event.data) for event in record.events] == list(EXAM)
    assert [event.seq for event in record.events] == list(range(1, len(EXAM) + 1))
    assert (record.state, record.why, record.scored) == ("closed", "completed", "partial")
    assert (record.opened_at, record.closed_at) == (OPENED_AT, OPENED_AT + timedelta(seconds=10))
    assert (record.latency_p50, record.latency_p95, record.frames_late, record.cpu) == (0.62, 0.91, 2, 0.05)
    assert (record.usd, record.tokens, record.seconds, record.estimated) == (Decimal("0.001"), 30, 10.0, False)
    assert [(each.speaker, each.text) for each in record.utterances] == [
        ("examiner", "What is your name?"),
        ("caller", "My name is Anna."),
    ]
    assert [(each.criterion, each.value, each.source) for each in record.scores] == [
        ("fluency", 6.5, "call"),
        ("pronunciation", None, ""),
    ]
    assert record.scores[1].why == "too little was said"
    assert [each.usd for each in record.usage] == [Decimal("0.000123456789012"), Decimal("0.000876543210988")]
    assert record.usage[0].prompt == {"text": 3, "audio": 7} and record.usage[0].tokens == 15
    assert record.config["name"] == "Prüfung"


async def test_a_session_that_goes_on_is_open_and_knows_its_cost_so_far(store: Store) -> None:
    record = await recorded(store, said("Hello"), used("0.1"), used("0.2", estimated=True))
    assert (record.state, record.closed_at, record.why, record.seconds) == ("open", None, None, None)
    # In binary floating point the sum is 0.30000000000000004.
    assert (record.usd, record.tokens, record.estimated) == (Decimal("0.3"), 30, True)


async def test_a_session_without_events_is_there(store: Store) -> None:
    record = await recorded(store)
    assert (record.events, record.usd, record.tokens, record.scored) == ((), None, None, "none")


async def test_a_transcript_is_in_the_order_of_speaking(store: Store) -> None:
    record = await recorded(store, said("second", 9.0), said("first", 3.0))
    assert [each.text for each in record.utterances] == ["first", "second"]


@pytest.mark.parametrize(
    ("events", "scored"),
    [
        ([ScoreGiven(1.0, "a", 5, "call"), VerdictGiven(1.0, "complete", {})], "complete"),
        ([ScoreGiven(1.0, "a", 5, "call"), VerdictGiven(1.0, "partial", {}), CallEnded(2.0, "error")], "partial"),
        ([ScoreMissing(1.0, "a", "silence"), CallEnded(2.0, "completed")], "none"),
        ([ScoreGiven(1.0, "a", 5, "call")], "partial"),
        ([ScoreGiven(1.0, "a", 5, "call"), CallEnded(2.0, "completed")], "complete"),
        ([ScoreGiven(1.0, "a", 5, "call"), ScoreMissing(1.0, "b", "-"), CallEnded(2.0, "completed")], "partial"),
    ],
)
async def test_a_session_says_whether_it_is_scored(store: Store, events: list[Event], scored: str) -> None:
    assert (await recorded(store, *events)).scored == scored


async def test_scores_are_in_the_order_in_which_they_were_given(store: Store) -> None:
    given = [ScoreGiven(at, criterion, 5, "call") for at, criterion in ((1.0, "b"), (2.0, "a"), (3.0, "b"))]
    assert [score.criterion for score in (await recorded(store, *given)).scores] == ["a", "b"]


async def test_words_that_no_database_can_hold_are_replaced_and_not_lost(store: Store) -> None:
    record = await recorded(store, said("a\x00b\ud800c"), CallMeasured(1.0, float("nan"), float("inf"), 0, 0.1, 1.0))
    assert record.utterances[0].text == "a\ufffdb\ufffdc"
    assert (record.latency_p50, record.latency_p95, record.cpu) == (None, None, 0.1)


async def test_numbers_too_big_for_a_column_do_not_stop_the_record(store: Store) -> None:
    record = await recorded(store, CallBilled(1.0, "1e999999", 10**40, False), CallEnded(1e300, "completed"))
    assert record.usd is None and record.tokens == 2**63 - 1 and record.state == "closed"


async def test_an_event_that_is_there_already_is_left_as_it_is(store: Store) -> None:
    first = await recorded(store, *EXAM)
    await store.append("s1", numbered(EXAM))
    await store.append("s1", [(1, EXAM[0]), (1, EXAM[0])])
    assert await read(store) == first


async def test_another_event_for_an_occupied_place_is_refused_and_nothing_of_its_batch_is_written(store: Store) -> None:
    first = await recorded(store, *EXAM)
    with pytest.raises(StoreError, match="Place 2 of session s1 holds a UtteranceSpoken, not this CallEnded"):
        await store.append("s1", [(99, said("new")), (2, CallEnded(1.0, "error"))])
    assert await read(store) == first


@given(data=st.data(), events=st.lists(recorded_events, max_size=12))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_record_is_the_same_whatever_the_batches_the_order_and_the_repeats(
    store: Store, data: st.DataObject, events: list[Event]
) -> None:
    one, other = uuid4().hex, uuid4().hex
    whole = await recorded(store, *events, session_id=one)
    await store.open_session(opening(other))
    places = numbered(events)
    repeats = data.draw(st.lists(st.sampled_from(places), max_size=5)) if places else []
    places = data.draw(st.permutations(places + repeats))
    while places:
        size = data.draw(st.integers(1, len(places)))
        await store.append(other, places[:size])
        places = places[size:]
    assert replace(await read(store, other), id=one) == whole
    assert len(whole.events) == len(events)


async def test_writers_of_one_session_do_not_disturb_each_other(address: str) -> None:
    async with opened(address) as one, opened(address) as other:
        await one.open_session(opening("s1"))
        places = numbered(EXAM)
        await asyncio.gather(
            *(store.append("s1", places[start : start + 5]) for start in range(len(places)) for store in (one, other))
        )
        record = await read(one)
        assert len(record.events) == len(EXAM) and record.usd == Decimal("0.001")


async def test_stores_that_open_the_same_new_database_all_succeed(empty_address: str) -> None:
    stores = await asyncio.gather(*(Store.open(empty_address) for _ in range(6)))
    await asyncio.gather(*(store.open_session(opening(f"s{index}")) for index, store in enumerate(stores)))
    assert len(await stores[0].sessions()) == 6
    await asyncio.gather(*(store.close() for store in stores))


OPEN_WHEN_TOLD = """
import asyncio, sys
from pipeline.record.store import FIRST_JOB_SEQ, Store

async def main():
    for address in map(str.strip, sys.stdin):
        store = await Store.open(address)
        await store.close()
        print("opened", flush=True)

asyncio.run(main())
"""


async def test_processes_that_open_the_same_new_database_all_succeed(empty_address: str, tmp_path: Path) -> None:
    more = [f"sqlite:///{tmp_path}/{number}.db" for number in range(3)] if "sqlite" in empty_address else []
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", OPEN_WHEN_TOLD, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        for _ in range(3)
    ]
    for each in (empty_address, *more):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{each}\n".encode())
        for process in processes:
            assert process.stdout is not None and process.stderr is not None
            if await process.stdout.readline() != b"opened\n":
                pytest.fail((await process.stderr.read()).decode())
    for process in processes:
        assert (await process.communicate(b""))[1] == b""


async def test_sessions_are_listed_newest_first_and_by_arm_state_and_time(store: Store) -> None:
    for minute, arm in enumerate(["timer", "pause", "timer"]):
        opened_at = OPENED_AT + timedelta(minutes=minute)
        await store.open_session(opening(f"s{minute}", arm=arm, opened_at=opened_at))
    await store.append("s0", [(1, CallEnded(5.0, "completed"))])
    assert [each.id for each in await store.sessions()] == ["s2", "s1", "s0"]
    assert [each.id for each in await store.sessions(limit=1)] == ["s2"]
    assert [each.id for each in await store.sessions(arm="timer")] == ["s2", "s0"]
    assert [each.id for each in await store.sessions(state="closed")] == ["s0"]
    assert [each.id for each in await store.sessions(since=OPENED_AT + timedelta(minutes=1))] == ["s2", "s1"]


async def test_ids_are_found_by_their_first_letters_and_these_are_not_a_pattern(store: Store) -> None:
    for session_id in ("abc", "ABx", "a%c"):
        await store.open_session(opening(session_id))
    assert sorted(await store.ids("a")) == ["a%c", "abc"]
    assert await store.ids("a%") == ["a%c"]
    assert await store.session("ab") is None


async def test_a_time_is_stored_in_utc(store: Store) -> None:
    there = datetime.fromisoformat("2026-03-04T12:30:00.000001+02:00")
    await store.open_session(opening("s1", opened_at=there))
    stored = (await read(store)).opened_at
    assert stored == there and stored.tzinfo is UTC


async def test_an_outcome_comes_after_every_event_of_the_call(store: Store) -> None:
    for session_id, last in (("s1", len(EXAM)), ("s2", FIRST_JOB_SEQ + 7)):
        await store.open_session(opening(session_id, verdict_pending=True))
        await store.append(session_id, [*numbered(EXAM[:-1]), (last, EXAM[-1])])
        assert await store.add_outcome(session_id, "verdict_pending", [VerdictGiven(10.0, "partial", {})])
        record = await read(store, session_id)
        assert record.events[-1].seq == max(FIRST_JOB_SEQ, last + 1) and not record.verdict_pending


async def test_an_event_needs_a_session_and_a_session_a_new_id(store: Store) -> None:
    with pytest.raises(UnknownSession, match="holds no session s1"):
        await store.append("s1", [(1, said("Hello"))])
    await store.open_session(opening("s1"))
    with pytest.raises(StoreError, match="already a session s1"):
        await store.open_session(opening("s1"))


async def test_a_closed_store_says_so(address: str) -> None:
    async with opened(address) as store:
        await store.open_session(opening("s1"))
    with pytest.raises(StoreError, match="closed by this program"):
        await store.append("s1", [(1, said("Hello"))])


# --- sessions whose process died


async def owned_by(store: Store, owner: ProcessId, *, silent: float = 0.0, session_id: str = "s1") -> None:
    """A session of another process whose last heartbeat was `silent` seconds ago."""
    async with store._database.writing() as connection:
        now = await store._database.clock(connection)
        row = {"id": str(owner), "beat": int(now - silent)}
        await connection.execute(store._database.upsert(tables.owners, row))
        where = tables.sessions.c.id == session_id
        await connection.execute(update(tables.sessions).where(where).values(owner=str(owner)))


def dead_process() -> ProcessId:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(this_process(), pid=process.pid, started="1")


@contextmanager
def living_process() -> Iterator[ProcessId]:
    code = "from pipeline.record.process_id import this_process; print(this_process(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        yield ProcessId.parse(it.stdout.readline().strip())
        it.communicate("\n")


ELSEWHERE = ProcessId("another-host/0/0", 17, "4711")


async def test_a_session_of_a_dead_process_is_closed_and_keeps_what_it_has(store: Store) -> None:
    await recorded(store, said("My name is Anna.", 7.0), used("0.25", 7.5))
    await owned_by(store, dead_process())
    assert await store.close_orphans() == ["s1"]
    record = await read(store)
    assert (record.state, record.why, record.seconds) == ("closed", "process died", 7.5)
    assert record.closed_at == OPENED_AT + timedelta(seconds=7.5)
    assert record.utterances[0].text == "My name is Anna." and record.usd == Decimal("0.25")
    assert await store.close_orphans() == []


async def test_what_was_being_said_when_the_process_died_is_in_the_transcript(store: Store) -> None:
    await recorded(
        store,
        said("What are you?", 2.0),
        TranscriptCheckpointed(5.0, "caller", "I am what I", 3.0, 5.0),
        TranscriptCheckpointed(6.0, "caller", "I am what I am and", 3.0, 6.0),
    )
    assert [one.text for one in (await read(store)).utterances] == ["What are you?"], "it is still being said"
    await owned_by(store, dead_process())
    await store.close_orphans()
    last = (await read(store)).utterances[-1]
    assert (last.speaker, last.text, last.partial, last.ended) == ("caller", "I am what I am and", True, 6.0)


async def test_sessions_of_living_processes_are_left_alone(store: Store) -> None:
    await recorded(store)
    assert await store.close_orphans() == []
    with living_process() as alive:
        # However long it was silent: it may have been suspended, and it can be seen to live.
        await owned_by(store, alive, silent=LEASE * 10)
        assert await store.close_orphans() == []
        await owned_by(store, replace(alive, started="1"))
        assert await store.close_orphans() == ["s1"], "the number is in use again, by another process"


async def test_a_process_elsewhere_counts_as_dead_when_it_was_silent_for_long(store: Store) -> None:
    await recorded(store)
    await owned_by(store, ELSEWHERE, silent=LEASE / 2)
    assert await store.close_orphans() == []
    await owned_by(store, ELSEWHERE, silent=LEASE * 2)
    assert await store.close_orphans(why="no sign of life") == ["s1"]
    assert (await read(store)).why == "no sign of life"


async def test_a_process_that_was_only_thought_dead_has_the_last_word(store: Store) -> None:
    await recorded(store, said("Hello"))
    await owned_by(store, ELSEWHERE, silent=LEASE * 2)
    await store.close_orphans()
    await store.append("s1", [(2, said("I am still here", 20.0))])
    assert (await read(store)).closed_at == OPENED_AT + timedelta(seconds=20)
    await store.append("s1", [(3, CallEnded(30.0, "completed"))])
    record = await read(store)
    assert (record.why, record.detail, record.closed_at) == ("completed", "", OPENED_AT + timedelta(seconds=30))


async def test_a_process_writes_heartbeats(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.record.leases.BEAT", 0.01)
    await recorded(store)
    await owned_by(store, store._leases.here, silent=1000)

    async def beat() -> int:
        async with store._database.reading() as connection:
            now = await store._database.clock(connection)
            return now - (await connection.execute(text("SELECT beat FROM owners"))).scalar_one()

    async def it_beats() -> bool:
        return await beat() <= 100

    await until(it_beats)


async def test_a_deleted_session_takes_everything_with_it(store: Store) -> None:
    await recorded(store, *EXAM)
    async with store._database.writing() as connection:
        await connection.execute(text("DELETE FROM sessions WHERE id = 's1'"))
        for table in ("events", "utterances", "scores", "usage"):
            assert (await connection.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one() == 0


async def test_a_session_says_how_complete_its_transcript_is_and_an_utterance_its_source(
    store: Store,
) -> None:
    record = await recorded(
        store,
        UtteranceSpoken(9.0, "caller", "I live by the sea.", 2.0, 8.0, source="repaired", times=TIMES),
        UtteranceSpoken(9.5, "examiner", "I see.", 9.0, 9.4),
        TranscriptMeasured(10.0, 0.5, 12.0, 2, 1),
        TranscriptMeasured(11.0, 0.75, 12.0, 2, 2),
    )
    assert [one.source for one in record.utterances] == ["repaired", "live"]
    assert [one.times for one in record.utterances] == [[asdict(one) for one in TIMES], []]
    assert from_record(record.events[0].kind, record.events[0].data).times == TIMES  # pyright: ignore[reportAttributeAccessIssue]
    assert (record.completeness, record.gaps, record.repaired) == (0.75, 2, 2)
    unknown = await recorded(store, session_id="s2")
    assert (unknown.completeness, unknown.gaps, unknown.repaired) == (None, None, None)
