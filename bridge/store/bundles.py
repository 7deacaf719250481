"""Messages of ours in whose thread several shared threads stand; numbers and ids only, never who shared them. Never decides what is bundled."""

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update

from bridge.store.db import Connection
from bridge.store.tables import bundles as table
from bridge.store.tables import shares


@dataclass(frozen=True, slots=True)
class Bundle:
    """One of them: for threads of `source_room` that are shared into `room`, begun at `began_ms` (UTC).

    `said` is the number of threads that it should name, `revision` counts the wishes to say so, `event` is our message while it can be seen. One that is
    `closed` takes no more threads, and its message goes.
    """

    id: int
    source_room: str
    room: str
    began_ms: int
    said: int = 0
    revision: int = 0
    event: str | None = None
    closed: bool = False


async def began(db: Connection, root: str, source_room: str, room: str, since_ms: int) -> tuple[int, ...]:
    """When those other threads of a room began to be shared into another that still are, if later than that moment (UTC ms, both)."""
    query = select(shares.c.at_ms).where(
        shares.c.source_room == source_room, shares.c.room == room, shares.c.live, shares.c.root != root
    )
    return tuple(await db.scalars(query.where(shares.c.at_ms > since_ms).order_by(shares.c.at_ms)))


async def newest(db: Connection, source_room: str, room: str) -> Bundle | None:
    """The bundle between two rooms that was begun last and is not closed, or None."""
    query = select(table).where(table.c.source_room == source_room, table.c.room == room, table.c.closed.is_(False))
    row = (await db.execute(query.order_by(table.c.id.desc()).limit(1))).mappings().one_or_none()
    return Bundle(**row) if row else None


async def add(db: Connection, source_room: str, room: str, now_ms: int) -> int:
    """A new one, with nothing in it; its number."""
    row = {"source_room": source_room, "room": room, "began_ms": now_ms, "said": 0, "revision": 0, "closed": False}
    return int((await db.execute(insert(table).values(row).returning(table.c.id))).scalar_one())


async def get(db: Connection, bundle: int) -> Bundle | None:
    """The one with this number."""
    row = (await db.execute(select(table).where(table.c.id == bundle))).mappings().one_or_none()
    return Bundle(**row) if row else None


async def of_event(db: Connection, event: str, room: str) -> Bundle | None:
    """The one whose message this is; None when it is none."""
    query = select(table).where(table.c.event == event, table.c.room == room)
    row = (await db.execute(query)).mappings().one_or_none()
    return Bundle(**row) if row else None


async def of_share(db: Connection, root: str, room: str) -> int | None:
    """The number of the bundle in which a shared thread stands in `room`; None when it stands on its own."""
    found: int | None = await db.scalar(select(shares.c.bundle).where(shares.c.root == root, shares.c.room == room))
    return found


async def count(db: Connection, bundle: int) -> int:
    """How many threads are shared in it now."""
    query = select(func.count()).select_from(shares).where(shares.c.bundle == bundle, shares.c.live)
    return int((await db.execute(query)).scalar_one())


async def threads(db: Connection, bundle: int) -> tuple[tuple[str, str], ...]:
    """The threads that are shared in it now: (root, its author), sorted."""
    query = select(shares.c.root, shares.c.author).where(shares.c.bundle == bundle, shares.c.live)
    return tuple((row.root, row.author) for row in await db.execute(query.order_by(shares.c.root)))


async def want(db: Connection, bundle: int, *, said: int, revision: int) -> None:
    """The number that it should name from now on, and by which wish that is done."""
    await db.execute(update(table).where(table.c.id == bundle).values(said=said, revision=revision))


async def close(db: Connection, bundle: int) -> None:
    """It takes no more threads."""
    await db.execute(update(table).where(table.c.id == bundle).values(closed=True))


async def stands(db: Connection, bundle: int, event: str | None) -> None:
    """Its message can be seen under this event id, or cannot be seen any more (None)."""
    await db.execute(update(table).where(table.c.id == bundle).values(event=event))
