"""What a person told us about themselves, and who was in which room when. Never a name, never a word of theirs."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from bridge.store.db import Connection
from bridge.store.tables import memberships, people, prompts, rooms
from bridge.store.upsert import insert_into
from bridge.wall import is_zone

PROFILE, ANONYMOUS = "profile", "anonymous"
"""By what copies name somebody who does not want to be named there as elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person's own choices; None where they have not chosen.

    `digest` is off, daily or weekly; `digest_minute` of their local day, `digest_weekday` 0 is Monday, `digest_mark` the newest `posts.seq` that
    their digests have covered, and `digest_ms` until when that was (UTC ms); `digest_pause` is the local date from which they come again; `digest_most`
    conversations are in one at most; `digest_rests`: how often they came until their reader left the chats for them, and nothing else ended them. `quiet_from` and `quiet_until` are minutes of their local day. `consent`: may their replies travel with a shared
    thread? `shown`: profile or anonymous, by what copies name them. `notify`: are they told at once who answers or
    mentions them?
    """

    user: str
    language: str | None = None
    zone: str | None = None
    direct_room: str | None = None
    direct_encrypted: bool | None = None
    consent: bool | None = None
    digest: str = "off"
    digest_minute: int | None = None
    digest_weekday: int | None = None
    digest_mark: int = 0
    shown: str | None = None
    quiet_from: int | None = None
    quiet_until: int | None = None
    digest_pause: str | None = None
    digest_ms: int | None = None
    digest_most: int | None = None
    digest_rests: str | None = None
    notify: bool | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A message of ours that a reaction of this user answers; `kind` says what was asked, e.g. `consent`."""

    event: str
    user: str
    kind: str


def person(row: Mapping[Any, Any]) -> Person:
    """A row of the table as a person. A time zone that the time zone database of this machine no longer knows counts as none told, until it knows it again."""
    known = Person(**row)
    return known if known.zone is None or is_zone(known.zone) else replace(known, zone=None)


async def get(db: Connection, user: str) -> Person:
    """What we know of this person; the defaults when that is nothing."""
    row = (await db.execute(select(people).where(people.c.user == user))).mappings().one_or_none()
    return person(row) if row else Person(user=user)


async def get_all(db: Connection, users: Collection[str]) -> dict[str, Person]:
    """What we know of each of these, by their id; the defaults where that is nothing."""
    found = {user: Person(user=user) for user in users}
    for row in (await db.execute(select(people).where(people.c.user.in_(users)))).mappings():
        found[row["user"]] = person(row)
    return found


async def change(db: Connection, user: str, **columns: Any) -> None:
    """Write these columns of one person anew."""
    statement = insert_into(db, people).values(user=user, **columns)
    await db.execute(statement.on_conflict_do_update(index_elements=["user"], set_=columns))


async def by_direct_room(db: Connection, room: str) -> Person | None:
    """Whose direct room this is, or None. Should two people have it, because both brought us there, it is one's."""
    query = select(people).where(people.c.direct_room == room).order_by(people.c.user)
    row = (await db.execute(query)).mappings().first()
    return person(row) if row else None


async def everywhere(db: Connection, users: Collection[str]) -> dict[str, dict[str, str]]:
    """What each of these people is now, by room and then by user; rooms and people without a membership are not there. One query, however many."""
    now = select(memberships.c.room, memberships.c.user, memberships.c.membership)
    found: dict[str, dict[str, str]] = {}
    for row in await db.execute(now.where(memberships.c.user.in_(users), memberships.c.until_ms.is_(None))):
        found.setdefault(row.room, {})[row.user] = row.membership
    return found


async def knocking(db: Connection) -> tuple[tuple[str, str], ...]:
    """Who knocks at which room of ours now: (room, user), sorted."""
    query = select(memberships.c.room, memberships.c.user).join(rooms, rooms.c.room == memberships.c.room)
    query = query.where(memberships.c.until_ms.is_(None), memberships.c.membership == "knock")
    rows = await db.execute(query.order_by(memberships.c.room, memberships.c.user))
    return tuple((row.room, row.user) for row in rows)


async def members(db: Connection, room: str, membership: str = "join") -> tuple[str, ...]:
    """Who is this (join, invite, ban, ...) in a room now, sorted."""
    rows = await db.scalars(
        select(memberships.c.user)
        .where(memberships.c.room == room, memberships.c.until_ms.is_(None), memberships.c.membership == membership)
        .order_by(memberships.c.user)
    )
    return tuple(rows)


async def rooms_known(db: Connection) -> frozenset[str]:
    """The rooms of ours of which we know that somebody is in them."""
    here = select(memberships.c.room).where(memberships.c.until_ms.is_(None), memberships.c.membership == "join")
    return frozenset(await db.scalars(here.distinct()))


async def rooms_of(db: Connection, user: str, membership: str = "join") -> tuple[str, ...]:
    """The rooms of ours in which somebody is this now, sorted."""
    rows = await db.scalars(
        select(memberships.c.room)
        .where(memberships.c.user == user, memberships.c.until_ms.is_(None), memberships.c.membership == membership)
        .order_by(memberships.c.room)
    )
    return tuple(rows)


async def membership(db: Connection, room: str, user: str) -> str | None:
    """What somebody is in a room now: join, invite, knock, leave, ban; None when we never heard of them there."""
    found: str | None = await db.scalar(
        select(memberships.c.membership).where(
            memberships.c.room == room, memberships.c.user == user, memberships.c.until_ms.is_(None)
        )
    )
    return found


async def memberships_of(db: Connection, user: str) -> dict[str, str]:
    """What somebody is now in each room of ours where we heard of them."""
    query = select(memberships.c.room, memberships.c.membership)
    rows = await db.execute(query.where(memberships.c.user == user, memberships.c.until_ms.is_(None)))
    return {row.room: row.membership for row in rows}


async def add_prompt(db: Connection, event: str, user: str, kind: str) -> None:
    """A message of ours awaits this user's reaction. Adding it twice is adding it once."""
    statement = insert_into(db, prompts).values(event=event, user=user, kind=kind)
    await db.execute(statement.on_conflict_do_nothing())


async def prompt(db: Connection, event: str) -> Prompt | None:
    """What a reaction on this message answers, or None."""
    row = (await db.execute(select(prompts).where(prompts.c.event == event))).mappings().one_or_none()
    return Prompt(**row) if row else None
