"""What alembic runs: on the connection that `record.database` hands over, in its transaction and its lock."""

from alembic import context

from pipeline.record.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
