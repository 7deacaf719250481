"""Whose circle is whose, beside what the configuration says, and who is kept apart from whom; never who is in which room."""

from collections.abc import Mapping

from sqlalchemy import delete, or_, select

from bridge.store.db import Connection
from bridge.store.tables import apart, belongs
from bridge.store.upsert import insert_into


async def add(db: Connection, user: str, circle: str, cause: str, now_ms: int) -> bool:
    """From now on this is their circle (the key of its room), too; False when it was before. `cause` says by what, e.g. `code/3`."""
    statement = insert_into(db, belongs).values(user=user, circle=circle, since_ms=now_ms, cause=cause)
    added = await db.execute(statement.on_conflict_do_nothing().returning(belongs.c.user))
    return added.one_or_none() is not None


async def remove(db: Connection, user: str, circle: str) -> None:
    """This is their circle no longer."""
    await db.execute(delete(belongs).where(belongs.c.user == user, belongs.c.circle == circle))


async def circles_of(db: Connection, user: str) -> tuple[str, ...]:
    """The keys of this person's circles, the newest last."""
    query = select(belongs.c.circle).where(belongs.c.user == user).order_by(belongs.c.since_ms, belongs.c.circle)
    return tuple(await db.scalars(query))


async def by_circle(db: Connection) -> Mapping[str, frozenset[str]]:
    """Who belongs to each circle that anybody belongs to."""
    found: dict[str, set[str]] = {}
    for row in await db.execute(select(belongs.c.circle, belongs.c.user)):
        found.setdefault(row.circle, set()).add(row.user)
    return {circle: frozenset(users) for circle, users in found.items()}


async def keep_apart(db: Connection, one: str, other: str, cause: int) -> bool:
    """These two are not to be in one circle; False when that was so. `cause` is a ledger row."""
    first, second = sorted((one, other))
    statement = insert_into(db, apart).values(one=first, other=second, cause=cause).on_conflict_do_nothing()
    return (await db.execute(statement.returning(apart.c.one))).one_or_none() is not None


async def no_longer_apart(db: Connection, one: str, other: str) -> bool:
    """These two may be in one circle again; False when nothing stood against it."""
    first, second = sorted((one, other))
    return (await db.execute(delete(apart).where(apart.c.one == first, apart.c.other == second))).rowcount == 1


async def apart_from(db: Connection, user: str) -> frozenset[str]:
    """Whom this person is not to be with, as commands said it."""
    rows = await db.execute(select(apart).where(or_(apart.c.one == user, apart.c.other == user)))
    return frozenset(row.other if row.one == user else row.one for row in rows)


async def all_apart(db: Connection) -> tuple[frozenset[str], ...]:
    """All pairs, sorted."""
    rows = await db.execute(select(apart).order_by(apart.c.one, apart.c.other))
    return tuple(frozenset((row.one, row.other)) for row in rows)
