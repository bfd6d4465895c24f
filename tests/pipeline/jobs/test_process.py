"""The worker's process beside a server: it runs while the server does, and is started again when it dies."""

import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from core.events import CallEnded
from pipeline.cli.main import main
from pipeline.config.loading import load
from pipeline.jobs import process
from pipeline.jobs.process import jobs_process
from pipeline.record.process_id import ProcessId, is_gone
from pipeline.record.store import Store
from support.record import numbered, opening, until

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(400)]

RUBRIC = Path(__file__).parents[3] / "configs" / "rubrics" / "speaking.yaml"


async def over(store: Store, name: str, config_name: str = "exam") -> None:
    """A closed session whose verdict is pending, which needs no model."""
    await store.open_session(opening(name, config_name=config_name, verdict_pending=True))
    await store.append(name, numbered([CallEnded(1.0, "caller left")]))


async def worker(store: Store) -> ProcessId:
    async with store._database.reading() as connection:
        return ProcessId.parse((await connection.exec_driver_sql("SELECT owner FROM workers")).scalar_one())


async def test_the_jobs_run_beside_a_server_and_are_started_again_when_they_die(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "RESTART_AFTER", 0.1)
    monkeypatch.chdir(tmp_path)  # a server runs anywhere
    address = "sqlite+aiosqlite:///sessions.db"
    data = {"stages": [{"use": "scoring", "rubric": str(RUBRIC)}], "database": address}
    (tmp_path / "exam.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    store = await Store.open(address)

    async def nothing_is_pending() -> bool:
        return not await store.pending("exam")

    async with jobs_process(load(Path("exam.yaml"))):
        await over(store, "first")
        await until(nothing_is_pending, timeout=150)
        first = await worker(store)
        os.kill(first.pid, signal.SIGKILL)
        await over(store, "second")
        await until(nothing_is_pending, timeout=150)
        second = await worker(store)
        await over(store, "last")
    assert first != second and is_gone(first) and is_gone(second)
    assert await nothing_is_pending(), "what was pending when the server ended was done first"
    await store.close()


async def test_the_jobs_of_two_configs_are_done_side_by_side_on_one_database(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = await Store.open(address)
    data = {"stages": [{"use": "scoring", "rubric": str(RUBRIC)}], "database": address}
    async with AsyncExitStack() as servers:
        for name in ("offline", "baseline"):
            (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
            await over(store, name, config_name=name)
            await servers.enter_async_context(jobs_process(load(Path(f"{name}.yaml"))))

        async def nothing_is_pending() -> bool:
            return not [*await store.pending("offline"), *await store.pending("baseline")]

        await until(nothing_is_pending, timeout=150)
    for name in ("offline", "baseline"):
        record = await store.session(name)
        assert record is not None and [one.kind for one in record.events].count("VerdictGiven") == 1
    await store.close()


async def test_a_config_whose_file_name_is_not_utf8_has_jobs_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    address, file = "sqlite+aiosqlite:///sessions.db", Path(os.fsdecode(b"exam\xff.yaml"))
    data = {"stages": [{"use": "scoring", "rubric": str(RUBRIC)}], "database": address}
    file.write_text(yaml.safe_dump(data))  # noqa: ASYNC240
    config = load(file)
    assert config.name == "exam\\xff"
    store = await Store.open(address)
    await over(store, "s1", config_name=config.name)

    async def nothing_is_pending() -> bool:
        return not await store.pending(config.name)

    async with jobs_process(config):
        await until(nothing_is_pending, timeout=150)
    await store.close()


def test_a_config_that_scores_nothing_has_no_jobs(tmp_path: Path) -> None:
    (tmp_path / "exam.yaml").write_text("stages:\n  - use: resampler\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["jobs", str(tmp_path / "exam.yaml")])
    assert result.exit_code == 2
    assert "nothing is scored, so there is nothing to do; add the stage `scoring`." in result.stderr
