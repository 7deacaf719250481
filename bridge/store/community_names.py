"""That somebody has a name of their own in this community, sealed; never the name itself."""

from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from bridge.store.db import Connection
from bridge.store.tables import community_names
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Sealed:
    """Somebody's name: `seal` tells whether another one looks like it, `room` is where it stands, once it does."""

    user: str
    seal: str
    room: str | None


async def get(db: Connection, user: str) -> Sealed | None:
    """This person's name, or None."""
    row = (await db.execute(select(community_names).where(community_names.c.user == user))).mappings().one_or_none()
    return Sealed(**row) if row else None


async def everybody(db: Connection) -> tuple[Sealed, ...]:
    """All who have one, by their id."""
    rows = await db.execute(select(community_names).order_by(community_names.c.user))
    return tuple(Sealed(**row) for row in rows.mappings())


async def claim(db: Connection, user: str, seal: str) -> bool:
    """This person has this name from now on, in place of an earlier one; False when somebody else has one that looks like it."""
    statement = insert_into(db, community_names).values(user=user, seal=seal)
    try:
        async with db.begin_nested():
            await db.execute(statement.on_conflict_do_update(index_elements=["user"], set_={"seal": seal}))
    except IntegrityError:
        return False
    return True


async def placed(db: Connection, user: str, room: str) -> None:
    """The name stands in this room."""
    await db.execute(update(community_names).where(community_names.c.user == user).values(room=room))


async def forget(db: Connection, user: str) -> None:
    """This person has no name of their own here."""
    await db.execute(delete(community_names).where(community_names.c.user == user))
