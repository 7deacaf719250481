"""Every flow runs on a SQLite file and on PostgreSQL."""

from databases import database, empty, postgres_server, templates, where
from world import world

__all__ = ["database", "empty", "postgres_server", "templates", "where", "world"]
