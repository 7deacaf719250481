"""The one place that knows that two databases spell `INSERT ... ON CONFLICT` by two classes; never a query of its own."""

from typing import TypeAlias

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from bridge.store.db import Connection

Insert: TypeAlias = postgresql.Insert | sqlite.Insert


def insert_into(db: Connection, table: Table) -> Insert:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite.insert(table)
