"""Who is out of the space and still in one of its rooms; never decides what follows from that."""

from collections.abc import Collection

from sqlalchemy import exists, select

from bridge.rooms.cascade import INSIDE, OUT, Was
from bridge.store.db import Connection
from bridge.store.tables import memberships, rooms


async def histories(db: Connection, space: str, user: str | None = None) -> tuple[Was, ...]:
    """All that everybody (or this user) was in rooms of ours, of those who are out of the space and have a place in another room; in its order."""
    out, still = memberships.alias("out"), memberships.alias("still")
    is_out = exists().where(
        out.c.user == still.c.user, out.c.room == space, out.c.until_ms.is_(None), out.c.membership.in_(OUT)
    )
    people = (
        select(still.c.user)
        .join(rooms, rooms.c.room == still.c.room)
        .where(still.c.until_ms.is_(None), still.c.membership.in_(INSIDE), still.c.room != space, is_out)
    )
    if user is not None:
        people = people.where(still.c.user == user)
    query = (
        select(memberships)
        .join(rooms, rooms.c.room == memberships.c.room)
        .where(memberships.c.user.in_(people))
        .order_by(memberships.c.id)
    )
    return tuple(
        Was(row.user, row.room, row.membership, row.id, row.since_ms, row.until_ms is None)
        for row in await db.execute(query)
    )


async def is_out(db: Connection, user: str) -> bool:
    """Whether somebody was in the space, and is not any more."""
    query = (
        select(memberships.c.id)
        .join(rooms, rooms.c.room == memberships.c.room)
        .where(rooms.c.key == "space", memberships.c.user == user)
        .where(memberships.c.until_ms.is_(None), memberships.c.membership.in_(OUT))
    )
    return await db.scalar(query) is not None


async def joined(db: Connection, room: str, users: Collection[str]) -> frozenset[str]:
    """Those of these users who are joined in a room now."""
    query = select(memberships.c.user).where(
        memberships.c.room == room,
        memberships.c.until_ms.is_(None),
        memberships.c.membership == "join",
        memberships.c.user.in_(users),
    )
    return frozenset(await db.scalars(query))
