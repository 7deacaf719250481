"""The schema that migrations make is the schema that the code means, on both databases."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, func, insert, inspect, select, text, update

from bridge.store import migrate
from bridge.store.db import Database
from bridge.store.errors import NewerDatabase
from bridge.store.tables import cursors, digest_items, digests, metadata

SQLITE = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic_version%' AND name NOT LIKE 'sqlite_%'"
POSTGRES = (
    """SELECT table_name, column_name, data_type, collation_name, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public'""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
)


@pytest.fixture
def where(empty: str | Path) -> str | Path:
    """Here the schema is made anew each time."""
    return empty


def schema(connection: Connection) -> set[tuple[Any, ...]]:
    """Everything that a database knows of its schema, in an order-free form."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(SQLITE).all()
        return {(kind, name, frozenset(re.split(r",?\s+", sql or ""))) for kind, name, sql in rows}
    found = {tuple(row) for query in POSTGRES for row in connection.exec_driver_sql(query)}
    return {row for row in found if not row[0].startswith("alembic_version")}


async def test_a_migrated_schema_is_a_fresh_schema(database: Database) -> None:
    def rebuild(connection: Connection) -> None:
        metadata.drop_all(connection)
        assert schema(connection) == set()
        metadata.create_all(connection)

    async with database.writing() as db:
        migrated = await db.run_sync(schema)
        await db.run_sync(rebuild)
        assert migrated == await db.run_sync(schema)
    assert len(migrated) > 40


async def test_nothing_is_left_to_migrate(database: Database) -> None:
    async with database.writing() as db:
        assert await db.run_sync(lambda it: compare_metadata(MigrationContext.configure(it), metadata)) == []


async def test_migrating_again_changes_nothing(database: Database, where: str | Path) -> None:
    async with database.writing() as db:
        await db.execute(insert(cursors).values(name="sync", token="s1"))
    again = await Database.open(where)
    async with again.reading() as db:
        assert await db.scalar(select(cursors.c.token)) == "s1"
    await again.close()


async def test_several_may_migrate_at_once(where: str | Path) -> None:
    for database in await asyncio.gather(*(Database.open(where) for _ in range(3))):
        async with database.reading() as db:
            assert await db.scalar(select(func.count()).select_from(cursors)) == 0
        await database.close()


async def test_a_newer_database_is_refused_and_left_alone(database: Database, where: str | Path) -> None:
    async with database.writing() as db:
        await db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabase, match="newer Hearth"):
        await Database.open(where)
    async with database.reading() as db:
        assert await db.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


async def test_a_migration_that_fails_leaves_nothing_behind(where: str | Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(connection: Connection) -> None:
        migrate.upgrade(connection)
        raise KeyError

    monkeypatch.setattr("bridge.store.db.upgrade", crash)
    with pytest.raises(KeyError):
        await Database.open(where)
    monkeypatch.undo()
    empty = await Database.open(where, migrated=False)
    async with empty.reading() as db:
        assert await db.run_sync(lambda it: inspect(it).get_table_names()) == []
    await empty.migrate()
    await empty.close()


async def test_changing_a_table_does_not_delete_what_points_to_it(database: Database) -> None:
    async with database.writing() as db:
        await db.execute(insert(digests).values(id="d", user="@ann:x", from_seq=0, to_seq=1, more=0, made_ms=0))
        item = insert(digest_items).values(digest="d", place=0, event="$1", room="!r", reasons="[]", replies=0)
        await db.execute(item)

    def copy_the_table(connection: Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("digests", recreate="always" if is_sqlite(connection) else "auto") as batch:
            batch.alter_column("more", server_default="0")

    await migrated_by(database, copy_the_table)
    async with database.writing() as db:
        assert await db.scalar(select(func.count()).select_from(digest_items)) == 1
        await db.execute(update(digests).values(more=2))


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


async def migrated_by(database: Database, change: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.store.db.upgrade", change)
        await database.migrate()
