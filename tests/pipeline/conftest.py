"""Databases for whoever asks: `address` runs a test on SQLite and on PostgreSQL, `empty_address` without tables yet."""

from support.postgres import address, empty_address, empty_postgres, postgres

__all__ = ["address", "empty_address", "empty_postgres", "postgres"]
