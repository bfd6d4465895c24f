"""Durable jobs after the call, run by DBOS: the verdict of a session that ended without one, and the webhook.

The record is the outbox. A session is opened with `verdict_pending` and `webhook_pending`, and the transaction that
adds a job's events clears them: no job is lost, no outcome written twice. A sweep looks for closed sessions with a
pending job and starts a workflow under the session's id. DBOS runs an id once, goes on at the step that a killed worker
had not finished, and continues a wait of hours after a restart. Its tables are pruned: nothing depends on them.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx
from dbos import DBOS, DBOSConfig, SetWorkflowID
from loguru import logger

from core.failure import explained
from pipeline.config.resolved import Config
from pipeline.jobs.late_scoring import TextModel
from pipeline.jobs.session_jobs import SessionJobs
from pipeline.record.models import StoreError
from pipeline.record.orphans import closing_orphans
from pipeline.record.outage import Outage
from pipeline.record.store import Store

# A workflow that is under way belongs to the version that began it: raise this when `_finish_session` takes other
# steps, and what is still pending begins anew.
VERSION = "2"
SCHEMA = "colloquy_jobs"  # on PostgreSQL
SWEEP_EVERY = 1.0  # seconds; one short query
LEASE_EVERY = ORPHANS_EVERY = 10.0
STANDBY_EVERY = 5.0
PRUNE_EVERY = 3600.0
PRUNED_AT_ONCE = 200
LAST_SWEEPS = 8.0  # seconds for what is pending when the worker is to end
LAST_SWEEPS_EVERY = 0.1
STOP_TIMEOUT = 5.0  # seconds for the steps that are then still running
NOTED_TIMEOUT = 1.0  # seconds for DBOS to note that a job is done
AT_ONCE = 8  # sessions that are judged or delivered at the same time

# The states of a workflow that has ended. One in any other state is still to be continued.
DONE = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

# Seconds after which a workflow is begun anew that does not run, or that ended once more without an outcome.
BEGIN_ANEW = 300.0


class Worker:
    """Does the pending jobs of a config's sessions. One process at a time does so for a config and a database."""

    def __init__(self, store: Store, config: Config, jobs: SessionJobs) -> None:
        self._store = store
        self._config = config
        self._jobs = jobs
        self._begun: set[str] = set()  # sessions whose workflow runs here
        self._anew: dict[str, float] = {}  # when a session's workflow may be begun anew, by the loop's clock
        self._pending: list[str] = []
        self._pauses: dict[str, float] = {}  # until when a session's job waits, by the loop's clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._workflows: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def sweep(self) -> int:
        """Begin the jobs that are pending and do not run; how many sessions still have a pending job."""
        pending = self._pending = await self._store.pending(self._config.name)
        self._anew = {session_id: when for session_id, when in self._anew.items() if session_id in pending}
        for session_id in pending:
            if session_id not in self._begun:
                await self._begin(session_id)
        return len(pending)

    async def _begin(self, session_id: str) -> None:
        """Start a session's workflow. One that was left under way DBOS continues by itself."""
        name = _workflow(session_id)
        status = await DBOS.get_workflow_status_async(name)
        if status is not None:
            # The record decides: without its outcome a job is not done, however its workflow ended.
            now = asyncio.get_running_loop().time()
            if now < self._anew.setdefault(session_id, now if status.status in DONE else now + BEGIN_ANEW):
                return
            logger.warning(f"The job of session {session_id} ended ({status.status}) without a result; it begins anew.")
            self._anew[session_id] = now + BEGIN_ANEW
            await DBOS.delete_workflows_async([name])
        self._begun.add(session_id)
        try:
            with SetWorkflowID(name):
                await DBOS.start_workflow_async(_finish_session, session_id)
        except BaseException:
            self._begun.discard(session_id)
            raise

    async def drain(self, timeout: float) -> int:
        """Do what can be done within `timeout` seconds; how many sessions then still have a pending job.

        A job that waits longer, for a receiver that is down say, is not waited for.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        while (left := await self.sweep()) and loop.time() < until:
            if all(self._pauses.get(session_id, 0) > until for session_id in self._pending):
                break
            await asyncio.sleep(LAST_SWEEPS_EVERY)
        return left

    async def prune(self) -> bool:
        """Delete some of the workflows that ended long ago; whether there may be more of them."""
        before = (datetime.now(UTC) - timedelta(days=self._config.jobs.keep_days)).isoformat()
        try:
            old = await DBOS.list_workflows_async(
                status=DONE, completed_before=before, limit=PRUNED_AT_ONCE, load_input=False, load_output=False
            )
            if old:
                await DBOS.delete_workflows_async([one.workflow_id for one in old])
        except Exception as error:  # tidying up must not end the work
            logger.warning(f"The workflows of jobs done long ago could not be deleted: {error}")
            return False
        return len(old) == PRUNED_AT_ONCE

    @contextmanager
    def running(self, session_id: str) -> Iterator[None]:
        """Have `stop` cancel the calling workflow, which to DBOS is no outcome: the next worker continues it.

        DBOS itself would let it go on, beside the continued one.
        """
        if self._stopped or (task := asyncio.current_task()) is None:
            raise asyncio.CancelledError
        self._workflows.add(task)
        self._begun.add(session_id)
        try:
            yield
            self._anew.pop(session_id, None)
        finally:
            self._workflows.discard(task)
            self._begun.discard(session_id)

    @contextmanager
    def pausing(self, session_id: str, wait: float) -> Iterator[None]:
        """Know for the length of the block that a session's job waits for so many seconds."""
        self._pauses[session_id] = asyncio.get_running_loop().time() + wait
        try:
            yield
        finally:
            self._pauses.pop(session_id, None)

    async def score(self, session_id: str, failures: int) -> tuple[float, bool] | None:
        """As SessionJobs has it, a few at a time."""
        async with self._slots:
            return await self._jobs.score(session_id, failures)

    async def deliver(self, session_id: str) -> float | None:
        """As SessionJobs has it, a few at a time."""
        async with self._slots:
            return await self._jobs.deliver(session_id)

    async def stop(self, timeout: float) -> None:
        """Begin no step any more, and wait for those that run; one that lasts longer is as if it had not begun."""
        with suppress(Exception):  # whatever prevents the wait, the worker has to end
            async with asyncio.timeout(timeout):
                for _ in range(AT_ONCE):
                    await self._slots.acquire()
                async with asyncio.timeout(NOTED_TIMEOUT):
                    await self._all_noted()
        self._stopped = True
        for task in (left := list(self._workflows)):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _all_noted(self) -> None:
        """Wait until DBOS has noted every job that did its last step as done."""
        prefix = _workflow("")
        while True:
            running = await DBOS.list_workflows_async(
                status="PENDING", workflow_id_prefix=prefix, load_input=False, load_output=False
            )
            if all(one.workflow_id.removeprefix(prefix) in self._pauses for one in running):
                return
            await asyncio.sleep(LAST_SWEEPS_EVERY)


def _workflow(session_id: str) -> str:
    # As the names below, this is stored with the workflows that are under way.
    return f"settle-{VERSION}-{session_id}"


# What the steps work with: one in a process, as DBOS itself is.
_worker: Worker | None = None


@DBOS.workflow(name="settle", max_recovery_attempts=None)
async def _finish_session(session_id: str) -> None:
    assert _worker is not None
    with _worker.running(session_id):
        failures = 0  # of the text model: what else delays a verdict uses up none of its attempts
        while (pause := await _score(session_id, failures)) is not None:
            wait, failed = pause
            await _pause(session_id, wait)
            failures += failed
        while (wait := await _deliver(session_id)) is not None:
            await _pause(session_id, wait)


async def _pause(session_id: str, wait: float) -> None:
    assert _worker is not None
    with _worker.pausing(session_id, wait):
        await DBOS.sleep_async(wait)


@DBOS.step(name="score")
async def _score(session_id: str, failures: int) -> tuple[float, bool] | None:
    assert _worker is not None
    return await _worker.score(session_id, failures)


@DBOS.step(name="deliver")
async def _deliver(session_id: str) -> float | None:
    assert _worker is not None
    return await _worker.deliver(session_id)


async def work(store: Store, config: Config, stop: asyncio.Event) -> int:
    """Do pending jobs until `stop`, and then what can be done at once; how many sessions are left to the next start.

    While another process does the work, wait to take its place.
    """
    outage = Outage("The jobs cannot be done")
    while True:
        stopped = stop.is_set()
        try:
            if not (stopped and not await store.pending(config.name)) and await _acquired(store, config):
                async with _working(store, config, TextModel()) as worker:
                    outage.over()
                    async with closing_orphans(store, ORPHANS_EVERY):
                        leased_to_the_end = await _sweep(store, config, worker, stop)
                    if leased_to_the_end:
                        return await _drain(worker)
        except Exception as error:
            if isinstance(error, StoreError) and error.lasting:
                raise
            outage.failed(_why(error), None if isinstance(error, StoreError) else error)
        if stopped:
            return 0
        await _wait(stop, STANDBY_EVERY)


async def finish(store: Store, config: Config, timeout: float) -> int:
    """Do what is pending now, for at most `timeout` seconds; how many sessions then still have a pending job.

    The config is one that holds calls: where it has an emulator, its stages point at it.
    """
    pending = len(await store.pending(config.name))
    if pending and await _acquired(store, config):
        async with _working(store, config, TextModel(pointed=True)) as worker:
            pending = await worker.drain(timeout)
            await worker.prune()
    return pending


async def _sweep(store: Store, config: Config, worker: Worker, stop: asyncio.Event) -> bool:
    """Sweep until `stop`; False when another process has taken this one for dead and does the work."""
    loop = asyncio.get_running_loop()
    lease_at = prune_at = loop.time()
    outage = Outage("The pending jobs cannot be begun")
    while not stop.is_set():
        try:
            if loop.time() >= lease_at:
                if not await _acquired(store, config):
                    logger.warning("Another process has taken over the jobs.")
                    return False
                lease_at = loop.time() + LEASE_EVERY
            await worker.sweep()
            outage.over()
        except Exception as error:  # of the record, or of the database in which DBOS stores its workflows
            outage.failed(_why(error), None if isinstance(error, StoreError) else error)
        if loop.time() >= prune_at and not await worker.prune():
            prune_at = loop.time() + PRUNE_EVERY
        await _wait(stop, SWEEP_EVERY)
    return True


async def _drain(worker: Worker) -> int:
    try:
        return await worker.drain(LAST_SWEEPS)
    except Exception as error:
        Outage("The pending jobs cannot be begun").failed(_why(error))
        return 0


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, StoreError) else explained(error)


async def _acquired(store: Store, config: Config) -> bool:
    return await store.acquire(f"jobs {config.name}")


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


@asynccontextmanager
async def _working(store: Store, config: Config, model: TextModel) -> AsyncIterator[Worker]:
    """A worker whose workflows run for as long as the block lasts; the next one continues what is left."""
    global _worker
    async with AsyncExitStack() as opened:
        opened.push_async_callback(model.close)
        client = await opened.enter_async_context(httpx.AsyncClient())
        _worker = Worker(store, config, SessionJobs(store, config, model, client))
        # Beside the loop: its indexes are made concurrently, which waits for every transaction, ours among them.
        await asyncio.to_thread(partial(DBOS.migrate, store.jobs_address, schema=SCHEMA))
        DBOS(config=_settings(store, config))
        # DBOS makes its threads the loop's default executor, and ends them with itself.
        opened.callback(asyncio.get_running_loop().set_default_executor, ThreadPoolExecutor())
        opened.push_async_callback(asyncio.to_thread, DBOS.destroy)
        opened.push_async_callback(_worker.stop, STOP_TIMEOUT)
        DBOS.launch()
        yield _worker


def _settings(store: Store, config: Config) -> DBOSConfig:
    # The configs of a database do not run each other's workflows: they have other keys and receivers. To DBOS each is
    # an application, and a version belongs to one application only.
    name = f"jobs-{hashlib.sha256(config.name.encode()).hexdigest()[:16]}"
    return DBOSConfig(
        name=name,
        system_database_url=store.jobs_address,
        dbos_system_schema=SCHEMA,
        sys_db_pool_size=5,
        db_engine_kwargs={"connect_args": store.jobs_arguments},
        use_listen_notify=False,
        notification_listener_polling_interval_sec=0.05,  # nobody notifies: it is what DBOS takes to end
        application_version=f"{VERSION}-{name}",
        # Every process that does the work is the same executor to DBOS, so it recovers what its predecessor left.
        executor_id="worker",
        log_level="ERROR",
    )
