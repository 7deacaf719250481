"""Engines for SQLite and PostgreSQL with the same meaning: one writer at a time, readers that see one moment. Never a query of its own.

SQLAlchemy's defaults lose writes on SQLite (a transaction that reads first and then writes is not one), so its transactions are begun by hand,
with BEGIN IMMEDIATE, on the single connection of the writer: the pool is the queue.
"""

import asyncio
import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, event, make_url
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from bridge.store import quick
from bridge.store.errors import StoreFull, StoreUnavailable

READERS = 4
"""Connections that read at the same time."""

SQLITE_FULL = 13
SQLITE_NOT_NOW = {5, 6, 8, 10, 14}
"""Busy, locked, read-only, input or output error, cannot open: the file's fault, not the statement's."""

POSTGRES_FULL = "53100"
POSTGRES_NOT_NOW = ("08", "40", "53", "55P03", "57")
"""Classes of SQLSTATE: connection, rolled back, resources, lock not available, an administrator stepped in."""

FAILED = "hearth_failed"

_PATIENCE_SECONDS, _TRY_SECONDS = 5.0, 0.01


def postgres_url(url: str) -> URL:
    """The address of a PostgreSQL database, with the driver that we use. ValueError when it is not one; its text repeats nothing of the address."""
    try:
        given = make_url(url)
    except ArgumentError:
        raise ValueError("this is not the address of a database: postgresql://user@host/name") from None
    if given.get_backend_name() not in ("postgresql", "postgres"):
        raise ValueError("only postgresql:// addresses are known; leave it out for a file in data_dir")
    # People copy `sslmode=` from the documentation of other drivers; asyncpg calls the same thing `ssl`.
    query = {{"sslmode": "ssl"}.get(name, name): value for name, value in given.query.items()}
    return given.set(drivername="postgresql+asyncpg", query=query)


def postgres_engine(url: URL, *, writer: bool) -> AsyncEngine:
    """The writer's engine (one connection) or the readers'. Nothing is connected yet."""
    options: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if writer else {"pool_size": READERS}
    engine = create_async_engine(url, hide_parameters=True, pool_pre_ping=True, pool_timeout=60, **options)
    if not writer:
        # A page or a digest that is read by several statements must be of one moment, as it is on SQLite.
        engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    _tell_trouble(engine)
    return engine


def sqlite_engine(file: Path, *, writer: bool) -> AsyncEngine:
    """The writer's engine (one connection) or the readers', on one file."""
    options: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if writer else {"pool_size": READERS}
    options["connect_args"] = {"async_creator_fn": quick.connector(file)}
    engine = create_async_engine(_sqlite_url(file), hide_parameters=True, pool_timeout=60, **options)
    pragmas = ["busy_timeout=5000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"]
    pragmas.append("secure_delete=ON" if writer else "query_only=ON")
    _begin_by_hand(engine, "BEGIN IMMEDIATE" if writer else "BEGIN", pragmas)
    _tell_trouble(engine)
    return engine


def migration_engine(where: URL | Path) -> AsyncEngine:
    """An engine for changing the schema.

    On SQLite a table is changed by copying it; with foreign keys on, dropping the old one would delete the rows that point to it.
    """
    if isinstance(where, URL):
        engine = create_async_engine(where, hide_parameters=True, poolclass=NullPool)
    else:
        engine = create_async_engine(_sqlite_url(where), hide_parameters=True, poolclass=NullPool)
        # Patience comes first: to change the journal has to wait for another one's migration, too.
        pragmas = ["busy_timeout=60000", "journal_mode=WAL", "foreign_keys=OFF", "secure_delete=ON"]
        _begin_by_hand(engine, "BEGIN IMMEDIATE", pragmas)
    _tell_trouble(engine)
    return engine


def make_private(file: Path) -> None:
    """Make the database file and its directory, when they are not there, so that only this user can read them."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))


def _sqlite_url(file: Path) -> URL:
    return URL.create("sqlite+aiosqlite", database=str(file))


def _begin_by_hand(engine: AsyncEngine, begin: str, pragmas: list[str]) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            _patiently(cursor, f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: SyncConnection) -> None:
        connection.exec_driver_sql(begin)


def _patiently(cursor: Any, sql: str) -> None:
    """To change the journal of a new file SQLite does not wait for whoever does the same at that moment, whatever its patience is; so we do."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            cursor.execute(sql)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            await_only(asyncio.sleep(_TRY_SECONDS))
        else:
            return


def _tell_trouble(engine: AsyncEngine) -> None:
    """Turn what is the database's fault into StoreUnavailable, and let nothing more happen in a transaction that met it.

    The second matters on SQLite: when the disk is full it may undo the transaction by itself, and each further statement would stand alone.
    """

    @event.listens_for(engine.sync_engine, "handle_error")
    def translate(context: ExceptionContext) -> StoreUnavailable | None:
        trouble = _trouble(context)
        if trouble is not None:
            if context.connection is not None and not context.connection.invalidated:
                context.connection.info[FAILED] = type(trouble)
            context.is_disconnect |= _is_gone(context.original_exception)
        return trouble

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def refuse(connection: SyncConnection, *_: Any) -> None:
        failed = connection.info.get(FAILED)
        if failed:
            raise failed("this transaction has failed already")

    @event.listens_for(engine.sync_engine, "checkout", named=True)
    def forgive(connection_record: Any, **_: Any) -> None:
        connection_record.info.pop(FAILED, None)


def _is_gone(error: BaseException) -> bool:
    # When the server ends a connection in the middle of something, asyncpg has three ways to say so, two without a state.
    state = getattr(error, "sqlstate", None) or ""
    name = type(error).__name__
    return (
        state.startswith(("08", "57P"))
        or name == "InternalClientError"
        or (name == "InterfaceError" and "connection is closed" in str(error))
    )


def _trouble(context: ExceptionContext) -> StoreUnavailable | None:
    error = context.original_exception
    if not isinstance(error, Exception):
        return None  # SQLAlchemy counts being cancelled as the end of the connection; it is no trouble, and has to stay what it is
    code = getattr(error, "sqlite_errorcode", None)
    state = getattr(error, "sqlstate", None) or ""
    if (code is not None and code & 0xFF == SQLITE_FULL) or state == POSTGRES_FULL:
        return StoreFull("the disk of the database is full")
    if (
        context.is_disconnect
        or _is_gone(error)
        or (code is not None and code & 0xFF in SQLITE_NOT_NOW)
        or state.startswith(POSTGRES_NOT_NOW)
    ):
        return StoreUnavailable(type(error).__name__)
    return None
