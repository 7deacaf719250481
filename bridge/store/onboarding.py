"""How far newcomers were led, what they accepted, and who waits for a hello. Never asks anybody, and knows no text."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select, update

from bridge.store.db import Connection
from bridge.store.tables import greetings, memberships, onboarding, post_tags, posts, rooms
from bridge.store.upsert import insert_into

Wish = tuple[str, str]
"""What can be followed: (circle, its room), (person, their id) or (tag, the tag)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guided:
    """One newcomer. `state` is open, paused, waiting (for a circle to follow) or done; `step` is what was asked last.

    `rules_asked` and `rules_accepted` are versions of the rules; `began_ms` and `accepted_ms` are UTC.
    """

    user: str
    state: str
    step: str
    began_ms: int
    offer: tuple[Wish, ...] = ()
    rules_asked: str | None = None
    rules_accepted: str | None = None
    accepted_ms: int | None = None


def _guided(row: Any) -> Guided:
    offer = tuple((kind, target) for kind, target in json.loads(row["offer"] or "[]"))
    return Guided(**{**row, "offer": offer})


async def get(db: Connection, user: str) -> Guided | None:
    """How far this newcomer is; None for everybody who was here before Hearth began to lead newcomers."""
    row = (await db.execute(select(onboarding).where(onboarding.c.user == user))).mappings().one_or_none()
    return _guided(row) if row else None


async def begin(db: Connection, user: str, step: str, now_ms: int) -> bool:
    """Write down that this newcomer is led from now on; False when they were before."""
    row = insert_into(db, onboarding).values(user=user, state="open", step=step, began_ms=now_ms)
    return bool((await db.execute(row.on_conflict_do_nothing())).rowcount)


async def change(db: Connection, user: str, **columns: Any) -> None:
    """Write these columns of one newcomer anew; an `offer` as wishes."""
    if "offer" in columns:
        columns["offer"] = json.dumps([list(wish) for wish in columns["offer"]], ensure_ascii=False)
    await db.execute(update(onboarding).where(onboarding.c.user == user).values(columns))


async def behind_the_rules(db: Connection, version: str, limit: int) -> tuple[Guided, ...]:
    """Up to `limit` people who were led through and never shown this version of the rules."""
    unseen = or_(onboarding.c.rules_asked.is_(None), onboarding.c.rules_asked != version)
    query = select(onboarding).where(onboarding.c.state.in_(("done", "waiting")), unseen)
    rows = await db.execute(query.order_by(onboarding.c.user).limit(limit))
    return tuple(_guided(row) for row in rows.mappings())


async def first_time(db: Connection, room: str, user: str) -> bool:
    """Whether somebody who is in this room now was never in it before, nor in one that is not ours any more: that one may be its predecessor."""
    query = select(memberships.c.room).where(memberships.c.user == user, memberships.c.membership == "join")
    ours = memberships.c.room.in_(select(rooms.c.room))
    before = tuple(await db.scalars(query.where(or_(memberships.c.room == room, ours.is_(False)))))
    return before == (room,)


async def tagged_by(db: Connection, user: str, tags: Collection[str], since_ms: int) -> tuple[tuple[str, str], ...]:
    """This person's messages with any of these tags that we heard of since then (UTC ms), as (event, room), oldest first."""
    query = (
        select(posts.c.event, posts.c.room)
        .where(posts.c.author == user, posts.c.redacted.is_(False), posts.c.seen_ms >= since_ms)
        .where(posts.c.event.in_(select(post_tags.c.event).where(post_tags.c.tag.in_(list(tags)))))
        .order_by(posts.c.seq)
    )
    return tuple((row.event, row.room) for row in await db.execute(query))


# --- who waits for a hello -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Greeting:
    """Somebody new in a circle (the key of its room), since when (UTC ms), and when anybody first turned to them there."""

    circle: str
    user: str
    entered_ms: int
    greeted_ms: int | None


async def enter(db: Connection, circle: str, user: str, now_ms: int) -> bool:
    """Somebody is new in this circle; False when that was known."""
    row = insert_into(db, greetings).values(circle=circle, user=user, entered_ms=now_ms)
    return bool((await db.execute(row.on_conflict_do_nothing())).rowcount)


async def greeting(db: Connection, circle: str, user: str) -> Greeting | None:
    """What is known of this person's beginning in this circle."""
    query = select(greetings).where(greetings.c.circle == circle, greetings.c.user == user)
    row = (await db.execute(query)).mappings().one_or_none()
    return Greeting(**row) if row else None


async def ungreeted(db: Connection, room: str) -> tuple[str, ...]:
    """Who is new in the circle that has this room and was not greeted yet, sorted."""
    query = select(greetings.c.user).join(rooms, rooms.c.key == greetings.c.circle)
    waiting = query.where(rooms.c.room == room, greetings.c.greeted_ms.is_(None))
    return tuple(await db.scalars(waiting.order_by(greetings.c.user)))


async def greeted(db: Connection, room: str, users: Sequence[str], now_ms: int) -> None:
    """Somebody turned to these newcomers of the circle that has this room."""
    circle = select(rooms.c.key).where(rooms.c.room == room).scalar_subquery()
    which = (greetings.c.circle == circle, greetings.c.user.in_(users), greetings.c.greeted_ms.is_(None))
    await db.execute(update(greetings).where(*which).values(greeted_ms=now_ms))


async def authors(db: Connection, events: Sequence[str]) -> frozenset[str]:
    """Who wrote these messages."""
    return frozenset(await db.scalars(select(posts.c.author).where(posts.c.event.in_(events))))
