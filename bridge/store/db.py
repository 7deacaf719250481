"""Opens the database and hands out transactions; never decides what is in it.

The same on both databases: one transaction writes at a time, and one process leads. On PostgreSQL the lead is an advisory lock that belongs to the
very connection that writes, so a process that lost it cannot write any more, even before it notices.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, func, select
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bridge.store import engines
from bridge.store.errors import AlreadyRunning, LeadershipLost, StoreUnavailable
from bridge.store.lock import FileLock
from bridge.store.migrate import upgrade

Connection = AsyncConnection

LEAD = 0x4865617274680001
"""The number of our advisory lock: `Hearth` in ASCII, and 1."""

LEADS = "hearth_leads"


class Database:
    """A SQLite file or a PostgreSQL database. Made by `Database.open`."""

    def __init__(self, where: URL | Path) -> None:
        """Nothing is connected yet."""
        self._where = where
        self._lock = FileLock(where) if isinstance(where, Path) else None
        self._leading = False
        if isinstance(where, Path):
            self._writer = engines.sqlite_engine(where, writer=True)
            self._reader = engines.sqlite_engine(where, writer=False)
        else:
            self._writer = engines.postgres_engine(where, writer=True)
            self._reader = engines.postgres_engine(where, writer=False)

    @classmethod
    async def open(cls, where: str | Path, *, migrated: bool = True) -> "Database":
        """Open a SQLite file (a Path) or a PostgreSQL database (an address), bring its schema up to date unless told not to.

        Raises StoreUnavailable when it cannot be reached, NewerDatabase when it is too new, ValueError for an address that is none.
        """
        if isinstance(where, Path):
            engines.make_private(where)
        database = cls(where if isinstance(where, Path) else engines.postgres_url(where))
        try:
            if migrated:
                await database.migrate()
            else:
                async with database.reading():
                    pass
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def is_postgres(self) -> bool:
        """Whether a second process may stand by for this database."""
        return isinstance(self._where, URL)

    async def migrate(self) -> None:
        """Bring the schema up to date, in one transaction. Several processes may do so at once. NewerDatabase when it is newer than this code."""
        engine = engines.migration_engine(self._where)
        try:
            async with _transaction(engine) as db:
                await db.run_sync(upgrade)
        finally:
            await engine.dispose()

    async def lead(self, *, wait: bool = True, look_every_seconds: float = 1.0) -> None:
        """Become the one process that works on this database; from then on `writing` makes sure of it.

        On PostgreSQL a second process waits here until the first is gone. On a file, and with `wait` false, it is AlreadyRunning at once.
        """
        if self._lock:
            self._lock.acquire()
            return
        self._leading = True
        while True:
            try:
                async with self.writing():
                    return
            except LeadershipLost:
                if not wait:
                    self._leading = False
                    raise AlreadyRunning("another Hearth is running with this database") from None
            except StoreUnavailable:
                if not wait:
                    raise
            await asyncio.sleep(look_every_seconds)

    async def watch(self, every_seconds: float = 5.0) -> None:
        """Look now and then whether we still lead; ends only by LeadershipLost. A database that cannot be reached is waited for."""
        while True:
            await asyncio.sleep(every_seconds)
            try:
                async with self.writing():
                    pass
            except StoreUnavailable:
                continue

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """A transaction that may write; others that want to write wait until it ends. Never await the network in it.

        It is committed at the end and undone by any exception. Raises StoreUnavailable (StoreFull), and LeadershipLost after `lead`.
        """
        async with _transaction(self._writer) as db:
            await self._make_sure(db)
            yield db

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A transaction that sees one moment and cannot write. Raises StoreUnavailable."""
        async with _transaction(self._reader) as db:
            yield db

    async def tidy(self) -> None:
        """Empty the write-ahead log into the file, so that nothing that was erased stays behind in it."""
        if not self.is_postgres:
            async with _connected(self._writer) as db:
                # A checkpoint cannot be made inside a transaction, and SQLAlchemy would begin one.
                driver = (await db.get_raw_connection()).driver_connection
                if driver is not None:
                    await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Give everything back: connections, the lead, the lock."""
        await self._reader.dispose()
        await self._writer.dispose()
        if self._lock:
            self._lock.release()

    async def _make_sure(self, db: Connection) -> None:
        """A connection that is new since the last time has to win the advisory lock first."""
        if not self._leading:
            return
        info = (await db.get_raw_connection()).info
        if not info.get(LEADS):
            if not await db.scalar(select(func.pg_try_advisory_lock(LEAD))):
                raise LeadershipLost("another Hearth has taken over")
            info[LEADS] = True


@asynccontextmanager
async def _connected(engine: AsyncEngine) -> AsyncIterator[Connection]:
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(engine.connect())
        except (OSError, PoolTimeoutError) as error:
            raise StoreUnavailable(type(error).__name__) from None
        yield connection


@asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncIterator[Connection]:
    async with _connected(engine) as connection, connection.begin():
        yield connection
