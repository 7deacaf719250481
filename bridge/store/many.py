"""Writes thousands of rows that are all alike in one statement; never anything that may be there already."""

from collections.abc import Sequence
from operator import itemgetter

from sqlalchemy import Table, insert

from bridge.store.db import Connection


async def insert_many(db: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows of texts and numbers, each with a value for each of these columns (two or more).

    They go to the driver as they are: others wait to write meanwhile, and to look at each row as if it could be of another shape takes twice as long.
    """
    if not rows:
        return
    compiled = insert(table).compile(dialect=db.dialect, column_keys=list(columns))
    order = itemgetter(*(columns.index(name) for name in compiled.positiontup or columns))
    await db.exec_driver_sql(str(compiled), list(map(order, rows)))
