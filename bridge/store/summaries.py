"""The one line of ours at the end of a shared thread, and what it counts; numbers only, never who or what is behind them."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import and_, distinct, func, or_, select, true, update

from bridge.store import shares as store
from bridge.store.db import Connection
from bridge.store.tables import bundles, copies, posts, shares
from bridge.store.tables import reactions as table_of_reactions
from bridge.store.tables import summaries as table
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Summary:
    """How the line of one thread stands. `said` is a hash of what it should say, empty for nothing; `revision` counts the wishes to change it.

    `event` is our message while it can be seen.
    """

    said: str = ""
    revision: int = 0
    event: str | None = None


async def get(db: Connection, root: str, room: str) -> Summary | None:
    """The line of a thread's copies in `room`; None when there never was one."""
    query = select(table.c.said, table.c.revision, table.c.event).where(table.c.root == root, table.c.room == room)
    row = (await db.execute(query)).one_or_none()
    return Summary(*row) if row else None


async def want(db: Connection, root: str, room: str, *, said: str, revision: int) -> None:
    """What the line should say from now on, and by which wish that is done."""
    told = {"said": said, "revision": revision}
    statement = insert_into(db, table).values(root=root, room=room, **told)
    await db.execute(statement.on_conflict_do_update(index_elements=["root", "room"], set_=told))


async def stands(db: Connection, root: str, room: str, event: str | None) -> None:
    """The line can be seen under this event id, or cannot be seen any more (None)."""
    await db.execute(update(table).where(table.c.root == root, table.c.room == room).values(event=event))


async def staying(db: Connection, root: str, room: str, me: str) -> int:
    """How many replies of a thread have no copy in `room`, nor should have; our own words and redacted ones are none."""
    below = store.down(root)
    there = select(copies.c.source).where(copies.c.root == root, copies.c.room == room, copies.c.live)
    query = (
        select(func.count())
        .select_from(posts)
        .join(below, below.c.event == posts.c.event)
        .where(posts.c.event != root, posts.c.author != me, posts.c.redacted.is_not(true()), posts.c.copied.is_(False))
        .where(posts.c.event.not_in(there))
    )
    return int((await db.execute(query)).scalar_one())


async def reactions(db: Connection, root: str, room: str, me: str, apart: Collection[str]) -> dict[str, int]:
    """How many people put each emoji on the first message of a thread or on its copy in `room`; `apart` are emoji that mean something to us.

    Everybody counts once for an emoji, and we (`me`) not at all.
    """
    copied = select(copies.c.copy).where(copies.c.source == root, copies.c.room == room, copies.c.live)
    query = (
        select(table_of_reactions.c.emoji, func.count(distinct(table_of_reactions.c.user)).label("people"))
        .where(or_(table_of_reactions.c.target == root, table_of_reactions.c.target.in_(copied)))
        .where(
            table_of_reactions.c.user != me,
            table_of_reactions.c.emoji.is_not(None),
            table_of_reactions.c.emoji.not_in(apart),
        )
        .group_by(table_of_reactions.c.emoji)
    )
    return {row.emoji: row.people for row in await db.execute(query)}


async def lines_of(db: Connection, event: str) -> tuple[tuple[str, str], ...]:
    """The shared threads (root, room) that begin with this message, or whose first message's copy it is; sorted."""
    first = and_(copies.c.source == copies.c.root, copies.c.live)
    query = select(copies.c.root, copies.c.room).where(first, or_(copies.c.source == event, copies.c.copy == event))
    return tuple((row.root, row.room) for row in await db.execute(query.order_by(copies.c.root, copies.c.room)))


async def place(db: Connection, root: str, room: str) -> tuple[str | None, str, str] | None:
    """Where the line of a shared thread belongs: the message of its bundle, the copy of its root, the newest copy that can be seen. None when it is not shared or not to be seen."""
    decided = await store.standing(db, root, room)
    if decided is None or not decided.live:
        return None
    query = (
        select(copies.c.source, copies.c.copy)
        .join(posts, posts.c.event == copies.c.source)
        .where(copies.c.root == root, copies.c.room == room, copies.c.live, copies.c.copy.is_not(None))
        .order_by(posts.c.seq)
    )
    seen = {row.source: row.copy for row in await db.execute(query)}
    if root not in seen:
        return None
    standing_there = and_(shares.c.bundle == bundles.c.id, bundles.c.closed.is_(False))
    bundle = select(bundles.c.event).join(shares, standing_there)
    stands_in = await db.scalar(bundle.where(shares.c.root == root, shares.c.room == room))
    return stands_in, seen[root], list(seen.values())[-1]
