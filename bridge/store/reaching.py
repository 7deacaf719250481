"""What is shared from a room, and what there is to be shared; never decides how far it may reach."""

from collections.abc import Collection

from sqlalchemy import and_, or_, select

from bridge.store import shares as store
from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.store.tables import post_tags, posts, rooms, share_requests, shares


async def sharing(db: Connection) -> tuple[Room, ...]:
    """The rooms from which threads are shared now, in the order in which they were made."""
    query = select(rooms).where(rooms.c.room.in_(select(shares.c.source_room).where(shares.c.live)))
    return tuple(Room(**row) for row in (await db.execute(query.order_by(rooms.c.made_ms, rooms.c.key))).mappings())


async def shared_from(db: Connection, room: str) -> tuple[tuple[str, str], ...]:
    """The threads of a room that are shared now: (root, where), sorted."""
    query = select(shares.c.root, shares.c.room).where(shares.c.source_room == room, shares.c.live)
    return tuple((row.root, row.room) for row in await db.execute(query.order_by(shares.c.root, shares.c.room)))


async def tagged_since(db: Connection, room: str, tags: Collection[str], since_ms: int) -> tuple[str, ...]:
    """The roots of the threads in a room on which one of these tags was put, or whose author agreed, since then (UTC ms), in the order in which we heard of them."""
    agreed = select(share_requests.c.root).where(share_requests.c.agreed, share_requests.c.answered_ms >= since_ms)
    tagged = select(post_tags.c.event).where(post_tags.c.tag.in_(list(tags)))
    new = and_(posts.c.event.in_(tagged), posts.c.seen_ms >= since_ms)
    query = (
        select(posts.c.event)
        .where(posts.c.room == room, posts.c.redacted.is_(False), or_(new, posts.c.event.in_(agreed)))
        .order_by(posts.c.seq)
    )
    tops = [await store.top(db, event) for event in await db.scalars(query)]
    return tuple(dict.fromkeys(top.event for top in tops if top is not None and top.known and top.room == room))
