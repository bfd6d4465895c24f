"""What a session still owes after its call, and which process does the work."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is due; sessions of before owe nothing."""
    for name in ("verdict_due", "webhook_due"):
        op.add_column("sessions", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    # In the words in which it is asked for: SQLite uses a partial index only then.
    op.create_index(
        "ix_sessions_due",
        "sessions",
        ["config_name"],
        sqlite_where=sa.text("verdict_due = 1 OR webhook_due = 1"),
        postgresql_where=sa.text("verdict_due OR webhook_due"),
    )
    op.create_table(
        "workers",
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["owner"], ["owners.id"], name="fk_workers_owners"),
        sa.PrimaryKeyConstraint("work", name="pk_workers"),
    )


def downgrade() -> None:
    """Forget what is due."""
    op.drop_table("workers")
    op.drop_index("ix_sessions_due", "sessions")
    for name in ("webhook_due", "verdict_due"):
        op.drop_column("sessions", name)
