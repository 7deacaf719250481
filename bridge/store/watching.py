"""Who waits for an answer, who was seen when, how many people write, who answers how much: counted for some rooms at once. Never decides what that means."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, FromClause, and_, distinct, exists, func, or_, select

from bridge.digest.model import Answers, Presence, Waiting, Week
from bridge.store.db import Connection
from bridge.store.tables import copies, memberships, mentions, posts, reads

WEEK_MS = 7 * 24 * 3600 * 1000


def _human(one: FromClause, apart: Collection[str]) -> ColumnElement[bool]:
    """A message that a person wrote and that is there. `apart` are programs, and we."""
    return and_(
        one.c.redacted.is_(False), one.c.automatic.is_(False), one.c.copied.is_(False), one.c.author.not_in(apart)
    )


def is_unanswered(one: FromClause, apart: Collection[str], but: str = "") -> ColumnElement[bool]:
    """That a message (a row of `posts`) began a conversation and nobody answered it, neither there nor at a copy nor by a mention; what the event `but` says does not count.

    Answers of its author, and of `apart`, are none; an answer to what its author added by a reply is one.
    """
    answer, named, carried = posts.alias("answer"), posts.alias("named"), copies.alias("carried")
    added, to_added = posts.alias("added"), posts.alias("to_added")
    other = and_(_human(answer, apart), answer.c.author != one.c.author, answer.c.event != but)
    to_copy = select(carried.c.copy).where(carried.c.source == one.c.event, carried.c.live)
    itself = or_(answer.c.thread == one.c.event, answer.c.reply_to == one.c.event)
    copied = or_(answer.c.thread.in_(to_copy), answer.c.reply_to.in_(to_copy))
    mentioned = exists().where(
        mentions.c.user == one.c.author, mentions.c.event == named.c.event, named.c.room == one.c.room,
        named.c.seq > one.c.seq, named.c.author != one.c.author, named.c.event != but, _human(named, apart),
    )  # fmt: skip
    what_was_added = exists().where(
        added.c.reply_to == one.c.event, added.c.author == one.c.author, to_added.c.reply_to == added.c.event,
        to_added.c.author != one.c.author, to_added.c.event != but, _human(to_added, apart),
    )  # fmt: skip
    return and_(
        one.c.thread.is_(None), one.c.reply_to.is_(None), _human(one, apart),
        ~exists().where(itself, other), ~exists().where(copied, other), ~mentioned, ~what_was_added,
    )  # fmt: skip


async def waiting(db: Connection, rooms: Collection[str], apart: Collection[str], since_ms: int) -> tuple[Waiting, ...]:
    """What began a conversation in these rooms since then (UTC ms) and was answered by nobody. One query."""
    query = select(posts.c.room, posts.c.event, posts.c.author, posts.c.seen_ms)
    query = query.where(posts.c.room.in_(rooms), posts.c.seen_ms >= since_ms, is_unanswered(posts, apart))
    return tuple(Waiting(*row) for row in await db.execute(query.order_by(posts.c.seq)))


async def unanswered(db: Connection, events: Collection[str], apart: Collection[str]) -> frozenset[str]:
    """Which of these messages began a conversation that nobody has answered, and are of somebody who is still there to be answered. One query."""
    there = exists().where(
        memberships.c.room == posts.c.room, memberships.c.user == posts.c.author,
        memberships.c.until_ms.is_(None), memberships.c.membership == "join",
    )  # fmt: skip
    query = select(posts.c.event).where(posts.c.event.in_(events), there, is_unanswered(posts, apart))
    return frozenset(await db.scalars(query))


async def people(db: Connection, rooms: Collection[str], apart: Collection[str]) -> tuple[Presence, ...]:
    """Who is in these rooms, and when they were last seen: by what they wrote, and by their public read receipts. One query."""
    here = and_(memberships.c.until_ms.is_(None), memberships.c.membership == "join", memberships.c.room.in_(rooms))
    whom = select(memberships.c.user).where(here)
    in_room = (
        select(posts.c.room, posts.c.author, func.max(posts.c.seen_ms).label("at_ms"))
        .where(posts.c.room.in_(rooms)).group_by(posts.c.room, posts.c.author).subquery()
    )  # fmt: skip
    anywhere = (
        select(posts.c.author, func.max(posts.c.seen_ms).label("at_ms"))
        .where(posts.c.author.in_(whom)).group_by(posts.c.author).subquery()
    )  # fmt: skip
    read = (
        select(reads.c.user, func.max(reads.c.at_ms).label("at_ms"))
        .where(reads.c.user.in_(whom)).group_by(reads.c.user).subquery()
    )  # fmt: skip
    query = (
        select(
            memberships.c.room, memberships.c.user, memberships.c.since_ms,
            in_room.c.at_ms.label("said"), anywhere.c.at_ms.label("wrote"), read.c.at_ms.label("read"),
        )
        .outerjoin(in_room, and_(in_room.c.room == memberships.c.room, in_room.c.author == memberships.c.user))
        .outerjoin(anywhere, anywhere.c.author == memberships.c.user)
        .outerjoin(read, read.c.user == memberships.c.user)
        .where(here, memberships.c.user.not_in(apart))
    )  # fmt: skip
    return tuple(
        Presence(row.room, row.user, row.since_ms, row.said, max(row.wrote or 0, row.read or 0) or None)
        for row in await db.execute(query)
    )


async def weeks(
    db: Connection, rooms: Collection[str], apart: Collection[str], now_ms: int, most: int
) -> tuple[Week, ...]:
    """How many people wrote in these rooms, week by week back from now (UTC ms), at most so many weeks. One query."""
    ago = (now_ms - posts.c.seen_ms) // WEEK_MS
    query = (
        select(posts.c.room, ago.label("ago"), func.count(distinct(posts.c.author)).label("people"))
        .where(posts.c.room.in_(rooms), posts.c.seen_ms > now_ms - most * WEEK_MS, _human(posts, apart))
        .group_by(posts.c.room, "ago")
    )
    return tuple(Week(row.room, int(row.ago), row.people) for row in await db.execute(query))


async def answers(db: Connection, rooms: Collection[str], apart: Collection[str], since_ms: int) -> tuple[Answers, ...]:
    """How many answers each person gave to others in these rooms since then (UTC ms). One query."""
    to = posts.alias("to")
    query = (
        select(posts.c.room, posts.c.author, func.count().label("number"))
        .join(to, to.c.event == func.coalesce(posts.c.reply_to, posts.c.thread))
        .where(posts.c.room.in_(rooms), posts.c.seen_ms >= since_ms, _human(posts, apart))
        .where(to.c.author != posts.c.author)
        .group_by(posts.c.room, posts.c.author)
    )
    return tuple(Answers(row.room, row.author, row.number) for row in await db.execute(query))
