"""Copies that somebody else than us took away, and people who are not in a room any more; never decides what follows from either."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, exists, not_, or_, select, update

from bridge.store.db import Connection
from bridge.store.tables import copies, copy_edits, early, memberships, moves, posts, rooms, shares, struck
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Stands:
    """One copy: its source and that one's author and room, the room where the copy is wanted or can be seen, the root of its thread."""

    source: str
    source_room: str
    author: str
    room: str
    root: str
    live: bool


@dataclass(frozen=True, slots=True)
class Struck:
    """One copy that was taken away for good: its source with author and room, the room where it stood, the root of its thread."""

    source: str
    room: str
    root: str
    author: str
    source_room: str


async def strike(db: Connection, source: str, room: str, cause: str, now_ms: int) -> bool:
    """The copy of this message was taken away there for good. False when that is known."""
    there = (copies.c.source == source, copies.c.room == room)
    copy = await db.scalar(select(copies.c.copy).where(*there))
    row = {"source": source, "room": room, "cause": cause, "at_ms": now_ms, "copy": copy}
    statement = insert_into(db, struck).values(row).on_conflict_do_nothing().returning(struck.c.source)
    new = (await db.execute(statement)).one_or_none() is not None
    await db.execute(update(copies).where(*there).values(live=False))
    return new


async def about(db: Connection, event: str) -> tuple[Struck, ...]:
    """What was taken away for good of this message, in whatever room, or under this event id of a copy; sorted by room."""
    query = (
        select(struck.c.source, struck.c.room, copies.c.root, copies.c.author, posts.c.room.label("source_room"))
        .join(copies, and_(copies.c.source == struck.c.source, copies.c.room == struck.c.room))
        .join(posts, posts.c.event == struck.c.source)
        .where(or_(struck.c.source == event, struck.c.copy == event))
        .order_by(struck.c.room)
    )
    return tuple(Struck(**row) for row in (await db.execute(query)).mappings())


async def lift(db: Connection, source: str, room: str) -> None:
    """The copy of this message may be made there again."""
    await db.execute(delete(struck).where(struck.c.source == source, struck.c.room == room))


async def struck_of(db: Connection, root: str, room: str) -> frozenset[str]:
    """Those messages of a thread whose copies were taken away in `room`, or in one that it replaced."""
    places = select(rooms.c.room).where(or_(rooms.c.room == room, rooms.c.replaced_by == room))
    same = and_(copies.c.source == struck.c.source, copies.c.room == struck.c.room)
    query = select(struck.c.source).join(copies, same).where(copies.c.root == root, struck.c.room.in_(places))
    return frozenset(await db.scalars(query))


async def is_struck(db: Connection, source: str, room: str) -> bool:
    """Whether the copy of this message was taken away in `room`, or in one that it replaced."""
    places = select(rooms.c.room).where(or_(rooms.c.room == room, rooms.c.replaced_by == room))
    return bool(await db.scalar(select(exists().where(struck.c.source == source, struck.c.room.in_(places)))))


async def copy_of(db: Connection, event: str, room: str) -> Stands | None:
    """Whose copy in `room` this event is: the copy itself, or one of our edits of it. None when it is none that can be seen."""
    edited = select(copy_edits.c.source).where(copy_edits.c.event == event, copy_edits.c.room == room)
    query = (
        select(copies, posts.c.room.label("source_room"))
        .join(posts, posts.c.event == copies.c.source)
        .where(copies.c.room == room, or_(copies.c.copy == event, copies.c.source.in_(edited)))
    )
    row = (await db.execute(query.limit(1))).one_or_none()
    return Stands(row.source, row.source_room, row.author, row.room, row.root, bool(row.live)) if row else None


async def taken_early(db: Connection, copy: str, room: str) -> str | None:
    """The redaction of a copy that was heard before we knew that it is ours, or None."""
    if await db.scalar(select(posts.c.redacted).where(posts.c.event == copy)):
        return copy
    query = select(early.c.event).where(early.c.target == copy, early.c.room == room, early.c.kind == "redaction")
    found: str | None = await db.scalar(query.limit(1))
    return found


async def gone(db: Connection, users: Collection[str], room: str) -> frozenset[str]:
    """Those of these people who were in a room of ours and are not any more, nor in the one that goes on in its place; nor were they moved on from there."""
    next_room = select(rooms.c.replaced_by).where(rooms.c.room == room).scalar_subquery()
    now = select(memberships.c.user, memberships.c.room, memberships.c.membership).where(
        memberships.c.user.in_(users),
        memberships.c.until_ms.is_(None),
        or_(memberships.c.room == room, memberships.c.room == next_room),
    )
    rows = (await db.execute(now)).all()
    there = {row.user for row in rows if row.membership == "join"}
    out = frozenset(row.user for row in rows if row.room == room) - there
    if not out:
        return out
    moved = select(moves.c.user).where(moves.c.user.in_(out), _moved_on(moves.c.user, room))
    return out - frozenset(await db.scalars(moved))


async def left_by_move(db: Connection, user: str) -> tuple[str, ...]:
    """The rooms from which somebody was ever moved into another circle, sorted."""
    query = select(moves.c.source).where(moves.c.user == user, moves.c.source.is_not(None)).distinct()
    return tuple(await db.scalars(query.order_by(moves.c.source)))


def _moved_on(user: ColumnElement[str], room: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Whether somebody was moved out of this room into another circle, by whatever way, and is in a circle now: then they did not leave."""
    way, now, circle = moves.alias("way"), memberships.alias("now"), rooms.alias("circle")
    inside = and_(now.c.user == user, now.c.membership == "join", now.c.until_ms.is_(None), circle.c.kind == "circle")
    return exists().where(way.c.user == user, way.c.source == room, circle.c.room == now.c.room, inside)


async def beside(db: Connection, root: str, room: str) -> tuple[str, ...]:
    """The sources of all other copies in a thread that are wanted or can be seen, sorted."""
    query = select(copies.c.source).where(copies.c.root == root, copies.c.room == room, copies.c.source != root)
    query = query.where(or_(copies.c.live, copies.c.copy.is_not(None)))
    return tuple(await db.scalars(query.order_by(copies.c.source)))


async def carried(db: Connection, user: str) -> bool:
    """Whether anything that somebody wrote, in whatever room, is shared, wanted elsewhere or still to be seen there: else `roots_of` and `of_author` give nothing."""
    shared = exists().where(shares.c.author == user, shares.c.live)
    copied = exists().where(copies.c.author == user, or_(copies.c.live, copies.c.copy.is_not(None)))
    return bool(await db.scalar(select(or_(shared, copied))))


async def of_author(db: Connection, user: str, room: str | None = None) -> tuple[Stands, ...]:
    """All copies, wanted or still to be seen, of what somebody wrote (in `room`, or anywhere), in the order in which we heard of it."""
    query = (
        select(copies, posts.c.room.label("source_room"))
        .join(posts, posts.c.event == copies.c.source)
        .where(copies.c.author == user, or_(copies.c.live, copies.c.copy.is_not(None)))
        .order_by(posts.c.seq, copies.c.room)
    )
    if room is not None:
        query = query.where(posts.c.room == room)
    rows = await db.execute(query)
    return tuple(Stands(row.source, row.source_room, row.author, row.room, row.root, bool(row.live)) for row in rows)


async def roots_of(db: Connection, user: str, room: str | None = None) -> tuple[tuple[str, str], ...]:
    """The threads that somebody began (in `room`, or anywhere) and that are shared now: (root, its room), sorted."""
    query = select(shares.c.root, shares.c.source_room).where(shares.c.author == user, shares.c.live).distinct()
    if room is not None:
        query = query.where(shares.c.source_room == room)
    return tuple((row.root, row.source_room) for row in await db.execute(query.order_by(shares.c.root)))


async def wanted_of_gone(db: Connection, kinds: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Who is out of a room of these kinds while copies of what they wrote there are wanted: (user, room), sorted."""
    query = (
        select(copies.c.author, posts.c.room)
        .join(posts, posts.c.event == copies.c.source)
        .join(rooms, and_(rooms.c.room == posts.c.room, rooms.c.kind.in_(list(kinds))))
        .join(
            memberships,
            and_(
                memberships.c.room == posts.c.room,
                memberships.c.user == copies.c.author,
                memberships.c.until_ms.is_(None),
                memberships.c.membership != "join",
            ),
        )
        .where(copies.c.live, not_(_moved_on(copies.c.author, posts.c.room)))
        .distinct()
        .order_by(copies.c.author, posts.c.room)
    )
    return tuple((row.author, row.room) for row in await db.execute(query))
