"""Columns and stored events under the names of docs/glossary.md; `sessions.criteria`, which was never filled, goes."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


class Rename(NamedTuple):
    """A kind of event: its new name, its fields as old to new, and their values as (new field, old value) to new."""

    kind: str
    fields: Mapping[str, str] = {}
    values: Mapping[tuple[str, str], str] = {}


# What core.events.base.RENAMED was when this was written; a test holds the two against each other.
EVENTS = {
    "LinkDialed": Rename("ConnectionDialed"),
    "LinkOpened": Rename("ConnectionOpened"),
    "LinkLost": Rename("ConnectionLost", {"verdict": "action"}, {("action", "fresh"): "new session"}),
    "LinkChanged": Rename("ConnectionStateChanged"),
    "LinkGaveUp": Rename("ConnectionGivenUp"),
    "TurnTold": Rename("TurnSentAsText"),
    "ModelLate": Rename("ModelLate", {"done": "action"}, {("action", "say again"): "repeat"}),
    "ContextLost": Rename("ContextLost", {"done": "action"}),
    "HeardOtherwise": Rename("AlternativeTranscribed"),
    "HoleFound": Rename("GapFound"),
    "HoleRepaired": Rename("GapRepaired"),
    "WordsKept": Rename("TranscriptCheckpointed"),
    "EchoHeard": Rename("EchoDetected"),
    "TranscriptMeasured": Rename("TranscriptMeasured", {"holes": "gaps"}),
    "CallerConnected": Rename("CallerConnected", {"door": "transport"}),
    "CallEnded": Rename("CallEnded", values={("why", "link given up"): "connection given up"}),
}

COLUMNS = {
    "door": "transport",
    "holes": "gaps",
    "verdict_due": "verdict_pending",
    "webhook_due": "webhook_pending",
}

# A session has some thousand events: so many sessions are rewritten by one statement and held in memory at a time.
SESSIONS_AT_ONCE = 100

sessions = sa.table("sessions", sa.column("id", sa.Text()), sa.column("why", sa.Text()))
events = sa.table(
    "events",
    sa.column("session_id", sa.Text()),
    sa.column("seq", sa.Integer()),
    sa.column("kind", sa.Text()),
    sa.column("data", sa.JSON()),
)


def upgrade() -> None:
    """Rename the columns, the index and what is stored in the events."""
    op.drop_index("ix_sessions_due", "sessions")
    for old, new in COLUMNS.items():
        op.alter_column("sessions", old, new_column_name=new)
    op.drop_column("sessions", "criteria")
    _index("ix_sessions_pending", "verdict_pending", "webhook_pending")
    _rewrite(EVENTS)


def downgrade() -> None:
    """Restore the former names, and an empty `sessions.criteria`."""
    op.drop_index("ix_sessions_pending", "sessions")
    for old, new in COLUMNS.items():
        op.alter_column("sessions", new, new_column_name=old)
    op.add_column("sessions", sa.Column("criteria", sa.JSON(), nullable=False, server_default="[]"))
    _index("ix_sessions_due", "verdict_due", "webhook_due")
    _rewrite({rename.kind: _reversed(old, rename) for old, rename in EVENTS.items()})


def _index(name: str, verdict: str, webhook: str) -> None:
    op.create_index(
        name,
        "sessions",
        ["config_name"],
        sqlite_where=sa.text(f"{verdict} = 1 OR {webhook} = 1"),
        postgresql_where=sa.text(f"{verdict} OR {webhook}"),
    )


def _reversed(old: str, rename: Rename) -> Rename:
    fields = {new: name for name, new in rename.fields.items()}
    values = {(fields.get(field, field), new): value for (field, value), new in rename.values.items()}
    return Rename(old, fields, values)


def _rewrite(renames: Mapping[str, Rename]) -> None:
    """Rename in the events, and the `why` of the sessions that is derived from them."""
    connection = op.get_bind()
    kinds = {old: rename.kind for old, rename in renames.items() if old != rename.kind}
    with_data = [old for old, rename in renames.items() if rename.fields or rename.values]
    for batch in _batches(connection, events.c.session_id):
        # An expression, so that the primary key leads to the rows: the index of the kinds would lead to all sessions'.
        kind = events.c.kind.concat("")
        rows = connection.execute(
            sa.select(events.c.session_id, events.c.seq, events.c.kind, events.c.data).where(batch, kind.in_(with_data))
        )
        changes = [
            {"in_session": row.session_id, "at_seq": row.seq, "data": _renamed(row.data, renames[row.kind])}
            for row in rows
        ]
        if changes:
            key = events.c.session_id == sa.bindparam("in_session"), events.c.seq == sa.bindparam("at_seq")
            connection.execute(sa.update(events).where(*key), changes)
        connection.execute(
            sa.update(events).where(batch, kind.in_(kinds)).values(kind=sa.case(kinds, value=events.c.kind))
        )
    for (_, old), new in renames["CallEnded"].values.items():
        for batch in _batches(connection, sessions.c.id):
            connection.execute(sa.update(sessions).where(batch, sessions.c.why == old).values(why=new))


def _batches(connection: sa.Connection, column: sa.ColumnClause[str]) -> Iterator[sa.ColumnElement[bool]]:
    """Conditions on a column of session ids, each true for some sessions, together for all."""
    first: sa.ColumnElement[bool] = sa.true()
    while True:
        query = sa.select(sessions.c.id).where(first).order_by(sessions.c.id).limit(SESSIONS_AT_ONCE)
        ids = connection.scalars(query).all()
        if not ids:
            return
        yield column.between(ids[0], ids[-1])
        first = sessions.c.id > ids[-1]


def _renamed(data: dict[str, Any], rename: Rename) -> dict[str, Any]:
    named = {rename.fields.get(key, key): value for key, value in data.items()}
    return {
        key: rename.values.get((key, value), value) if isinstance(value, str) else value for key, value in named.items()
    }
