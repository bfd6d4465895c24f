"""Whose job is whose: several configs on one database, a config that has changed, a job that an older version began."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dbos import DBOS
from loguru import logger

from core.billing.usage import Counted
from core.events import (
    CallBilled,
    CallEnded,
    ProblemSeen,
    UsageReported,
    VerdictGiven,
    WebhookDelivered,
    WebhookFailed,
)
from core.text_answer import TextModelError
from pipeline.config.resolved import Config
from pipeline.jobs import session_jobs
from pipeline.jobs import worker as jobs
from pipeline.record.models import SessionRecord, StoreError
from pipeline.record.store import Store
from support.examples import Oracle
from support.jobs import (
    ANSWER,
    LONG,
    REPORTED,
    config,
    events_of,
    finished,
    job_tables,
    over,
    quick,
    store,
    worked,
)
from support.receiver import Receiver, receiving
from support.record import numbered, opening, until

__all__ = ["quick", "store"]

pytestmark = [pytest.mark.real_time, pytest.mark.usefixtures("quick")]


async def over_in(store: Store, name: str, config_name: str) -> None:
    """A closed session of a config, with a verdict and a delivery pending."""
    await store.open_session(opening(name, config_name=config_name, verdict_pending=True, webhook_pending=True))
    await store.append(name, numbered(REPORTED))


async def left_waiting(store: Store, exam: Config, receiver: Receiver) -> None:
    """A worker has been refused once and has ended while the job waits for the next attempt."""
    async with worked(store, exam):
        await until(lambda: bool(receiver.posted))
        with job_tables(store) as stored:
            await until(lambda: stored.waits("s1"))


async def test_the_jobs_of_each_config_on_a_database_are_done(store: Store, tmp_path: Path) -> None:
    async with receiving() as first, receiving() as second:
        for receiver, name in ((first, "offline"), (second, "baseline"), (first, "offline")):
            exam = replace(config(tmp_path, receiver), name=name)
            session = f"{name}-{len(receiver.posted)}"
            await over_in(store, session, name)
            async with worked(store, exam):

                async def nothing_is_pending(name: str = name) -> bool:
                    return not await store.pending(name)

                await until(nothing_is_pending, timeout=60)
            record = await store.session(session)
            assert record is not None and len(events_of(record, WebhookDelivered)) == 1
    assert (len(first.posted), len(second.posted)) == (2, 1)


async def test_a_config_that_has_changed_meanwhile_goes_on_with_its_jobs(store: Store, tmp_path: Path) -> None:
    await over(store, *REPORTED, webhook=True)
    async with receiving(lambda _: 503) as old, receiving() as new:
        await left_waiting(store, config(tmp_path, old, retries=(1.0,)), old)
        async with worked(store, config(tmp_path, new, retries=(1.0,))):
            record = await finished(store)
    assert (len(old.posted), len(new.posted)) == (1, 1)
    assert [one.attempt for one in events_of(record, WebhookDelivered)] == [2]


async def test_a_job_that_an_older_version_began_begins_anew(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await over(store, *REPORTED, webhook=True)
    answers = [503]
    async with receiving(lambda _: answers[-1]) as receiver:
        exam = config(tmp_path, receiver, retries=(3600.0,))
        with monkeypatch.context() as older:
            settings = jobs._settings
            older.setattr(jobs, "VERSION", "1")
            older.setattr(jobs, "_settings", lambda *given: settings(*given) | {"application_version": "1"})
            await left_waiting(store, exam, receiver)
        answers.append(204)
        async with worked(store, exam):
            record = await finished(store)
    assert [one.attempt for one in events_of(record, WebhookFailed)] == [1]
    assert [one.attempt for one in events_of(record, WebhookDelivered)] == [2]
    assert len({posted.headers["webhook-id"] for posted in receiver.posted}) == 1


@pytest.mark.parametrize("state", ["CANCELLED", "ERROR"])
async def test_a_job_that_ended_without_a_result_begins_anew_and_that_is_said(
    store: Store, tmp_path: Path, state: str
) -> None:
    await over(store, *REPORTED, webhook=True)
    answers, said = [503], list[str]()
    async with receiving(lambda _: answers[-1]) as receiver:
        exam = config(tmp_path, receiver, retries=(3600.0,))
        await left_waiting(store, exam, receiver)
        with job_tables(store) as stored:
            stored.age("s1", 0, status=state)
        answers.append(204)
        handler = logger.add(lambda message: said.append(str(message)), level="WARNING")
        try:
            async with worked(store, exam):
                record = await finished(store)
        finally:
            logger.remove(handler)
    assert len(events_of(record, WebhookDelivered)) == 1
    assert sum(f"The job of session s1 ended ({state}) without a result; it begins anew." in one for one in said) == 1


async def test_a_job_is_begun_anew_in_the_worker_that_saw_it_cancelled(store: Store, tmp_path: Path) -> None:
    await over(store, *REPORTED, webhook=True)
    answers = [503]
    async with receiving(lambda _: answers[-1]) as receiver:
        exam = config(tmp_path, receiver, retries=(1.0, 1.0, 1.0))
        async with worked(store, exam):
            await until(lambda: bool(receiver.posted))
            await DBOS.cancel_workflow_async(jobs._workflow("s1"))
            answers.append(204)
            record = await finished(store)
    assert len(events_of(record, WebhookDelivered)) == 1


async def test_what_goes_wrong_while_jobs_are_begun_is_said_once_and_ends_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, failures, said = jobs.Worker._begin, [0], list[str]()

    async def failing(worker: jobs.Worker, session_id: str) -> None:
        failures[0] += 1
        if failures[0] <= 5:
            raise RuntimeError("a database error")
        await begin(worker, session_id)

    monkeypatch.setattr(jobs.Worker, "_begin", failing)
    await over(store, *REPORTED)
    handler = logger.add(lambda message: said.append(str(message)), level="INFO")
    try:
        async with worked(store, config(tmp_path)):
            await finished(store)
    finally:
        logger.remove(handler)
    assert sum("WARNING" in one and "The pending jobs cannot be begun: a database error" in one for one in said) == 1
    assert sum("This is over: The pending jobs cannot be begun" in one for one in said) == 1


async def test_a_record_that_is_away_uses_up_no_attempt_of_the_text_model(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await over(store, LONG, CallEnded(5.0, "error"))
    read, away = store.session, [StoreError("away", lasting=False)] * 4 + [RuntimeError("an error of ours")] * 2

    async def failing(session_id: str) -> SessionRecord | None:
        if away:
            raise away.pop()
        return await read(session_id)

    monkeypatch.setattr(store, "session", failing)
    async with worked(store, config(tmp_path, answer=ANSWER, failures=len(session_jobs.RETRY_DELAYS))):
        record = await finished(store)
    assert [one.status for one in events_of(record, VerdictGiven)] == ["complete"]
    assert len(Oracle.asked) == len(session_jobs.RETRY_DELAYS) + 1


class Cut(Oracle):
    """A text model whose answer is cut off, or that breaks off and may be asked again."""

    retryable = False

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        self.asked.append(prompt)
        self.session.charge("gemini-2.5-flash", Counted({"text": 1000}, {"text": 100}, 0, False))
        raise TextModelError("the answer was cut off", retryable=self.retryable)


class BrokenOff(Cut):
    retryable = True


@pytest.mark.parametrize(("model", "asked"), [(Cut, 1), (BrokenOff, 3)])
async def test_an_answer_of_no_use_is_billed_and_asked_for_again_only_where_that_may_help(
    store: Store, tmp_path: Path, model: type[Cut], asked: int
) -> None:
    await over(store, LONG, CallBilled(5.0, "0.5", 10, False), CallEnded(5.0, "error"))
    whole = config(tmp_path)
    async with worked(store, replace(whole, stages=(replace(whole.stages[0], cls=model), *whole.stages[1:]))):
        record = await finished(store)
    assert len(Oracle.asked) == asked
    assert len(events_of(record, UsageReported)) == asked
    assert (float(record.usd or 0), record.tokens) == (0.5 + 0.002 * asked, 10 + 1100 * asked)
    assert [one.what for one in events_of(record, ProblemSeen)] == ["the answer was cut off"]
    assert [one.status for one in events_of(record, VerdictGiven)] == ["insufficient"]


async def test_a_receiver_that_was_taken_out_is_said_in_the_log(store: Store, tmp_path: Path) -> None:
    said: list[str] = []
    await over(store, *REPORTED, webhook=True)
    handler = logger.add(lambda message: said.append(str(message)), level="ERROR")
    try:
        async with worked(store, config(tmp_path)):
            await finished(store)
    finally:
        logger.remove(handler)
    sentence = "The result of session s1 could not be delivered: exam.yaml names no receiver any more"
    assert sum(sentence in one for one in said) == 1
