"""What is said in the common room to a shared thread, and what of that stands in the thread itself; never decides which of it should."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from bridge.rooms.share import Made, Said
from bridge.store import shares as store
from bridge.store.db import Connection
from bridge.store.tables import copies, people, posts


@dataclass(frozen=True, slots=True)
class Answers:
    """What is said elsewhere to a thread's copies: `room` is the thread's own, `live` whether it is shared, the rest as in a Thread."""

    room: str
    live: bool
    said: tuple[Said, ...]
    made: tuple[Made, ...]
    consents: Mapping[str, bool | None]


async def answered(db: Connection, event: str, room: str) -> str | None:
    """The root of the shared thread to which this message in `room`, where the copies are, is an answer; None when it is none.

    One that was carried back is still one when the copies are gone.
    """
    carried = and_(copies.c.source == event, copies.c.room != room)
    up = store.up(and_(posts.c.event == event, posts.c.room == room))
    partner = select(posts.c.reply_to).where(posts.c.event == event, posts.c.room == room)
    above = select(up.c.event).union(select(up.c.parent), partner)
    there = and_(copies.c.room == room, copies.c.copy.in_(above))
    query = select(copies.c.root).where(or_(carried, there)).order_by(carried.desc()).limit(1)
    found: str | None = (await db.execute(query)).scalar()
    return found


async def answers(db: Connection, root: str, room: str, *, me: str) -> Answers | None:
    """What people say in `room` to the copies of a thread, and what of that stands in the thread itself; None when nothing does, nor should."""
    home = await store.room_of(db, root)
    if home is None or home == room:
        return None
    there = posts.alias("there")
    carried = (
        select(copies.c.source, copies.c.live, copies.c.copy)
        .join(there, and_(there.c.event == copies.c.source, there.c.room == room))
        .where(copies.c.root == root, copies.c.room == home)
        .order_by(copies.c.source)
    )
    made = (await db.execute(carried)).all()
    decided = await store.standing(db, root, room)
    if decided is None and not made:
        return None
    seen = select(copies.c.copy).where(copies.c.root == root, copies.c.room == room, copies.c.copy.is_not(None))
    first = and_(posts.c.room == room, or_(posts.c.thread.in_(seen), posts.c.reply_to.in_(seen)))
    down = select(posts.c.event, posts.c.room).where(first).cte("down", recursive=True)
    below = select(posts.c.event, posts.c.room)
    answering = or_(posts.c.thread == down.c.event, posts.c.reply_to == down.c.event)
    down = down.union(below.join(down, and_(answering, posts.c.room == down.c.room)))
    query = (
        select(posts, people.c.consent)
        .outerjoin(people, people.c.user == posts.c.author)
        .where(or_(posts.c.event.in_(select(down.c.event)), posts.c.event.in_([row.source for row in made])))
        .where(posts.c.author != me, posts.c.copied.is_(False))
        .order_by(posts.c.seq)
    )
    rows = (await db.execute(query)).all()
    return Answers(
        home,
        decided is not None and decided.live,
        tuple(Said(row.event, row.author, row.seen_ms, redacted=bool(row.redacted)) for row in rows),
        tuple(Made(row.source, bool(row.live), row.copy) for row in made),
        {row.author: None if row.consent is None else bool(row.consent) for row in rows},
    )
