"""What is to be redacted and still has to be looked for, and which messages we know of; never what they say."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, or_, select, update

from bridge.globs import matches, server_matches, server_of
from bridge.moderation.taken import EDIT, THREAD, Found
from bridge.store.db import Connection
from bridge.store.tables import posts, sweeps


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a row of the ledger asks to have redacted. `kind` is message, thread or user, `target` an event or user id (or a glob of one, or a server's name).

    `scope` is the id of the only room to look in; empty: all. Of a user's messages those since `since_ms` (UTC), or the newest, `most` of them.
    """

    cause: int
    kind: str
    target: str
    scope: str
    since_ms: int | None = None
    most: int | None = None


async def add(db: Connection, sweep: Sweep) -> None:
    """Write one down; it waits to be looked for."""
    values = {"cause": sweep.cause, "kind": sweep.kind, "target": sweep.target, "scope": sweep.scope}
    await db.execute(insert(sweeps).values(**values, since_ms=sweep.since_ms, most=sweep.most))


async def waiting(db: Connection) -> tuple[Sweep, ...]:
    """Those that nobody has looked for to the end, oldest first."""
    columns = (sweeps.c.cause, sweeps.c.kind, sweeps.c.target, sweeps.c.scope, sweeps.c.since_ms, sweeps.c.most)
    rows = await db.execute(select(*columns).where(sweeps.c.done_ms.is_(None)).order_by(sweeps.c.cause))
    return tuple(Sweep(*row) for row in rows)


async def done(db: Connection, cause: int, now_ms: int) -> None:
    """All that there is was found."""
    await db.execute(update(sweeps).where(sweeps.c.cause == cause).values(done_ms=now_ms))


async def authors(db: Connection, sweep: Sweep) -> tuple[str, ...]:
    """The people whom a sweep's glob or server means and who wrote in our rooms since then, sorted."""
    query = select(posts.c.author).distinct().where(posts.c.at_ms >= (sweep.since_ms or 0)).order_by(posts.c.author)
    named = sweep.target.startswith("@")
    return tuple(
        user
        for user in await db.scalars(query)
        if (matches(sweep.target, user) if named else server_matches(sweep.target, server_of(user)))
    )


async def known(db: Connection, sweep: Sweep, rooms: Sequence[str]) -> tuple[Found, ...]:
    """The messages that we know of which this may be about and that nobody redacted; of an edited one the newest edit, too."""
    query = select(posts).where(posts.c.redacted.is_(False), posts.c.room.in_(rooms))
    if sweep.kind != "user":
        query = query.where(or_(posts.c.event == sweep.target, posts.c.thread == sweep.target))
    else:
        query = query.where(posts.c.author.in_(await authors(db, sweep)))
        if sweep.since_ms is not None:
            query = query.where(posts.c.at_ms >= sweep.since_ms)
        query = query.order_by(posts.c.at_ms.desc(), posts.c.event)
        if sweep.most is not None:
            query = query.limit(sweep.most)
    found: list[Found] = []
    for row in await db.execute(query):
        about = row.thread
        found.append(Found(row.event, row.room, row.author, row.at_ms, THREAD if about else None, about))
        if row.edited:
            found.append(Found(row.edited, row.room, row.author, row.edited_ms or row.at_ms, EDIT, row.event))
    return tuple(found)
