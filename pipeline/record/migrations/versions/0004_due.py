"""The jobs that are pending for a session after its call, and which process does them.

It revises 0001: no commit has a 0002 or 0003, the numbers were skipped when this landed together with 0005. A database
stores the number of the revision it is at, so the gap stays.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; for older sessions nothing is pending."""
    for name in ("verdict_due", "webhook_due"):
        op.add_column("sessions", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    # Worded as the query is: SQLite uses a partial index only then.
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
    """Drop the table, the index and the columns."""
    op.drop_table("workers")
    op.drop_index("ix_sessions_due", "sessions")
    for name in ("webhook_due", "verdict_due"):
        op.drop_column("sessions", name)
