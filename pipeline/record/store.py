"""The record of every call: sessions and their events, written as they happen and read back whole.

The events are the only source. What else the tables hold of a session is derived from its events, in the transaction
that adds them and whatever their order, so the two cannot disagree.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from loguru import logger
from sqlalchemy import RowMapping, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.events import Event
from pipeline.record import tables as t
from pipeline.record.address import parse_url
from pipeline.record.database import Database
from pipeline.record.leases import Leases, is_dead
from pipeline.record.models import (
    CriterionScore,
    LoggedEvent,
    PendingJob,
    SessionOpening,
    SessionRecord,
    SessionSummary,
    State,
    StoreError,
    UnknownSession,
    Usage,
    Utterance,
    clean,
)
from pipeline.record.process_id import ProcessId
from pipeline.record.projection import SUMMARISED, SessionState, score_rows, session_columns, usage_row, utterance_row
from pipeline.record.recovery import transcript
from pipeline.record.spill import Claimed, spill_folder, waiting
from pipeline.record.verdict_text import named_scores

__all__ = ["SessionOpening", "SessionRecord", "SessionSummary", "Store", "StoreError", "UnknownSession"]

# A call records some thousand events, and its process may still write when it is thought dead, or have left some in a
# file. What jobs add after the call is numbered from here on, so that the two never meet.
FIRST_JOB_SEQ = 1_000_000

# What deriving needs of a session. Not its config: that is long, and this is read with every batch.
_KNOWN = [
    t.sessions.c[name] for name in ("id", "opened_at", "state", "why", "detail", "verdict_pending", "webhook_pending")
]

_SUMMARY = [t.sessions.c[field.name] for field in fields(SessionSummary)]


class Store:
    """The record in one database. Make it with `Store.open`; any number may share a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = Leases(database)
        self.closed = False

    @classmethod
    async def open(cls, address: str, *, create: bool = True, timeout: float = 5.0) -> "Store":
        """Open the database of an address such as `sqlite+aiosqlite:///sessions.db`, its tables made or updated.

        Without `create`, a SQLite file that is not there is an error. `timeout` is how many seconds to wait for a
        locked file or a silent server. What earlier processes could not write is written now.
        """
        database = Database(parse_url(address), timeout=timeout)
        try:
            await database.prepare(create=create)
        except BaseException:
            await database.close()
            raise
        store = cls(database)
        await store._recover()
        return store

    @property
    def place(self) -> str:
        """The database as errors and logs name it, without user and password."""
        return self._database.place

    @property
    def spill_folder(self) -> Path:
        """The folder of the events that could not be written to the database yet."""
        return spill_folder(self._database.file, self._database.place)

    @property
    def jobs_address(self) -> str:
        """The address of the database in which DBOS stores its workflows, with the password if there is one."""
        return self._database.jobs_address

    @property
    def jobs_arguments(self) -> dict[str, Any]:
        """What DBOS's driver is to be told beside that address."""
        return self._database.jobs_arguments

    async def close(self) -> None:
        """Close the connections. Drain the journals first."""
        self.closed = True
        await self._leases.close()
        await self._database.close()

    # --- writing

    async def open_session(self, opening: SessionOpening) -> None:
        """Begin a session. It belongs to this process until it is closed."""
        self._check_open()
        values = {
            key: clean(value) if isinstance(value, str | dict) else value for key, value in asdict(opening).items()
        }
        async with self._database.writing() as connection:
            await self._leases.beat(connection)
            if await connection.scalar(select(t.sessions.c.id).where(t.sessions.c.id == values["id"])) is not None:
                raise StoreError(f"There is already a session {opening.id} in the record.")
            row = {"owner": self._leases.here, "state": "open", "scored": "none", "estimated": False, **values}
            await connection.execute(insert(t.sessions).values(row))

    async def heartbeat(self) -> None:
        """Write that this process lives. Raises StoreError where a session could not be opened either."""
        self._check_open()
        async with self._database.writing() as connection:
            await self._leases.beat(connection)

    async def append(self, session_id: str, events: Sequence[tuple[int, Event]]) -> None:
        """Add events, each with its place in the session. One that is there already is left as it is."""
        await self.append_logged(session_id, [LoggedEvent.of(seq, event) for seq, event in events])

    async def append_logged(self, session_id: str, events: Sequence[LoggedEvent]) -> None:
        """Add events that are already in their stored form."""
        self._check_open()
        async with self._database.writing() as connection:
            session = await self._lock(connection, session_id)
            new = await self._unknown(connection, session_id, events)
            if new:
                await self._add(connection, session, new)

    async def add_outcome(self, session_id: str, job: PendingJob, events: Sequence[Event]) -> bool:
        """Add the events of a job after the call, all of them or none, unless the job is no longer pending.

        False when nothing was added. With a VerdictGiven the verdict is no longer pending; with a WebhookDelivered, or
        the last WebhookFailed, the webhook.
        """
        self._check_open()
        async with self._database.writing() as connection:
            session = await self._lock(connection, session_id)
            if not session[job]:
                return False
            first = max(FIRST_JOB_SEQ, await _next_seq(connection, session_id))
            await self._add(
                connection, session, [LoggedEvent.of(seq, event) for seq, event in enumerate(events, first)]
            )
            return True

    async def acquire(self, work: str) -> bool:
        """Become the one process on this database that does `work`; False while another that does it lives."""
        self._check_open()
        async with self._database.writing() as connection:
            return await self._leases.acquire(connection, work)

    async def close_orphans(self, why: str = "process died", owner: ProcessId | None = None) -> list[str]:
        """Close the sessions whose process died without doing so, and say which; what is written of them stays.

        `owner` is who asks, by default this process; its own sessions are never touched. A process of this machine is
        looked up; one elsewhere is dead when it has not renewed its lease for LEASE seconds.
        """
        asking = str(owner or self._leases.here)
        closed: list[str] = []
        async with self._database.writing() as connection:
            now = await self._database.clock(connection)
            query = (
                select(*_KNOWN, t.sessions.c.owner, t.owners.c.beat)
                .join(t.owners)
                .where(t.sessions.c.state == "open", t.sessions.c.owner != asking)
                .with_for_update(of=t.sessions)
            )
            for session in (await connection.execute(query)).mappings().all():
                if is_dead(session["owner"], silent=now - session["beat"]):
                    detail = f"its process ({session['owner']}) ended without closing the session"
                    await self._derive(connection, {**session, "state": "closed", "why": why, "detail": detail})
                    closed.append(session["id"])
        return closed

    # --- reading

    async def session(self, session_id: str) -> SessionRecord | None:
        """Everything about a session; None if there is none of this id."""
        async with self._database.reading() as connection:
            query = select(t.sessions).where(t.sessions.c.id == session_id)
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None:
                return None
            header = {field.name: row[field.name] for field in fields(SessionSummary)}
            utterances = [Utterance(**each) for each in await _select(connection, t.utterances, session_id)]
            events = tuple(LoggedEvent(**each) for each in await _select(connection, t.events, session_id))
            return SessionRecord(
                **header,
                config=row["config"],
                access_hash=row["access_hash"],
                verdict_pending=row["verdict_pending"],
                webhook_pending=row["webhook_pending"],
                utterances=transcript(utterances, events, over=row["state"] == "closed"),
                scores=named_scores([_score(each) for each in await _select(connection, t.scores, session_id)], events),
                usage=tuple(Usage(**each) for each in await _select(connection, t.usage, session_id)),
                events=events,
            )

    async def sessions(
        self,
        limit: int = 50,
        arm: str | None = None,
        state: State | None = None,
        since: datetime | None = None,
    ) -> list[SessionSummary]:
        """The newest sessions first."""
        query = select(*_SUMMARY).order_by(t.sessions.c.opened_at.desc(), t.sessions.c.id).limit(limit)
        if arm is not None:
            query = query.where(t.sessions.c.arm == arm)
        if state is not None:
            query = query.where(t.sessions.c.state == state)
        if since is not None:
            query = query.where(t.sessions.c.opened_at >= since)
        async with self._database.reading() as connection:
            return [SessionSummary(**row) for row in (await connection.execute(query)).mappings()]

    async def ids(self, prefix: str = "", limit: int = 500) -> list[str]:
        """Ids that begin with a prefix, newest first."""
        query = select(t.sessions.c.id).order_by(t.sessions.c.opened_at.desc()).limit(limit)
        # Not LIKE: SQLite's takes no account of case.
        query = query.where(func.substr(t.sessions.c.id, 1, len(prefix)) == prefix)
        async with self._database.reading() as connection:
            return list((await connection.execute(query)).scalars())

    async def pending(self, config_name: str) -> list[str]:
        """The closed sessions of a config whose verdict or webhook is pending, the first to be opened first."""
        pending = t.sessions.c.verdict_pending | t.sessions.c.webhook_pending
        query = select(t.sessions.c.id).order_by(t.sessions.c.opened_at, t.sessions.c.id)
        query = query.where(pending, t.sessions.c.config_name == config_name, t.sessions.c.state == "closed")
        async with self._database.reading() as connection:
            return list((await connection.execute(query)).scalars())

    def _check_open(self) -> None:
        if self.closed:
            raise StoreError(f"{self.place} has been closed by this program.")

    async def _lock(self, connection: AsyncConnection, session_id: str) -> RowMapping:
        # On PostgreSQL the row's lock keeps writers of one session apart; on SQLite there is only one writer.
        query = select(*_KNOWN).where(t.sessions.c.id == session_id).with_for_update()
        session = (await connection.execute(query)).mappings().one_or_none()
        if session is None:
            raise UnknownSession(f"{self.place} holds no session {session_id}.")
        return session

    async def _unknown(
        self, connection: AsyncConnection, session_id: str, events: Sequence[LoggedEvent]
    ) -> list[LoggedEvent]:
        given: dict[int, LoggedEvent] = {}
        for event in events:
            _same(session_id, given.setdefault(event.seq, event), event)
        if not given:
            return []
        query = select(t.events).where(
            t.events.c.session_id == session_id, t.events.c.seq.between(min(given), max(given))
        )
        for row in (await connection.execute(query)).mappings():
            if (event := given.pop(row["seq"], None)) is not None:
                _same(session_id, LoggedEvent(row["seq"], row["at"], row["kind"], row["data"]), event)
        return list(given.values())

    async def _add(self, connection: AsyncConnection, session: RowMapping, new: Sequence[LoggedEvent]) -> None:
        session_id = session["id"]
        await _insert(connection, t.events, session_id, [asdict(event) for event in new])
        utterances = [utterance_row(event) for event in new if event.kind == "UtteranceSpoken"]
        await _insert(connection, t.utterances, session_id, utterances)
        usage = [usage_row(event) for event in new if event.kind == "UsageReported"]
        await _insert(connection, t.usage, session_id, usage)
        if session["state"] == "closed" or any(event.kind in SUMMARISED for event in new):
            await self._derive(connection, session)

    async def _derive(self, connection: AsyncConnection, session: RowMapping | dict[str, Any]) -> None:
        session_id = session["id"]
        mine = t.events.c.session_id == session_id
        last_at = await connection.scalar(select(func.max(t.events.c.at)).where(mine))
        rows = await connection.execute(select(t.events).where(mine, t.events.c.kind.in_(SUMMARISED)))
        summarised = [LoggedEvent(row["seq"], row["at"], row["kind"], row["data"]) for row in rows.mappings()]
        known = SessionState(
            session["opened_at"],
            session["state"],
            session["why"],
            session["detail"],
            last_at or 0.0,
            session["verdict_pending"],
            session["webhook_pending"],
        )
        columns = session_columns(known, summarised)
        await connection.execute(update(t.sessions).where(t.sessions.c.id == session_id).values(columns))
        await connection.execute(delete(t.scores).where(t.scores.c.session_id == session_id))
        await _insert(connection, t.scores, session_id, score_rows(summarised))

    async def _recover(self) -> None:
        try:
            for claimed in waiting(self.spill_folder):
                await self._read_back(claimed)
        except (StoreError, OSError) as error:
            logger.warning(f"Events of earlier calls still wait in {self.spill_folder}: {error}")

    async def _read_back(self, claimed: Claimed) -> None:
        found, unreadable = claimed.read()
        refused = False
        for session_id, events in found.items():
            try:
                await self.append_logged(session_id, events)
                logger.info(f"{len(events)} events of session {session_id} are now in the record; they were in a file.")
            except StoreError as error:
                if not error.lasting:
                    raise
                logger.warning(f"Events of session {session_id} cannot be written to the record: {error}")
                refused = True
        if refused or unreadable:
            logger.warning(f"{unreadable} lines could not be read; the file is now {claimed.refuse()}")
        else:
            claimed.remove()


def _same(session_id: str, there: LoggedEvent, given: LoggedEvent) -> None:
    if (there.kind, there.data) != (given.kind, given.data):
        raise StoreError(f"Place {given.seq} of session {session_id} holds a {there.kind}, not this {given.kind}.")


def _score(row: dict[str, Any]) -> CriterionScore:
    return CriterionScore(**{key: value for key, value in row.items() if key != "seq"})


async def _next_seq(connection: AsyncConnection, session_id: str) -> int:
    last = await connection.scalar(select(func.max(t.events.c.seq)).where(t.events.c.session_id == session_id))
    return 1 if last is None else last + 1


async def _insert(connection: AsyncConnection, table: Table, session_id: str, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(insert(table), [{"session_id": session_id, **row} for row in rows])


async def _select(connection: AsyncConnection, table: Table, session_id: str) -> list[dict[str, Any]]:
    columns = [column for column in table.c if column.name != "session_id"]
    query = select(*columns).where(table.c.session_id == session_id).order_by(table.c.seq)
    return [dict(row) for row in (await connection.execute(query)).mappings()]
