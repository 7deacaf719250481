"""The rooms of this community: made or adopted by us. Never any other room."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy import update as change

from bridge.store.db import Connection
from bridge.store.tables import histories, rooms
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One room. `key` is space, common, staff, circle/<tag> or room/<name>; `kind` its first part; `tag` a circle's own, folded.

    `replaced_by` is the room that goes on in its place, None while it is in use: then its key is replaced/<id>, and `kind` and `tag` stay.
    `told` is how far its people were told that its words may reach, as `rooms.reach` calls it, with blanks between; `told_ms` when that changed (UTC).
    `history` is Matrix's history_visibility: shared, invited, joined or world_readable. `alias` is the full address.
    """

    room: str
    key: str
    kind: str
    tag: str | None = None
    alias: str | None = None
    encrypted: bool
    history: str
    made_ms: int
    replaced_by: str | None = None
    told: str = ""
    told_ms: int | None = None


def room_of(row: Row[Any]) -> Room:
    """A room from a row that has all of its columns, and perhaps others."""
    return Room(**{column.name: getattr(row, column.name) for column in rooms.columns})


async def all_rooms(db: Connection) -> tuple[Room, ...]:
    """Every room of ours, those that were replaced included, in the order in which they were made."""
    rows = await db.execute(select(rooms).order_by(rooms.c.made_ms, rooms.c.key))
    return tuple(Room(**row) for row in rows.mappings())


async def in_use(db: Connection) -> tuple[Room, ...]:
    """Every room of ours that was not replaced, in the order in which they were made."""
    return tuple(room for room in await all_rooms(db) if room.replaced_by is None)


async def former(db: Connection, room: str) -> tuple[Room, ...]:
    """The rooms in whose place this one goes on, oldest first."""
    query = select(rooms).where(rooms.c.replaced_by == room).order_by(rooms.c.made_ms, rooms.c.key)
    return tuple(Room(**row) for row in (await db.execute(query)).mappings())


async def by_id(db: Connection, room: str) -> Room | None:
    """The room of ours with this id, or None."""
    row = (await db.execute(select(rooms).where(rooms.c.room == room))).mappings().one_or_none()
    return Room(**row) if row else None


async def by_key(db: Connection, key: str) -> Room | None:
    """The room of ours with this key, or None."""
    row = (await db.execute(select(rooms).where(rooms.c.key == key))).mappings().one_or_none()
    return Room(**row) if row else None


async def add(db: Connection, room: Room) -> None:
    """From now on this room is ours. An id or a key that is there already is an error of the caller (IntegrityError)."""
    await db.execute(insert(rooms).values({column.name: getattr(room, column.name) for column in rooms.columns}))


async def retag(db: Connection, tags: Mapping[str, str | None]) -> None:
    """The tags that these circles (by key) have from now on, folded; None: it is no circle any more."""
    for room in await all_rooms(db):
        if room.key in tags and room.tag != tags[room.key]:
            await update(db, room.room, tag=tags[room.key])


async def change_history(db: Connection, room: str, history: str, since_seq: int) -> None:
    """From the post after `since_seq` on, newcomers of a room of ours can read this (`Room.history`); what came before stays as open or hidden as it was."""
    known = await by_id(db, room)
    if known is None or known.history == history:
        return
    first = {"room": room, "since_seq": 0, "history": known.history}
    await db.execute(insert_into(db, histories).values(first).on_conflict_do_nothing())
    now = insert_into(db, histories).values(room=room, since_seq=since_seq, history=history)
    await db.execute(now.on_conflict_do_update(index_elements=["room", "since_seq"], set_={"history": history}))
    await update(db, room, history=history)


async def update(db: Connection, room: str, **columns: Any) -> None:
    """Write these columns of one room anew; a room that is not ours stays unknown."""
    await db.execute(change(rooms).where(rooms.c.room == room).values(**columns))
