"""One database of the record: its URL, its connections, its schema, and its errors as sentences."""

import asyncio
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite
from alembic.util import CommandError
from sqlalchemy import URL, AsyncAdaptedQueuePool, Connection, Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    DataError,
    IntegrityError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pipeline.record.address import asyncpg_dsn, asyncpg_url, connect_timeout, libpq_url
from pipeline.record.models import StoreError

# A piece of a database's message -> what to do about it. The first that is found counts.
_SENTENCES = (
    ("unable to open database file", "{place} cannot be opened: check that its folder exists and may be written"),
    ("file is not a database", "{place} is not a SQLite database: name another file, or move this one aside"),
    ("malformed", "{place} is damaged: restore a copy, or move it aside and a new one is made"),
    ("database is locked", "{place} is locked by another program: close that program and try again"),
    ("readonly database", "{place} may not be written: check the permissions of the file and of its folder"),
    ("database or disk is full", "{place} cannot grow: the disk is full"),
    (
        "Can't locate revision",
        "{place} was written by a newer version of Colloquy: use that version or another database",
    ),
    ("already exists", "{place} already holds tables of other software: give Colloquy a database of its own"),
    ("password authentication failed", "{place} refused the user or the password"),
    ("does not exist", "{place}: {message}: create it first"),
    ("closed in the middle of operation", "{place} went away"),
)

# Any number will do as long as nobody else on the server uses it: "Colloquy" as eight bytes.
_UPGRADE_LOCK = int.from_bytes(b"Colloquy") % 2**63

# Seconds beyond its timeout that a transaction may still take when the database is to be closed.
CLOSE_MARGIN = 1.0

# alembic keeps the running migration in a module-wide variable, so one at a time in this process.
_ALEMBIC = threading.Lock()


class Database:
    """The connections of one database, opened with its schema up to date."""

    def __init__(self, url: URL, *, timeout: float) -> None:
        self.url = url
        self.sqlite = url.get_backend_name() == "sqlite"
        self._timeout = timeout
        # SQLite has one writer. Waiting for it here is fair; waiting in the file is not.
        self._write_lock = asyncio.Lock()
        self._transactions = 0  # under way, or waiting for their turn
        self._idle = asyncio.Event()
        try:
            self._engine = self._make_engine()
        except ModuleNotFoundError as error:
            raise StoreError(f"{self.place} needs a driver: pip install {error.name}.") from error

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for PostgreSQL and for a database in memory."""
        name = self.url.database
        return Path(name).absolute() if self.sqlite and name and name != ":memory:" else None

    @property
    def place(self) -> str:
        """The database in an error or a log, without user and password."""
        if self.sqlite:
            return f"The database {self.url.database or 'in memory'}"
        host = self.url.host or self.url.query.get("host") or "this machine"
        return f"PostgreSQL at {host}{f':{self.url.port}' if self.url.port else ''}/{self.url.database or ''}"

    @property
    def jobs_address(self) -> str:
        """The database for DBOS, which works without asyncio: a file beside the SQLite file, or the same PostgreSQL."""
        if self.file is not None:
            url = URL.create("sqlite", database=f"{self.file}-jobs")
        elif self.sqlite:
            raise StoreError("The jobs need a database that outlives a process: name a file instead of memory.")
        else:
            url = libpq_url(self.url)
        return url.render_as_string(hide_password=False)

    @property
    def jobs_arguments(self) -> dict[str, Any]:
        """What psycopg, of DBOS, is to be told beside that address."""
        if self.sqlite:
            return {}
        # Never prepared, as above; DBOS would give its own name, which goes before the address's.
        name = self.url.query.get("application_name")
        return {"prepare_threshold": None, **({"application_name": name} if name else {})}

    async def prepare(self, *, create: bool) -> None:
        """Make sure that the database is there and its schema is ours."""
        try:
            await self._prepare(create)
        except (TypeError, ValueError, OverflowError) as error:
            # Drivers take the query of a URL as arguments, and fail with these on one that they do not know.
            raise StoreError(
                f"{self.place} cannot be used with the options of its address: {_message(error)}."
            ) from error

    async def _prepare(self, create: bool) -> None:
        with self.faults():
            if self.file is not None:
                await self._prepare_file(self.file, create)
            async with self._engine.connect() as connection:
                current = await connection.run_sync(_is_current)
            if not current:
                await self._upgrade()

    async def close(self) -> None:
        """Close every connection, once the transactions under way are over: the pool knows only of the others."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timeout + CLOSE_MARGIN):
                while self._transactions:
                    self._idle.clear()
                    await self._idle.wait()
        await self._engine.dispose()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees the database as of one moment."""
        options = {} if self.sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._transaction(), self.faults():
            async with self._engine.connect() as connection:
                await connection.execution_options(**options)
                async with connection.begin():
                    yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at its end. On SQLite it is the only one that writes, from its beginning."""
        with self._transaction(), self.faults():
            if self.sqlite:
                async with self._write_lock, self._engine.connect() as connection:
                    await connection.execution_options(begin="BEGIN IMMEDIATE")
                    async with connection.begin():
                        yield connection
            else:
                async with self._engine.begin() as connection:
                    yield connection

    async def clock(self, connection: AsyncConnection) -> int:
        """Seconds since 1970 by the database's clock, which is the same for all who share it."""
        now = "strftime('%s', 'now')" if self.sqlite else "extract(epoch from clock_timestamp())"
        return (await connection.execute(text(f"SELECT CAST({now} AS BIGINT)"))).scalar_one()

    def upsert(self, table: Table, row: dict[str, Any]) -> Any:
        """A statement that puts the row in place of the one with its key, if there is one."""
        keys = list(table.primary_key)
        return self._insert(table).values(row).on_conflict_do_update(index_elements=keys, set_=row)

    def insert_new(self, table: Table, row: dict[str, Any]) -> Any:
        """A statement that adds the row unless there is one with its key."""
        return self._insert(table).values(row).on_conflict_do_nothing()

    def _insert(self, table: Table) -> Any:
        return (sqlite if self.sqlite else postgresql).insert(table)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._transactions += 1
        try:
            yield
        finally:
            self._transactions -= 1
            self._idle.set()

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Raise what a driver raises as a StoreError of one sentence."""
        try:
            yield
        except StoreError:
            raise
        except (SQLAlchemyError, OSError, TimeoutError, CommandError, *_driver_errors()) as error:
            raise self._sentence(error) from error

    def _sentence(self, error: BaseException) -> StoreError:
        message = _message(getattr(error, "orig", None) or error)
        if self.url.password:
            message = message.replace(self.url.password, "***")
        lasting = isinstance(error, (IntegrityError, DataError, ProgrammingError))
        for excerpt, sentence in _SENTENCES:
            if excerpt in message:
                return StoreError(sentence.format(place=self.place, message=message) + ".", lasting=lasting)
        if not self.sqlite and isinstance(error, (OSError, TimeoutError)):
            return StoreError(
                f"{self.place} does not answer ({message}): check that it runs and that the address is right.",
                lasting=False,
            )
        return StoreError(f"{self.place} failed: {message}.", lasting=lasting)

    def _make_engine(self) -> AsyncEngine:
        common: dict[str, Any] = {
            "hide_parameters": True,  # they are candidates' words, and would be in tracebacks
            "json_serializer": partial(json.dumps, ensure_ascii=False, allow_nan=False),
        }
        if not self.sqlite:
            arguments = {
                "dsn": asyncpg_dsn(self.url),
                "timeout": connect_timeout(self.url) or self._timeout,
                "command_timeout": 30,
                # Behind PgBouncer a statement prepared in one transaction is not there in the next, or is another
                # program's of the same name: each is prepared where it is used, without a name.
                "statement_cache_size": 0,
                "prepared_statement_cache_size": 0,
                "prepared_statement_name_func": str,
            }
            return create_async_engine(asyncpg_url(self.url), pool_pre_ping=True, connect_args=arguments, **common)
        if self.file is None:
            # A database in memory lives as long as its one connection.
            common |= {"poolclass": AsyncAdaptedQueuePool, "pool_size": 1, "max_overflow": 0}
        engine = create_async_engine(self.url, async_creator=self._connect_sqlite, **common)
        event.listen(engine.sync_engine, "connect", _on_connect)
        event.listen(engine.sync_engine, "begin", _on_begin)
        return engine

    async def _connect_sqlite(self) -> Any:
        arguments, options = self._engine.dialect.create_connect_args(self.url)
        connection = aiosqlite.connect(*arguments, **{**options, "timeout": self._timeout})
        connection._thread.daemon = True  # as SQLAlchemy has it, too
        try:
            return await connection
        except BaseException:
            # aiosqlite does not wait for its thread, which would then find a loop that is closed.
            await asyncio.to_thread(connection._thread.join)
            raise

    async def _prepare_file(self, file: Path, create: bool) -> None:
        if not file.parent.is_dir():
            raise StoreError(
                f"There is no folder {file.parent} for the database {file.name}: make it, or name another."
            )
        if not create and not file.exists():  # noqa: ASYNC240 - one look at a local file
            raise StoreError(f"There is no database {self.url.database}: name the right one, or hold a call first.")
        # Of two that switch the same new file to WAL one is refused: SQLite does not wait here as elsewhere.
        loop = asyncio.get_running_loop()
        until = loop.time() + self._timeout
        while True:
            try:
                async with self._engine.connect():
                    return
            except Exception as error:
                if "locked" not in str(error) or loop.time() > until:
                    raise
            await asyncio.sleep(0.05)

    async def _upgrade(self) -> None:
        while not _ALEMBIC.acquire(blocking=False):  # noqa: ASYNC110 - other threads hold it too
            await asyncio.sleep(0.02)
        try:
            async with self.writing() as connection:
                if not self.sqlite:
                    await connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})"))
                await connection.run_sync(_migrate)
        finally:
            _ALEMBIC.release()


def _on_connect(connection: Any, _: object) -> None:
    # Leave transactions to us: Python's own handling begins them late, and never for a SELECT or a CREATE TABLE.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = FULL")  # what is committed survives a power cut
        cursor.execute("PRAGMA journal_mode")
        # Readers and the one writer do not wait for each other. The mode stays with the file; memory has its own.
        if cursor.fetchone() not in (("wal",), ("memory",)):
            cursor.execute("PRAGMA journal_mode = WAL")
    except BaseException:
        connection.close()  # the pool forgets a connection that failed here
        raise
    cursor.close()


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def _is_current(connection: Connection) -> bool:
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    heads = ScriptDirectory.from_config(_config()).get_heads()
    return MigrationContext.configure(connection).get_current_heads() == tuple(heads)


def _migrate(connection: Connection) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _message(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")


def _driver_errors() -> tuple[type[Exception], ...]:
    """What drivers raise beside SQLAlchemy's own, mostly while connecting."""
    found: list[type[Exception]] = [sqlite3.Error]
    with suppress(ImportError):
        from asyncpg import InterfaceError, PostgresError

        found += [PostgresError, InterfaceError]
    return tuple(found)
