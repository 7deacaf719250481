"""Who wanted one reply of theirs to be shared together with the message that it answers, and what that one's author said; never decides what follows."""

from dataclasses import dataclass

from sqlalchemy import and_, delete, select, update

from bridge.rooms.share import Offer
from bridge.store.db import Connection
from bridge.store.tables import offers as table
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: `root`'s author was asked whether it may be shared into `room` together with `reply`."""

    reply: str
    room: str
    root: str
    author: str


async def ask(db: Connection, asked: Asked, by: str, now_ms: int) -> None:
    """The question is asked; asking it again is nothing new. `by` is who wrote the reply."""
    row = {"reply": asked.reply, "room": asked.room, "root": asked.root, "author": asked.author, "asked_by": by}
    await db.execute(insert_into(db, table).values(asked_ms=now_ms, **row).on_conflict_do_nothing())


async def get(db: Connection, reply: str, room: str) -> Asked | None:
    """The question about this reply, or None: it was never asked, or is forgotten."""
    query = select(table.c.reply, table.c.room, table.c.root, table.c.author)
    row = (await db.execute(query.where(table.c.reply == reply, table.c.room == room))).one_or_none()
    return Asked(*row) if row else None


async def of_thread(db: Connection, root: str, room: str) -> tuple[Offer, ...]:
    """All questions about one thread and room, sorted by reply."""
    query = select(table).where(table.c.root == root, table.c.room == room).order_by(table.c.reply)
    return tuple(
        Offer(row.reply, row.asked_by, None if row.agreed is None else bool(row.agreed), row.answered_ms)
        for row in await db.execute(query)
    )


async def answer(db: Connection, asked: Asked, agreed: bool, now_ms: int) -> None:
    """What the author said. The newest answer counts."""
    same = and_(table.c.reply == asked.reply, table.c.room == asked.room)
    await db.execute(update(table).where(same).values(agreed=agreed, answered_ms=now_ms))


async def withdraw(db: Connection, root: str, now_ms: int) -> None:
    """The author took the thread back: what they agreed to holds no longer, and nobody asks them again."""
    await db.execute(update(table).where(table.c.root == root).values(agreed=False, answered_ms=now_ms))


async def expire(db: Connection, before_ms: int) -> int:
    """Forget questions that nobody answered since then: silence is a no that leaves no trace. Returns how many."""
    old = delete(table).where(table.c.agreed.is_(None), table.c.asked_ms < before_ms)
    return int((await db.execute(old)).rowcount)
