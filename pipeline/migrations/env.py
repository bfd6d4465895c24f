"""What alembic runs: on the connection that pipeline.database hands over, inside its transaction and its lock."""

from alembic import context

from pipeline.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
