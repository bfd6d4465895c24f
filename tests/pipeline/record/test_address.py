"""One address, two drivers: the same server with the same options, or a sentence."""

import asyncio

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

from core.events import VerdictGiven
from pipeline.jobs import worker as jobs
from pipeline.jobs.late_scoring import TextModel
from pipeline.record.address import asyncpg_dsn, asyncpg_url, connect_timeout, libpq_url, parse_url
from pipeline.record.models import StoreError
from pipeline.record.store import Store
from support.jobs import REPORTED, config, events_of, finished, over, quick, worked
from support.pgbouncer import pgbouncer
from support.record import numbered, opening

__all__ = ["quick"]


def dialled(address: str) -> tuple[dict[str, object], dict[str, object]]:
    """What the record's driver and that of the jobs are given."""
    url = parse_url(address)
    _, record = asyncpg_dialect.dialect().create_connect_args(asyncpg_url(url))
    _, work = psycopg_dialect.dialect().create_connect_args(libpq_url(url))
    return record, work


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("postgresql://anna:s3@db.example:6432/x", "db.example", 6432),
        ("postgresql://anna:s3@/x?host=db.example&port=6432", "db.example", 6432),
        ("postgresql://anna:s3@/x?host=/tmp/socket", "/tmp/socket", None),
        ("postgresql://anna:s3@db.example/x?port=6432", "db.example", 6432),
        ("postgresql://[::1]:6432/x", "::1", 6432),
        ("postgresql:///x?host=db.example&user=anna&password=s3&dbname=x".replace("/x?", "/?"), "db.example", None),
    ],
)
def test_record_and_jobs_dial_the_same_server(address: str, host: str, port: int | None) -> None:
    record, work = dialled(address)
    for one in (record, work):
        assert one["host"] == host
        assert one.get("port") in ((port, str(port)) if port else (None, ""))
    assert record.get("user") == work.get("user") and record.get("password") == work.get("password")
    assert record.get("database") == work.get("dbname") == "x"


def test_several_hosts_are_tried_by_both_in_the_same_order() -> None:
    record, work = dialled("postgresql://anna@/x?host=a.example,b.example&port=5432,6432")
    assert (record["host"], record["port"]) == (["a.example", "b.example"], [5432, 6432])
    assert (work["host"], work["port"]) == ("a.example,b.example", "5432,6432")


def test_without_a_host_the_jobs_look_where_the_record_does() -> None:
    record, work = dialled("postgresql://anna@/x")
    assert (
        "host" not in record and str(work["host"]).startswith("/run/postgresql,") and "localhost" in str(work["host"])
    )


def test_options_reach_both_drivers() -> None:
    url = parse_url(
        "postgresql://db.example/x?sslmode=verify-full&sslrootcert=/ca.pem&application_name=exams"
        "&connect_timeout=7&channel_binding=prefer&gssencmode=disable&prepared_statement_cache_size=0"
    )
    assert asyncpg_dsn(url) == "postgresql://?sslmode=verify-full&sslrootcert=%2Fca.pem&application_name=exams"
    assert connect_timeout(url) == 7
    assert dict(libpq_url(url).query) == {
        "sslmode": "verify-full",
        "sslrootcert": "/ca.pem",
        "application_name": "exams",
        "connect_timeout": "7",
        "channel_binding": "prefer",
        "gssencmode": "disable",
    }
    assert dict(parse_url("postgresql://h/x?ssl=require").query) == {"sslmode": "require"}


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("channel_binding=require", "leave it out, or write disable or prefer"),
        ("gssencmode=require", "leave it out, or write disable or prefer"),
        ("sslmode=yes", "expected one of disable, allow, prefer"),
        ("ssl=true", "expected one of disable, allow, prefer"),
        ("sslrootcert=system", "needs the file of the certificates"),
        ("connect_timeout=0", "expected 1 to 600"),
        ("connect_timeout=99999999999999999999", "expected 1 to 600"),
        ("colour=red", "what can be said there is application_name, channel_binding"),
        ("keepalives=1", "what can be said there is"),
        ("sslpassword=s3cret", "what can be said there is"),
        ("statement_cache_size=100", "leave it out"),
        ("application_name=a&application_name=b", "it stands there twice"),
        ("host=elsewhere", "the address has it already"),
        ("port=0", "expected a number from 1 to 65535"),
        ("port=99999", "expected a number from 1 to 65535"),
        ("dbname=other", "the address has it already"),
    ],
)
def test_an_option_that_cannot_be_honoured_is_refused_in_a_sentence(option: str, why: str) -> None:
    with pytest.raises(StoreError) as refused:
        parse_url(f"postgresql://db.example/x?{option}")
    sentence = str(refused.value)
    assert why in sentence and sentence.endswith(".") and "s3cret" not in sentence


@pytest.mark.real_time
@pytest.mark.usefixtures("quick")
async def test_a_database_named_by_options_holds_record_and_jobs(postgres: str, tmp_path: object) -> None:
    url = make_url(postgres)
    options = {"host": str(url.host), "port": str(url.port), "sslmode": "prefer", "channel_binding": "prefer"}
    options["application_name"] = "exams"
    named = URL.create("postgresql", url.username, url.password, database=url.database, query=options)
    store = await Store.open(named.render_as_string(hide_password=False))
    await over(store, *REPORTED)
    async with worked(store, config(tmp_path)):  # pyright: ignore[reportArgumentType]
        assert len(events_of(await finished(store), VerdictGiven)) == 1

        def dialled_by() -> set[str]:
            engine = create_engine(store.jobs_address.replace("postgresql:", "postgresql+psycopg:", 1))
            query = text("SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database()")
            with engine.connect() as connection:
                found = set(connection.execute(query).scalars())
            engine.dispose()
            return found

        assert await asyncio.to_thread(dialled_by) == {"exams"}
    await store.close()


@pytest.mark.real_time
@pytest.mark.usefixtures("quick")
async def test_record_and_jobs_work_through_pgbouncer(
    empty_postgres: str, tmp_path: object, require_peers: bool
) -> None:
    async with pgbouncer(empty_postgres, require_peers=require_peers) as address:
        stores = [await Store.open(address) for _ in range(3)]  # each as another process has it
        for number, one in enumerate(stores):
            await one.open_session(opening(f"other{number}"))

        async def append(one: Store, name: str) -> None:
            for seq, event in numbered([*REPORTED[:1]] * 15):
                await one.append(name, [(seq, event)])

        await asyncio.gather(*(append(one, f"other{number}") for number, one in enumerate(stores)))
        await asyncio.gather(*(one.sessions() for one in stores for _ in range(5)))
        for name in ("s1", "s2", "s3"):
            await over(stores[0], *REPORTED, name=name)
        exam = config(tmp_path)  # pyright: ignore[reportArgumentType]
        for _ in range(2):  # the second worker finds the tables of the first
            async with worked(stores[1], exam):
                for name in ("s1", "s2", "s3"):
                    assert len(events_of(await finished(stores[1], name), VerdictGiven)) == 1
        async with jobs._working(stores[2], exam, TextModel()) as worker:
            for _ in range(10):  # more often than psycopg waits before it prepares a statement
                assert await worker.sweep() == 0 and await worker.prune() is False
        for one in stores:
            await one.close()
