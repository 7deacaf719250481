"""People on their way from one circle into another. Never invites or removes anybody."""

from dataclasses import dataclass

from sqlalchemy import insert, or_, select, update

from bridge.store.db import Connection
from bridge.store.tables import moves


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One person's way: `source` is the room that they leave once they are in `target` (None: they leave none). `cause` is the ledger row that asked for it."""

    id: int
    user: str
    source: str | None
    target: str
    cause: int
    made_ms: int
    ended_ms: int | None


async def begin(db: Connection, user: str, source: str | None, target: str, cause: int, now_ms: int) -> int:
    """From now on this person is on the way, and on no other one from or into the same rooms; the number of it."""
    others = moves.c.target == target
    if source is not None:
        others = or_(others, moves.c.source == source)
    open_ones = (moves.c.user == user) & moves.c.ended_ms.is_(None)
    await db.execute(update(moves).where(open_ones, others).values(ended_ms=now_ms))
    row = {"user": user, "source": source, "target": target, "cause": cause, "made_ms": now_ms}
    made: int = (await db.execute(insert(moves).values(row).returning(moves.c.id))).scalar_one()
    return made


async def into(db: Connection, user: str, target: str) -> Move | None:
    """The way of this person into this room, if they are on one."""
    query = select(moves).where(moves.c.user == user, moves.c.target == target, moves.c.ended_ms.is_(None))
    row = (await db.execute(query)).mappings().one_or_none()
    return Move(**row) if row else None


async def end(db: Connection, id: int, now_ms: int) -> None:  # noqa: A002 - the column's name
    """They have arrived, or will not go."""
    await db.execute(update(moves).where(moves.c.id == id).values(ended_ms=now_ms))
