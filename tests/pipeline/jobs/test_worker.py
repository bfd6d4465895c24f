"""The jobs after a call: each session gets one verdict and one delivery, whatever fails meanwhile."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from loguru import logger

from core.events import (
    CallBilled,
    CallEnded,
    Event,
    ProblemSeen,
    ScoreRefused,
    ToolCalled,
    TranscriptCheckpointed,
    UsageReported,
    UtteranceSpoken,
    VerdictGiven,
    WebhookDelivered,
    WebhookFailed,
)
from core.stages import StageInfo
from pipeline.jobs import worker as jobs
from pipeline.record import tables
from pipeline.record.models import SessionRecord, StoreError
from pipeline.record.process_id import ProcessId, this_process
from pipeline.record.store import FIRST_JOB_SEQ, Store
from processors.stage import StageSettings
from support.examples import Oracle
from support.jobs import (
    ALL,
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
from support.receiver import SECRET, receiving
from support.record import numbered, opening, said, until

__all__ = ["quick", "store"]

pytestmark = [pytest.mark.real_time, pytest.mark.usefixtures("quick")]


async def test_a_call_that_was_reported_and_not_judged_gets_its_verdict(store: Store, tmp_path: Path) -> None:
    await over(store, LONG, *REPORTED)
    async with worked(store, config(tmp_path)):
        record = await finished(store)
    (verdict,) = events_of(record, VerdictGiven)
    assert (verdict.status, verdict.at) == ("complete", 5.0)
    assert {score.criterion: (score.value, score.source) for score in record.scores} == {
        "fluency": (6.0, "call"),
        "grammar": (7.0, "call"),
    }
    assert (record.scored, record.seconds, record.why) == ("complete", 5.0, "caller left")
    assert min(one.seq for one in record.events if one.kind == "VerdictGiven") >= FIRST_JOB_SEQ
    assert Oracle.asked == []


async def test_what_nobody_said_is_asked_of_the_text_model_and_billed(store: Store, tmp_path: Path) -> None:
    await over(store, LONG, CallBilled(5.0, "0.5", 10, False), CallEnded(5.0, "error"))
    async with worked(store, config(tmp_path, answer=ANSWER)):
        record = await finished(store)
    (verdict,) = events_of(record, VerdictGiven)
    assert verdict.status == "complete"
    assert {score.source for score in record.scores} == {"text"}
    assert [used.at for used in events_of(record, UsageReported)] == [5.0]
    assert (str(record.usd), record.tokens) == ("0.502", 1110)
    assert "I am what I am" in Oracle.asked[0]


async def test_too_little_to_judge_is_said_and_nobody_is_asked(store: Store, tmp_path: Path) -> None:
    await over(store, said("Hello?"))
    await store.close_orphans(owner=ProcessId("elsewhere", 1, "1"))
    assert await store.pending("exam") == [], "its process lives"
    await store.append("s1", [(2, CallEnded(2.0, "caller left"))])
    async with worked(store, config(tmp_path, answer=ANSWER)):
        record = await finished(store)
    (verdict,) = events_of(record, VerdictGiven)
    assert (verdict.status, record.scored) == ("insufficient", "none")
    assert [score.why for score in record.scores] == ["not enough evidence"] * 2
    assert Oracle.asked == []


async def died(store: Store, *events: Event) -> None:
    """A session whose process was killed after these events."""
    await store.open_session(opening("s1", config_name="exam", verdict_pending=True))
    await store.append("s1", numbered(events))
    dead = str(replace(this_process(), started="long ago"))
    async with store._database.writing() as connection:
        await connection.execute(tables.owners.insert().values(id=dead, beat=0))
        await connection.execute(tables.sessions.update().values(owner=dead))
    assert await store.close_orphans() == ["s1"]


async def test_what_was_being_said_when_the_process_died_counts(store: Store, tmp_path: Path) -> None:
    await died(
        store,
        TranscriptCheckpointed(1.0, "examiner", "What are", 0.0, 1.0),
        UtteranceSpoken(2.0, "examiner", "What are you?", 0.0, 2.0),
        TranscriptCheckpointed(4.0, "caller", "I am what I", 3.0, 4.0),
        TranscriptCheckpointed(5.0, "caller", LONG.text, 3.0, 5.0),
        TranscriptCheckpointed(7.0, "examiner", "Your scores are: fluency 6, grammar 7", 5.5, 7.0),
    )
    async with worked(store, config(tmp_path, answer={"grammar": ANSWER["grammar"]})):
        record = await finished(store)
    assert {score.criterion: (score.value, score.source) for score in record.scores} == {
        "fluency": (6.0, "speech"),
        "grammar": (7.0, "text"),
    }
    assert [(one.speaker, one.text, one.partial) for one in record.utterances] == [
        ("examiner", "What are you?", False),
        ("caller", LONG.text, True),
        ("examiner", "Your scores are: fluency 6, grammar 7", True),
    ]


async def test_checkpoints_of_a_recorded_utterance_are_left_out(store: Store, tmp_path: Path) -> None:
    await died(
        store,
        UtteranceSpoken(5.0, "caller", LONG.text, 3.0, 5.0),
        TranscriptCheckpointed(5.5, "caller", "I am what I am", 3.0, 4.0),  # the second transcriber was waited for
        TranscriptCheckpointed(2.0, "caller", "A reply that was suppressed.", 1.0, 2.0),
    )
    async with worked(store, config(tmp_path, answer=ANSWER)):
        record = await finished(store)
    assert [one.text for one in record.utterances] == [LONG.text]


async def test_what_was_cut_short_by_the_end_of_the_call_stays_so(store: Store, tmp_path: Path) -> None:
    await over(store, TranscriptCheckpointed(2.0, "examiner", "fluency 9", 1.0, 2.0), *REPORTED)
    async with worked(store, config(tmp_path)):
        record = await finished(store)
    assert record.utterances == () and {score.source for score in record.scores} == {"call"}


async def test_a_text_model_that_fails_is_asked_again(store: Store, tmp_path: Path) -> None:
    await over(store, LONG, CallEnded(5.0, "error"))
    async with worked(store, config(tmp_path, answer=ANSWER, failures=2)):
        record = await finished(store)
    assert len(Oracle.asked) == 3
    assert [verdict.status for verdict in events_of(record, VerdictGiven)] == ["complete"]


async def test_a_text_model_that_never_answers_leaves_an_honest_verdict(store: Store, tmp_path: Path) -> None:
    await over(store, LONG, CallEnded(5.0, "error"))
    async with worked(store, config(tmp_path, failures=100)):
        record = await finished(store)
    assert [verdict.status for verdict in events_of(record, VerdictGiven)] == ["insufficient"]
    assert [problem.what for problem in events_of(record, ProblemSeen)] == ["the oracle is silent"]


async def test_a_call_that_came_too_early_counts_least(store: Store, tmp_path: Path) -> None:
    early = ToolCalled(1.0, "1", "report", {"fluency": 9, "grammar": 9})
    refused = [ScoreRefused(1.0, name, "call", "the exam was not over") for name in ALL]
    await over(store, early, *refused, LONG, CallEnded(5.0, "error"))
    async with worked(store, config(tmp_path, answer={"fluency": ANSWER["fluency"]})):
        record = await finished(store)
    assert {score.criterion: (score.value, score.source) for score in record.scores} == {
        "fluency": (6.0, "text"),
        "grammar": (9.0, "early"),
    }


async def test_late_events_have_other_places_than_those_of_the_job(store: Store, tmp_path: Path) -> None:
    await over(store, *REPORTED)
    async with worked(store, config(tmp_path)):
        await finished(store)
    await store.append("s1", [(3, said("I was in a file", 6.0)), (4, VerdictGiven(6.0, "insufficient", {}))])
    record = await store.session("s1")
    assert record is not None
    assert [one.seq for one in record.events if one.kind == "UtteranceSpoken"] == [3]
    assert record.scored == "complete", "the job's verdict counts"


async def test_a_verdict_is_given_once(store: Store) -> None:
    await over(store, *REPORTED)
    verdict = VerdictGiven(5.0, "complete", {})
    both = await asyncio.gather(*(store.add_outcome("s1", "verdict_pending", [verdict]) for _ in range(2)))
    assert sorted(both) == [False, True]
    record = await store.session("s1")
    assert record is not None and len(events_of(record, VerdictGiven)) == 1


async def test_a_result_is_delivered_once(store: Store, tmp_path: Path) -> None:
    await over(store, *REPORTED, webhook=True)
    async with receiving() as receiver:
        async with worked(store, config(tmp_path, receiver)):
            record = await finished(store)
        async with worked(store, config(tmp_path, receiver)):
            await finished(store)
    (posted,) = receiver.posted
    assert json.loads(posted.body)["data"]["verdict"] == events_of(record, VerdictGiven)[0].verdict
    (delivered,) = events_of(record, WebhookDelivered)
    assert (delivered.attempt, delivered.status, delivered.at) == (1, 204, 5.0)


async def test_a_receiver_that_refuses_is_tried_again_under_the_same_id(store: Store, tmp_path: Path) -> None:
    statuses = iter([503, 302, 200])
    await over(store, *REPORTED, webhook=True)
    async with (
        receiving(lambda _: next(statuses)) as receiver,
        worked(store, config(tmp_path, receiver, retries=(0.05, 0.05, 0.05))),
    ):
        record = await finished(store)
    assert len({posted.headers["webhook-id"] for posted in receiver.posted}) == 1
    assert len({posted.body for posted in receiver.posted}) == 1
    assert [(one.attempt, one.status, one.last) for one in events_of(record, WebhookFailed)] == [
        (1, 503, False),
        (2, 302, False),
    ]
    assert [one.attempt for one in events_of(record, WebhookDelivered)] == [3]


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (410, 1)])
async def test_a_delivery_is_given_up(store: Store, tmp_path: Path, status: int, attempts: int) -> None:
    await over(store, *REPORTED, webhook=True)
    async with (
        receiving(lambda _: status) as receiver,
        worked(store, config(tmp_path, receiver, retries=(0.05, 0.05))),
    ):
        record = await finished(store)
    assert len(receiver.posted) == attempts
    assert [one.last for one in events_of(record, WebhookFailed)] == [False] * (attempts - 1) + [True]
    assert SECRET not in str(record)


async def test_a_receiver_taken_out_of_the_config_is_not_missed_for_ever(store: Store, tmp_path: Path) -> None:
    await over(store, *REPORTED, webhook=True)
    async with worked(store, config(tmp_path)):
        record = await finished(store)
    assert [one.why for one in events_of(record, WebhookFailed)] == ["exam.yaml names no receiver any more"]


async def test_sessions_of_before_the_webhook_are_not_sent(store: Store, tmp_path: Path) -> None:
    await over(store, *REPORTED)
    async with receiving() as receiver, worked(store, config(tmp_path, receiver)):
        await finished(store)
    assert receiver.posted == []


async def test_a_wait_goes_on_where_a_worker_left_it(store: Store, tmp_path: Path) -> None:
    answers = iter([503])
    await over(store, *REPORTED, webhook=True)
    async with receiving(lambda _: next(answers, 204)) as receiver:
        exam = config(tmp_path, receiver, retries=(8.0,))  # longer than a busy machine needs to end a worker
        async with worked(store, exam):
            await until(lambda: bool(receiver.posted))

            with job_tables(store) as stored:

                async def it_waits() -> bool:
                    return await asyncio.to_thread(stored.waits, "s1")

                await until(it_waits)
        assert len(receiver.posted) == 1
        async with worked(store, exam):
            record = await finished(store)
    assert len(receiver.posted) == 2
    assert [one.attempt for one in events_of(record, WebhookDelivered)] == [2]


async def test_a_record_that_is_away_for_a_moment_delays_the_verdict(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await over(store, *REPORTED)
    read, failures = store.session, [StoreError("away", lasting=False), RuntimeError("an error of ours")]

    async def failing(session_id: str) -> SessionRecord | None:
        if failures:
            raise failures.pop(0)
        return await read(session_id)

    monkeypatch.setattr(store, "session", failing)
    async with worked(store, config(tmp_path)):
        record = await finished(store)
    assert not failures and len(events_of(record, VerdictGiven)) == 1


async def test_the_sessions_of_another_config_are_left_to_its_worker(store: Store, tmp_path: Path) -> None:
    await store.open_session(opening("other", config_name="another", verdict_pending=True))
    await store.append("other", numbered(REPORTED))
    await over(store, *REPORTED)
    async with worked(store, config(tmp_path)):
        await finished(store)
    assert await store.pending("another") == ["other"]


async def test_what_is_pending_at_the_end_of_a_call_is_done_at_once(store: Store, tmp_path: Path) -> None:
    exam = config(tmp_path)
    assert await jobs.finish(store, exam, 5.0) == 0
    await over(store, *REPORTED)
    assert await jobs.finish(store, exam, 20.0) == 0
    record = await store.session("s1")
    assert record is not None and len(events_of(record, VerdictGiven)) == 1


async def test_one_worker_works_and_another_stands_by(
    store: Store, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = await Store.open(address)
    elsewhere._leases.here = str(ProcessId("another-host/0/0", 17, "4711"))
    assert await elsewhere.acquire("jobs exam")
    assert await elsewhere.acquire("jobs exam"), "it is its own"
    await over(store, *REPORTED)
    exam = config(tmp_path)
    assert await jobs.finish(store, exam, 1.0) == 1
    tried: list[str] = []

    async def trying(work: str) -> bool:
        tried.append(work)
        return await Store.acquire(store, work)

    monkeypatch.setattr(store, "acquire", trying)

    async def was_in_vain() -> bool:
        return len(tried) >= 3

    async with worked(store, exam):
        await until(was_in_vain)
        assert await store.pending("exam") == ["s1"]
        await elsewhere._leases.close()
        async with store._database.writing() as connection:
            await connection.exec_driver_sql("UPDATE owners SET beat = beat - 1000 WHERE id LIKE 'another-host%'")
        await finished(store)
    assert not await elsewhere.acquire("jobs exam")
    await elsewhere.close()


class Judge(Oracle):
    """A stage of a user's own that says it owes a verdict; nothing of ours can give it."""

    @classmethod
    def describe(cls, settings: StageSettings) -> StageInfo:
        return StageInfo(owes_verdict=True)


async def test_nothing_is_delivered_for_a_verdict_that_nobody_can_give(store: Store, tmp_path: Path) -> None:
    async with receiving() as receiver:
        whole = config(tmp_path, receiver)
        plan = replace(whole.stages[0], cls=Judge)
        await over(store, *REPORTED, webhook=True)
        warned: list[str] = []
        handler = logger.add(lambda message: warned.append(str(message)), level="WARNING")
        try:
            async with worked(store, replace(whole, stages=(plan,))):
                await until(lambda: any("no stage `scoring`" in one for one in warned))
        finally:
            logger.remove(handler)
        record = await store.session("s1")
        assert record is not None and record.verdict_pending and record.webhook_pending
        assert receiver.posted == []
        async with worked(store, whole):  # the config is mended: judged, then delivered
            await until(lambda: len(receiver.posted) == 1)
