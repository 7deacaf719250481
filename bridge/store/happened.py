"""What happened in the rooms of the community since some moment, for people who follow it; never decides what anybody may see of it."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, func, literal, or_, select, true, union

from bridge.digest.model import Copied, Place, Post, Span
from bridge.store.db import Connection
from bridge.store.tables import copies, follows, memberships, post_tags, posts, rooms


async def newest_seq(db: Connection) -> int:
    """The `seq` of the newest post, 0 when there is none."""
    return await db.scalar(select(func.coalesce(func.max(posts.c.seq), 0))) or 0


async def seq_before(db: Connection, at_ms: int) -> int:
    """The `seq` of the newest post that we heard of before this time (UTC ms), 0 when there is none."""
    newest_first = select(posts.c.seq).where(posts.c.seen_ms < at_ms).order_by(posts.c.seq.desc()).limit(1)
    return await db.scalar(newest_first) or 0


async def places(db: Connection) -> tuple[Place, ...]:
    """All rooms of the community."""
    rows = await db.execute(select(rooms.c.room, rooms.c.history, rooms.c.encrypted, rooms.c.replaced_by))
    return tuple(Place(row.room, row.history, row.encrypted, row.replaced_by) for row in rows)


async def spans_of(db: Connection, users: Collection[str]) -> dict[str, tuple[Span, ...]]:
    """Who of these people was what, where and when."""
    found: dict[str, list[Span]] = defaultdict(list)
    rows = await db.execute(select(memberships).where(memberships.c.user.in_(users)).order_by(memberships.c.id))
    for row in rows:
        found[row.user].append(Span(row.room, row.membership, row.since_seq, row.until_seq))
    return {user: tuple(mine) for user, mine in found.items()}


async def happened(
    db: Connection, users: Collection[str], *, since_seq: int, until_seq: int, me: str
) -> tuple[tuple[Post, ...], tuple[Copied, ...]]:
    """What appeared after `since_seq` up to `until_seq`, itself or as a copy, in conversations that any of these people follows.

    Three queries, however many people. Our own posts (`me`) and redacted ones are left out.
    """
    recent = _recent(since_seq, until_seq, me)
    wanted = (
        select(follows.c.kind, follows.c.target, follows.c.tag)
        .where(follows.c.user.in_(users))
        .distinct()
        .cte("wanted")
    )
    lines = _lines(recent, me)
    query = (
        select(posts, lines.c.above, lines.c.steps)
        .join(rooms, rooms.c.room == posts.c.room)
        .join(lines, lines.c.event == posts.c.event)
        .where(posts.c.event.in_(_told_together(wanted, recent, lines)))
        .order_by(posts.c.seq, lines.c.steps)
    )
    rows = (await db.execute(query)).all()
    if not rows:
        return (), ()
    tops = {row.event: row for row in rows}  # the last one of each: the one that went up furthest
    tagged = await _tags(db, wanted, recent)
    found = tuple(_post(row, tagged.get(row.event, frozenset()), root=row.above) for row in tops.values())
    return found, await _live_copies(db, copies.c.source.in_(select(recent.c.event)))


_ABOVE = func.coalesce(posts.c.thread, posts.c.reply_to)
_MOST_STEPS = 100
"""So far up a conversation is followed: some clients answer without threads, and so each message hangs on the one before."""


def _recent(since_seq: int, until_seq: int, me: str) -> CTE:
    """The event ids of posts that appeared in the window."""
    window = and_(posts.c.seq > since_seq, posts.c.seq <= until_seq, posts.c.redacted.is_(False))
    ours = posts.alias("ours")
    carried = (
        select(copies.c.source)
        .join(ours, ours.c.event == copies.c.copy)
        .where(copies.c.live, ours.c.redacted.is_(False), ours.c.seq > since_seq, ours.c.seq <= until_seq)
    )
    return union(
        select(posts.c.event).where(window, posts.c.author != me),
        select(posts.c.event).where(posts.c.event.in_(carried), posts.c.redacted.is_(False), posts.c.author != me),
    ).cte("recent")


def _lines(recent: CTE, me: str) -> CTE:
    """Each recent post with everything above it, itself included: (event, above, steps). Above a copy of ours is what it copies."""
    lines = select(recent.c.event, recent.c.event.label("above"), literal(0).label("steps"))
    lines_up = lines.cte("lines", recursive=True)
    above = func.coalesce(_ABOVE, copies.c.source)
    return lines_up.union(
        select(lines_up.c.event, above, lines_up.c.steps + 1)
        .outerjoin(posts, and_(posts.c.event == lines_up.c.above, posts.c.author != me))
        .outerjoin(copies, and_(copies.c.copy == lines_up.c.above, copies.c.live))
        .where(above.is_not(None), lines_up.c.steps < _MOST_STEPS)
    )


def _told_together(wanted: CTE, recent: CTE, lines: CTE) -> Select[tuple[str]]:
    """Recent posts that somebody wants to hear of, and all that stand in a conversation with one of them: that have a message above in common."""
    goes_on = select(rooms.c.replaced_by).where(rooms.c.room == posts.c.room).correlate(posts).scalar_subquery()
    matched = union(
        _match(wanted, recent, "person", wanted.c.target == posts.c.author),
        _match(wanted, recent, "person_tag", wanted.c.target == posts.c.author),
        _match(wanted, recent, "circle", or_(wanted.c.target == posts.c.room, wanted.c.target == goes_on)),
        select(recent.c.event)
        .join_from(recent, post_tags, post_tags.c.event == recent.c.event)
        .join(wanted, and_(wanted.c.kind == "tag", wanted.c.target == post_tags.c.tag)),
        select(lines.c.event).join(wanted, and_(wanted.c.kind == "thread", wanted.c.target == lines.c.above)),
    ).cte("matched")
    theirs, others = lines.alias("theirs"), lines.alias("others")
    return (
        select(others.c.event)
        .join_from(matched, theirs, theirs.c.event == matched.c.event)
        .join(others, others.c.above == theirs.c.above)
    )


def _match(wanted: CTE, recent: CTE, kind: str, same: ColumnElement[bool]) -> Select[tuple[str]]:
    joined = select(recent.c.event).join_from(recent, posts, posts.c.event == recent.c.event)
    return joined.join(wanted, and_(wanted.c.kind == kind, same))


async def _tags(db: Connection, wanted: CTE, recent: CTE) -> dict[str, frozenset[str]]:
    """The tags, of those that anybody follows, on recent posts."""
    followed = union(
        select(wanted.c.target.label("tag")).where(wanted.c.kind == "tag"),
        select(wanted.c.tag).where(wanted.c.kind == "person_tag"),
    ).subquery()
    query = (
        select(post_tags)
        .join(recent, recent.c.event == post_tags.c.event)
        .where(post_tags.c.tag.in_(select(followed.c.tag)))
    )
    found: dict[str, set[str]] = defaultdict(set)
    for row in await db.execute(query):
        found[row.event].add(row.tag)
    return {event: frozenset(tags) for event, tags in found.items()}


async def _live_copies(db: Connection, about: ColumnElement[bool]) -> tuple[Copied, ...]:
    query = (
        select(copies.c.source, copies.c.room, copies.c.copy, posts.c.seq)
        .join(posts, posts.c.event == copies.c.copy, isouter=True)
        .where(copies.c.live, copies.c.copy.is_not(None), posts.c.redacted.is_not(true()), about)
    )
    return tuple(Copied(*row) for row in await db.execute(query))


def _post(row: Any, tags: frozenset[str], root: str | None = None) -> Post:
    return Post(
        row.seq,
        row.event,
        row.room,
        row.author,
        row.at_ms,
        thread=root if root != row.event else None,
        tags=tags,
        redacted=bool(row.redacted),
    )


async def copies_of(db: Connection, sources: Collection[str]) -> tuple[Copied, ...]:
    """The live copies of these posts that can be seen."""
    return await _live_copies(db, copies.c.source.in_(sources))


async def behind(db: Connection, events: Collection[str], me: str) -> tuple[dict[str, Post], dict[str, Copied]]:
    """What these events are: posts by their own id or by that of their live copy, and the copies by the copy's id.

    Our own (`me`) are only ever copies: one that is not live any more is nothing.
    """
    copied = {one.copy: one for one in await _live_copies(db, copies.c.copy.in_(events))}
    wanted = {*events, *(one.source for one in copied.values())}
    rows = await db.execute(select(posts).where(posts.c.event.in_(wanted), posts.c.author != me))
    found = {row.event: _post(row, frozenset()) for row in rows}
    for copy, one in copied.items():
        if one.source in found:
            found[copy] = found[one.source]
    return found, copied


async def seen_ms_of(db: Connection, seq: int) -> int | None:
    """When we heard of the post with this `seq` (UTC ms)."""
    return await db.scalar(select(posts.c.seen_ms).where(posts.c.seq == seq))
