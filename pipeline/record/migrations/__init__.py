"""The history of the tables: alembic finds the steps in versions/."""
