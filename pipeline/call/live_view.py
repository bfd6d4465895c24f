"""What a browser sees of its call while it lasts: every recorded event as an RTVI server message."""

import asyncio

from loguru import logger
from pipecat.pipeline.worker import PipelineWorker

from core.events import Event, as_record

# A page that has stopped reading must not fill the call's RAM: the record has everything anyway.
MOST_WAITING = 500


class LiveView:
    """Takes events without waiting; sends them in order over the data channel."""

    def __init__(self, worker: PipelineWorker) -> None:
        self._worker = worker
        self._waiting: asyncio.Queue[Event] = asyncio.Queue(MOST_WAITING)
        self._sending = asyncio.create_task(self._send(), name="live view")

    def show(self, event: Event) -> None:
        """Queue an event for the page; dropped when the page is far behind."""
        if not self._waiting.full():
            self._waiting.put_nowait(event)

    async def drain(self, timeout: float) -> None:
        """Wait until the page has been sent everything, or `timeout` seconds."""
        try:
            await asyncio.wait_for(self._waiting.join(), timeout)
        except TimeoutError:
            logger.debug("The page did not take the last events of its call in time.")

    async def close(self) -> None:
        """Send nothing more."""
        self._sending.cancel()
        await asyncio.gather(self._sending, return_exceptions=True)

    async def _send(self) -> None:
        while True:
            event = await self._waiting.get()
            kind, data = as_record(event)
            try:
                await self._worker.rtvi.send_server_message({"event": kind, **data})
            except Exception as error:
                logger.debug(f"An event did not reach the page: {error}")
            finally:
                self._waiting.task_done()
