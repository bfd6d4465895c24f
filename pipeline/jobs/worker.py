"""Durable jobs after the call, run by DBOS: the verdict of a session that ended without one, and the webhook.

The record is the outbox. The transaction that closes a session leaves `verdict_due` and `webhook_due` behind, and the
one that adds a job's facts takes them away, so nothing is forgotten and nothing is written twice. A sweep looks for
what is due and starts a workflow under the session's name. DBOS runs a name once, goes on where a killed worker
stopped, and keeps a wait of hours through restarts. What it has kept of jobs that are done is forgotten after a while:
nothing rests on it, since the record alone says what is due.
"""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
from dbos import DBOS, DBOSConfig, SetWorkflowID
from loguru import logger

from core.events import WebhookDelivered, WebhookFailed
from pipeline.config.resolved import Config
from pipeline.jobs.late_scoring import TextModel, TextModelFailed, judge
from pipeline.jobs.webhook import Answer, post
from pipeline.record.models import SessionRecord, StoreError, UnknownSession
from pipeline.record.store import Store

# A workflow that is under way belongs to the version that began it: raise this when `_settle` takes other steps, and
# what is still due begins anew.
VERSION = "1"

SCHEMA = "colloquy_jobs"  # on PostgreSQL

SWEEP_EVERY = 1.0  # seconds; one short query
ORPHANS_EVERY = 10.0
STANDBY_EVERY = 5.0
PRUNE_EVERY = 3600.0
PRUNED_AT_ONCE = 200
LAST_SWEEPS = 8.0  # seconds for what is due when the worker is to end
LAST_SWEEPS_EVERY = 0.1
REST = 5.0  # seconds for what is then still in hand
LAST_NOTE = 1.0  # seconds for DBOS to note that a job is done
AT_ONCE = 8  # sessions that are judged or delivered at the same time

# Of a workflow that has come to an end. One in any other state is still to be gone on with.
DONE = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

# Seconds before the text model is asked again; then the verdict is what can be read without it.
PATIENCE = (2.0, 10.0, 60.0, 300.0)

# Seconds before a step is taken again that failed by the record's fault, and by ours.
RECORD_AWAY = 5.0
FAULT = 300.0


class Worker:
    """Does what a config's sessions owe. One process at a time does it for a config and a database."""

    def __init__(self, store: Store, config: Config, model: TextModel, client: httpx.AsyncClient) -> None:
        self._store = store
        self._config = config
        self._model = model
        self._client = client
        self._begun: set[str] = set()
        self._due: list[str] = []
        self._pauses: dict[str, float] = {}  # when the loop's clock shows so much, the job goes on
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._in_hand: set[asyncio.Task[float | None]] = set()

    async def sweep(self) -> int:
        """Begin the jobs that are due and have not begun; how many sessions still owe something."""
        due = self._due = await self._store.due(self._config.name)
        for session_id in due:
            if session_id not in self._begun:
                with SetWorkflowID(_workflow(session_id)):
                    await DBOS.start_workflow_async(_settle, session_id)
                self._begun.add(session_id)
        self._begun.intersection_update(due)
        return len(due)

    async def drain(self, patience: float) -> int:
        """Do what can be done within `patience` seconds; how many sessions then still owe something.

        A job that waits longer, for a receiver that is down say, is not waited for.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while (left := await self.sweep()) and loop.time() < until:
            if all(self._pauses.get(session_id, 0) > until for session_id in self._due):
                break
            await asyncio.sleep(LAST_SWEEPS_EVERY)
        return left

    async def prune(self) -> bool:
        """Forget some of the jobs that were done long ago; whether there may be more of them."""
        before = (datetime.now(UTC) - timedelta(days=self._config.jobs.keep_days)).isoformat()
        try:
            old = await DBOS.list_workflows_async(
                status=DONE, completed_before=before, limit=PRUNED_AT_ONCE, load_input=False, load_output=False
            )
            if old:
                await DBOS.delete_workflows_async([one.workflow_id for one in old])
        except Exception as error:  # tidying up must not end the work
            logger.warning(f"Jobs that were done long ago could not be forgotten: {error}")
            return False
        return len(old) == PRUNED_AT_ONCE

    @contextmanager
    def pausing(self, session_id: str, wait: float) -> Iterator[None]:
        """Know of a session that nothing is to be done for it for so many seconds."""
        self._pauses[session_id] = asyncio.get_running_loop().time() + wait
        try:
            yield
        finally:
            self._pauses.pop(session_id, None)

    async def score(self, session_id: str, tries: int) -> float | None:
        """Give a session its verdict; seconds until this is to be tried again, None when there is no need."""
        return await self._tried(session_id, lambda record: self._score(record, tries))

    async def deliver(self, session_id: str) -> float | None:
        """Send a session's result; seconds until this is to be tried again, None when there is no need."""
        return await self._tried(session_id, self._deliver)

    async def _tried(self, session_id: str, job: Callable[[SessionRecord], Awaitable[float | None]]) -> float | None:
        async with self._turns:
            task = asyncio.create_task(self._try(session_id, job), name=f"job of {session_id}")
            self._in_hand.add(task)
            try:
                await asyncio.wait({task})
            finally:
                self._in_hand.discard(task)
            # Of one that `rest` has cancelled this raises CancelledError, which to DBOS is no outcome: the next worker
            # takes the step again.
            return task.result()

    async def _try(self, session_id: str, job: Callable[[SessionRecord], Awaitable[float | None]]) -> float | None:
        try:
            record = await self._store.session(session_id)
            return None if record is None else await job(record)
        except UnknownSession:
            return None  # somebody asked to be forgotten
        except StoreError as error:
            logger.warning(f"Session {session_id} waits for its result: {error}")
            return RECORD_AWAY
        except Exception:
            logger.exception(f"Session {session_id} waits for its result.")
            return FAULT

    async def _score(self, record: SessionRecord, tries: int) -> float | None:
        if not record.verdict_due:
            return None
        try:
            facts = await judge(record, self._config_of(record), self._model, patient=tries < len(PATIENCE))
        except TextModelFailed as error:
            logger.warning(f"Session {record.id} waits for the text model: {error}")
            return PATIENCE[tries]
        if await self._store.settle(record.id, "verdict_due", facts):
            logger.info(f"Session {record.id} has its verdict.")
        return None

    async def _deliver(self, record: SessionRecord) -> float | None:
        if not record.webhook_due:
            return None
        now = datetime.now(UTC)
        at, when = record.seconds or 0.0, now.isoformat(timespec="seconds").replace("+00:00", "Z")
        attempt = 1 + sum(logged.kind == "WebhookFailed" for logged in record.events)
        settings = self._config_of(record).webhook
        if settings is None:
            answer, retries = Answer(0, f"{self._config.source.name} names no receiver any more"), ()
        else:
            answer, retries = await post(self._client, settings, record, now), settings.retries
        if answer.taken:
            await self._store.settle(record.id, "webhook_due", [WebhookDelivered(at, attempt, answer.status, when)])
            return None
        last = answer.gone or attempt > len(retries)
        failed = WebhookFailed(at, attempt, answer.status, answer.why, when, last)
        await self._store.settle(record.id, "webhook_due", [failed])
        if last:
            logger.error(f"The result of session {record.id} could not be delivered: {answer.why}")
            return None
        # Spread a little: after an outage of the receiver, many sessions would come back at once.
        return max(retries[attempt - 1] * random.uniform(1, 1.1), answer.wait)

    async def rest(self, timeout: float) -> None:
        """Begin no step any more, and wait for those in hand; one that lasts longer is as if it had not begun."""
        with suppress(Exception):  # whatever keeps it from waiting, it has to end
            async with asyncio.timeout(timeout):
                for _ in range(AT_ONCE):
                    await self._turns.acquire()
                async with asyncio.timeout(LAST_NOTE):
                    await self._all_noted()
        for task in (hanging := list(self._in_hand)):
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)

    async def _all_noted(self) -> None:
        """Wait until DBOS has noted of every job that did its last step that it is done."""
        prefix = _workflow("")
        while True:
            running = await DBOS.list_workflows_async(
                status="PENDING", workflow_id_prefix=prefix, load_input=False, load_output=False
            )
            if all(one.workflow_id.removeprefix(prefix) in self._pauses for one in running):
                return
            await asyncio.sleep(LAST_SWEEPS_EVERY)

    def _config_of(self, record: SessionRecord) -> Config:
        return self._config.arms.get(record.arm or "", self._config)


def _workflow(session_id: str) -> str:
    return f"settle-{VERSION}-{session_id}"


# What the steps work with. One a process, as DBOS itself is.
_worker: Worker | None = None


@DBOS.workflow(name="settle", max_recovery_attempts=None)
async def _settle(session_id: str) -> None:
    tries = 0
    while (wait := await _score(session_id, tries)) is not None:
        await _pause(session_id, wait)
        tries += 1
    while (wait := await _deliver(session_id)) is not None:
        await _pause(session_id, wait)


async def _pause(session_id: str, wait: float) -> None:
    assert _worker is not None
    with _worker.pausing(session_id, wait):
        await DBOS.sleep_async(wait)


@DBOS.step(name="score")
async def _score(session_id: str, tries: int) -> float | None:
    assert _worker is not None
    return await _worker.score(session_id, tries)


@DBOS.step(name="deliver")
async def _deliver(session_id: str) -> float | None:
    assert _worker is not None
    return await _worker.deliver(session_id)


async def work(store: Store, config: Config, stop: asyncio.Event) -> int:
    """Do what is due until `stop`, and then what can be done at once; how many sessions are left to the next start.

    While another process does the work, stand by to take its place.
    """
    while True:
        stopped = stop.is_set()
        if not (stopped and not await store.due(config.name)) and await _taken_up(store, config):
            async with _working(store, config, TextModel()) as worker:
                if await _sweep(store, config, worker, stop):
                    return await _drain(worker)
        if stopped:
            return 0
        await _wait(stop, STANDBY_EVERY)


async def finish(store: Store, config: Config, patience: float) -> int:
    """Do what is due now, for at most `patience` seconds; how many sessions then still owe something.

    The config is one that holds calls: where it has an emulator, its stages point at it.
    """
    due = len(await store.due(config.name))
    if due and await _taken_up(store, config):
        async with _working(store, config, TextModel(pointed=True)) as worker:
            due = await worker.drain(patience)
            await worker.prune()
    return due


async def _sweep(store: Store, config: Config, worker: Worker, stop: asyncio.Event) -> bool:
    """Sweep until `stop`; False when another process has taken this one for dead and does the work."""
    loop = asyncio.get_running_loop()
    orphans_at = prune_at = loop.time()
    while not stop.is_set():
        try:
            if loop.time() >= orphans_at:
                if not await _taken_up(store, config):
                    logger.warning("Another process has taken over the jobs.")
                    return False
                await store.close_orphans()
                orphans_at = loop.time() + ORPHANS_EVERY
            await worker.sweep()
        except StoreError as error:
            logger.warning(f"What is due cannot be looked up: {error}")
        if loop.time() >= prune_at and not await worker.prune():
            prune_at = loop.time() + PRUNE_EVERY
        await _wait(stop, SWEEP_EVERY)
    return True


async def _drain(worker: Worker) -> int:
    try:
        return await worker.drain(LAST_SWEEPS)
    except StoreError as error:
        logger.warning(f"What is due cannot be looked up: {error}")
        return 0


async def _taken_up(store: Store, config: Config) -> bool:
    return await store.take_up(f"jobs {config.name}")


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


@asynccontextmanager
async def _working(store: Store, config: Config, model: TextModel) -> AsyncIterator[Worker]:
    """A worker whose workflows run for as long as the block lasts; what is not finished then goes on another time."""
    global _worker
    async with AsyncExitStack() as opened:
        opened.push_async_callback(model.close)
        client = await opened.enter_async_context(httpx.AsyncClient())
        _worker = Worker(store, config, model, client)
        # Beside the loop: its indexes are made concurrently, which waits for every transaction, ours among them.
        await asyncio.to_thread(partial(DBOS.migrate, store.jobs_address, schema=SCHEMA))
        DBOS(config=_settings(store, config))
        # DBOS makes its threads the loop's, and takes them with it.
        opened.callback(asyncio.get_running_loop().set_default_executor, ThreadPoolExecutor())
        opened.push_async_callback(asyncio.to_thread, DBOS.destroy)
        opened.push_async_callback(_worker.rest, REST)
        DBOS.launch()
        yield _worker


def _settings(store: Store, config: Config) -> DBOSConfig:
    return DBOSConfig(
        # The configs of a database do not take up each other's workflows: they have other keys and receivers.
        name=f"jobs-{hashlib.sha256(config.name.encode()).hexdigest()[:16]}",
        system_database_url=store.jobs_address,
        dbos_system_schema=SCHEMA,
        sys_db_pool_size=5,
        use_listen_notify=False,
        application_version=VERSION,
        # Whoever does the work is the same worker to DBOS, so it recovers what its predecessor left.
        executor_id="worker",
        log_level="ERROR",
    )
