"""A real PostgreSQL for the tests that want one: the one named in TEST_POSTGRES_URL, else Debian's, started for them.

`postgres` is the address of a new database of it; `address` runs a test on SQLite too. Both have the tables of the
record already; `empty_postgres` and `empty_address` have none, for tests of how these are made.
"""

import asyncio
import atexit
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest

from support import apt

PASSWORD = "open sesame/@:%"


@pytest.fixture
def postgres(require_peers: bool) -> Iterator[str]:
    """The address of a new database with the tables of the record, dropped afterwards."""
    yield from _database(_server_or_skip(require_peers), migrated=True)


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new database with the tables of the record, of each kind in turn."""
    if request.param == "postgres":
        return request.getfixturevalue("postgres")
    return sqlite(tmp_path)


@pytest.fixture
def empty_postgres(require_peers: bool) -> Iterator[str]:
    """The address of a new database without a table, dropped afterwards."""
    yield from _database(_server_or_skip(require_peers), migrated=False)


@pytest.fixture(params=["sqlite", "postgres"])
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new database without a table, of each kind in turn."""
    return request.getfixturevalue("empty_postgres") if request.param == "postgres" else _sqlite(tmp_path)


def sqlite(folder: Path) -> str:
    """The address of a new SQLite database in a folder, with the tables of the record."""
    shutil.copy(_migrated_file(), folder / "sessions.db")
    return _sqlite(folder)


def _sqlite(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/sessions.db"


def _server_or_skip(require_peers: bool) -> str:
    server = _server()
    if not server.startswith("postgresql"):
        (pytest.fail if require_peers else pytest.skip)(f"no PostgreSQL: {server}")
    return server


def _database(server: str, *, migrated: bool) -> Iterator[str]:
    name = f"colloquy_test_{uuid4().hex[:12]}"
    template = f" TEMPLATE {_template(server)}" if migrated else ""
    asyncio.run(_execute(server, f"CREATE DATABASE {name}{template}"))
    yield _address(server, name)
    asyncio.run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


@cache
def _template(server: str) -> str:
    """A database with the tables of the record: a copy of it takes half the time of the migrations."""
    name = f"colloquy_template_{uuid4().hex[:12]}"
    asyncio.run(_execute(server, f"CREATE DATABASE {name}"))
    # In the order of exit handlers this comes before the end of the server.
    atexit.register(lambda: asyncio.run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)")))
    asyncio.run(_migrate(_address(server, name)))
    return name


@cache
def _migrated_file() -> Path:
    """A SQLite file with the tables of the record."""
    folder = Path(tempfile.mkdtemp(prefix="colloquy-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    asyncio.run(_migrate(_sqlite(folder)))
    return folder / "sessions.db"


async def _migrate(address: str) -> None:
    from pipeline.record.store import Store

    store = await Store.open(address)
    await store.close()


def _address(server: str, name: str) -> str:
    from sqlalchemy import make_url

    return make_url(server).set(drivername="postgresql+asyncpg", database=name).render_as_string(hide_password=False)


async def _execute(server: str, statement: str) -> None:
    import asyncpg

    connection = await asyncpg.connect(server.replace("+asyncpg", ""))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@cache
def _server() -> str:
    """The address of a server, or the reason why there is none."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        return given
    if (programs := _programs()) is None and apt.can_install():
        apt.install("postgresql")
        programs = _programs()
    if programs is None:
        return "initdb is not installed, and apt-get install postgresql needs root and Debian's packages"
    try:
        return _start(programs)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or getattr(error, "stdout", None) or ""
        return f"it does not start: {error} {said}".strip()


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return debian[-1].parent if debian else None


def _start(programs: Path) -> str:
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="colloquy-postgres-"))
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if prefix:
        shutil.chown(folder, "postgres")
        shutil.chown(secret, "postgres")
    data = folder / "data"
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret, "-N"]
    # No locale of the machine: databases then sort and compare alike everywhere.
    _run([*prefix, *initdb, "-E", "UTF8", "--no-locale"])
    port = free_port()
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=50"
    log = folder / "log"
    _run([*prefix, programs / "pg_ctl", "-D", data, "-l", log, "-w", "-t", "60", "-o", settings, "start"])
    atexit.register(_stop, folder)
    from sqlalchemy import URL

    return URL.create("postgresql", "postgres", PASSWORD, "127.0.0.1", port, "postgres").render_as_string(
        hide_password=False
    )


def _run(command: list[str | Path]) -> None:
    # pg_ctl hands its output on to the server, so a pipe would stay open; a file does not make us wait.
    with tempfile.TemporaryFile("w+") as said:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=120, cwd="/")
        if done.returncode:
            said.seek(0)
            raise subprocess.CalledProcessError(done.returncode, str(command[-1]), said.read())


def _stop(folder: Path) -> None:
    process = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(process, signal.SIGQUIT)  # immediate shutdown: nothing in it is wanted any more
    for _ in range(100):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
