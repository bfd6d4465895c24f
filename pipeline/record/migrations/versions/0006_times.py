"""When the parts of an utterance were said."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what was said before it is not known."""
    op.add_column("utterances", sa.Column("times", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("utterances", "times")
