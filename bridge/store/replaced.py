"""One room goes on in another's place: what was ours stays ours, and what is wanted from now on is the new one's. Never decides that it does."""

from sqlalchemy import insert, select, update

from bridge.store.db import Connection
from bridge.store.rooms import Room
from bridge.store.tables import cases, crowded, follows, moves, rooms, shares, splits


async def move(db: Connection, old: Room, new: str, now_ms: int) -> None:
    """From now on `new` is the room of `old`'s key. Posts, copies and memberships stay where they were, and so the links to them.

    Whoever follows the circle follows the new room. A thread that was held back from the old room is held back from the new one, too. Who is on the
    way into the circle or out of it goes on with the new room, and so does its split, and what is known of its size.
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
    on_the_way = moves.c.ended_ms.is_(None)
    await db.execute(update(moves).where(moves.c.source == old.room, on_the_way).values(source=new))
    await db.execute(update(moves).where(moves.c.target == old.room, on_the_way).values(target=new))
    await db.execute(update(splits).where(splits.c.source == old.room).values(source=new))
    await db.execute(update(crowded).where(crowded.c.room == old.room).values(room=new))
    # Only cases about the circle itself: who knocked at the old door stands at that one.
    await db.execute(update(cases).where(cases.c.room == old.room, cases.c.subject == old.key).values(room=new))
    held = await db.execute(select(shares).where(shares.c.room == old.room, shares.c.live.is_(False)))
    rows = [{**row, "room": new} for row in held.mappings()]
    if rows:
        await db.execute(insert(shares), rows)
