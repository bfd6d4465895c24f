"""Sessions with pending jobs, and a worker that does them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
import yaml

from core.events import CallEnded, Event, ToolCalled, from_record
from pipeline.config.loading import load
from pipeline.config.resolved import Config
from pipeline.jobs import session_jobs
from pipeline.jobs import worker as jobs
from pipeline.record.models import SessionRecord
from pipeline.record.store import Store
from support.examples import Oracle
from support.receiver import SECRET, Receiver
from support.record import numbered, opening, said, until

ALL = {"fluency": 6, "grammar": 7}
RUBRIC = {"name": "r", "function": "report", "scale": {"min": 0, "max": 9, "step": 1}}
CRITERIA = [{"name": name} for name in ALL]
ANSWER = {name: {"value": value, "evidence": "I am"} for name, value in ALL.items()}
LONG = said("I am what I am and I say what I say, and there is more of it than a mouthful to be judged by.", 3.0)

REPORTED = (ToolCalled(4.0, "1", "report", dict(ALL)), CallEnded(5.0, "caller left"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Waits that a test can wait for; an oracle that has not been asked."""
    monkeypatch.setattr(jobs, "SWEEP_EVERY", 0.05)
    monkeypatch.setattr(jobs, "STANDBY_EVERY", 0.05)
    monkeypatch.setattr(session_jobs, "RETRY_DELAYS", (0.05, 0.05))
    monkeypatch.setattr(session_jobs, "RECORD_AWAY", 0.05)
    monkeypatch.setattr(session_jobs, "ERROR", 0.05)
    monkeypatch.setattr(jobs, "LAST_SWEEPS", 0.0)
    monkeypatch.setattr(jobs, "LAST_SWEEPS_EVERY", 0.02)
    Oracle.asked.clear()
    yield
    Oracle.asked.clear()


@pytest.fixture
async def store(address: str) -> AsyncIterator[Store]:
    """A record on each kind of database in turn."""
    one = await Store.open(address)
    yield one
    await one.close()


def config(folder: Path, receiver: Receiver | None = None, retries: tuple[float, ...] = (), **oracle: Any) -> Config:
    """A config that scores, with an oracle for a text model."""
    (folder / "rubric.yaml").write_text(yaml.safe_dump(RUBRIC | {"criteria": CRITERIA}), encoding="utf-8")
    prices = {"text_in": 1, "audio_in": 1, "image_in": 1, "text_out": 10, "audio_out": 10}
    models = {"gemini-2.5-flash": {**prices, "source": "nowhere", "date": "2026-01-01"}}
    (folder / "prices.yaml").write_text(yaml.safe_dump({"models": models}), encoding="utf-8")
    stages = [{"use": "support.examples:Oracle", **oracle}, {"use": "scoring", "rubric": "rubric.yaml"}]
    data: dict[str, Any] = {"name": "exam", "stages": stages, "prices": "prices.yaml"}
    if receiver is not None:
        data["webhook"] = {"url": receiver.url, "secret": SECRET, "retries": list(retries)}
    (folder / "exam.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    return load(folder / "exam.yaml")


async def over(store: Store, *events: Event, name: str = "s1", webhook: bool = False) -> None:
    """A closed session whose verdict is pending."""
    await store.open_session(opening(name, config_name="exam", verdict_pending=True, webhook_pending=webhook))
    await store.append(name, numbered(events))


@asynccontextmanager
async def worked(store: Store, config: Config) -> AsyncIterator[None]:
    """A worker for as long as the block lasts."""
    stop = asyncio.Event()
    working = asyncio.create_task(jobs.work(store, config, stop))
    try:
        yield
    finally:
        stop.set()
        await working


async def finished(store: Store, name: str = "s1") -> SessionRecord:
    """The record of a session as soon as none of its jobs is pending."""

    async def nothing_is_pending() -> bool:
        return name not in await store.pending("exam")

    await until(nothing_is_pending, timeout=60)
    record = await store.session(name)
    assert record is not None
    return record


def events_of(record: SessionRecord, kind: type[Any]) -> list[Any]:
    """A session's events of one kind."""
    return [from_record(one.kind, one.data) for one in record.events if one.kind == kind.__name__]


class JobTables:
    """The tables in which DBOS stores the jobs of a record, read without it."""

    def __init__(self, store: Store) -> None:
        address = store.jobs_address.replace("postgresql:", "postgresql+psycopg:", 1)
        self._engine = sqlalchemy.create_engine(address)
        schema = jobs.SCHEMA if address.startswith("postgresql") else None
        self._tables = sqlalchemy.MetaData(schema=schema)
        self._tables.reflect(self._engine)
        self._status, self._steps = (
            self._tables.tables[f"{schema}.{name}" if schema else name]
            for name in ("workflow_status", "operation_outputs")
        )

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def rows(self, session_id: str) -> int:
        """How many rows of all tables are about a session's job."""
        with self._engine.connect() as connection:
            return sum(
                connection.scalar(
                    sqlalchemy.select(sqlalchemy.func.count()).select_from(table).where(column == workflow(session_id))
                )
                or 0
                for table in self._tables.tables.values()
                for column in table.c
                if column.name in ("workflow_uuid", "destination_uuid")
            )

    def status(self, session_id: str) -> str | None:
        """The state of a session's job; None when nothing is stored of it."""
        query = sqlalchemy.select(self._status.c.status).where(self._status.c.workflow_uuid == workflow(session_id))
        with self._engine.connect() as connection:
            return connection.scalar(query)

    def waits(self, session_id: str) -> bool:
        """Whether a wait of a session's job has begun and is on the disk."""
        steps = self._steps.c
        query = sqlalchemy.select(steps.function_name).where(steps.workflow_uuid == workflow(session_id))
        with self._engine.connect() as connection:
            return "DBOS.sleep" in connection.scalars(query).all()

    def age(self, session_id: str, days: float, **also: Any) -> None:
        """Have a session's job begin, and end if it did, so many days earlier."""
        past = {
            name: self._status.c[name] - int(days * 86_400_000) for name in ("created_at", "updated_at", "completed_at")
        }
        statement = self._status.update().where(self._status.c.workflow_uuid == workflow(session_id))
        with self._engine.begin() as connection:
            connection.execute(statement.values(past | also))


@contextmanager
def job_tables(store: Store) -> Iterator[JobTables]:
    """The tables of a record whose jobs have run before."""
    one = JobTables(store)
    try:
        yield one
    finally:
        one.close()


def workflow(session_id: str) -> str:
    """What a session's job is called."""
    return jobs._workflow(session_id)
