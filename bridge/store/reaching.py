"""What is shared from a room, and what waits to be; never decides how far it may reach."""

from sqlalchemy import and_, delete, select, union

from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.store.tables import awaiting_notice, copies, posts, rooms, shares
from bridge.store.upsert import insert_into


async def sharing(db: Connection) -> tuple[Room, ...]:
    """The rooms from which threads are shared now, or answers carried, in the order in which they were made."""
    said = select(posts.c.room).join(copies, copies.c.source == posts.c.event).where(copies.c.live)
    from_there = union(select(shares.c.source_room).where(shares.c.live), said)
    query = select(rooms).where(rooms.c.room.in_(from_there))
    return tuple(Room(**row) for row in (await db.execute(query.order_by(rooms.c.made_ms, rooms.c.key))).mappings())


async def shared_from(db: Connection, room: str) -> tuple[tuple[str, str], ...]:
    """The threads of a room that are shared now: (root, where), sorted."""
    query = select(shares.c.root, shares.c.room).where(shares.c.source_room == room, shares.c.live)
    return tuple((row.root, row.room) for row in await db.execute(query.order_by(shares.c.root, shares.c.room)))


async def answered_from(db: Connection, room: str) -> tuple[tuple[str, str], ...]:
    """The threads of other rooms in which answers stand that were given in this one: (root, its room), sorted."""
    home = posts.alias("home")
    query = (
        select(copies.c.root, copies.c.room)
        .join(posts, posts.c.event == copies.c.source)
        .join(home, and_(home.c.event == copies.c.root, home.c.room == copies.c.room))
        .where(posts.c.room == room, copies.c.live)
    )
    rows = await db.execute(query.distinct().order_by(copies.c.root, copies.c.room))
    return tuple((row.root, row.room) for row in rows)


async def await_notice(db: Connection, root: str, room: str, now_ms: int) -> None:
    """This thread is to be shared as soon as the people of its room were told how far that reaches."""
    row = {"root": root, "source_room": room, "since_ms": now_ms}
    await db.execute(insert_into(db, awaiting_notice).values(row).on_conflict_do_nothing())


async def take_awaiting(db: Connection, room: str) -> tuple[str, ...]:
    """The threads of a room that waited for that, in the order in which they began to; they wait no longer."""
    taken = delete(awaiting_notice).where(awaiting_notice.c.source_room == room)
    rows = await db.execute(taken.returning(awaiting_notice.c.since_ms, awaiting_notice.c.root))
    return tuple(row.root for row in sorted(rows, key=lambda row: (row.since_ms, row.root)))


async def stop_awaiting(db: Connection, before_ms: int) -> None:
    """Whatever has been waiting since before then (UTC ms) waits no longer."""
    await db.execute(delete(awaiting_notice).where(awaiting_notice.c.since_ms < before_ms))
