"""An aiosqlite connection that goes to its thread once for a statement, not four times. Never a query of its own.

aiosqlite makes a cursor, executes, fetches and closes by one message to its thread each. Nearly all of Hearth's statements take less time than one
such message, so a batch of events is handled more than twice as fast this way. Only of very many rows the rest waits until somebody asks for it.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self

import aiosqlite

AT_ONCE = 10_000
"""So many rows are there when `execute` returns."""


class QuickCursor:
    """What SQLAlchemy needs of a cursor; all rows are there when `execute` returns, as long as they are not very many."""

    def __init__(self, connection: "QuickConnection") -> None:
        """Costs nothing: the real cursor lives only within its thread, for one statement."""
        self._connection = connection
        self._rows: list[Any] = []
        self._given = 0
        self._open: sqlite3.Cursor | None = None
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
        """All rows that were not given yet."""
        if self._open is not None:
            await self._fetch(None)
        rows, self._rows, given, self._given = self._rows, [], self._given, 0
        return rows[given:] if given else rows

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """The next rows, at most `size`; none when there are no more."""
        wanted = size or self.arraysize
        if self._given >= len(self._rows):
            self._rows, self._given = [], 0
            if self._open is not None:
                await self._fetch(AT_ONCE)
        rows = self._rows[self._given : self._given + wanted]
        self._given += len(rows)
        return rows

    async def close(self) -> None:
        """Leave what nobody asked for."""
        if self._open is not None:
            cursor, self._open = self._open, None
            await self._connection._execute(cursor.close)  # type: ignore[no-untyped-call]  # noqa: SLF001 - as below

    async def _fetch(self, most: int | None) -> None:
        """Some more rows, or all that are left, of the cursor that is open."""
        cursor = self._open
        if cursor is None:
            return

        def run() -> None:
            self._take(cursor, most)

        await self._connection._execute(run)  # type: ignore[no-untyped-call]  # noqa: SLF001 - as below

    def _take(self, cursor: sqlite3.Cursor, most: int | None) -> None:
        """In the connection's thread: rows of this cursor, which stays open while there may be more."""
        rows = cursor.fetchall() if most is None else cursor.fetchmany(most)
        self._rows += rows
        if most is None or len(rows) < most:
            self._open = None
            cursor.close()
        else:
            self._open = cursor

    async def _in_thread(self, work: Callable[[sqlite3.Cursor], Any]) -> Self:
        def run() -> None:
            cursor = self._connection._conn.cursor()  # noqa: SLF001 - aiosqlite has no other way to it
            try:
                work(cursor)
                self.description = cursor.description
                self._rows, self._given = [], 0
                if cursor.description:
                    self._take(cursor, AT_ONCE)
                self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
            finally:
                if self._open is None:
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
