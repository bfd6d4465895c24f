"""Many calls in one process: from the listener to a closed record."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from loguru import logger
from pipecat.frames.frames import EndFrame, ErrorFrame
from pipecat.workers.runner import WorkerRunner

from core.billing.prices import PriceList
from core.events import CallBilled, CallEnded, CallerConnected, Event, ProblemSeen
from core.failure import explained, is_exhaustion
from pipeline.call.builder import Built, build
from pipeline.call.live_view import LiveView
from pipeline.call.loop_lag import LoopLag
from pipeline.call.session import CallSession, Ending
from pipeline.config.resolved import Config
from pipeline.record.journal import StoreJournal
from pipeline.record.models import SessionOpening, StoreError
from pipeline.record.store import Store
from processors.frames import PacketsStoppedFrame
from transports.call import Call, Listener

# How many seconds a call may take to end: its last words, the fallback scoring, the last audio.
END_TIMEOUT = 40.0
LIVE_VIEW_TIMEOUT = 1.0


class Host:
    """Holds calls until it is shut down."""

    def __init__(
        self,
        config: Config,
        store: Store,
        loop_lag: LoopLag,
        on_event: Callable[[str, Event], None] | None = None,
    ) -> None:
        self._config = config
        self._store = store
        self._loop_lag = loop_lag
        self._on_event = on_event
        self._held: dict[str, CallSession] = {}
        self._tasks: set[asyncio.Task[Ending]] = set()

    @property
    def sessions(self) -> list[CallSession]:
        """The calls being held."""
        return list(self._held.values())

    async def serve(self, listener: Listener) -> None:
        """Hold every call of a listener, until it is closed and the last call is over."""
        async for call in listener:
            task = asyncio.create_task(self.hold(call), name=f"call {call.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def shut_down(self, timeout: float = 10.0) -> None:
        """End every call politely; after `timeout` seconds, at once. The records are closed either way."""
        for session in self.sessions:
            session.finish("shut down")
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=timeout)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*list(self._tasks), return_exceptions=True)

    async def hold(self, call: Call) -> Ending:
        """One call from its first to its last moment. Whatever happens, its record is closed with the reason."""
        config = self._config.for_call(call.id, call.caller)
        with logger.contextualize(session=call.id):
            try:
                await self._store.open_session(_opening(config, call))
            except StoreError as error:
                logger.error(f"The call is refused, since it could not be recorded: {error}")
                await call.transport.cleanup()
                return Ending("error", str(error))
            return await _HeldCall(self, config, call).hold()

    def _recorded(self, session_id: str, event: Event) -> None:
        if self._on_event is not None:
            self._on_event(session_id, event)


class _HeldCall:
    """The life of one call."""

    def __init__(self, host: Host, config: Config, call: Call) -> None:
        self._host = host
        self._config = config
        self._call = call
        self._late_before = host._loop_lag.late_frames
        self._view: LiveView | None = None
        self._built: Built | None = None
        self._winding_up: asyncio.Task[None] | None = None
        self._finishing: asyncio.Task[None] | None = None
        self._bill: CallBilled | None = None
        self._connected = False
        self._exhausted: Exception | None = None  # the want of memory or descriptors that this call has met
        journal = StoreJournal(host._store, call.id, self._on_recorded)
        prices = config.price_list or PriceList(models={})
        self.session = CallSession(call.id, journal, prices, config.budget.usd, on_finish=self._wind_up)
        self._journal = journal

    async def hold(self) -> Ending:
        session = self.session
        self._host._held[session.id] = session
        try:
            await self._run()
        except ValueError as error:  # a stage that cannot be made says why in a sentence
            logger.error(f"The call could not be held: {error}")
            session.ending = Ending("error", explained(error))
        except asyncio.CancelledError:
            session.ending = session.ending or Ending("shut down")
        except Exception as error:
            logger.exception("The call failed.")
            session.ending = Ending("error", explained(error))
        finally:
            await asyncio.shield(self._close())
            del self._host._held[session.id]
        return session.ending or Ending("error")

    async def _run(self) -> None:
        built = self._built = build(self._config, self._call, self.session)
        self._listen(built)
        limit = None
        if (minutes := self._config.budget.minutes) is not None:
            loop = asyncio.get_running_loop()
            limit = loop.call_later(minutes * 60, self.session.finish, "time limit", f"{minutes:g} minutes")
        runner = WorkerRunner(handle_sigint=False, handle_sigterm=False)
        try:
            await runner.add_workers(built.worker)
            await runner.run()
        finally:
            if limit is not None:
                limit.cancel()

    def _listen(self, built: Built) -> None:
        transport, session, worker = self._call.transport, self.session, built.worker

        @transport.event_handler("on_client_connected")
        async def connected(*_: Any) -> None:
            if self._connected:
                return  # a browser that lost its network comes back to the same call
            self._connected = True
            session.record(CallerConnected(session.now(), self._call.transport_name))

        @transport.event_handler("on_client_disconnected")
        async def disconnected(*_: Any) -> None:
            fault = self._exhausted or _no_descriptor()
            if fault is None:
                session.finish("caller left")
            else:  # nobody left: the connection was lost for want of what it needs
                session.finish("error", f"this server ran out of something: {explained(fault)}")

        if self._call.reports_packets:

            @transport.event_handler("on_packets_stopped")
            async def stopped(_: Any, silent_for: float) -> None:
                await worker.queue_frame(PacketsStoppedFrame(silent_for=silent_for))

        @worker.event_handler("on_pipeline_error")
        async def failed(_: Any, frame: Any) -> None:
            if is_exhaustion(frame.exception):
                self._exhausted = frame.exception
            logger.opt(exception=frame.exception).warning("{} failed: {}", frame.processor, frame.error)
            session.record(ProblemSeen(session.now(), str(frame.processor or "pipeline"), _failure(frame)))

        if self._call.rtvi:
            self._view = LiveView(worker)

            @worker.rtvi.event_handler("on_client_message")
            async def asked(_: Any, message: Any) -> None:
                if message.type == "end":
                    session.finish("caller ended")

    def _on_recorded(self, event: Event) -> None:
        if self._view is not None:
            self._view.show(event)
        self._host._recorded(self.session.id, event)

    def _wind_up(self) -> None:
        self._winding_up = asyncio.create_task(self._end_politely(), name="wind up")

    async def _end_politely(self) -> None:
        """Do what is left to do while the caller can still see it, then let the pipeline run dry."""
        assert self._built is not None
        await self._finish_stages()
        self._measure()
        if self._view is not None:
            await self._view.drain(LIVE_VIEW_TIMEOUT)
        await self._built.worker.queue_frame(EndFrame())
        await asyncio.sleep(END_TIMEOUT)
        logger.warning("The pipeline did not end by itself and is cancelled.")
        await self._built.worker.cancel()

    async def _finish_stages(self) -> None:
        """Let every stage finish, once a call: whoever comes second waits for what the first has begun."""
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._finish_each(), name="finish stages")
        await asyncio.shield(self._finishing)

    async def _finish_each(self) -> None:
        for stage in self._built.stages if self._built else []:
            try:
                async with asyncio.timeout(END_TIMEOUT):
                    await stage.finish()
            # Cancelled is what a stage waited for, or this task, with the process: the rest get their turn either way.
            except (Exception, asyncio.CancelledError) as error:
                why = explained(error)
                if isinstance(error, asyncio.CancelledError):
                    logger.warning(f"{stage} was cancelled before it could finish.")
                else:
                    logger.exception(f"{stage} could not finish.")
                self.session.record(ProblemSeen(self.session.now(), str(stage), f"could not finish: {why}"))

    async def _close(self) -> None:
        """The pipeline is gone: close the record."""
        if self._winding_up is not None:
            self._winding_up.cancel()
            with suppress(asyncio.CancelledError):
                await self._winding_up
        session = self.session
        session.ending = session.ending or Ending("error", "the pipeline ended by itself")
        await self._finish_stages()
        self._measure()
        session.record(CallEnded(session.now(), session.ending.why, session.ending.detail))
        if self._view is not None:
            await self._view.close()
        await self._journal.drain()

    def _measure(self) -> None:
        """Record speed and bill; once more only if the bill has grown since."""
        bill = self.session.bill()
        if self._bill is None or bill.usd != self._bill.usd:
            self.session.record(self.session.measure(self._host._loop_lag.late_frames - self._late_before))
            self.session.record(bill)
            self._bill = bill


def _no_descriptor() -> OSError | None:
    """The error of opening a file now; None where there are descriptors left."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error
    return None


def _failure(frame: ErrorFrame) -> str:
    """What the record and the page say of a processor's error: not the text of an exception that a library raised."""
    if frame.exception is not None:
        return explained(frame.exception)
    ours = type(frame.processor).__module__.partition(".")[0] != "pipecat"
    return frame.error if ours else "it reported an error, which is in the log"


def _opening(config: Config, call: Call) -> SessionOpening:
    about = config.info
    return SessionOpening(
        id=call.id,
        opened_at=datetime.now(UTC),
        config_name=config.name,
        config=config.resolved(),
        transport=call.transport_name,
        caller=call.caller,
        experiment=config.experiment.name if config.experiment else None,
        arm=config.arm,
        model=about.model or None,
        access_hash=call.details.get("access_hash"),
        verdict_pending=about.owes_verdict,
        webhook_pending=config.webhook is not None,
    )
