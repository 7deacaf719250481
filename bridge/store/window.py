"""All that happened between two moments, read once for everybody; never decides what anybody may see of it.

The queries are as many for thirty people as for thirty thousand; rows come in parts, and what is the same in many of them is kept once.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, Executable, Select, and_, distinct, false, func, or_, select, true, union, union_all

from bridge.digest.model import Copied, Link, Post
from bridge.store.db import Connection
from bridge.store.people import ANONYMOUS
from bridge.store.tables import copies, mentions, people, post_tags, posts, reactions

PART = 5_000
"""So many rows are held at once."""


@dataclass(frozen=True, slots=True)
class Window:
    """What appeared in it, itself or as a copy; the copies; the older messages that it hangs on; and (message, user): who had a part in those before."""

    posts: tuple[Post, ...]
    copies: tuple[Copied, ...]
    links: tuple[Link, ...]
    parts: tuple[tuple[str, str], ...]


async def window(
    db: Connection,
    *,
    since_seq: int,
    until_seq: int,
    me: str,
    bots: tuple[str, ...] = (),
    rooms: Collection[str] | None = None,
) -> Window:
    """What appeared after `since_seq` up to `until_seq` in rooms of ours, in the order in which it came. Eight queries.

    Our own messages (`me`) are left out, and redacted ones; `bots` are people whose word is a program's. With `rooms` only what stands in
    one of these, itself or as a copy: all that somebody who is in no other room can be shown.
    """
    recent = _recent(since_seq, until_seq, me, rooms)
    above = _above(recent, since_seq)
    kept: dict[str, str] = {}
    same = kept.setdefault  # equal strings become one: a room's id stands in thousands of rows
    tags = await _sets(db, select(post_tags).join(recent, recent.c.event == post_tags.c.event), same)
    called = await _sets(db, select(mentions).join(recent, recent.c.event == mentions.c.event), same)
    reacted = await _reacted(db, since_seq, until_seq, me, bots, same, recent if rooms is not None else None)
    shy = frozenset((await db.execute(select(people.c.user).where(people.c.shown == ANONYMOUS))).scalars())
    none: frozenset[str] = frozenset()
    found: list[Post] = []
    async for part in _parts_of(db, select(recent).order_by(recent.c.seq)):
        # Half a million rows: each name that is looked up here costs as much as a query does elsewhere.
        found += [
            Post(
                seq, same(event, event), same(room, room), same(author, author), at_ms, thread and same(thread, thread),
                tags.get(event, none), False, reply_to and same(reply_to, reply_to), called.get(event, none),
                reacted.get(event, 0), bool(automatic) or author in bots, author in shy,
            )
            for seq, event, room, author, at_ms, thread, reply_to, automatic in part
        ]  # fmt: skip
    live = [
        Copied(
            same(source, source), same(room, room), same(copy, copy), seq, reacted.get(copy, 0), thread and same(thread, thread),
        )
        async for part in _parts_of(db, _copies(recent, above))
        for source, room, copy, seq, thread in part
    ]  # fmt: skip
    links: dict[str, Link] = {}
    async for part in _parts_of(db, _links(above, me)):
        for event, on, author, room, tag in part:
            tagged = (links[event].tags if event in links else none) | ({same(tag, tag)} if tag else none)
            links[event] = Link(same(event, event), on and same(on, on), same(author, author), same(room, room), tagged)
    parts = [
        (same(event, event), same(author, author))
        async for part in _parts_of(db, _parts(above, since_seq, me))
        for event, author in part
    ]
    return Window(tuple(found), tuple(live), tuple(links.values()), tuple(parts))


Same = Callable[[str, str], str]
"""Gives the first of equal strings; asked for with the same string twice."""


async def _parts_of(db: Connection, query: Executable) -> AsyncIterator[Sequence[Any]]:
    async with db.stream(query) as result:
        async for part in result.partitions(PART):
            yield part


async def _sets(db: Connection, query: Executable, same: Same) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    async for part in _parts_of(db, query):
        for event, value in part:
            found[same(event, event)].add(same(value, value))
    kept: dict[frozenset[str], frozenset[str]] = {}
    return {event: kept.setdefault(frozen, frozen) for event, values in found.items() if (frozen := frozenset(values))}


def _recent(since_seq: int, until_seq: int, me: str, rooms: Collection[str] | None) -> CTE:
    """The posts that appeared in the window, themselves or as a copy; with `rooms` in one of these."""
    columns = (
        posts.c.seq,
        posts.c.event,
        posts.c.room,
        posts.c.author,
        posts.c.at_ms,
        posts.c.thread,
        posts.c.reply_to,
    )
    wanted = select(*columns, or_(posts.c.automatic, posts.c.copied).label("program"))
    ours = posts.alias("ours")
    here = (posts.c.room.in_(rooms), ours.c.room.in_(rooms)) if rooms is not None else (true(), true())
    carried = (
        select(copies.c.source)
        .join(ours, ours.c.event == copies.c.copy)
        .where(copies.c.live, ours.c.redacted.is_(False), ours.c.seq > since_seq, ours.c.seq <= until_seq, here[1])
    )
    standing = and_(posts.c.redacted.is_(False), posts.c.author != me, posts.c.seq <= until_seq)
    # By room first: of all that was said in a large community, what stands in two rooms is little.
    elsewhere = or_(posts.c.seq <= since_seq, posts.c.room.not_in(rooms) if rooms is not None else false())
    return union_all(
        wanted.where(posts.c.seq > since_seq, standing, here[0]),
        wanted.where(standing, elsewhere, posts.c.event.in_(carried)),
    ).cte("recent")


def _above(recent: CTE, since_seq: int) -> CTE:
    """What recent messages hang on and is older or gone, and what that hangs on, as event ids; above a copy of ours is what it copies."""
    hangs = (select(on.label("event")).where(on.is_not(None)) for on in (recent.c.thread, recent.c.reply_to))
    first = union(*hangs).cte("hangs")
    target = posts.alias("target")
    older = select(first.c.event).outerjoin(target, target.c.event == first.c.event)
    outside = or_(target.c.seq.is_(None), target.c.seq <= since_seq, target.c.redacted)
    start = older.where(or_(outside, first.c.event.in_(select(copies.c.copy))))
    up = start.cte("above", recursive=True)
    its = posts.alias("its")
    on = func.coalesce(its.c.thread, its.c.reply_to, copies.c.source)
    return up.union(
        select(on)
        .select_from(up)
        .outerjoin(its, its.c.event == up.c.event)
        .outerjoin(copies, and_(copies.c.copy == up.c.event, copies.c.live))
        .where(on.is_not(None))
    )


async def _reacted(
    db: Connection, since_seq: int, until_seq: int, me: str, bots: tuple[str, ...], same: Same, only: CTE | None
) -> dict[str, int]:
    """How many people reacted to what appeared in the window (or to `only` this), copies included; authors and programs do not count."""
    people = and_(reactions.c.user != posts.c.author, reactions.c.user.not_in([me, *bots]))
    query = (
        select(reactions.c.target, func.count(distinct(reactions.c.user)))
        .join(posts, posts.c.event == reactions.c.target)
        .where(posts.c.seq > since_seq, posts.c.seq <= until_seq, people)
        .group_by(reactions.c.target)
    )
    if only is not None:
        copied = select(copies.c.copy).where(copies.c.source.in_(select(only.c.event)))
        query = query.where(or_(reactions.c.target.in_(select(only.c.event)), reactions.c.target.in_(copied)))
    return {same(event, event): int(number) async for part in _parts_of(db, query) for event, number in part}


def _copies(recent: CTE, above: CTE) -> Select[Any]:
    about = or_(copies.c.source.in_(select(recent.c.event)), copies.c.copy.in_(select(above.c.event)))
    return (
        select(copies.c.source, copies.c.room, copies.c.copy, posts.c.seq, posts.c.thread)
        .outerjoin(posts, posts.c.event == copies.c.copy)
        .where(copies.c.live, copies.c.copy.is_not(None), posts.c.redacted.is_not(true()), about)
    )


def _links(above: CTE, me: str) -> Select[Any]:
    """The older messages, once for each of their tags."""
    on = func.coalesce(posts.c.thread, posts.c.reply_to).label("above")
    query = select(posts.c.event, on, posts.c.author, posts.c.room, post_tags.c.tag).where(posts.c.author != me)
    tagged = query.outerjoin(post_tags, post_tags.c.event == posts.c.event)
    return tagged.where(posts.c.event.in_(select(above.c.event)))


def _parts(above: CTE, since_seq: int, me: str) -> Executable:
    """Who said something, before the window, that hangs on an older message."""
    older = and_(posts.c.seq <= since_seq, posts.c.redacted.is_(False), posts.c.author != me)
    inside = select(above.c.event)
    return union(
        select(posts.c.thread.label("event"), posts.c.author).where(older, posts.c.thread.in_(inside)),
        select(posts.c.reply_to, posts.c.author).where(older, posts.c.reply_to.in_(inside)),
    )
