"""Copies that are wanted and that nobody can see, and who was in a room for how long; never decides what speaks against a copy."""

from dataclasses import dataclass

from sqlalchemy import and_, exists, or_, select

from bridge.store.db import Connection
from bridge.store.tables import copies, memberships, posts


@dataclass(frozen=True, slots=True)
class Waits:
    """One message that has no copy yet, the root of its thread, who wrote it."""

    source: str
    root: str
    author: str


@dataclass(frozen=True, slots=True)
class Stay:
    """How long somebody was in a room (UTC ms); it is over."""

    user: str
    since_ms: int
    until_ms: int


async def targets(db: Connection, room: str) -> tuple[str, ...]:
    """The rooms in which copies of what was said in `room` are wanted, sorted."""
    query = (
        select(copies.c.room).join(posts, posts.c.event == copies.c.source).where(posts.c.room == room, copies.c.live)
    )
    return tuple(await db.scalars(query.distinct().order_by(copies.c.room)))


async def waiting(db: Connection, source_room: str, room: str) -> tuple[Waits, ...]:
    """The messages of one room whose copies are wanted in the other and were never seen, in the order in which we heard of them; replies only if their root's copy is there."""
    first = copies.alias()
    rooted = exists().where(first.c.source == copies.c.root, first.c.room == room, first.c.copy.is_not(None))
    root = posts.alias()
    query = (
        select(copies.c.source, copies.c.root, copies.c.author)
        .join(posts, posts.c.event == copies.c.source)
        .outerjoin(root, root.c.event == copies.c.root)
        .where(posts.c.room == source_room, copies.c.room == room, copies.c.live, copies.c.copy.is_(None))
        # The root of an answer that was given where the copies are is in the other room itself.
        .where(or_(copies.c.source == copies.c.root, rooted, root.c.room == room))
        .order_by(posts.c.seq)
    )
    return tuple(Waits(**row) for row in (await db.execute(query)).mappings())


async def stays(db: Connection, room: str) -> tuple[Stay, ...]:
    """Who was in a room and is not any more, in the order in which they came."""
    past = (memberships.c.room == room, memberships.c.membership == "join", memberships.c.until_ms.is_not(None))
    query = select(memberships.c.user, memberships.c.since_ms, memberships.c.until_ms).where(*past)
    return tuple(Stay(**row) for row in (await db.execute(query.order_by(memberships.c.id))).mappings())


async def edited(db: Connection, source_room: str, room: str, since_ms: int, until_ms: int) -> tuple[str, ...]:
    """The messages of one room that were edited between these moments (UTC ms) and have a copy in the other from before their end, in the order in which we heard of them."""
    copy = posts.alias()
    query = (
        select(copies.c.source)
        .join(posts, posts.c.event == copies.c.source)
        .join(copy, and_(copy.c.event == copies.c.copy, copy.c.at_ms <= until_ms))
        .where(posts.c.room == source_room, copies.c.room == room, copies.c.live, copies.c.copy.is_not(None))
        .where(posts.c.edited_ms.between(since_ms, until_ms))
        .order_by(posts.c.seq)
    )
    return tuple(await db.scalars(query))
