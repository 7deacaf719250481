"""Messages that appear in several circles: which, where, and how many answers each had; never what they say."""

from dataclasses import dataclass

from sqlalchemy import func, or_, select

from bridge.store.db import Connection
from bridge.store.tables import announcements, copies, posts
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Announcement:
    """One of them: its message, the room where that was written, by whom, and when it was announced (UTC ms)."""

    source: str
    room: str
    author: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Heard:
    """How it stands in one circle: the copy's event id (None: not there yet, or gone), and how many answers people gave there."""

    room: str
    copy: str | None
    answers: int


async def add(db: Connection, announcement: Announcement) -> None:
    """This message is an announcement; adding it twice is adding it once."""
    row = {name: getattr(announcement, name) for name in ("source", "room", "author", "at_ms")}
    await db.execute(insert_into(db, announcements).values(row).on_conflict_do_nothing())


async def get(db: Connection, source: str) -> Announcement | None:
    """The announcement that this message is, or None."""
    row = (await db.execute(select(announcements).where(announcements.c.source == source))).mappings().one_or_none()
    return Announcement(**row) if row else None


async def newest_of(db: Connection, author: str) -> Announcement | None:
    """What this person announced last, or None."""
    query = select(announcements).where(announcements.c.author == author)
    newest = query.order_by(announcements.c.at_ms.desc(), announcements.c.source).limit(1)
    row = (await db.execute(newest)).mappings().one_or_none()
    return Announcement(**row) if row else None


async def wanted_in(db: Connection, source: str) -> tuple[str, ...]:
    """The rooms in which a copy of this message should stand, sorted."""
    query = select(copies.c.room).where(copies.c.source == source, copies.c.root == source, copies.c.live)
    return tuple((await db.execute(query.order_by(copies.c.room))).scalars())


async def heard(db: Connection, source: str, me: str) -> tuple[Heard, ...]:
    """How an announcement stands in each circle, by room; our own words are no answers."""
    answered = or_(posts.c.thread == copies.c.copy, posts.c.reply_to == copies.c.copy)
    query = (
        select(copies.c.room, copies.c.copy, func.count(posts.c.event).label("answers"))
        .outerjoin(posts, answered & (posts.c.author != me) & posts.c.redacted.is_(False))
        .where(copies.c.source == source, copies.c.root == source, copies.c.live)
        .group_by(copies.c.room, copies.c.copy)
        .order_by(copies.c.room)
    )
    return tuple(Heard(row.room, row.copy, row.answers) for row in await db.execute(query))
