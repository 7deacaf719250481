"""Whom the configuration named when we last looked, and as what: by that it is noticed who is named no more. Never a power, and never what follows."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select, tuple_, update

from bridge.store.db import Connection
from bridge.store.tables import named
from bridge.store.upsert import insert_into

OWNER, MODERATOR = "owner", "moderator"
"""Places that are no circle; a circle is named by its room's key."""


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody and their place; `gone_ms` is since when they are named no more (UTC), None while they are."""

    user: str
    place: str
    gone_ms: int | None = None


async def everybody(db: Connection) -> tuple[Named, ...]:
    """All of them, in a fixed order."""
    rows = await db.execute(select(named).order_by(named.c.user, named.c.place))
    return tuple(Named(row.user, row.place, row.gone_ms) for row in rows)


async def of_staff(db: Connection, users: Collection[str]) -> frozenset[str]:
    """Those of these people who are, or were until they are out of the staff room, owners or moderators by the configuration."""
    query = select(named.c.user).where(named.c.user.in_(users), named.c.place.in_((OWNER, MODERATOR)))
    return frozenset(await db.scalars(query))


async def add(db: Connection, people: Collection[tuple[str, str]]) -> None:
    """These are named now: (user, place)."""
    if people:
        statement = insert_into(db, named)
        again = statement.on_conflict_do_update(index_elements=["user", "place"], set_={"gone_ms": None})
        await db.execute(again, [{"user": user, "place": place} for user, place in sorted(people)])


async def gone(db: Connection, people: Collection[tuple[str, str]], now_ms: int) -> None:
    """These are named no more."""
    if people:
        chosen = tuple_(named.c.user, named.c.place).in_(sorted(people))
        await db.execute(update(named).where(chosen).values(gone_ms=now_ms))


async def forget(db: Connection, people: Collection[tuple[str, str]]) -> None:
    """Nothing is left to be done about these."""
    if people:
        await db.execute(delete(named).where(tuple_(named.c.user, named.c.place).in_(sorted(people))))
