"""Follows and digests in the database; never decides what matters to anybody, and holds no text."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    update,
)

from bridge.digest.model import Digest, Follow, Item, Reason, Waiting, Wish, dump_reasons, load_reasons
from bridge.effects import Deliver
from bridge.events import Receipt
from bridge.frozen import frozen
from bridge.store.db import Connection
from bridge.store.due import Due
from bridge.store.many import insert_many
from bridge.store.people import Person, person
from bridge.store.tables import (
    copies,
    digest_items,
    digests,
    due,
    follows,
    mentions,
    outbox,
    people,
    posts,
    reads,
)
from bridge.store.upsert import insert_into
from bridge.store.watching import is_unanswered

DUE = "digest"
"""The kind of our rows in the table of what is due."""

LOOK_BACK_MS = 31 * 24 * 3600 * 1000
"""No digest goes back further: after a long pause nobody wants more, and everybody else's digests would wait for it."""


TOLD_FOR_MS = 8 * 24 * 3600 * 1000
"""So long what somebody was told at once is known as told, and it is looked whether they read it: a weekly digest may be ahead."""


@frozen
class Made:
    """A digest as it stands in the tables. `room` and `event` are where it was delivered, when it was.

    It covers what was heard of since `from_ms` (UTC ms); None where it is the first, or was asked for.
    """

    id: str
    user: str
    since_seq: int
    until_seq: int
    made_ms: int
    digest: Digest
    room: str | None = None
    event: str | None = None
    from_ms: int | None = None


# --- follows -------------------------------------------------------------------------------------------------------------------------


async def follow(db: Connection, user: str, reason: Reason, now_ms: int, wish: Wish = "follow") -> bool:
    """Write down that somebody follows something, mutes it, or wants nothing to do with somebody; False when they did already."""
    row = {"user": user, "kind": reason.kind, "target": reason.target, "tag": reason.tag, "at_ms": now_ms, "wish": wish}
    statement = insert_into(db, follows).values(row).on_conflict_do_nothing()
    return (await db.execute(statement.returning(follows.c.id))).first() is not None


async def unfollow(db: Connection, user: str, reason: Reason, wish: Wish = "follow") -> bool:
    """Forget that somebody wished this; False when they did not."""
    mine = and_(follows.c.user == user, follows.c.wish == wish)
    same = and_(follows.c.kind == reason.kind, follows.c.target == reason.target, follows.c.tag == reason.tag)
    return (await db.execute(delete(follows).where(mine, same))).rowcount > 0


async def follows_of(db: Connection, users: Collection[str], wish: Wish = "follow") -> dict[str, tuple[Follow, ...]]:
    """What each of these people follows (or mutes, or blocks), in the order of wishing; nobody without any is in it."""
    found: dict[str, list[Follow]] = defaultdict(list)
    query = select(follows).where(follows.c.user.in_(users), follows.c.wish == wish).order_by(follows.c.id)
    for row in await db.execute(query):
        found[row.user].append(_follow(row))
    return {user: tuple(mine) for user, mine in found.items()}


async def wishes_of(
    db: Connection, users: Collection[str]
) -> tuple[dict[str, tuple[Follow, ...]], dict[str, frozenset[str]]]:
    """All that each of these people wishes, in its order; and for each of them who wants nothing to do with them. One query, however many."""
    about_them = and_(follows.c.kind == "person", follows.c.target.in_(users), follows.c.wish == "block")
    mine: dict[str, list[Follow]] = defaultdict(list)
    apart: dict[str, set[str]] = defaultdict(set)
    columns = (follows.c.id, follows.c.user, follows.c.kind, follows.c.target, follows.c.tag, follows.c.wish)
    query = select(*columns).where(or_(follows.c.user.in_(users), about_them)).order_by(follows.c.id)
    for number, user, kind, target, tag, wish in await db.execute(query):
        mine[user].append(Follow(number, user, Reason(kind, target, tag), wish))
        if wish == "block":
            apart[target].add(user)
    return (
        {user: tuple(found) for user, found in mine.items()},
        {user: frozenset(others) for user, others in apart.items()},
    )


def _follow(row: Any) -> Follow:
    return Follow(row.id, row.user, Reason(row.kind, row.target, row.tag), row.wish)


async def apart_from(db: Connection, user: str) -> frozenset[str]:
    """Of whom this person does not hear, because one of the two blocks the other."""
    block = and_(follows.c.kind == "person", follows.c.wish == "block")
    rows = await db.execute(
        select(follows.c.user, follows.c.target).where(block, or_(follows.c.user == user, follows.c.target == user))
    )
    return frozenset({row.target if row.user == user else row.user for row in rows})


async def brought(db: Connection, user: str, since_ms: int) -> Mapping[Reason, int] | None:
    """How many conversations each reason brought into this member's digests since then (UTC ms); None when they had no digest."""
    mine = select(digests.c.id).where(digests.c.user == user, digests.c.made_ms >= since_ms)
    rows = await db.execute(select(digest_items.c.event, digest_items.c.reasons).where(digest_items.c.digest.in_(mine)))
    found = {(row.event, reason) for row in rows for reason in load_reasons(row.reasons)}
    return Counter(reason for _, reason in found) if found else None


async def source_of(db: Connection, event: str) -> str:
    """The event that this one is a copy of, or itself."""
    return await db.scalar(select(copies.c.source).where(copies.c.copy == event)) or event


@frozen
class Wave:
    """Some people's digests are due: how many, and what they cover, from the oldest mark of anybody (not included) up to the newest post."""

    since_seq: int
    until_seq: int
    number: int = 0


# --- time ----------------------------------------------------------------------------------------------------------------------------


async def wave(db: Connection, now_ms: int) -> Wave | None:
    """What the digests that are due at this time (UTC ms) cover; None when none is. Nothing that we heard of more than a month ago is in any."""
    newest = select(func.coalesce(func.max(posts.c.seq), 0)).scalar_subquery()
    old = posts.c.seen_ms < now_ms - LOOK_BACK_MS
    oldest = select(posts.c.seq).where(old).order_by(posts.c.seq.desc()).limit(1).scalar_subquery()
    # Looked for only where it is needed: this is asked every other second.
    found = case((func.count() > 0, oldest))
    query = (
        select(func.min(func.coalesce(people.c.digest_mark, newest)), newest, func.coalesce(found, 0), func.count())
        .select_from(due.outerjoin(people, and_(people.c.user == due.c.subject, people.c.digest != "off")))
        .where(due.c.kind == DUE, due.c.next_ms <= now_ms)
    )
    since_seq, until_seq, oldest_seq, number = (await db.execute(query)).one()
    return Wave(max(since_seq, oldest_seq), until_seq, number) if number else None


async def pending(
    db: Connection, *, now_ms: int | None = None, after: str = "", limit: int
) -> tuple[tuple[Due, Person], ...]:
    """Up to `limit` next occasions, each with its person: those whose time has come, the oldest first; without `now_ms` all behind that id, by id."""
    chosen = (due.c.subject > after,) if now_ms is None else (due.c.next_ms <= now_ms,)
    order = (due.c.subject,) if now_ms is None else (due.c.next_ms, due.c.subject)
    query = select(due.c.subject, due.c.next_ms, due.c.slot, people).outerjoin(people, people.c.user == due.c.subject)
    rows = (await db.execute(query.where(due.c.kind == DUE, *chosen).order_by(*order).limit(limit))).mappings()
    own = tuple(column.name for column in people.c)
    return tuple(
        (
            Due(DUE, row["subject"], row["next_ms"], row["slot"]),
            person({name: row[name] for name in own}) if row["user"] is not None else Person(user=row["subject"]),
        )
        for row in rows
    )


async def on_their_way(db: Connection, users: Collection[str]) -> frozenset[str]:
    """Who of these people has not got an earlier digest yet: it is still to be sent, or may have been a moment ago."""
    lanes = {Deliver(key="", user=user, digest="").lane: user for user in users}
    still = (outbox.c.state == literal_column("'due'"), outbox.c.kind == Deliver.__name__, outbox.c.lane.in_(lanes))
    return frozenset(lanes[lane] for lane in await db.scalars(select(outbox.c.lane).where(*still)))


async def waiting(db: Connection, user: str, *, untried: bool = False) -> Made | None:
    """The digest that this member has not got yet and did not ask for; None when none is on its way. `untried`: only if nobody begins to send it before this transaction ends."""
    sending = outbox.c.key == literal_column("'digest/'") + digests.c.id
    still = (outbox.c.state == literal_column("'due'"), outbox.c.kind == Deliver.__name__, digests.c.user == user)
    query = select(digests.c.id).select_from(digests.join(outbox, sending)).where(*still).order_by(digests.c.made_ms)
    if untried:
        query = query.where(outbox.c.first_tried_ms.is_(None)).with_for_update()
    found = await db.scalar(query.limit(1))
    return await get(db, found) if found is not None else None


async def set_pending(db: Connection, rows: Sequence[tuple[str, int, str]]) -> None:
    """New occasions (user, UTC ms, slot) for people who have a row already, in one go."""
    if rows:
        query = update(due).where(due.c.kind == DUE, due.c.subject == bindparam("who"))
        query = query.values(next_ms=bindparam("at_ms"), slot=bindparam("name"))
        await db.execute(query, [{"who": user, "at_ms": at_ms, "name": slot} for user, at_ms, slot in rows])


async def remove_pending(db: Connection, users: Collection[str]) -> None:
    """These people have no next occasion."""
    if users:
        await db.execute(delete(due).where(due.c.kind == DUE, due.c.subject.in_(users)))


async def set_marks(db: Connection, users: Collection[str], mark: int, now_ms: int) -> None:
    """From now on these people's digests begin after `mark`, and at this time (UTC ms)."""
    if users:
        await db.execute(update(people).where(people.c.user.in_(users)).values(digest_mark=mark, digest_ms=now_ms))


# --- digests -------------------------------------------------------------------------------------------------------------------------


async def add(db: Connection, made: Sequence[Made]) -> frozenset[str]:
    """Write down digests that are to be delivered; the ids of those that were not there before."""
    if not made:
        return frozenset()
    statement = insert_into(db, digests).on_conflict_do_nothing().returning(digests.c.id)
    new = frozenset(await db.scalars(statement, [_digest_row(one) for one in made]))
    await insert_many(db, digest_items, _ITEM, [row for one in made if one.id in new for row in _item_rows(one)])
    return new


async def rewrite(db: Connection, made: Made) -> None:
    """What a digest holds that was written down and not begun with has been chosen again."""
    await db.execute(update(digests).where(digests.c.id == made.id).values(more=made.digest.more))
    await db.execute(delete(digest_items).where(digest_items.c.digest == made.id))
    await insert_many(db, digest_items, _ITEM, _item_rows(made))


def _digest_row(made: Made) -> Mapping[str, object]:
    return {
        "id": made.id,
        "user": made.user,
        "from_seq": made.since_seq,
        "to_seq": made.until_seq,
        "more": made.digest.more,
        "made_ms": made.made_ms,
        "from_ms": made.from_ms,
    }


_ITEM = ("digest", "place", "event", "room", "reasons", "replies")


def _item_rows(made: Made) -> list[tuple[object, ...]]:
    return [
        (made.id, place, item.event, item.room, dump_reasons(item.reasons), item.replies)
        for place, item in enumerate(made.digest.items)
    ]


async def exists(db: Connection, digest_id: str) -> bool:
    """Whether this digest has been made."""
    return await db.scalar(select(digests.c.id).where(digests.c.id == digest_id)) is not None


async def get(db: Connection, digest_id: str) -> Made | None:
    """A digest with its items in their order."""
    row = (await db.execute(select(digests).where(digests.c.id == digest_id))).first()
    if row is None:
        return None
    found = await db.execute(
        select(digest_items).where(digest_items.c.digest == digest_id).order_by(digest_items.c.place)
    )
    items = tuple(Item(item.event, item.room, load_reasons(item.reasons), item.replies) for item in found)
    digest = Digest(row.user, items, row.more)
    return Made(row.id, row.user, row.from_seq, row.to_seq, row.made_ms, digest, row.room, row.event, row.from_ms)


# --- told at once --------------------------------------------------------------------------------------------------------------------


def _calls(users: Collection[str]) -> ColumnElement[bool]:
    return and_(digests.c.user.in_(users), digests.c.id.startswith(digests.c.user + "/call/"))


@frozen
class Called:
    """Somebody on whom a message calls, with that message's `seq`, author, when we heard of it (UTC ms), and whether it is a program's."""

    person: Person
    seq: int
    author: str
    seen_ms: int
    automatic: bool


async def called_by(db: Connection, event: str, apart: Collection[str]) -> tuple[tuple[Called, ...], Waiting | None]:
    """Whom of those who ever told us a wish this message calls on: by name, or because it answers something of theirs; and what nobody had answered before it did. One query.

    Answers of `apart` are none.
    """
    said, original = posts.alias("said"), posts.alias("original")
    above = func.coalesce(said.c.reply_to, said.c.thread)
    there = said.outerjoin(copies, copies.c.copy == above)
    there = there.outerjoin(original, original.c.event == func.coalesce(copies.c.source, above))
    named = select(mentions.c.user).where(mentions.c.event == event)
    there = there.outerjoin(people, or_(people.c.user == original.c.author, people.c.user.in_(named)))
    first = and_(original.c.author != said.c.author, is_unanswered(original, apart, event))
    query = select(
        said.c.seq, said.c.author, said.c.seen_ms, said.c.automatic, people, first.label("first"),
        original.c.room.label("its_room"), original.c.event.label("its_event"),
        original.c.author.label("its_author"), original.c.seen_ms.label("its_ms"),
    ).select_from(there)  # fmt: skip
    rows = (await db.execute(query.where(said.c.event == event).order_by(people.c.user))).mappings().all()
    own = tuple(column.name for column in people.c)
    called = tuple(
        Called(
            person({name: row[name] for name in own}),
            row["seq"],
            row["author"],
            row["seen_ms"],
            bool(row["automatic"]),
        )
        for row in rows
        if row["user"] is not None
    )
    unheard = next(
        (Waiting(*(row[f"its_{name}"] for name in ("room", "event", "author", "ms"))) for row in rows if row["first"]),
        None,
    )
    return called, unheard


async def last_told(db: Connection, users: Collection[str]) -> dict[str, int]:
    """When each of these people was last told something at once (UTC ms); who never was is not in it."""
    query = select(digests.c.user, func.max(digests.c.made_ms).label("at_ms")).where(_calls(users))
    return {row.user: row.at_ms for row in await db.execute(query.group_by(digests.c.user))}


async def told(db: Connection, users: Collection[str], now_ms: int) -> dict[str, dict[tuple[str, str], int]]:
    """What each of these people was told at once lately: the `seq` of each message, by room and event."""
    query = (
        select(digests.c.user, digest_items.c.room, digest_items.c.event, posts.c.seq)
        .join(digest_items, digest_items.c.digest == digests.c.id)
        .join(posts, posts.c.event == digest_items.c.event)
    )
    found: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
    lately = digests.c.made_ms >= now_ms - TOLD_FOR_MS
    for row in await db.execute(query.where(_calls(users), lately)):
        found[row.user][row.room, row.event] = row.seq
    return found


async def places_of(db: Connection, events: Collection[str]) -> dict[str, tuple[int, str | None]]:
    """The `seq` of each of these messages, and the root of the thread in which it stands."""
    rows = await db.execute(select(posts.c.event, posts.c.seq, posts.c.thread).where(posts.c.event.in_(events)))
    return {row.event: (row.seq, row.thread) for row in rows}


async def newest_said(db: Connection, user: str, since_seq: int) -> dict[tuple[str, str], int]:
    """The `seq` of the newest message of this person after that one, by room and thread ("main": in none)."""
    query = select(posts.c.room, posts.c.thread, func.max(posts.c.seq).label("seq"))
    mine = query.where(posts.c.author == user, posts.c.seq > since_seq).group_by(posts.c.room, posts.c.thread)
    return {(row.room, row.thread or "main"): row.seq for row in await db.execute(mine)}


async def see(db: Connection, receipts: Sequence[Receipt], now_ms: int) -> None:
    """Whoever has read, in their direct room, that somebody calls on them has read of those messages: no digest tells of them again."""
    by_reader = {(one.room, one.user): one for one in receipts}
    if not by_reader:
        return
    rooms, users = {room for room, _ in by_reader}, {user for _, user in by_reader}
    query = (
        select(digests.c.user, digests.c.room, digests.c.event, outbox.c.settled_ms, digest_items.c.room.label("there"), digest_items.c.event.label("item"), posts.c.seq)
        .join(digest_items, digest_items.c.digest == digests.c.id)
        .join(posts, posts.c.event == digest_items.c.event)
        .join(outbox, outbox.c.key == literal_column("'digest/'") + digests.c.id)
        .where(_calls(users), digests.c.room.in_(rooms), digests.c.event.is_not(None), digests.c.made_ms >= now_ms - TOLD_FOR_MS)
    )  # fmt: skip
    seen = []
    for row in await db.execute(query):
        one = by_reader.get((row.room, row.user))
        if one is not None and (one.event == row.event or one.at_ms >= (row.settled_ms or now_ms)):
            seen.append({"user": row.user, "room": row.there, "thread": row.item, "seq": row.seq, "at_ms": one.at_ms})
    if seen:
        statement = insert_into(db, reads)
        given = statement.excluded
        newest = {"seq": case((given.seq > reads.c.seq, given.seq), else_=reads.c.seq)}
        await db.execute(statement.on_conflict_do_update(index_elements=["user", "room", "thread"], set_=newest), seen)


async def delivered(db: Connection, digest_id: str, room: str, event: str) -> None:
    """The digest stands in this room as this event."""
    await db.execute(update(digests).where(digests.c.id == digest_id).values(room=room, event=event))


async def delivered_as(db: Connection, event: str) -> Made | None:
    """The digest that this event of ours is, or None when it is none."""
    found = await db.scalar(select(digests.c.id).where(digests.c.event == event))
    return await get(db, found) if found is not None else None


async def newest_of(db: Connection, user: str) -> Made | None:
    """The digest that this member was given last, or None. What they were told at once is none."""
    mine = select(digests.c.id).where(digests.c.user == user, digests.c.event.is_not(None), ~_calls([user]))
    found = await db.scalar(mine.order_by(digests.c.made_ms.desc(), digests.c.id.desc()).limit(1))
    return await get(db, found) if found is not None else None


async def holding(db: Connection, event: str, room: str) -> tuple[tuple[str, str], ...]:
    """The digests that show this event of this room, or a copy of it, as (digest id, user), in a fixed order."""
    its_copies = (
        select(copies.c.copy)
        .join(posts, posts.c.event == copies.c.source)
        .where(copies.c.source == event, posts.c.room == room, copies.c.copy.is_not(None))
    )
    itself = and_(digest_items.c.event == event, digest_items.c.room == room)
    return await _holders(db, or_(itself, digest_items.c.event.in_(its_copies)))


async def calling_unheard(db: Connection, event: str, since_ms: int) -> tuple[tuple[str, str], ...]:
    """The digests, made since then (UTC ms), that show this event or a copy of it as one that nobody has answered, as (digest id, user)."""
    its_copies = select(copies.c.copy).where(copies.c.source == event, copies.c.copy.is_not(None))
    shown = or_(digest_items.c.event == event, digest_items.c.event.in_(its_copies))
    first = dump_reasons((Reason("unheard"),)).removesuffix("]")
    unheard = digest_items.c.reasons.startswith(first, autoescape=True)
    return await _holders(db, and_(shown, unheard, digests.c.made_ms >= since_ms))


async def newest_of_each(db: Connection, users: Collection[str], since_ms: int) -> tuple[tuple[str, str], ...]:
    """The digest that each of these people was given last, if it was made since then (UTC ms), as (digest id, user). None is what they were told at once."""
    mine = (digests.c.user.in_(users), digests.c.event.is_not(None), digests.c.made_ms >= since_ms, ~_calls(users))
    rows = await db.execute(select(digests.c.id, digests.c.user).where(*mine).order_by(digests.c.made_ms, digests.c.id))
    return tuple({row.user: (row.id, row.user) for row in rows}.values())


async def holding_room(db: Connection, user: str, room: str, since_ms: int) -> tuple[tuple[str, str], ...]:
    """This member's digests, made since then (UTC ms), that show something of this room, as (digest id, user)."""
    return await _holders(db, and_(digest_items.c.room == room, digests.c.user == user, digests.c.made_ms >= since_ms))


async def quoting(db: Connection, user: str, author: str, since_ms: int) -> tuple[tuple[str, str], ...]:
    """This member's digests, made since then (UTC ms), that show a message of this author, itself or as a copy, as (digest id, user)."""
    theirs = select(posts.c.event).where(posts.c.author == author)
    carried = select(copies.c.copy).where(copies.c.author == author, copies.c.copy.is_not(None))
    shown = or_(digest_items.c.event.in_(theirs), digest_items.c.event.in_(carried))
    return await _holders(db, and_(digests.c.user == user, digests.c.made_ms >= since_ms, shown))


async def _holders(db: Connection, shown: ColumnElement[bool]) -> tuple[tuple[str, str], ...]:
    query = (
        select(digests.c.id, digests.c.user)
        .join(digest_items, digest_items.c.digest == digests.c.id)
        .where(shown)
        .distinct()
        .order_by(digests.c.id)
    )
    return tuple((row.id, row.user) for row in await db.execute(query))
