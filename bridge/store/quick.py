"""An aiosqlite connection that goes to its thread once for a statement, not four times. Never a query of its own.

aiosqlite makes a cursor, executes, fetches and closes by one message to its thread each. Nearly all of Hearth's statements take less time than one
such message, so a batch of events is handled more than twice as fast this way. SQLAlchemy always fetches everything, so nothing is lost.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import aiosqlite


class QuickCursor:
    """What SQLAlchemy needs of a cursor; all rows are there when `execute` returns."""

    def __init__(self, connection: "QuickConnection") -> None:
        """Costs nothing: the real cursor lives only within its thread, for one statement."""
        self._connection = connection
        self._rows: list[Any] = []
        self.arraysize = 1
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        """Nothing to do."""
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        """Run one statement and fetch what it gives. Errors are those of sqlite3."""
        return await self._in_thread(lambda cursor: cursor.execute(sql, parameters))

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> Self:
        """Run one statement for each of these; they give nothing."""
        return await self._in_thread(lambda cursor: cursor.executemany(sql, parameters))

    async def fetchall(self) -> list[Any]:
        """All rows."""
        return self._rows

    async def close(self) -> None:
        """Nothing to do."""

    async def _in_thread(self, work: Callable[[sqlite3.Cursor], Any]) -> Self:
        def run() -> None:
            cursor = self._connection._conn.cursor()  # noqa: SLF001 - aiosqlite has no other way to it
            try:
                work(cursor)
                self.description = cursor.description
                self._rows = cursor.fetchall() if cursor.description else []
                self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
            finally:
                cursor.close()

        await self._connection._execute(run)  # type: ignore[no-untyped-call]  # noqa: SLF001
        return self


class QuickConnection(aiosqlite.Connection):
    """An aiosqlite connection with quick cursors."""

    def cursor(self) -> Any:
        """A cursor; unlike its parent's it need not be awaited."""
        return QuickCursor(self)


def connector(file: Path) -> Callable[..., QuickConnection]:
    """What SQLAlchemy calls for a new connection to this file; what it passes are its own defaults."""

    def connect(*_: Any, **__: Any) -> QuickConnection:
        connection = QuickConnection(lambda: sqlite3.connect(file), iter_chunk_size=64)
        connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does: a forgotten connection must not keep the process
        return connection

    return connect
