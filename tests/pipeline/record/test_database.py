"""A database that cannot be used is said to be so in one sentence, without the password."""

import asyncio
import os
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from core.events import from_record
from core.events.base import RENAMED
from pipeline.record import database, tables
from pipeline.record.address import parse_url
from pipeline.record.models import StoreError
from pipeline.record.store import Store
from support.former_events import FORMER, as_stored
from support.postgres import PASSWORD
from support.record import OPENED_AT, opening

pytestmark = pytest.mark.real_time


async def refusal(address: str, *, create: bool = True) -> str:
    """The sentence with which a database is refused."""
    with pytest.raises(StoreError) as caught:
        await Store.open(address, create=create, timeout=0.3)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".") and not sentence.endswith("..")
    return sentence


@pytest.mark.parametrize("address", ["", "sessions.db", "postgresql://anna:s3cret@host:port/x"])
def test_an_address_that_cannot_be_read_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(StoreError, match=r"write it like sqlite\+aiosqlite:///sessions\.db") as caught:
        parse_url(address)
    assert "s3cret" not in str(caught.value)


def test_a_database_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(
        StoreError, match=r"There is no database of the kind 'mysql\+aiomysql' here: write sqlite"
    ) as caught:
        parse_url("mysql+aiomysql://anna:s3cret@host/x")
    assert "s3cret" not in str(caught.value)


def test_a_password_that_was_not_encoded_is_not_taken_for_the_host_and_shown() -> None:
    with pytest.raises(StoreError, match="must be written as %40") as caught:
        parse_url("postgresql://anna:s3c@ret@host/x")
    assert "ret@" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///x.db", "sqlite+aiosqlite"),
        ("postgres://host/x", "postgresql+asyncpg"),
        ("postgresql://host/x", "postgresql+asyncpg"),
    ],
)
def test_the_usual_names_of_a_database_will_do(given: str, driver: str) -> None:
    assert parse_url(given).drivername == driver


# --- SQLite


def a_text(file: Path) -> None:
    file.write_text("Dear diary, " * 100)


def a_damaged_one(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE diary (day)")
    file.write_bytes(file.read_bytes()[:100] + b"?" * 4000)


def someone_elses(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE sessions (cookie)")


def a_newer_one(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (a_text, "is not a SQLite database: name another file, or move this one aside"),
        (a_damaged_one, "is damaged: restore a copy"),
        (someone_elses, "already holds tables of other software"),
        (a_newer_one, "was written by a newer version of Colloquy"),
        (Path.mkdir, "cannot be opened: check that its folder exists and may be written"),
    ],
)
async def test_a_file_that_is_no_record_is_refused(make: Callable[[Path], None], sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "sessions.db"
    make(file)
    said = await refusal(f"sqlite:///{file}")
    assert said.startswith(f"The database {file} ") and sentence in said


def test_a_file_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "sessions.db").mkdir()
    for _ in range(20):
        asyncio.run(refusal(f"sqlite:///{tmp_path}/sessions.db"))
        assert [one.name for one in threading.enumerate() if "_connection_worker_thread" in one.name] == []


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    said = await refusal(f"sqlite:///{tmp_path}/no/sessions.db")
    assert said == f"There is no folder {tmp_path}/no for the database sessions.db: make it, or name another."


async def test_a_missing_file_is_not_made_when_only_to_be_read(tmp_path: Path) -> None:
    assert await refusal(f"sqlite:///{tmp_path}/sessions.db", create=False) == (
        f"There is no database {tmp_path}/sessions.db: name the right one, or hold a call first."
    )
    assert os.listdir(tmp_path) == []


async def test_a_locked_file_is_refused_after_a_while(tmp_path: Path) -> None:
    file = tmp_path / "sessions.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert await refusal(f"sqlite:///{file}") == (
        f"The database {file} is locked by another program: close that program and try again."
    )
    other.close()


async def test_a_file_that_others_make_at_the_same_time_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Four processes that open 150 new files in step are refused some 20 times by SQLite itself, which does not wait
    # for its lock while the journal mode changes. Three refusals here stand for that.
    connect, refusals = database._on_connect, 3

    def refuse_at_first(connection: Any, record: Any) -> None:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise sqlite3.OperationalError("database is locked")
        connect(connection, record)

    monkeypatch.setattr(database, "_on_connect", refuse_at_first)
    store = await Store.open(f"sqlite:///{tmp_path}/sessions.db", timeout=20)
    await store.close()
    assert refusals == 0


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's leave to write everywhere."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


async def test_a_file_that_may_not_be_written_is_refused() -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "sessions.db"
        sqlite3.connect(file).close()
        file.chmod(0o444)
        file.parent.chmod(0o555)
        with as_nobody():
            said = await refusal(f"sqlite:///{file}")
        assert said == f"The database {file} may not be written: check the permissions of the file and of its folder."


async def test_a_database_in_memory_will_do_for_a_moment() -> None:
    store = await Store.open("sqlite://")
    await store.open_session(opening("s1"))
    assert [each.id for each in await store.sessions()] == ["s1"] and store.place == "The database in memory"
    await store.close()


# --- PostgreSQL


async def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    said = await refusal("postgresql://anna:s3cret@127.0.0.1:1/x")
    assert said == "PostgreSQL at 127.0.0.1:1/x needs a driver: pip install asyncpg."


async def test_a_postgresql_that_is_not_there_is_refused() -> None:
    said = await refusal("postgresql://anna:s3cret@127.0.0.1:1/x")
    assert said.startswith("PostgreSQL at 127.0.0.1:1/x does not answer (") and "s3cret" not in said


@pytest.mark.parametrize("port", [0, 99999])
async def test_a_port_that_is_none_is_refused(port: int) -> None:
    said = await refusal(f"postgresql://anna:s3cret@127.0.0.1:{port}/x")
    assert "'port' in the database address cannot be honoured: expected a number from 1 to 65535" in said


async def test_a_wrong_password_is_refused_and_not_shown(postgres: str) -> None:
    url = make_url(postgres).set(password="s3cret")
    said = await refusal(url.render_as_string(hide_password=False))
    assert said == f"PostgreSQL at {url.host}:{url.port}/{url.database} refused the user or the password."


async def test_a_database_that_does_not_exist_is_refused(postgres: str) -> None:
    url = make_url(postgres).set(database="nowhere")
    said = await refusal(url.render_as_string(hide_password=False))
    assert 'database "nowhere" does not exist: create it first' in said and PASSWORD not in said


async def test_an_option_that_is_none_is_refused(postgres: str) -> None:
    assert "'colour'" in await refusal(f"{postgres}?colour=red")


# --- the schema


async def test_the_migrations_make_the_tables_we_use(empty_address: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), tables.metadata))

    store = await Store.open(empty_address)
    async with store._database.reading() as connection:
        assert await connection.run_sync(differences) == []
    await store.close()


async def test_sqlite_keeps_references_and_lets_readers_read(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/x.db")
    async with store._database.reading() as connection:
        assert (await connection.exec_driver_sql("PRAGMA foreign_keys")).scalar_one() == 1
        assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one() == "wal"
    await store.close()


async def test_a_database_is_closed_after_the_transaction_that_is_under_way(address: str) -> None:
    opened = database.Database(parse_url(address), timeout=20)
    order: list[str] = []
    sa.event.listen(opened._engine.sync_engine, "engine_disposed", lambda _: order.append("closed"))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with opened.writing() as connection:
            begun.set()
            await go_on.wait()
            await connection.execute(sa.text("SELECT 1"))
        order.append("written")

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        await begun.wait()
        group.create_task(opened.close())
        await asyncio.sleep(0)  # it is being closed now
        go_on.set()
    assert order == ["written", "closed"]


# --- databases of earlier versions

# As revision 0006 has them, as far as these tests write them.
OLD_TEXTS = ("id", "owner", "state", "why", "config_name", "door", "caller", "scored")
OLD_SESSIONS = sa.table(
    "sessions",
    *(
        sa.column(name, sa.Text())
        for name in ("id", "owner", "state", "why", "config_name", "door", "caller", "scored")
    ),
    sa.column("opened_at", tables.Moment()),
    *(sa.column(name, sa.JSON()) for name in ("config", "criteria")),
    *(sa.column(name, sa.Boolean()) for name in ("estimated", "verdict_due", "webhook_due")),
    sa.column("holes", sa.BigInteger()),
)
OLD_EVENTS = sa.table(
    "events",
    *(sa.column(name, sa.Text()) for name in ("session_id", "kind")),
    sa.column("seq", sa.Integer()),
    sa.column("at", sa.Double()),
    sa.column("data", sa.JSON()),
)
# More than the migration rewrites at a time, and names that sort in another way than numbers.
OLD_IDS = [f"s{number}" for number in range(1, 231)]


@asynccontextmanager
async def at_revision(address: str, revision: str) -> AsyncIterator[AsyncConnection]:
    """A connection to a database at a revision, up or down from where it is."""

    def migrate(connection: Connection) -> None:
        config = database._config()
        config.attributes["connection"] = connection
        now = MigrationContext.configure(connection).get_current_revision() or ""
        (command.upgrade if now < revision else command.downgrade)(config, revision)

    opened = database.Database(parse_url(address), timeout=20)
    async with opened.writing() as connection:
        await connection.run_sync(migrate)
        yield connection
    await opened.close()


async def fill(connection: AsyncConnection) -> None:
    """Write what a version before the migration 0007 had recorded."""
    await connection.execute(
        sa.insert(sa.table("owners", sa.column("id"), sa.column("beat"))), [{"id": "o", "beat": 1}]
    )
    same = {"owner": "o", "state": "closed", "config_name": "exam", "caller": "", "scored": "none", "estimated": False}
    sessions = [
        {"id": one, "why": "link given up", "door": "webrtc", "holes": 2, "verdict_due": one == "s7", **same}
        | {"opened_at": OPENED_AT, "config": {"listen": {"use": "webrtc"}}, "criteria": [], "webhook_due": False}
        for one in OLD_IDS
    ]
    await connection.execute(sa.insert(OLD_SESSIONS), sessions)
    events = [
        {"session_id": one, "seq": seq, "at": data["at"], "kind": kind, "data": data}
        for one in OLD_IDS
        for seq, (kind, data, _) in enumerate(FORMER, 1)
    ]
    await connection.execute(sa.insert(OLD_EVENTS), events)


async def stored(connection: AsyncConnection) -> tuple[list[Any], list[Any]]:
    """All sessions, and all events as the text that is in the database."""
    query = "SELECT session_id, seq, at, kind, CAST(data AS TEXT) FROM events ORDER BY session_id, seq"
    events = (await connection.execute(sa.text(query))).all()
    columns = ", ".join(column.name for column in OLD_SESSIONS.columns)
    sessions = (await connection.execute(sa.text(f"SELECT {columns} FROM sessions ORDER BY id"))).all()
    return list(sessions), list(events)


async def test_the_names_in_a_database_of_an_earlier_version_become_those_of_today(empty_address: str) -> None:
    async with at_revision(empty_address, "0006") as connection:
        await fill(connection)
    store = await Store.open(empty_address)
    assert len(await store.sessions(limit=1000)) == len(OLD_IDS)
    for session_id in (OLD_IDS[0], *OLD_IDS[95:105], OLD_IDS[-1]):
        record = await store.session(session_id)
        assert record is not None
        assert (record.transport, record.gaps, record.why) == ("webrtc", 2, "connection given up")
        assert [from_record(one.kind, one.data) for one in record.events] == [event for _, _, event in FORMER]
        assert [(one.kind, one.data) for one in record.events] == [as_stored(event) for _, _, event in FORMER]
        assert [list(one.data) for one in record.events] == [list(as_stored(event)[1]) for _, _, event in FORMER]
    assert await store.pending("exam") == ["s7"]
    async with store._database.reading() as connection:
        kinds = set((await connection.execute(sa.select(tables.events.c.kind).distinct())).scalars())
        whys = set((await connection.execute(sa.select(tables.sessions.c.why).distinct())).scalars())
    assert kinds == {rename.kind for rename in RENAMED.values()} and whys == {"connection given up"}
    await store.close()


async def test_a_database_goes_back_to_an_earlier_version_as_it_was(empty_address: str) -> None:
    async with at_revision(empty_address, "0006") as connection:
        await fill(connection)
        before = await stored(connection)
    async with at_revision(empty_address, "0007"):
        pass
    async with at_revision(empty_address, "0006") as connection:
        assert await stored(connection) == before
    async with at_revision(empty_address, "0007") as connection:

        def differences(connection: Connection) -> list[object]:
            return list(compare_metadata(MigrationContext.configure(connection), tables.metadata))

        assert await connection.run_sync(differences) == []


def test_the_migration_and_the_reading_of_old_files_rename_alike() -> None:
    def plain(renames: Mapping[str, Any]) -> dict[str, tuple[str, dict[str, str], dict[tuple[str, str], str]]]:
        return {old: (one.kind, dict(one.fields), dict(one.values)) for old, one in renames.items()}

    migration = ScriptDirectory.from_config(database._config()).get_revision("0007").module
    assert plain(migration.EVENTS) == plain(RENAMED)
