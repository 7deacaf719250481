"""One room goes on in another's place: what was ours stays ours, and what is wanted from now on is the new one's. Never decides that it does."""

from sqlalchemy import insert, select, update

from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.store.tables import follows, rooms, shares


async def move(db: Connection, old: Room, new: str, now_ms: int) -> None:
    """From now on `new` is the room of `old`'s key. Posts, copies and memberships stay where they were, and so the links to them.

    Whoever follows the circle follows the new room. A thread that was held back from the old room is held back from the new one, too.
    """
    key = f"replaced/{old.room}"
    await db.execute(update(rooms).where(rooms.c.room == old.room).values(key=key, replaced_by=new))
    await db.execute(update(rooms).where(rooms.c.replaced_by == old.room).values(replaced_by=new))
    await db.execute(
        insert(rooms).values(
            room=new, key=old.key, kind=old.kind, tag=old.tag, alias=old.alias,
            encrypted=old.encrypted, history=old.history, made_ms=now_ms,
        )
    )  # fmt: skip
    same = (follows.c.kind == "circle", follows.c.target == old.room)
    await db.execute(update(follows).where(*same).values(target=new))
    held = await db.execute(select(shares).where(shares.c.room == old.room, shares.c.live.is_(False)))
    rows = [{**row, "room": new} for row in held.mappings()]
    if rows:
        await db.execute(insert(shares), rows)
