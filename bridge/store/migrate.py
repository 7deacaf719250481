"""Brings a database's schema up to what this code knows; never back, and never a database that a newer Hearth has changed."""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from bridge.store.errors import NewerDatabase

HERE = Path(__file__).parent / "migrations"

MIGRATING = 0x4865617274680002
"""The number of PostgreSQL's advisory lock for it: `Hearth` in ASCII, and 2."""


def upgrade(connection: Connection) -> None:
    """Do what is missing, in the transaction that the caller has begun. NewerDatabase when nothing here knows the schema's version."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
    known, heads = _versions()
    current = MigrationContext.configure(connection).get_current_heads()
    if not known.issuperset(current):
        raise NewerDatabase("this database was used by a newer Hearth; install that version or a newer one")
    if heads != set(current):
        command.upgrade(configuration(connection), "heads")
        if connection.dialect.name == "sqlite":
            _check_foreign_keys(connection)


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for work on this connection: no file, no address."""
    config = _scripts()
    config.attributes["connection"] = connection
    return config


def _scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def _versions() -> tuple[frozenset[str], frozenset[str]]:
    """All versions of the schema that this code knows, and the newest."""
    scripts = ScriptDirectory.from_config(_scripts())
    return frozenset(script.revision for script in scripts.walk_revisions()), frozenset(scripts.get_heads())


def _check_foreign_keys(connection: Connection) -> None:
    # They were off while tables were copied.
    broken = {row[0] for row in connection.exec_driver_sql("PRAGMA foreign_key_check")}
    if broken:
        raise RuntimeError(f"the new schema would leave rows without what they point to: {', '.join(sorted(broken))}")
