"""Every flow runs on a SQLite file and on PostgreSQL."""

from databases import database, postgres_server, where
from world import world

__all__ = ["database", "postgres_server", "where", "world"]
