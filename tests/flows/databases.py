"""The two databases that every flow runs on: a SQLite file, and PostgreSQL when one is given or can be started.

`HEARTH_TEST_POSTGRES` is the address of a server where databases may be made; without it, a server of this machine's own programs is started.
"""

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

from bridge.store import engines
from bridge.store.db import Database
from bridge.store.tables import metadata

GIVEN = "HEARTH_TEST_POSTGRES"

_numbers = count(1)


@cache
def programs() -> Path | None:
    """Where initdb and pg_ctl are, the newest version of them."""
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), Path("/usr/local/bin")]
    places.sort(key=lambda place: int(place.parent.name) if place.parent.name.isdigit() else 0, reverse=True)
    found = shutil.which("initdb")
    if found:
        places.append(Path(found).parent)
    return next((each for each in places if (each / "initdb").exists() and (each / "pg_ctl").exists()), None)


@cache
def _user() -> str | None:
    """As whom to start PostgreSQL: it refuses to run as root. None: as ourselves."""
    return "postgres" if os.geteuid() == 0 else None


def possible() -> bool:
    """Whether PostgreSQL can be had at all."""
    if os.environ.get(GIVEN):
        return True
    if programs() is None:
        return False
    if _user() is None:
        return True
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        return False
    return True


def header() -> str:
    """The line that says on what the flows run."""
    if os.environ.get(GIVEN):
        return f"databases: SQLite file, PostgreSQL (given by {GIVEN})"
    if possible():
        return f"databases: SQLite file, PostgreSQL (started from {programs()})"
    return f"databases: SQLite file ONLY: no {GIVEN}, and no initdb and pg_ctl to start PostgreSQL"


def kinds() -> list[str]:
    """The databases of this run."""
    return ["sqlite", "postgres"] if possible() else ["sqlite"]


on_a_file = pytest.mark.databases("sqlite")
"""For tests whose subject is not the database: PostgreSQL would only make them slower."""

on_both = pytest.mark.databases("sqlite", "postgres")
"""For tests among them that show that their statements mean the same to PostgreSQL."""


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL server: the address of a database on it is `address % name`."""

    host: str
    user: str
    given: str | None = None

    def address(self, name: str) -> str:
        """The address of the database with this name."""
        if self.given:
            before, _, rest = self.given.partition("?")
            return f"{before.rpartition('/')[0]}/{name}" + (f"?{rest}" if rest else "")
        return f"postgresql://{self.user}@/{name}?host={self.host}"

    async def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement outside of a transaction."""
        if self.given:
            connection = await asyncpg.connect(self.given if database == "postgres" else self.address(database))
        else:
            connection = await asyncpg.connect(host=self.host, user=self.user, database=database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One PostgreSQL server for the session; ours is stopped and erased at the end."""
    given = os.environ.get(GIVEN)
    if given:
        yield Server("", "", given)
        return
    place, user = programs(), _user()
    assert place is not None
    # A short path: that of a unix socket may have 107 bytes only.
    folder = Path(tempfile.mkdtemp(prefix="hearth-pg-", dir="/tmp"))
    with _guarded(folder, user, place / "pg_ctl"):
        if user:
            shutil.chown(folder, user)
        data = folder / "data"
        _run(user, place / "initdb", "-D", data, "-A", "trust", "-U", "hearth", "--no-sync", "-E", "UTF8")
        settings = f"-k {folder} -c listen_addresses= -c fsync=off -c full_page_writes=off -c max_connections=60"
        _run(user, place / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-t", "30", "-o", settings, "start")
        yield Server(str(folder), "hearth")


_GUARD = """
import shutil, subprocess, sys
user, pg_ctl, folder = sys.argv[1:]
sys.stdin.read()
subprocess.run([pg_ctl, "-D", folder + "/data", "-m", "immediate", "-w", "stop"], user=user or None, cwd="/",
               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
shutil.rmtree(folder, ignore_errors=True)
"""


@contextmanager
def _guarded(folder: Path, user: str | None, pg_ctl: Path) -> Iterator[None]:
    """A process that stops and erases the server when its input ends: at the end of the block, and also when the tests are killed."""
    command = [sys.executable, "-c", _GUARD, user or "", str(pg_ctl), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield


def _run(user: str | None, *command: object) -> None:
    # pg_ctl's server keeps what it inherits: a pipe would never end.
    subprocess.run(
        [str(part) for part in command],
        check=True, user=user, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        timeout=60,
    )  # fmt: skip


_compiled: LRUCache[Any, Any] = LRUCache(5000)
"""Every statement as it was compiled first."""


def compile_once() -> None:
    """Let what SQLAlchemy compiled for one database serve all others of its kind: each test opens its own, and a tenth of its time would go by that."""

    def of_a_kind(one: Any, other: object) -> bool:
        return type(one) is type(other) and one.server_version_info == getattr(other, "server_version_info", None)

    for dialect in (SQLiteDialect_aiosqlite, PGDialect_asyncpg):
        dialect.__eq__ = of_a_kind  # type: ignore[method-assign,assignment]
        dialect.__hash__ = lambda one: hash(type(one))  # type: ignore[method-assign,assignment]

    def sharing(*arguments: Any, **options: Any) -> AsyncEngine:
        engine = create_async_engine(*arguments, **options)
        engine.sync_engine._compiled_cache = _compiled
        return engine

    engines.create_async_engine = sharing  # type: ignore[attr-defined]


compile_once()


@dataclass
class Templates:
    """Databases that have their schema: migrating once is enough for all tests of this process."""

    folder: Path
    file: Path | None = None
    server: Server | None = None

    name = f"hearth_test_{os.getpid()}"

    async def on_file(self) -> Path:
        """The SQLite file to copy."""
        if self.file is None:
            place = self.folder / "hearth.db"
            await (await Database.open(place)).close()
            self.file = place
        return self.file

    async def on(self, server: Server) -> str:
        """The name of a PostgreSQL database in which nothing stands. To make one takes ten times as long as to empty one."""
        if self.server is None:
            await server.run(f"CREATE DATABASE {self.name}")
            self.server = server
            await (await Database.open(server.address(self.name))).close()
        else:
            await server.run(_EMPTY, self.name)
        return self.name


_EMPTY = f"""
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
{" ".join(f"DELETE FROM {table.name};" for table in reversed(metadata.sorted_tables))}
DO $$ DECLARE each name; BEGIN
    FOR each IN SELECT sequencename FROM pg_sequences WHERE last_value IS NOT NULL LOOP EXECUTE 'ALTER SEQUENCE ' || each || ' RESTART'; END LOOP;
END $$;
"""
"""Whoever may still be connected goes, every row goes, and numbers begin anew."""


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    """Where the databases of tests come from; nothing of it stays."""
    made = Templates(tmp_path_factory.mktemp("template"))
    yield made
    if made.server is not None and made.server.given:
        asyncio.run(made.server.run(f"DROP DATABASE {made.name} WITH (FORCE)"))


@pytest.fixture
async def where(request: pytest.FixtureRequest, tmp_path: Path, templates: Templates) -> str | Path:
    """An empty database that has its schema already: a path or an address, as `Database.open` takes it."""
    if request.param == "sqlite":
        shutil.copy(await templates.on_file(), tmp_path)
        return tmp_path / "hearth.db"
    server: Server = request.getfixturevalue("postgres_server")
    return server.address(await templates.on(server))


@pytest.fixture(params=kinds())
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str | Path]:
    """A database without a schema: a path or an address, as `Database.open` takes it."""
    if request.param == "sqlite":
        yield tmp_path / "hearth.db"
        return
    server: Server = request.getfixturevalue("postgres_server")
    name = f"hearth_empty_{os.getpid()}_{next(_numbers)}"
    await server.run(f"CREATE DATABASE {name}")
    yield server.address(name)
    await server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(where: str | Path) -> AsyncIterator[Database]:
    """A database with its schema, once on each kind."""
    opened = await Database.open(where)
    yield opened
    await opened.close()
