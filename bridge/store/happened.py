"""What happened in the rooms of the community since some moment, for people who follow it; never decides what anybody may see of it."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, func, or_, select, true, union

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
    rows = await db.execute(select(rooms.c.room, rooms.c.history, rooms.c.encrypted))
    return tuple(Place(row.room, row.history, row.encrypted) for row in rows)


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
    query = (
        select(posts)
        .join(recent, recent.c.event == posts.c.event)
        .join(rooms, rooms.c.room == posts.c.room)
        .where(_ROOT.in_(select(_roots(wanted, recent).c.root)))
        .order_by(posts.c.seq)
    )
    rows = (await db.execute(query)).all()
    if not rows:
        return (), ()
    tagged = await _tags(db, wanted, recent)
    found = tuple(_post(row, tagged.get(row.event, frozenset())) for row in rows)
    return found, await _copies_about(db, recent)


_ROOT = func.coalesce(posts.c.thread, posts.c.reply_to, posts.c.event)


def _recent(since_seq: int, until_seq: int, me: str) -> CTE:
    """Posts that appeared in the window: (event, root)."""
    window = and_(posts.c.seq > since_seq, posts.c.seq <= until_seq, posts.c.redacted.is_(False))
    ours = posts.alias("ours")
    carried = (
        select(copies.c.source)
        .join(ours, ours.c.event == copies.c.copy)
        .where(copies.c.live, ours.c.redacted.is_(False), ours.c.seq > since_seq, ours.c.seq <= until_seq)
    )
    return union(
        select(posts.c.event, _ROOT.label("root")).where(window, posts.c.author != me),
        select(posts.c.event, _ROOT).where(
            posts.c.event.in_(carried), posts.c.redacted.is_(False), posts.c.author != me
        ),
    ).cte("recent")


def _roots(wanted: CTE, recent: CTE) -> CTE:
    """Roots of all threads that hold something wanted, those of their copies too."""
    matched = union(
        _match(wanted, recent, "person", wanted.c.target == posts.c.author),
        _match(wanted, recent, "person_tag", wanted.c.target == posts.c.author),
        _match(wanted, recent, "circle", wanted.c.target == posts.c.room),
        select(recent.c.root)
        .join_from(recent, post_tags, post_tags.c.event == recent.c.event)
        .join(wanted, and_(wanted.c.kind == "tag", wanted.c.target == post_tags.c.tag)),
        select(wanted.c.target).where(wanted.c.kind == "thread"),
    ).cte("matched")
    live = and_(copies.c.live, copies.c.copy.is_not(None))
    sources = union(
        select(matched.c.root), select(copies.c.source).where(live, copies.c.copy.in_(select(matched.c.root)))
    ).cte("sources")
    return union(
        select(sources.c.root), select(copies.c.copy).where(live, copies.c.source.in_(select(sources.c.root)))
    ).cte("roots")


def _match(wanted: CTE, recent: CTE, kind: str, same: ColumnElement[bool]) -> Select[tuple[str]]:
    joined = select(recent.c.root).join_from(recent, posts, posts.c.event == recent.c.event)
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


async def _copies_about(db: Connection, recent: CTE) -> tuple[Copied, ...]:
    """The live copies of recent posts, and those in whose thread a recent post stands."""
    return await _live_copies(
        db,
        or_(
            copies.c.source.in_(select(recent.c.event)),
            copies.c.root.in_(select(recent.c.root)),
            copies.c.copy.in_(select(recent.c.root)),
        ),
    )


async def _live_copies(db: Connection, about: ColumnElement[bool]) -> tuple[Copied, ...]:
    query = (
        select(copies.c.source, copies.c.room, copies.c.copy, posts.c.seq)
        .join(posts, posts.c.event == copies.c.copy, isouter=True)
        .where(copies.c.live, copies.c.copy.is_not(None), posts.c.redacted.is_not(true()), about)
    )
    return tuple(Copied(*row) for row in await db.execute(query))


def _post(row: Any, tags: frozenset[str]) -> Post:
    return Post(
        row.seq,
        row.event,
        row.room,
        row.author,
        row.at_ms,
        thread=row.thread or row.reply_to,
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
