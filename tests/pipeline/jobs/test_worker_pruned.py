"""What DBOS stores of jobs that are done is pruned; neither a job under way nor a delivery suffers."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from dbos import DBOS, SetWorkflowID

from core.events import WebhookDelivered
from pipeline.config.file import JobsSettings
from pipeline.config.resolved import Config
from pipeline.jobs import worker as jobs
from pipeline.jobs.late_scoring import TextModel
from pipeline.record.store import Store
from support.jobs import REPORTED, config, events_of, finished, job_tables, over, quick, store, worked, workflow
from support.receiver import receiving
from support.record import until

__all__ = ["quick", "store"]

pytestmark = [pytest.mark.real_time, pytest.mark.usefixtures("quick")]


async def done(store: Store, exam: Config, *names: str) -> None:
    """Sessions whose jobs were done just now."""
    for name in names:
        await over(store, *REPORTED, name=name)
    async with worked(store, exam):
        for name in names:
            await finished(store, name)
        with job_tables(store) as stored:

            async def all_ended() -> bool:
                return {await asyncio.to_thread(stored.status, name) for name in names} == {"SUCCESS"}

            await until(all_ended)


async def test_jobs_done_long_ago_are_pruned_and_those_under_way_are_not(store: Store, tmp_path: Path) -> None:
    down, up = 503, 204
    answers = [down]
    async with receiving(lambda _: answers[-1]) as receiver:
        exam = config(tmp_path, receiver, retries=(2.0,) * 9)
        await done(store, exam, "old", "young", "foreign")
        await over(store, *REPORTED, name="under way", webhook=True)
        with job_tables(store) as stored:
            async with worked(store, exam):

                async def it_waits() -> bool:
                    return await asyncio.to_thread(stored.waits, "under way")

                await until(it_waits)
            stored.age("old", 31)
            stored.age("young", 29)
            stored.age("under way", 400)
            stored.age("foreign", 400, application_name="jobs-of-another-config")
            there = {name: stored.rows(name) for name in ("young", "under way", "foreign")}
            assert stored.rows("old") >= 4, "its state, its input, its outcome and its steps"
            async with worked(store, exam):

                async def it_is_gone() -> bool:
                    return await asyncio.to_thread(stored.rows, "old") == 0

                await until(it_is_gone)
                assert stored.rows("young") == there["young"] and stored.rows("foreign") == there["foreign"]
                assert stored.status("under way") in ("ENQUEUED", "PENDING")
                assert stored.rows("under way") >= there["under way"]
                answers.append(up)
                record = await finished(store, "under way")
    assert len(events_of(record, WebhookDelivered)) == 1, "it went on where it was"


async def test_a_delivery_that_is_pruned_is_not_repeated(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PRUNE_EVERY", 0.0)
    await over(store, *REPORTED, webhook=True)
    async with receiving() as receiver:
        exam = replace(config(tmp_path, receiver), jobs=JobsSettings(keep_days=1e-9))
        async with worked(store, exam):
            await finished(store)
            with job_tables(store) as stored:

                async def it_is_gone() -> bool:
                    return await asyncio.to_thread(stored.rows, "s1") == 0

                await until(it_is_gone)
        async with jobs._working(store, exam, TextModel()) as worker:
            assert await worker.sweep() == 0, "the record says that nothing is pending"
            # A sweep that had looked before the delivery was written down would begin the job anew.
            with SetWorkflowID(workflow("s1")):
                late = await DBOS.start_workflow_async(jobs._finish_session, "s1")
            await late.get_result()
    assert len(receiver.posted) == 1
    record = await store.session("s1")
    assert record is not None and len(events_of(record, WebhookDelivered)) == 1


async def test_workers_prune_the_same_jobs_in_batches_side_by_side(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "PRUNED_AT_ONCE", 2)
    exam, names = config(tmp_path), ("a", "b", "c", "d", "e")
    await done(store, exam, *names)
    with job_tables(store) as stored:
        for name in names:
            stored.age(name, 31)
        left = len(names)
        async with jobs._working(store, exam, TextModel()) as worker:
            while left:
                more = await asyncio.gather(worker.prune(), worker.prune())
                before, left = left, sum(stored.rows(name) > 0 for name in names)
                # Of the same batch, or of one after the other: two jobs at least, and four at most.
                assert max(before - 4, 0) <= left <= max(before - 2, 0)
                assert any(more) or left == 0, "there may be more, and nobody says so"
            assert await worker.prune() is False


async def test_jobs_that_cannot_be_pruned_do_not_end_the_work(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[str] = []

    async def failing(*_: object, **__: object) -> None:
        failures.append("away")
        raise RuntimeError("the database is locked")

    monkeypatch.setattr(DBOS, "list_workflows_async", failing)
    monkeypatch.setattr(jobs, "PRUNE_EVERY", 0.0)
    async with worked(store, config(tmp_path)):

        async def it_failed() -> bool:
            return bool(failures)

        await until(it_failed)
        await over(store, *REPORTED)
        await finished(store)
