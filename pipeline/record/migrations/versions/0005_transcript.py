"""Which transcriber an utterance is from, and how complete the transcript of a session is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; older utterances are from the Live session itself, and older transcripts were not measured."""
    op.add_column("utterances", sa.Column("source", sa.Text(), nullable=False, server_default="live"))
    op.add_column("sessions", sa.Column("completeness", sa.Double()))
    op.add_column("sessions", sa.Column("holes", sa.BigInteger()))
    op.add_column("sessions", sa.Column("repaired", sa.BigInteger()))


def downgrade() -> None:
    """Drop the columns."""
    for column in ("repaired", "holes", "completeness"):
        op.drop_column("sessions", column)
    op.drop_column("utterances", "source")
