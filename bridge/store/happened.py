"""Where people were when, what rooms let them read, and what stands behind an event; never decides what anybody may see. What is new: `window.py`."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import ColumnElement, exists, func, select, true

from bridge.digest.model import Copied, Place, Post, Span
from bridge.store.db import Connection
from bridge.store.people import ANONYMOUS
from bridge.store.tables import copies, histories, memberships, people, posts, rooms


async def newest_seq(db: Connection) -> int:
    """The `seq` of the newest post, 0 when there is none."""
    return await db.scalar(select(func.coalesce(func.max(posts.c.seq), 0))) or 0


async def seq_before(db: Connection, at_ms: int) -> int:
    """The `seq` of the newest post that we heard of before this time (UTC ms), 0 when there is none."""
    newest_first = select(posts.c.seq).where(posts.c.seen_ms < at_ms).order_by(posts.c.seq.desc()).limit(1)
    return await db.scalar(newest_first) or 0


async def places(db: Connection, me: str, among: Collection[str] | None = None) -> tuple[Place, ...]:
    """All rooms of the community (or those `among` these), and what could be read in them when. Not those that we (`me`) are out of: we do not hear who has left one since."""
    out = exists().where(
        memberships.c.room == rooms.c.room, memberships.c.user == me,
        memberships.c.until_ms.is_(None), memberships.c.membership.in_(("leave", "ban")),
    )  # fmt: skip
    query = select(rooms, histories.c.since_seq, histories.c.history.label("then")).outerjoin(
        histories, histories.c.room == rooms.c.room
    )
    query = query.where(~out)
    if among is not None:
        query = query.where(rooms.c.room.in_(among))
    changes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    found = {}
    for row in await db.execute(query.order_by(rooms.c.room, histories.c.since_seq)):
        found[row.room] = row
        if row.since_seq is not None:
            changes[row.room].append((row.since_seq, row.then))
    return tuple(
        Place(row.room, row.history, row.encrypted, row.replaced_by, row.kind, tuple(changes[row.room]))
        for row in found.values()
    )


async def spans_of(db: Connection, users: Collection[str]) -> dict[str, tuple[Span, ...]]:
    """Who of these people was what, where and when."""
    found: dict[str, list[Span]] = defaultdict(list)
    its = memberships.c
    query = select(its.user, its.room, its.membership, its.since_seq, its.until_seq, its.since_ms)
    for user, *span in await db.execute(query.where(its.user.in_(users)).order_by(its.id)):
        found[user].append(Span(*span))
    return {user: tuple(mine) for user, mine in found.items()}


async def _live_copies(db: Connection, about: ColumnElement[bool]) -> tuple[Copied, ...]:
    query = (
        select(copies.c.source, copies.c.room, copies.c.copy, posts.c.seq)
        .join(posts, posts.c.event == copies.c.copy, isouter=True)
        .where(copies.c.live, copies.c.copy.is_not(None), posts.c.redacted.is_not(true()), about)
    )
    return tuple(Copied(*row) for row in await db.execute(query))


async def copies_of(db: Connection, sources: Collection[str]) -> tuple[Copied, ...]:
    """The live copies of these posts that can be seen."""
    return await _live_copies(db, copies.c.source.in_(sources))


async def behind(db: Connection, events: Collection[str], me: str) -> tuple[dict[str, Post], dict[str, Copied]]:
    """What these events are: posts by their own id or by that of their live copy, and the copies by the copy's id.

    Our own (`me`) are only ever copies: one that is not live any more is nothing.
    """
    copied = {one.copy: one for one in await _live_copies(db, copies.c.copy.in_(events))}
    wanted = {*events, *(one.source for one in copied.values())}
    query = select(posts, people.c.shown).outerjoin(people, people.c.user == posts.c.author)
    rows = await db.execute(query.where(posts.c.event.in_(wanted), posts.c.author != me))
    found = {
        row.event: Post(
            row.seq, row.event, row.room, row.author, row.at_ms,
            redacted=bool(row.redacted), nameless=row.shown == ANONYMOUS,
        )
        for row in rows
    }  # fmt: skip
    for copy, one in copied.items():
        if one.source in found:
            found[copy] = found[one.source]
    return found, copied


async def seen_ms_of(db: Connection, seq: int) -> int | None:
    """When we heard of the post with this `seq` (UTC ms)."""
    return await db.scalar(select(posts.c.seen_ms).where(posts.c.seq == seq))
