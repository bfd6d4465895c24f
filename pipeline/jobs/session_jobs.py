"""The jobs of one session, a step at a time: its late verdict, then the delivery of its result.

What a step does next it reads in the record, so that one which is repeated does nothing twice.
"""

from collections.abc import Awaitable, Callable

import httpx
from loguru import logger

from core.events import WebhookFailed
from core.failure import explained
from pipeline.config.resolved import Config
from pipeline.jobs.late_scoring import CannotJudge, TextModel, TextModelFailed, billed, judge
from pipeline.jobs.webhook import deliver
from pipeline.record.models import SessionRecord, StoreError, UnknownSession
from pipeline.record.store import Store

# Seconds before each further request to the text model; after the last the verdict is what can be read without it.
RETRY_DELAYS = (2.0, 10.0, 60.0, 300.0)

# Seconds before a step is repeated that failed since the record could not be used, and one with an error of ours.
RECORD_AWAY = 5.0
ERROR = 300.0


class SessionJobs:
    """Does the jobs of a config's sessions."""

    def __init__(self, store: Store, config: Config, model: TextModel, client: httpx.AsyncClient) -> None:
        self._store = store
        self._config = config
        self._model = model
        self._client = client
        self._waiting: dict[str, str] = {}  # sessions whose job could not be done, and why, so that each is said once

    async def score(self, session_id: str, failures: int) -> tuple[float, bool] | None:
        """Give a session its verdict, for which the text model has failed so many times.

        Seconds until the next attempt, and whether the model failed once more; None when no attempt is needed.
        """
        failed = False

        async def job(record: SessionRecord) -> float | None:
            nonlocal failed
            try:
                return await self._score(record, may_retry=failures < len(RETRY_DELAYS))
            except TextModelFailed as error:
                failed = True
                # The tokens of an answer that was of no use are paid all the same.
                await self._store.add_outcome(record.id, "verdict_pending", billed(record, error.events))
                self._waits(record.id, "verdict", str(error))
                return RETRY_DELAYS[failures]

        wait = await self._run(session_id, job)
        return None if wait is None else (wait, failed)

    async def deliver(self, session_id: str) -> float | None:
        """Send a session's result; seconds until the next attempt, None when none is needed."""
        return await self._run(session_id, self._deliver)

    async def _run(self, session_id: str, job: Callable[[SessionRecord], Awaitable[float | None]]) -> float | None:
        try:
            record = await self._store.session(session_id)
            wait = None if record is None else await job(record)
        except UnknownSession:
            wait = None  # it was deleted on request
        except StoreError as error:
            self._waits(session_id, "result", str(error))
            return RECORD_AWAY
        except Exception as error:
            self._waits(session_id, "result", explained(error), error)
            return ERROR
        if wait is None:
            self._waiting.pop(session_id, None)
        return wait

    def _waits(self, session_id: str, what: str, why: str, error: Exception | None = None) -> None:
        if self._waiting.get(session_id) != why:
            self._waiting[session_id] = why
            logger.opt(exception=error).warning(f"Session {session_id} waits for its {what}: {why}")

    async def _score(self, record: SessionRecord, *, may_retry: bool) -> float | None:
        if not record.verdict_pending:
            return None
        try:
            events = await judge(record, self._config_of(record), self._model, may_retry=may_retry)
        except CannotJudge as error:
            self._waits(record.id, "verdict", str(error))
            return ERROR
        if await self._store.add_outcome(record.id, "verdict_pending", events):
            logger.info(f"Session {record.id} has its verdict.")
        return None

    async def _deliver(self, record: SessionRecord) -> float | None:
        if not record.webhook_pending:
            return None
        settings = self._config_of(record).webhook
        outcome, wait = await deliver(self._client, settings, record, self._config.source.name)
        await self._store.add_outcome(record.id, "webhook_pending", [outcome])
        if isinstance(outcome, WebhookFailed) and outcome.last:
            logger.error(f"The result of session {record.id} could not be delivered: {outcome.why}")
        return wait

    def _config_of(self, record: SessionRecord) -> Config:
        return self._config.arms.get(record.arm or "", self._config)
