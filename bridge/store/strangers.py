"""Direct rooms of people whom we do not know yet; never what they wrote there."""

from dataclasses import dataclass

from sqlalchemy import delete, select

from bridge.store.db import Connection
from bridge.store.tables import strangers
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Stranger:
    """One such room, whose it is, and from when (UTC ms) we are in it."""

    room: str
    user: str
    from_ms: int


async def of(db: Connection, user: str) -> tuple[Stranger, ...]:
    """The rooms into which a stranger brought us of late, oldest first."""
    query = select(strangers).where(strangers.c.user == user).order_by(strangers.c.from_ms)
    return tuple(Stranger(**row) for row in (await db.execute(query)).mappings())


async def newest(db: Connection, limit: int) -> tuple[int, ...]:
    """When the newest ones begin (UTC ms; perhaps in the future), the latest first."""
    query = select(strangers.c.from_ms).order_by(strangers.c.from_ms.desc()).limit(limit)
    return tuple(await db.scalars(query))


async def add(db: Connection, room: str, user: str, from_ms: int) -> None:
    """From that moment on we are in this room. The same room twice is once."""
    statement = insert_into(db, strangers).values(room=room, user=user, from_ms=from_ms)
    await db.execute(statement.on_conflict_do_nothing())


async def forget(db: Connection, user: str, room: str | None = None) -> None:
    """They are no stranger any more, or this one room of theirs is left."""
    statement = delete(strangers).where(strangers.c.user == user)
    await db.execute(statement if room is None else statement.where(strangers.c.room == room))


async def before(db: Connection, from_ms: int) -> tuple[Stranger, ...]:
    """Those that began before that moment (UTC ms), oldest first."""
    query = select(strangers).where(strangers.c.from_ms < from_ms).order_by(strangers.c.from_ms, strangers.c.user)
    return tuple(Stranger(**row) for row in (await db.execute(query)).mappings())
