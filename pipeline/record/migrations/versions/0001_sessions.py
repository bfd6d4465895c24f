"""Sessions, their events, and what is derived from the events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    money = sa.Numeric().with_variant(sa.Text(), "sqlite")
    op.create_table(
        "owners",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_owners"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text()),
        sa.Column("detail", sa.Text()),
        sa.Column("config_name", sa.Text(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("criteria", sa.JSON(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("experiment", sa.Text()),
        sa.Column("arm", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("scored", sa.Text(), nullable=False),
        sa.Column("usd", money),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("tokens", sa.BigInteger()),
        sa.Column("seconds", sa.Double()),
        sa.Column("latency_p50", sa.Double()),
        sa.Column("latency_p95", sa.Double()),
        sa.Column("frames_late", sa.BigInteger()),
        sa.Column("cpu", sa.Double()),
        sa.Column("access_hash", sa.Text()),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name="fk_sessions_owners"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_opened_at", "sessions", ["opened_at"])
    op.create_table(
        "events",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_events_sessions", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "seq", name="pk_events"),
    )
    op.create_index("ix_events_kind", "events", ["kind"])
    op.create_table(
        "utterances",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("speaker", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("started", sa.Double(), nullable=False),
        sa.Column("ended", sa.Double(), nullable=False),
        sa.Column("interrupted", sa.Boolean(), nullable=False),
        sa.Column("partial", sa.Boolean(), nullable=False),
        _fact("utterances"),
        sa.PrimaryKeyConstraint("session_id", "seq", name="pk_utterances"),
    )
    op.create_table(
        "scores",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("criterion", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        _fact("scores"),
        sa.PrimaryKeyConstraint("session_id", "criterion", name="pk_scores"),
    )
    op.create_table(
        "usage",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt", sa.JSON(), nullable=False),
        sa.Column("response", sa.JSON(), nullable=False),
        sa.Column("thoughts", sa.BigInteger(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("usd", money),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        _fact("usage"),
        sa.PrimaryKeyConstraint("session_id", "seq", name="pk_usage"),
    )


def downgrade() -> None:
    """Drop the tables and all that is in them."""
    for table in ("usage", "scores", "utterances", "events", "sessions", "owners"):
        op.drop_table(table)


def _fact(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["session_id", "seq"], ["events.session_id", "events.seq"], name=f"fk_{table}_events", ondelete="CASCADE"
    )
