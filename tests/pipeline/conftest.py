"""Databases for whoever asks: `address` runs a test on SQLite and on PostgreSQL."""

from support.postgres import address, postgres

__all__ = ["address", "postgres"]
