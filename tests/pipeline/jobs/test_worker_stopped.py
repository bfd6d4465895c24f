"""A worker that is asked to stop: it does what can be done at once, and leaves the rest to the next one."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.events import WebhookDelivered, WebhookFailed
from pipeline.config.resolved import Config
from pipeline.jobs import session_jobs
from pipeline.jobs import worker as jobs
from pipeline.record.store import Store
from support.jobs import REPORTED, config, events_of, finished, job_tables, over, quick, store, worked
from support.receiver import HANG, Posted, receiving
from support.record import until

__all__ = ["quick", "store"]

pytestmark = [pytest.mark.real_time, pytest.mark.usefixtures("quick")]

LONG_ENOUGH = 60.0  # seconds that no test is to wait


async def stopped(store: Store, exam: Config) -> tuple[int, float]:
    """A worker that is stopped as soon as it has begun: how much it leaves, and how long it took."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    stop.set()
    began = loop.time()
    left = await jobs.work(store, exam, stop)
    return left, loop.time() - began


async def test_what_is_pending_is_delivered_before_the_worker_ends(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LAST_SWEEPS", LONG_ENOUGH)
    await over(store, *REPORTED, webhook=True)
    async with receiving() as receiver:
        assert (await stopped(store, config(tmp_path, receiver)))[0] == 0
    with job_tables(store) as stored:
        assert stored.status("s1") == "SUCCESS", "DBOS was not taken away before it had noted that"
    record = await store.session("s1")
    assert record is not None and len(events_of(record, WebhookDelivered)) == len(receiver.posted) == 1


async def test_a_delivery_under_way_is_waited_for(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LAST_SWEEPS", LONG_ENOUGH)
    stop = asyncio.Event()

    def decide(_: Posted) -> int:
        stop.set()  # while the receiver has the message and has not answered
        return 204

    await over(store, *REPORTED, webhook=True)
    async with receiving(decide) as receiver:
        assert await jobs.work(store, config(tmp_path, receiver), stop) == 0
    record = await store.session("s1")
    assert record is not None and len(events_of(record, WebhookDelivered)) == len(receiver.posted) == 1


async def test_a_receiver_that_hangs_is_left_to_the_next_start(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LAST_SWEEPS", 3.0)
    monkeypatch.setattr(jobs, "STOP_TIMEOUT", 0.5)
    answers = [HANG]
    await over(store, *REPORTED, webhook=True)
    async with receiving(lambda _: answers[-1]) as receiver:
        exam = config(tmp_path, receiver)  # it would be waited for 20 s
        left, took = await stopped(store, exam)
        assert left == 1 and took < 15
        answers.append(204)
        async with worked(store, exam):
            record = await finished(store)
    assert len(receiver.posted) == 2 and len({posted.headers["webhook-id"] for posted in receiver.posted}) == 1
    assert [one.attempt for one in events_of(record, WebhookDelivered)] == [1]


async def test_a_long_wait_is_not_waited_for_by_the_next_worker(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LAST_SWEEPS", LONG_ENOUGH)
    await over(store, *REPORTED, webhook=True)
    async with receiving(lambda _: 503) as receiver:
        exam = config(tmp_path, receiver, retries=(3600.0,))
        before = asyncio.all_tasks()
        for _ in range(2):  # the second one finds the wait begun
            left, took = await stopped(store, exam)
            assert left == 1 and took < LONG_ENOUGH / 2
            # What went on would do beside the next worker what that one does.
            await until(lambda: asyncio.all_tasks() <= before)
            with job_tables(store) as stored:
                assert stored.waits("s1")
        assert await jobs.finish(store, exam, LONG_ENOUGH) == 1
    assert len(receiver.posted) == 1


async def test_a_worker_with_nothing_to_do_ends_at_once(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_working", None)
    assert (await stopped(store, config(tmp_path)))[0] == 0


async def test_a_record_that_is_away_does_not_keep_the_worker(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LAST_SWEEPS", LONG_ENOUGH)
    stop = asyncio.Event()
    exam = config(tmp_path)
    working = asyncio.create_task(jobs.work(store, exam, stop))
    looked = asyncio.Event()

    async def away(_: str) -> list[str]:
        looked.set()
        raise jobs.StoreError("away", lasting=False)

    monkeypatch.setattr(store, "pending", away)
    await looked.wait()
    stop.set()
    async with asyncio.timeout(30):
        assert await working == 0


STEPS = ("before the request", "while the receiver has it", "before the record", "after the record")


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_may_be_stopped_at_each_step_of_a_delivery(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, hangs: bool
) -> None:
    monkeypatch.setattr(jobs, "STOP_TIMEOUT", 0.5 if hangs else LONG_ENOUGH)
    stop = asyncio.Event()

    async def at(here: str) -> None:
        if here == step and not stop.is_set():
            stop.set()
            if hangs:
                await asyncio.Event().wait()

    def decide(_: Posted) -> int:
        if step == "while the receiver has it" and not stop.is_set():
            stop.set()
            return HANG if hangs else 204
        return 204

    deliver, add_outcome = session_jobs.deliver, store.add_outcome

    async def delivering(*given: Any) -> Any:
        await at("before the request")
        return await deliver(*given)

    async def adding(session_id: str, job: str, events: Any) -> bool:
        if job == "verdict_pending":
            return await add_outcome(session_id, job, events)
        await at("before the record")
        added = await add_outcome(session_id, job, events)
        await at("after the record")
        return added

    monkeypatch.setattr(session_jobs, "deliver", delivering)
    monkeypatch.setattr(store, "add_outcome", adding)
    await over(store, *REPORTED, webhook=True)
    async with receiving(decide) as receiver:
        exam = config(tmp_path, receiver)
        await jobs.work(store, exam, stop)
        recorded = await store.session("s1")
        assert recorded is not None
        on_record = step == "after the record" or not hangs
        assert len(events_of(recorded, WebhookDelivered)) == on_record
        async with worked(store, exam):
            record = await finished(store)
    assert [one.attempt for one in events_of(record, WebhookDelivered)] == [1]
    assert events_of(record, WebhookFailed) == []
    # One whose outcome was not recorded is repeated, with the same content under the same idempotency key.
    repeated = hangs and step in ("while the receiver has it", "before the record")
    assert len(receiver.posted) == 1 + repeated
    assert len({(posted.headers["webhook-id"], posted.body) for posted in receiver.posted}) == 1
