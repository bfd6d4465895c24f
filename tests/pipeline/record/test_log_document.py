"""docs/log.md tells the truth: every column is in it, and every query runs as it stands."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from pipeline.record import tables
from pipeline.record.store import Store
from support.record import EXAM, numbered, opening

pytestmark = pytest.mark.real_time

DOCUMENT = (Path(__file__).parents[3] / "docs" / "log.md").read_text("utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.mark.parametrize("table", tables.metadata.tables)
def test_every_column_is_documented(table: str) -> None:
    section = re.search(rf"^### {table}\n(.*?)(?=^##)", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert section is not None
    named = re.findall(r"^\| (`.*?) \|", section[1], re.MULTILINE)
    assert [name.strip("`") for names in named for name in names.split(", ")] == list(
        tables.metadata.tables[table].c.keys()
    )


async def test_every_query_runs_and_finds_something(address: str) -> None:
    store = await Store.open(address)
    await store.open_session(opening("s1", arm="pause", experiment="flush"))
    await store.append("s1", numbered(EXAM))
    assert len(QUERIES) == 8
    for query in QUERIES:
        async with store._database.writing() as connection:
            result = await connection.execute(text(query))
            assert result.rowcount == 1 if "DELETE" in query else result.all(), query
    assert await store.session("s1") is None
    await store.close()
