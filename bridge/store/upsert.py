"""The one place that knows that two databases spell `INSERT ... ON CONFLICT` by two classes; never a query of its own."""

from typing import TypeAlias

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from bridge.store.db import Connection

Insert: TypeAlias = postgresql.Insert | sqlite.Insert


def insert_into(db: Connection, table: Table) -> Insert:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_for(db.dialect.name, table)


def insert_for(dialect: str, table: Table) -> Insert:
    """The same for statements that are built once: building one takes SQLAlchemy longer than SQLite takes to run it."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
