"""What protections need to know of the past, and what is kept of their own doing. Never a word of anybody: of what was said only a keyed hash, for an hour or so."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import Executable, bindparam, delete, exists, func, select, update

from bridge.store.db import Connection
from bridge.store.tables import Text, guards, memberships, posts, rehearsals, repeats, rooms
from bridge.store.upsert import insert_into

MINUTE_MS = 60_000
MOST_ARRIVALS = 2_000
"""So many of the newest changes of membership are looked through for people who came."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one query tells around an event; see `moderation.model.Facts`."""

    key: str
    kind: str
    staff: bool
    since_ms: int | None
    posts: int
    recent: int


@dataclass(frozen=True, slots=True)
class Guard:
    """How often a protection acted in the minute that began at `since_ms`, and since when it pauses (UTC ms; None: it does not)."""

    rule: str
    since_ms: int
    acts: int
    paused_ms: int | None


async def known(
    db: Connection, room: str, user: str, *, enough: int, since_ms: int, sent_since_ms: int
) -> Known | None:
    """What is known of a room and somebody in it; None when the room is not ours. One query.

    Posts are counted up to `enough`, recent ones in this room are those that we heard of since `since_ms` (our clock, UTC ms)
    and that were sent since `sent_since_ms` (their servers' word): what comes late, after an outage, did not come all at once.
    """
    row = (
        await db.execute(
            _known(), {"room": room, "user": user, "enough": enough, "since": since_ms, "sent": sent_since_ms}
        )
    ).one_or_none()
    return None if row is None else Known(row.key, row.kind, bool(row.staff), row.since, row.posts, row.recent)


@cache
def _known() -> Executable:
    user, room = bindparam("user", type_=Text), bindparam("room", type_=Text)
    inside, staff = memberships.alias("inside"), rooms.alias("staff_room")
    in_staff = exists().where(
        staff.c.kind == "staff", inside.c.room == staff.c.room, inside.c.user == user,
        inside.c.membership == "join", inside.c.until_ms.is_(None),
    )  # fmt: skip
    first = select(func.min(memberships.c.since_ms)).where(
        memberships.c.user == user, memberships.c.membership == "join"
    )
    said = select(posts.c.seq).where(posts.c.author == user, posts.c.redacted.is_(False)).limit(bindparam("enough"))
    newest = (
        select(posts.c.room, posts.c.seen_ms, posts.c.at_ms)
        .where(posts.c.author == user)
        .order_by(posts.c.seq.desc())
        .limit(250)
    )
    lately = newest.subquery()
    here = (
        select(func.count())
        .select_from(lately)
        .where(lately.c.room == room, lately.c.seen_ms >= bindparam("since"), lately.c.at_ms >= bindparam("sent"))
    )
    return select(
        rooms.c.key,
        rooms.c.kind,
        in_staff.label("staff"),
        first.scalar_subquery().label("since"),
        select(func.count()).select_from(said.subquery()).scalar_subquery().label("posts"),
        here.scalar_subquery().label("recent"),
    ).where(rooms.c.room == room)


async def arrivals(db: Connection, room: str, since_ms: int) -> int:
    """How many people came into this room since then (UTC ms) and are there still, by the newest changes of membership."""
    newest = select(func.coalesce(func.max(memberships.c.id), 0)).scalar_subquery()
    came = select(func.count()).where(
        memberships.c.id > newest - MOST_ARRIVALS, memberships.c.room == room, memberships.c.membership == "join",
        memberships.c.until_ms.is_(None), memberships.c.since_ms >= since_ms,
    )  # fmt: skip
    return (await db.scalar(came)) or 0


async def said_again(
    db: Connection, seal: str, *, event: str, user: str, room: str, since_ms: int, now_ms: int
) -> tuple[int, int]:
    """Remember that somebody said something with this hash; in how many rooms they said it since then, and how many people said it."""
    row = {"event": event, "hash": seal, "user": user, "room": room, "at_ms": now_ms}
    await db.execute(insert_into(db, repeats).values(row).on_conflict_do_nothing())
    lately = (repeats.c.hash == seal, repeats.c.at_ms >= since_ms)
    found = (await db.execute(select(repeats.c.user, repeats.c.room).where(*lately).limit(1000))).all()
    return len({one.room for one in found if one.user == user}), len({one.user for one in found})


async def forget_repeats(db: Connection, before_ms: int) -> None:
    """What was said before this (UTC ms) is not compared any more."""
    await db.execute(delete(repeats).where(repeats.c.at_ms < before_ms))


async def guard(db: Connection, rule: str) -> Guard | None:
    """What a protection did lately, or None when it never acted."""
    row = (await db.execute(select(guards).where(guards.c.rule == rule))).mappings().one_or_none()
    return Guard(**row) if row else None


async def acts(db: Connection, rule: str, most: int, now_ms: int) -> Literal["acts", "pauses", "paused"]:
    """Count that a protection wants to act: whether it may, or pauses from now on because it did more than `most` times within a minute, or pauses already."""
    seen = await guard(db, rule)
    if seen is not None and seen.paused_ms is not None:
        return "paused"
    begun = seen is not None and now_ms - seen.since_ms < MINUTE_MS
    number = seen.acts + 1 if seen is not None and begun else 1
    paused_ms = now_ms if number > most else None
    values: dict[str, Any] = {
        "since_ms": seen.since_ms if seen is not None and begun else now_ms,
        "acts": number,
        "paused_ms": paused_ms,
    }
    statement = insert_into(db, guards).values(rule=rule, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=["rule"], set_=values))
    return "acts" if paused_ms is None else "pauses"


async def resume(db: Connection, rule: str) -> bool:
    """A protection goes on; False when it did not pause."""
    gone = update(guards).where(guards.c.rule == rule, guards.c.paused_ms.is_not(None)).values(paused_ms=None, acts=0)
    return bool((await db.execute(gone)).rowcount)


async def paused(db: Connection) -> dict[str, int]:
    """Which protections pause, and since when (UTC ms)."""
    rows = await db.execute(select(guards.c.rule, guards.c.paused_ms).where(guards.c.paused_ms.is_not(None)))
    return {row.rule: row.paused_ms for row in rows}


async def would(db: Connection, rule: str, done: Iterable[str], now_ms: int) -> None:
    """Count what a protection on trial would have done."""
    for act in done:
        statement = insert_into(db, rehearsals).values(rule=rule, act=act, number=1, since_ms=now_ms)
        more = {"number": rehearsals.c.number + 1}
        await db.execute(statement.on_conflict_do_update(index_elements=["rule", "act"], set_=more))


async def trial(db: Connection, rule: str) -> dict[str, int]:
    """What a protection would have done since its trial began: how often each act."""
    rows = await db.execute(
        select(rehearsals.c.act, rehearsals.c.number).where(rehearsals.c.rule == rule).order_by(rehearsals.c.act)
    )
    return {row.act: row.number for row in rows}


async def begin_trial(db: Connection, rule: str) -> None:
    """The count begins anew."""
    await db.execute(delete(rehearsals).where(rehearsals.c.rule == rule))
