"""Shared threads and their copies in the database; never decides what is shared, and knows no text."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, exists, func, insert, or_, select, update

from bridge.rooms.share import Made, Said, Standing, Thread
from bridge.store import offers, strikes, versions
from bridge.store.db import Connection
from bridge.store.tables import bundles, copies, copy_edits, people, post_tags, posts, prompts, share_requests, shares

# In a bundle several threads stand in one thread of ours: there a genuine reply tells to which of them something belongs.
_BUNDLES = select(bundles.c.event).where(bundles.c.event.is_not(None))
_PARENT = case(
    (posts.c.thread.in_(_BUNDLES), func.coalesce(posts.c.reply_to, posts.c.thread)),
    else_=func.coalesce(posts.c.thread, posts.c.reply_to),
)


@dataclass(frozen=True, slots=True)
class Top:
    """Where a message's thread begins. `known` is false when that message answers something that we never saw."""

    event: str
    room: str
    author: str
    known: bool


@dataclass(frozen=True, slots=True)
class Errand:
    """What is known of one copy at the moment of sending: ids of copies are None while they cannot be seen.

    `partner` is the copy that a genuine reply answers, `before` the newest copy in the thread before this one.
    `bundle` is the message of the bundle in which the thread stands, None when it stands on its own.
    """

    root: str
    author: str
    live: bool
    copy: str | None
    root_copy: str | None
    partner: str | None
    before: str | None
    bundle: str | None = None


# --- threads -------------------------------------------------------------------------------------------------------------------------


async def top(db: Connection, event: str) -> Top | None:
    """The message with which the thread of this message begins: up along threads and replies, within one room. None when we do not know the message."""
    start = select(posts.c.event, posts.c.room, posts.c.author, _PARENT.label("parent")).where(posts.c.event == event)
    up = start.cte("up", recursive=True)
    above = select(posts.c.event, posts.c.room, posts.c.author, _PARENT.label("parent"))
    up = up.union(above.join(up, and_(posts.c.event == up.c.parent, posts.c.room == up.c.room)))
    rows = {row.event: row for row in await db.execute(select(up))}
    for row in rows.values():
        if row.parent not in rows:
            return Top(row.event, row.room, row.author, row.parent is None)
    return None


def down(root: str) -> Any:
    """The root and all that answers it, in whatever way a client does that, within one room."""
    found = select(posts.c.event, posts.c.room).where(posts.c.event == root).cte("down", recursive=True)
    answers = or_(
        posts.c.thread == found.c.event,
        and_(posts.c.thread.is_(None), posts.c.reply_to == found.c.event),
    )
    below: Select[Any] = select(posts.c.event, posts.c.room)
    return found.union(below.join(found, and_(answers, posts.c.room == found.c.room)))


async def tags_of(db: Connection, event: str) -> frozenset[str]:
    """The tags of a message's newest text."""
    return frozenset(await db.scalars(select(post_tags.c.tag).where(post_tags.c.event == event)))


async def tags_in(db: Connection, root: str) -> frozenset[str]:
    """All tags in a thread."""
    below = down(root)
    return frozenset(await db.scalars(select(post_tags.c.tag).join(below, below.c.event == post_tags.c.event)))


async def rooms_of(db: Connection, root: str) -> frozenset[str]:
    """The rooms into which a thread is, was or was to be shared."""
    decided = select(shares.c.room).where(shares.c.root == root)
    made = select(copies.c.room).where(copies.c.root == root, copies.c.source == root)
    return frozenset(await db.scalars(decided.union(made)))


async def shared_into(db: Connection, root: str) -> tuple[str, ...]:
    """The rooms into which a thread is shared now, sorted."""
    query = select(shares.c.room).where(shares.c.root == root, shares.c.live)
    return tuple(await db.scalars(query.order_by(shares.c.room)))


async def concerned(db: Connection, event: str, root: str, tags: Collection[str]) -> bool:
    """Whether a message can matter to a share.

    So it is when it carries one of these tags, when its thread is shared or held back, or when something answers it already, because it came late.
    """
    found = or_(
        exists().where(post_tags.c.event == event, post_tags.c.tag.in_(list(tags))),
        exists().where(shares.c.root == root),
        exists().where(posts.c.thread == event),
        exists().where(posts.c.reply_to == event),
    )
    return bool((await db.execute(select(found))).scalar())


async def standing(db: Connection, root: str, room: str) -> Standing | None:
    """What was decided about a thread, or None."""
    found = await db.execute(select(shares).where(shares.c.root == root, shares.c.room == room))
    row = found.one_or_none()
    return Standing(row.live, row.at_ms, row.cause) if row else None


async def thread(db: Connection, root: str, room: str, *, tag: str, me: str) -> Thread | None:
    """All that is known of the thread with this root and its copies in `room`; our own words are no part of it. None when the root is unknown."""
    decided = await standing(db, root, room)
    below = down(root)
    query = (
        select(posts, post_tags.c.tag, people.c.consent)
        .join(below, below.c.event == posts.c.event)
        .outerjoin(post_tags, and_(post_tags.c.event == posts.c.event, post_tags.c.tag == tag))
        .outerjoin(people, people.c.user == posts.c.author)
        .where(posts.c.author != me, posts.c.copied.is_(False))
        .order_by(posts.c.seq)
    )
    rows = (await db.execute(query)).all()
    said = {
        row.event: Said(row.event, row.author, row.seen_ms, row.tag is not None, bool(row.redacted)) for row in rows
    }
    first = said.pop(root, None)
    if first is None:
        return None
    consents = {row.author: None if row.consent is None else bool(row.consent) for row in rows}
    made = await db.execute(
        select(copies).where(copies.c.root == root, copies.c.room == room).order_by(copies.c.source)
    )
    asked = select(share_requests.c.agreed, share_requests.c.answered_ms)
    said_to_it = (await db.execute(asked.where(share_requests.c.root == root))).one_or_none()
    agreed = said_to_it is not None and bool(said_to_it.agreed)
    return Thread(
        first,
        tuple(said.values()),
        decided,
        tuple(Made(row.source, bool(row.live), row.copy) for row in made),
        consents,
        said_to_it.answered_ms if said_to_it is not None and agreed else None,
        offers=await offers.of_thread(db, root, room),
        refused=said_to_it is not None and said_to_it.agreed is not None and not agreed,
    )


async def threads_of(db: Connection, user: str) -> tuple[tuple[str, str], ...]:
    """The shared threads in which this person wrote, in the thread itself or where its copies are: (root, room of the copies), sorted."""
    above = up(posts.c.author == user)
    here = shares.c.root.in_(select(above.c.event))
    # What they answered may be a copy of ours that we have not heard of ourselves yet.
    seen = copies.c.copy.in_(select(above.c.event).union(select(above.c.parent)))
    there = exists().where(copies.c.root == shares.c.root, copies.c.room == shares.c.room, seen)
    shared = select(shares.c.root, shares.c.room).where(shares.c.live, or_(here, there))
    home = posts.alias("home")
    carried = (  # answers of theirs that stand in the thread: they may stay there when it is shared no longer
        select(copies.c.root, posts.c.room)
        .join(posts, posts.c.event == copies.c.source)
        .join(home, and_(home.c.event == copies.c.root, home.c.room == copies.c.room))
        .where(copies.c.author == user, copies.c.live)
    )
    return tuple(sorted((row[0], row[1]) for row in await db.execute(shared.union(carried))))


def up(start: ColumnElement[bool]) -> Any:
    """These messages and all that they answer, within one room; `parent` may be a message that we never saw."""
    one = select(posts.c.event, posts.c.room, _PARENT.label("parent"))
    found = one.where(start).cte("up", recursive=True)
    return found.union(one.join(found, and_(posts.c.event == found.c.parent, posts.c.room == found.c.room)))


async def begin(
    db: Connection,
    root: str,
    *,
    source_room: str,
    room: str,
    author: str,
    cause: str,
    now_ms: int,
    bundle: int | None = None,
) -> None:
    """The thread is shared from now on, in a bundle or on its own."""
    await end(db, root, room)
    row = {"root": root, "source_room": source_room, "room": room, "author": author, "cause": cause}
    await db.execute(insert(shares).values(live=True, at_ms=now_ms, bundle=bundle, **row))


async def end(db: Connection, root: str, room: str) -> None:
    """The thread is neither shared nor held back."""
    await db.execute(delete(shares).where(shares.c.root == root, shares.c.room == room))


async def hold_back(db: Connection, root: str, room: str, *, cause: str, now_ms: int) -> None:
    """The thread was taken back by command: the tag that it carries shares it no longer."""
    await db.execute(
        update(shares).where(shares.c.root == root, shares.c.room == room).values(live=False, cause=cause, at_ms=now_ms)
    )


async def source_room(db: Connection, root: str) -> str | None:
    """The room of a shared thread's original."""
    return (await db.execute(select(shares.c.source_room).where(shares.c.root == root).limit(1))).scalar()


async def room_of(db: Connection, event: str) -> str | None:
    """The room in which a message was written."""
    return (await db.execute(select(posts.c.room).where(posts.c.event == event))).scalar()


# --- copies --------------------------------------------------------------------------------------------------------------------------


async def want(db: Connection, said: Iterable[Said], root: str, room: str) -> None:
    """These messages should have a copy. One that can still be seen, because its withdrawal has not been done yet, keeps its id until then.

    What somebody took away in that room stays unwanted, whoever asks.
    """
    for each in said:
        if await strikes.is_struck(db, each.event, room):
            continue
        again = await db.execute(
            update(copies).where(copies.c.source == each.event, copies.c.room == room).values(live=True)
        )
        if not again.rowcount:
            row = {"source": each.event, "room": room, "root": root, "author": each.author}
            await db.execute(insert(copies).values(live=True, **row))


async def unwant(db: Connection, sources: Iterable[str], room: str) -> None:
    """These messages should have no copy."""
    await db.execute(update(copies).where(copies.c.source.in_(list(sources)), copies.c.room == room).values(live=False))


async def sent(db: Connection, source: str, room: str, copy: str | None) -> None:
    """The copy can be seen under this event id, or cannot be seen any more (None)."""
    await db.execute(update(copies).where(copies.c.source == source, copies.c.room == room).values(copy=copy))


async def errand(db: Connection, source: str, room: str) -> Errand | None:
    """What is known of one copy; None when none was ever wanted."""
    standing_there = and_(shares.c.bundle == bundles.c.id, bundles.c.closed.is_(False))
    bundled = select(bundles.c.event).join(shares, standing_there)
    stands_in = bundled.where(shares.c.root == copies.c.root, shares.c.room == room).scalar_subquery().label("bundle")
    query = select(copies, stands_in).where(copies.c.source == source, copies.c.room == room)
    row = (await db.execute(query)).one_or_none()
    if row is None:
        return None
    thread_copies = (
        select(copies.c.source, copies.c.copy, posts.c.seq, posts.c.reply_to)
        .join(posts, posts.c.event == copies.c.source)
        .where(copies.c.root == row.root, copies.c.room == room)
        .order_by(posts.c.seq)
    )
    there = (await db.execute(thread_copies)).all()
    ids = {each.source: each.copy for each in there}
    me = next((each for each in there if each.source == source), None)
    earlier = [each.copy for each in there if me is not None and each.seq < me.seq and each.copy is not None]
    at_home = row.root not in ids  # the thread itself is in this room, and this is an answer that came from elsewhere
    root_copy = row.root if at_home else ids.get(row.root)
    partner = None
    if me is not None and me.reply_to is not None:
        # What it answers was carried here, or was carried from here to where it was answered.
        partner = ids.get(me.reply_to) or await _original(db, me.reply_to, room)
    before = earlier[-1] if earlier else root_copy
    return Errand(row.root, row.author, bool(row.live), row.copy, root_copy, partner, before, row.bundle)


async def _original(db: Connection, copy: str, room: str) -> str | None:
    """What in `room` this copy elsewhere is a copy of; None when it is none."""
    query = select(copies.c.source).join(posts, posts.c.event == copies.c.source)
    return (await db.execute(query.where(copies.c.copy == copy, posts.c.room == room))).scalar()


async def waiting(db: Connection, root: str, room: str) -> tuple[str, ...]:
    """The sources of wanted copies in a thread that cannot be seen yet, in the order in which we heard of them."""
    query = (
        select(copies.c.source)
        .join(posts, posts.c.event == copies.c.source)
        .where(copies.c.root == root, copies.c.room == room, copies.c.live, copies.c.copy.is_(None))
        .order_by(posts.c.seq)
    )
    return tuple((await db.execute(query)).scalars())


async def source_of(db: Connection, copy: str, room: str) -> str | None:
    """The source of a copy that can be seen."""
    query = select(copies.c.source).where(copies.c.copy == copy, copies.c.room == room)
    return (await db.execute(query)).scalar()


async def root_of(db: Connection, source: str, room: str) -> str | None:
    """The root of the thread in which this message has, or had, a copy in `room`."""
    query = select(copies.c.root).where(copies.c.source == source, copies.c.room == room)
    return (await db.execute(query)).scalar()


async def root_of_copy(db: Connection, copy: str) -> str | None:
    """The root of the thread to which this copy belongs."""
    return (await db.execute(select(copies.c.root).where(copies.c.copy == copy).limit(1))).scalar()


async def edited_by(db: Connection, edit: str, source_room: str) -> tuple[str, tuple[str, ...]] | None:
    """The source in `source_room` of which this is an edit, and the rooms where a copy of it is wanted, sorted; None when there is none."""
    source = await versions.target_of(db, edit, source_room)
    query = select(copies.c.room).where(copies.c.source == source, copies.c.live).order_by(copies.c.room)
    found = tuple((await db.execute(query)).scalars()) if source else ()
    return (source, found) if source and found else None


async def edit_sent(db: Connection, event: str, source: str, room: str) -> None:
    """An edit of ours holds words of this source."""
    if not (await db.execute(select(exists().where(copy_edits.c.event == event)))).scalar():
        await db.execute(insert(copy_edits).values(event=event, source=source, room=room))


async def take_edits(db: Connection, source: str, room: str) -> tuple[str, ...]:
    """The edits of ours that hold words of this source, sorted; they are forgotten here, for the caller has them emptied."""
    same = and_(copy_edits.c.source == source, copy_edits.c.room == room)
    found = (await db.execute(select(copy_edits.c.event).where(same))).scalars().all()
    await db.execute(delete(copy_edits).where(same))
    return tuple(sorted(found))


async def asked(db: Connection, user: str, kind: str) -> bool:
    """Whether this person was asked this before."""
    found = await db.execute(select(exists().where(prompts.c.user == user, prompts.c.kind == kind)))
    return bool(found.scalar())


async def is_used(db: Connection, tag: str, rooms: Iterable[str]) -> bool:
    """Whether any message that is still there in one of these rooms carries this tag."""
    query = select(posts.c.event).join(post_tags, posts.c.event == post_tags.c.event)
    query = query.where(post_tags.c.tag == tag, posts.c.room.in_(list(rooms)), posts.c.redacted.is_(False)).limit(1)
    return (await db.execute(query)).first() is not None


async def tag_counts(db: Connection, rooms: Iterable[str], limit: int) -> tuple[tuple[str, int], ...]:
    """The tags most used in these rooms, with the number of messages that carry each; then by name."""
    number = func.count().label("number")
    query = (
        select(post_tags.c.tag, number)
        .join(posts, posts.c.event == post_tags.c.event)
        .where(posts.c.room.in_(list(rooms)), posts.c.redacted.is_(False))
        .group_by(post_tags.c.tag)
        .order_by(number.desc(), post_tags.c.tag)
        .limit(limit)
    )
    return tuple((row.tag, row.number) for row in await db.execute(query))
