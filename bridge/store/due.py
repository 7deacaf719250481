"""What is to happen at a time of somebody's own wall clock. Never computes a time, never knows what a kind does."""

from collections.abc import Collection

from sqlalchemy import delete, select, update

from bridge.frozen import frozen
from bridge.store.db import Connection
from bridge.store.tables import due
from bridge.store.upsert import insert_into

LEASE_MS = 15 * 60 * 1000
"""A claimed row that nobody set anew comes again after this: whoever claimed it has crashed over it."""


@frozen
class Due:
    """One occasion: of what kind, whose, when (UTC ms), and its name, e.g. the local date."""

    kind: str
    subject: str
    next_ms: int
    slot: str


async def set_next(db: Connection, kind: str, subject: str, next_ms: int, slot: str) -> None:
    """The next occasion of this subject; it replaces the one before."""
    statement = insert_into(db, due).values(kind=kind, subject=subject, next_ms=next_ms, slot=slot)
    again = {"next_ms": next_ms, "slot": slot}
    await db.execute(statement.on_conflict_do_update(index_elements=["kind", "subject"], set_=again))


async def set_all(db: Connection, kind: str, subjects: Collection[str], next_ms: int, slot: str) -> None:
    """The next occasion of all these subjects at once, as `set_next` does it for one."""
    if subjects:
        statement = insert_into(db, due).on_conflict_do_update(
            index_elements=["kind", "subject"], set_={"next_ms": next_ms, "slot": slot}
        )
        rows = [{"kind": kind, "subject": subject, "next_ms": next_ms, "slot": slot} for subject in subjects]
        await db.execute(statement, rows)


async def claim_due(db: Connection, kind: str, now_ms: int, limit: int) -> tuple[Due, ...]:
    """Up to `limit` occasions whose time has come, the oldest first. Nobody else gets them.

    In the same transaction: make what follows, then `set_next` or `remove`. A row for which neither was done comes again, with the same slot,
    after LEASE_MS: so one member's crash does not lose their digest, and does not spin.
    """
    query = select(due).where(due.c.kind == kind, due.c.next_ms <= now_ms).order_by(due.c.next_ms, due.c.subject)
    rows = (await db.execute(query.limit(limit).with_for_update(skip_locked=True))).mappings()
    found = tuple(Due(**row) for row in rows)
    if found:
        await db.execute(
            update(due)
            .where(due.c.kind == kind, due.c.subject.in_([each.subject for each in found]))
            .values(next_ms=now_ms + LEASE_MS)
        )
    return found


async def look_again(db: Connection, subject: str, now_ms: int) -> None:
    """Something about this subject's clock has changed: whoever claims its occasions looks at them now, and may find that it is not yet time."""
    await db.execute(update(due).where(due.c.subject == subject).values(next_ms=now_ms))


async def get(db: Connection, kind: str, subject: str) -> Due | None:
    """The next occasion of this subject, or None."""
    found = await db.execute(select(due).where(due.c.kind == kind, due.c.subject == subject))
    row = found.mappings().one_or_none()
    return Due(**row) if row else None


async def remove(db: Connection, kind: str, subject: str) -> None:
    """There is no next occasion."""
    await db.execute(delete(due).where(due.c.kind == kind, due.c.subject == subject))


async def waiting(db: Connection, kind: str, now_ms: int, *, limit: int | None = None) -> tuple[Due, ...]:
    """The occasions of a kind whose time has come, oldest first; for whoever needs time for them, and is the only one to look. See `settled`, `unchanged`."""
    query = select(due).where(due.c.kind == kind, due.c.next_ms <= now_ms).order_by(due.c.next_ms, due.c.subject)
    query = query.limit(limit)
    return tuple(Due(**row) for row in (await db.execute(query)).mappings())


async def unchanged(db: Connection, kind: str, seen: Collection[Due]) -> frozenset[str]:
    """The subjects of those occasions that still are as they were seen; nobody changes them before this transaction ends."""
    query = select(due).where(due.c.kind == kind, due.c.subject.in_([each.subject for each in seen])).with_for_update()
    as_seen = set(seen)
    return frozenset(row["subject"] for row in (await db.execute(query)).mappings() if Due(**row) in as_seen)


async def settled(db: Connection, done: Due) -> None:
    """This occasion is over; one that was set anew meanwhile stays."""
    same = (due.c.kind == done.kind, due.c.subject == done.subject, due.c.slot == done.slot)
    await db.execute(delete(due).where(*same))
