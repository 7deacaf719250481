"""How many people are in our rooms and when they last spoke, which circles are too large, who was asked to go to a new one, and who follows one that became another. Never a word of theirs."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update

from bridge.store.db import Connection
from bridge.store.tables import crowded, follows, memberships, posts, split_answers, splits
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """People of `source` (a room id) are asked whether they would like to go to `target` (the new circle's key).

    `asked_ms` is when everybody's question was written down, UTC; None: not yet.
    """

    id: int
    source: str
    target: str
    cause: int
    made_ms: int
    asked_ms: int | None


async def sizes(db: Connection, me: str) -> dict[str, int]:
    """How many people are joined in each room, without ourselves. Rooms without anybody are not there."""
    joined = (memberships.c.until_ms.is_(None), memberships.c.membership == "join", memberships.c.user != me)
    query = select(memberships.c.room, func.count().label("number")).where(*joined).group_by(memberships.c.room)
    return {row.room: row.number for row in await db.execute(query)}


async def last_said(db: Connection, me: str) -> dict[str, int]:
    """When somebody last said something in each room (UTC ms, by our clock)."""
    query = select(posts.c.room, func.max(posts.c.seen_ms).label("at")).where(posts.c.author != me)
    return {row.room: row.at for row in await db.execute(query.group_by(posts.c.room))}


async def crowd(db: Connection, room: str, now_ms: int) -> bool:
    """This circle is too large; whether that is new."""
    statement = insert_into(db, crowded).values(room=room, told_ms=now_ms).on_conflict_do_nothing()
    return (await db.execute(statement.returning(crowded.c.room))).scalar_one_or_none() is not None


async def crowds(db: Connection) -> frozenset[str]:
    """The rooms that are known to be too large."""
    return frozenset(await db.scalars(select(crowded.c.room)))


async def uncrowd(db: Connection, rooms: Collection[str]) -> None:
    """These are not too large any more."""
    await db.execute(delete(crowded).where(crowded.c.room.in_(rooms)))


async def split(db: Connection, source: str, target: str, cause: int, now_ms: int) -> int:
    """People of this room are to be asked; the number of it."""
    row = {"source": source, "target": target, "cause": cause, "made_ms": now_ms}
    made: int = (await db.execute(insert(splits).values(row).returning(splits.c.id))).scalar_one()
    return made


async def split_of(db: Connection, id: int) -> Split | None:  # noqa: A002 - the column's name
    """The split with this number, or None."""
    row = (await db.execute(select(splits).where(splits.c.id == id))).mappings().one_or_none()
    return Split(**row) if row else None


async def split_into(db: Connection, target: str) -> Split | None:
    """The split that makes the circle with this key, or None."""
    row = (await db.execute(select(splits).where(splits.c.target == target))).mappings().one_or_none()
    return Split(**row) if row else None


async def splits_of(db: Connection, source: str) -> tuple[Split, ...]:
    """All splits of this room, oldest first."""
    rows = await db.execute(select(splits).where(splits.c.source == source).order_by(splits.c.id))
    return tuple(Split(**row) for row in rows.mappings())


async def unasked(db: Connection) -> tuple[Split, ...]:
    """The splits whose people have not been asked yet, oldest first."""
    rows = await db.execute(select(splits).where(splits.c.asked_ms.is_(None)).order_by(splits.c.id))
    return tuple(Split(**row) for row in rows.mappings())


async def asked(db: Connection, id: int, users: Collection[str], now_ms: int) -> None:  # noqa: A002 - the column's name
    """All these have been asked."""
    await db.execute(update(splits).where(splits.c.id == id).values(asked_ms=now_ms))
    if users:
        await db.execute(insert(split_answers), [{"split": id, "user": user} for user in users])


async def answer(db: Connection, id: int, user: str, yes: bool) -> bool:  # noqa: A002 - the column's name; an answer is one
    """What somebody said last; whether that is something else than before."""
    mine = (split_answers.c.split == id) & (split_answers.c.user == user)
    before = (await db.execute(select(split_answers.c.answer).where(mine))).one_or_none()
    if before is None or before.answer == yes:
        return False
    await db.execute(update(split_answers).where(mine).values(answer=yes))
    return True


async def answers(db: Connection, id: int) -> dict[str, bool | None]:  # noqa: A002 - the column's name
    """What everybody who was asked said last, by user id."""
    rows = await db.execute(select(split_answers.c.user, split_answers.c.answer).where(split_answers.c.split == id))
    return {row.user: row.answer for row in rows}


async def forget_split(db: Connection, target: str) -> None:
    """The new circle could not be made, so nobody will be asked."""
    await db.execute(delete(splits).where(splits.c.target == target, splits.c.asked_ms.is_(None)))


async def follow_instead(db: Connection, old: str, new: str) -> None:
    """Whoever follows the circle `old` (a room id) follows `new` from now on, once, and `old` no longer."""
    theirs = (follows.c.kind == "circle", follows.c.target == old)
    already = select(follows.c.user).where(follows.c.kind == "circle", follows.c.target == new)
    await db.execute(delete(follows).where(*theirs, follows.c.user.in_(already)))
    await db.execute(update(follows).where(*theirs).values(target=new))
