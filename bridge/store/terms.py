"""Whose membership has an end, and whom we silenced where. Never decides when it ends."""

import json
from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import delete, select

from bridge.rooms.expiry import There
from bridge.rooms.term import ENDED, GRACE, Term
from bridge.store.db import Connection
from bridge.store.tables import due, memberships, rooms, silences, terms
from bridge.store.upsert import insert_into


async def get(db: Connection, user: str) -> Term | None:
    """This person's membership; None when nobody ever gave it an end."""
    row = (await db.execute(select(terms).where(terms.c.user == user))).mappings().one_or_none()
    return Term(**{**row, "places": tuple(json.loads(row["places"]))}) if row else None


async def save(db: Connection, term: Term) -> None:
    """Write a membership down; it replaces what stood there."""
    values = {**asdict(term), "places": json.dumps(term.places)}
    statement = insert_into(db, terms).values(values)
    await db.execute(statement.on_conflict_do_update(index_elements=["user"], set_=values))


async def users(db: Connection, *stages: str) -> tuple[str, ...]:
    """The people whose membership is in one of these stages (running, grace, ended), sorted."""
    return tuple(await db.scalars(select(terms.c.user).where(terms.c.stage.in_(stages)).order_by(terms.c.user)))


async def without_a_look(db: Connection) -> tuple[str, ...]:
    """People whose membership runs to some day although nobody is going to look at it: it was written down while memberships had no end here."""
    looked = select(due.c.subject).where(due.c.kind == "term")
    query = select(terms.c.user).where(terms.c.stage != ENDED, terms.c.until.is_not(None), terms.c.user.not_in(looked))
    return tuple(await db.scalars(query.order_by(terms.c.user)))


async def may_enter(db: Connection, user: str) -> bool:
    """Whether an invitation or a code may bring this person in: not while their membership has ended. A renewal does."""
    return await db.scalar(select(terms.c.user).where(terms.c.user == user, terms.c.stage == ENDED)) is None


async def ended_among(db: Connection, users: Collection[str]) -> frozenset[str]:
    """Those of these people whose membership has ended."""
    query = select(terms.c.user).where(terms.c.stage == ENDED, terms.c.user.in_(users))
    return frozenset(await db.scalars(query)) if users else frozenset()


async def in_grace(db: Connection) -> frozenset[str]:
    """The people in their days of grace: they read, and what they may do beyond that rests."""
    return frozenset(await users(db, GRACE))


async def there(db: Connection, user: str) -> tuple[There, ...]:
    """What somebody is now in each of our rooms where they ever were anything."""
    query = (
        select(memberships.c.room, rooms.c.key, rooms.c.kind, memberships.c.membership, memberships.c.id)
        .join(rooms, rooms.c.room == memberships.c.room)
        .where(memberships.c.user == user, memberships.c.until_ms.is_(None))
        .order_by(rooms.c.key)
    )
    return tuple(There(*row) for row in await db.execute(query))


async def silent_in(db: Connection, user: str) -> frozenset[str]:
    """The rooms in which we silenced this person."""
    return frozenset(await db.scalars(select(silences.c.room).where(silences.c.user == user)))


async def all_silent(db: Connection) -> tuple[str, ...]:
    """Everybody whom we silenced anywhere, sorted."""
    return tuple(await db.scalars(select(silences.c.user).distinct().order_by(silences.c.user)))


async def silence(db: Connection, room: str, user: str, *, silent: bool) -> None:
    """Remember that we silence this person in that room, or that we do not any more."""
    if silent:
        statement = insert_into(db, silences).values(room=room, user=user)
        await db.execute(statement.on_conflict_do_nothing())
    else:
        await db.execute(delete(silences).where(silences.c.room == room, silences.c.user == user))
