"""The journal of one session: takes events at once, writes them soon, and loses none.

What cannot be written to the database waits in memory, past a limit in a file (`pipeline.record.spill`), and is written
when it can be: by this process, or when the next one opens the store.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from loguru import logger

from core.events import Event, ProblemSeen
from pipeline.record.models import LoggedEvent, StoreError, UnknownSession
from pipeline.record.spill import Claimed, SpillFile
from pipeline.record.store import Store

# One commit takes what has gathered in LINGER seconds, BATCH events at most. A commit costs 2 to 5 ms of CPU however
# little is in it: ten a second would cost as much as the audio. A process that is killed loses what lingers.
LINGER = 1.0
BATCH = 200

# These do not linger: the result rests on them, and a process may be killed at any instant. They are few.
DECIDING = ("UtteranceSpoken", "ToolCalled", "VerdictGiven", "CallEnded")

# Events held in memory while the database is away: a call of 15 minutes records some thousand.
LIMIT = 5000

FIRST_RETRY = 0.1
LAST_RETRY = 5.0


class StoreJournal:
    """Implements core.ports.Journal on a Store.

    `on_event` is called with each event as it is recorded, for live views. More than `limit` events that the database
    does not take go to a file.
    """

    def __init__(
        self,
        store: Store,
        session_id: str,
        on_event: Callable[[Event], object] | None = None,
        *,
        limit: int = LIMIT,
    ) -> None:
        self._store = store
        self._session_id = session_id
        self._on_event = on_event
        self._next_seq = 1
        self._limit = limit
        self._log = logger.bind(session=session_id)
        self._pending: deque[LoggedEvent] = deque()
        self._in_flight: list[LoggedEvent] = []
        self._spill = SpillFile(store.spill_folder, session_id)
        self._moving = 0
        self._claimed: Claimed | None = None
        self._spilled = False
        self._writer: asyncio.Task[None] | None = None
        self._wakeup = asyncio.Event()
        self._urgent = False
        self._draining = 0
        self._loop_closing = False
        self._warned: set[str] = set()

    @property
    def spilled(self) -> Path | None:
        """The file of the events that are not in the database yet; None when there are none."""
        if self._claimed is not None:
            return self._claimed.path
        return self._spill.path if self._spilled else None

    @property
    def unwritten(self) -> int:
        """How many events are in memory only."""
        return len(self._pending) + len(self._in_flight) + self._moving

    def record(self, event: Event) -> None:
        """Take an event. Never blocks and never raises."""
        try:
            logged = LoggedEvent.of(self._next_seq, event)
        except Exception as error:
            self._warn_once("event", f"A {type(event).__name__} could not be recorded: {error!r}")
            event = ProblemSeen(getattr(event, "at", 0.0), "journal", f"a {type(event).__name__} could not be recorded")
            logged = LoggedEvent.of(self._next_seq, event)
        self._next_seq += 1
        self._pending.append(logged)
        if logged.kind in DECIDING:
            self._urgent = True
            self._wakeup.set()
        self._wake()
        if self._on_event is not None:
            try:
                self._on_event(event)
            except Exception as error:
                self._warn_once("view", f"A live view of the session failed; its errors are now ignored: {error!r}")

    async def drain(self, timeout: float = 10.0) -> None:
        """Wait until everything recorded so far is written; after `timeout` seconds what is left goes to a file."""
        self._loop_closing = False
        self._wake()
        writer = self._writer
        if writer is None or writer.done():
            return
        self._draining += 1
        self._wakeup.set()
        try:
            await asyncio.wait({writer}, timeout=timeout)
            await self._spill_in_thread(f"the database did not take them within {timeout:g} s")
        except asyncio.CancelledError:
            self._spill_now("the program is ending")
            raise
        finally:
            self._draining -= 1

    def _wake(self) -> None:
        if self._loop_closing:
            self._spill_now("the program is ending")
        elif (self._pending or self._spilled) and (self._writer is None or self._writer.done()):
            try:
                loop = asyncio.get_running_loop()
            except RuntimeError:
                self._spill_now("there is no event loop")
            else:
                self._writer = loop.create_task(self._write(), name=f"journal {self._session_id}")

    async def _write(self) -> None:
        delay = FIRST_RETRY
        try:
            while self._pending or self._spilled:
                if not self._draining and not self._urgent:
                    await self._pause(LINGER)
                self._urgent = False
                try:
                    await self._write_some()
                except Exception as error:
                    if self._store.closed:
                        self._spill_now("the store was closed first")
                        return
                    # Anything but a StoreError is a mistake of ours, and still no reason to lose an event.
                    self._warn_once("database", f"Writing the session is put off: {error}")
                    if self.unwritten > self._limit:
                        await self._spill_in_thread("the database has been away for long")
                    await self._pause(delay)
                    delay = min(LAST_RETRY, delay * 2)
                else:
                    if "database" in self._warned:
                        self._warned.discard("database")
                        self._log.info("The session is being written again.")
                    delay = FIRST_RETRY
        except asyncio.CancelledError:
            # The loop is being closed. A new task would not run any more, so what is still recorded goes to the file.
            self._loop_closing = True
            self._spill_now("the program is ending")
            raise

    async def _pause(self, seconds: float) -> None:
        self._wakeup.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wakeup.wait()

    async def _write_some(self) -> None:
        if not self._pending:
            await self._write_spilled()
            return
        batch = self._in_flight = [self._pending.popleft() for _ in range(min(BATCH, len(self._pending)))]
        try:
            await self._append(batch)
        except Exception:
            if self._in_flight is batch:  # else it was spilled meanwhile
                self._pending.extendleft(reversed(batch))
                self._in_flight = []
            raise
        if self._in_flight is batch:
            self._in_flight = []

    async def _write_spilled(self) -> None:
        if self._claimed is None:
            self._claimed = self._spill.claim()
        if self._claimed is not None:
            found, _ = await asyncio.to_thread(self._claimed.read)
            waited = found.get(self._session_id, [])
            for start in range(0, len(waited), BATCH):
                await self._append(waited[start : start + BATCH])
            self._claimed.remove()
            self._claimed = None
        self._spilled = self._spill.path.exists()

    async def _append(self, events: Sequence[LoggedEvent]) -> None:
        try:
            await self._store.append_logged(self._session_id, events)
        except StoreError as error:
            if not error.lasting or self._store.closed:
                raise
            if len(events) == 1 or isinstance(error, UnknownSession):
                self._refuse(events, error)
            else:  # one event that cannot be written must not hold up the others
                middle = len(events) // 2
                await self._append(events[:middle])
                await self._append(events[middle:])

    def _refuse(self, events: Sequence[LoggedEvent], error: StoreError) -> None:
        refused = SpillFile(self._store.spill_folder, self._session_id)
        refused.add(events)
        claimed = refused.claim()
        where = claimed.refuse() if claimed is not None else refused.path
        self._log.error(f"{len(events)} events cannot be written to the record, and are in {where}: {error}")

    async def _spill_in_thread(self, why: str) -> None:
        """Move what is in memory to the file, without blocking the loop for the disk."""
        if waiting := self._take_all():
            self._moving += len(waiting)
            try:
                await asyncio.to_thread(self._spill.add, waiting)
            except OSError as error:
                self._restore(waiting, error)
            else:
                self._note_spilled(len(waiting), why)
            finally:
                self._moving -= len(waiting)

    def _spill_now(self, why: str) -> None:
        """The same in the calling thread, where the loop is ending or there is none."""
        if waiting := self._take_all():
            try:
                self._spill.add(waiting)
            except OSError as error:
                self._restore(waiting, error)
            else:
                self._note_spilled(len(waiting), why)

    def _take_all(self) -> list[LoggedEvent]:
        # What is on its way to the database may still arrive there; the store leaves what it has already as it is.
        waiting = [*self._in_flight, *self._pending]
        self._in_flight = []
        self._pending.clear()
        return waiting

    def _restore(self, waiting: Sequence[LoggedEvent], error: OSError) -> None:
        self._pending.extendleft(reversed(waiting))
        self._warn_once("disk", f"Events stay in memory only, since {self._spill.path} cannot be written: {error}")

    def _note_spilled(self, count: int, why: str) -> None:
        self._spilled = True
        self._warn_once("spill", f"{count} events wait in {self._spill.path}, since {why}; others may follow them")

    def _warn_once(self, what: str, sentence: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            self._log.warning(sentence)
