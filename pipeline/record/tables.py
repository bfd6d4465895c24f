"""The tables of the record. docs/log.md says what each column means."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    TypeDecorator,
    false,
)
from sqlalchemy.types import TypeEngine


class Money(TypeDecorator[Decimal]):
    """An exact decimal: NUMERIC on PostgreSQL, text on SQLite, whose numbers are floats."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Moment(TypeDecorator[datetime]):
    """A time with its zone, stored in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time in the record needs a zone: use datetime.now(UTC)")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _session() -> Column[str]:
    return Column("session_id", Text, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)


def _event() -> ForeignKeyConstraint:
    """Every derived row names the event it was derived from."""
    return ForeignKeyConstraint(["session_id", "seq"], ["events.session_id", "events.seq"], ondelete="CASCADE")


owners = Table(
    "owners",
    metadata,
    Column("id", Text, primary_key=True),
    Column("beat", BigInteger, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("work", Text, primary_key=True),
    Column("owner", Text, ForeignKey("owners.id"), nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, ForeignKey("owners.id"), nullable=False),
    Column("opened_at", Moment, nullable=False, index=True),
    Column("closed_at", Moment),
    Column("state", Text, nullable=False),
    Column("why", Text),
    Column("detail", Text),
    Column("config_name", Text, nullable=False),
    Column("config", JSON, nullable=False),
    Column("transport", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("experiment", Text),
    Column("arm", Text),
    Column("model", Text),
    Column("scored", Text, nullable=False),
    Column("usd", Money),
    Column("estimated", Boolean, nullable=False),
    Column("tokens", BigInteger),
    Column("seconds", Double),
    Column("latency_p50", Double),
    Column("latency_p95", Double),
    Column("frames_late", BigInteger),
    Column("cpu", Double),
    Column("completeness", Double),
    Column("gaps", BigInteger),
    Column("repaired", BigInteger),
    Column("access_hash", Text),
    Column("verdict_pending", Boolean, nullable=False, server_default=false()),
    Column("webhook_pending", Boolean, nullable=False, server_default=false()),
)

# Few sessions have a pending job, and the jobs look for them every second.
Index(
    "ix_sessions_pending",
    sessions.c.config_name,
    sqlite_where=sessions.c.verdict_pending | sessions.c.webhook_pending,
    postgresql_where=sessions.c.verdict_pending | sessions.c.webhook_pending,
)

events = Table(
    "events",
    metadata,
    _session(),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False, index=True),
    Column("data", JSON, nullable=False),
)

utterances = Table(
    "utterances",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("speaker", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("started", Double, nullable=False),
    Column("ended", Double, nullable=False),
    Column("interrupted", Boolean, nullable=False),
    Column("partial", Boolean, nullable=False),
    Column("source", Text, nullable=False, server_default="live"),
    Column("times", JSON, nullable=False, server_default="[]"),
    _event(),
)

scores = Table(
    "scores",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("criterion", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("value", Double),
    Column("source", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("why", Text, nullable=False),
    _event(),
)

usage = Table(
    "usage",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("model", Text, nullable=False),
    Column("prompt", JSON, nullable=False),
    Column("response", JSON, nullable=False),
    Column("thoughts", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("usd", Money),
    Column("estimated", Boolean, nullable=False),
    _event(),
)
