"""Whom a message calls on, who reacted to one, and up to where people have read; never what was said, nor a reaction that is a word."""

from collections.abc import Collection, Sequence

from sqlalchemy import bindparam, case, delete, exists, func, insert, literal, or_, select

from bridge.emoji import emoji
from bridge.events import Reacted, Receipt
from bridge.store.db import Connection
from bridge.store.tables import Text, early, mentions, posts, reactions, reads, rooms
from bridge.store.upsert import insert_into

MOST_MENTIONS = 50
"""Of a message that calls on more people than this, the first ones by their id count."""

_LOOSE = ("", "main")


async def mention(db: Connection, event: str, users: Collection[str], *, again: bool = False) -> None:
    """This message calls on these people; `again`: and on nobody else any more."""
    if again:
        await db.execute(delete(mentions).where(mentions.c.event == event))
    rows = [{"event": event, "user": user} for user in sorted(users)[:MOST_MENTIONS]]
    if rows:
        await db.execute(insert(mentions), rows)


async def react(db: Connection, event: Reacted) -> bool:
    """Somebody reacted to a message in a room of ours. Twice is once, and one that was taken back before it came is none. Whether it is news."""
    there = exists().where(posts.c.event == event.target, posts.c.room == event.room)
    gone = exists().where(early.c.target == event.id, early.c.kind == "redaction", early.c.room == event.room)
    row = {"event": event.id, "target": event.target, "user": event.sender, "emoji": emoji(event.key)}
    values = select(*(literal(value, Text) for value in row.values())).where(there, ~gone)
    statement = insert_into(db, reactions).from_select(list(row), values)
    return (await db.execute(statement.on_conflict_do_nothing())).rowcount > 0


async def unreact(db: Connection, event: str, room: str) -> str | None:
    """This reaction in this room was taken back: the message that it was on; None when it is none that counted."""
    there = exists().where(posts.c.event == reactions.c.target, posts.c.room == room)
    taken = delete(reactions).where(reactions.c.event == event, there).returning(reactions.c.target)
    return (await db.execute(taken)).scalar()


async def forget(db: Connection, target: str) -> None:
    """This message was emptied: what people thought of it goes with it."""
    await db.execute(delete(reactions).where(reactions.c.target == target))


async def read(db: Connection, receipts: Sequence[Receipt], now_ms: int) -> None:
    """How far people have read in rooms of ours (client-server API, "Receipts"). Nobody ever un-reads. One statement, however many.

    A receipt for what is no message, such as a reaction, counts for the newest message that was said before the receipt.
    """
    if not receipts:
        return
    room = bindparam("in_room", type_=Text)
    itself = select(posts.c.seq).where(posts.c.event == bindparam("of", type_=Text), posts.c.room == room)
    newest = select(posts.c.seq).where(posts.c.room == room, posts.c.at_ms <= bindparam("at", type_=posts.c.at_ms.type))
    newest = newest.order_by(posts.c.seq.desc()).limit(1)
    seq = func.coalesce(itself.scalar_subquery(), newest.scalar_subquery(), 0)
    values = select(
        bindparam("who", type_=Text),
        room,
        bindparam("within", type_=Text),
        seq,
        bindparam("at", type_=reads.c.at_ms.type),
    ).where(exists().where(rooms.c.room == room))
    statement = insert_into(db, reads).from_select(["user", "room", "thread", "seq", "at_ms"], values)
    given = statement.excluded
    later = {
        "seq": case((given.seq > reads.c.seq, given.seq), else_=reads.c.seq),
        "at_ms": case((given.at_ms > reads.c.at_ms, given.at_ms), else_=reads.c.at_ms),
    }
    statement = statement.on_conflict_do_update(index_elements=["user", "room", "thread"], set_=later)
    rows = [
        {"who": one.user, "in_room": one.room, "within": one.thread, "of": one.event, "at": min(one.at_ms, now_ms)}
        for one in receipts
    ]
    await db.execute(statement, rows)


async def reads_of(db: Connection, users: Collection[str]) -> dict[str, dict[tuple[str, str], int]]:
    """How far each of these people has read: the `seq` by room and thread."""
    found: dict[str, dict[tuple[str, str], int]] = {}
    for row in await db.execute(select(reads).where(reads.c.user.in_(users))):
        found.setdefault(row.user, {})[row.room, row.thread] = row.seq
    return found


async def prune(db: Connection, before_ms: int) -> int:
    """Forget how far people have read in single threads before then (UTC ms): what is that old is in no digest. Returns how many."""
    old = delete(reads).where(reads.c.at_ms < before_ms, ~or_(*(reads.c.thread == each for each in _LOOSE)))
    return (await db.execute(old)).rowcount
