"""What waits for a decision by staff: one row a case. Never decides one, never says anything."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from bridge.store.db import Connection
from bridge.store.tables import cases
from bridge.store.upsert import insert_into

ACCEPTED, REFUSED = "accepted", "refused"
"""How a case ends that staff decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case. `key` is what it is about, so that the same thing twice is one case; `event` is the message in the staff room that shows it.

    `outcome` and `actor` say how it ended and who decided; `made_ms`, `settled_ms` and `claimed_ms` are UTC. `owner` looks after it. `hidden`: it is about
    somebody of staff, so it is not shown in the staff room.
    """

    id: int
    key: str
    kind: str
    subject: str
    room: str | None
    state: str
    outcome: str | None
    actor: str | None
    event: str | None
    made_ms: int
    settled_ms: int | None
    hidden: bool = False
    owner: str | None = None
    claimed_ms: int | None = None


async def open_case(
    db: Connection, key: str, kind: str, subject: str, room: str | None, now_ms: int, *, hidden: bool = False
) -> int | None:
    """Open a case and give its number; None when there was one with this key already, in whatever state."""
    row = {"key": key, "kind": kind, "subject": subject, "room": room, "made_ms": now_ms, "hidden": hidden}
    statement = insert_into(db, cases).values(row)
    made: int | None = await db.scalar(statement.on_conflict_do_nothing().returning(cases.c.id))
    return made


async def get(db: Connection, id: int) -> Case | None:  # noqa: A002 - the column's name
    """The case with this number, or None."""
    return await _one(db, cases.c.id == id)


async def by_event(db: Connection, event: str) -> Case | None:
    """The case that this message in the staff room shows, or None."""
    return await _one(db, cases.c.event == event)


async def by_key(db: Connection, key: str) -> Case | None:
    """The case about this, or None."""
    return await _one(db, cases.c.key == key)


async def waiting(db: Connection, kind: str | None = None) -> tuple[Case, ...]:
    """The open cases (of one kind, if it is named), oldest first."""
    query = select(cases).where(cases.c.state == "open").order_by(cases.c.id)
    rows = await db.execute(query if kind is None else query.where(cases.c.kind == kind))
    return tuple(Case(**row) for row in rows.mappings())


async def open_about(db: Connection, kind: str, subject: str, room: str | None = None) -> Case | None:
    """The oldest open case of this kind about this subject (in that room, if it is named), or None."""
    query = select(cases).where(cases.c.state == "open", cases.c.kind == kind, cases.c.subject == subject)
    query = query if room is None else query.where(cases.c.room == room)
    row = (await db.execute(query.order_by(cases.c.id).limit(1))).mappings().one_or_none()
    return Case(**row) if row else None


async def all_about(db: Connection, subject: str, *kinds: str) -> tuple[Case, ...]:
    """Every case of these kinds that was ever about this subject, the newest first."""
    query = select(cases).where(cases.c.subject == subject, cases.c.kind.in_(kinds)).order_by(cases.c.id.desc())
    return tuple(Case(**row) for row in (await db.execute(query)).mappings())


async def claimed(db: Connection) -> tuple[Case, ...]:
    """The open cases that somebody looks after, oldest first."""
    query = select(cases).where(cases.c.state == "open", cases.c.owner.is_not(None)).order_by(cases.c.id)
    return tuple(Case(**row) for row in (await db.execute(query)).mappings())


async def claim(db: Connection, id: int, owner: str | None, now_ms: int) -> None:  # noqa: A002 - the column's name
    """From now on this person looks after the case; None: nobody does any more."""
    values = {"owner": owner, "claimed_ms": None if owner is None else now_ms}
    await db.execute(update(cases).where(cases.c.id == id).values(**values))


async def change_kind(db: Connection, id: int, kind: str) -> None:  # noqa: A002 - the column's name
    """It turned out to be a case of another kind."""
    await db.execute(update(cases).where(cases.c.id == id).values(kind=kind))


async def any_about(db: Connection, kind: str, subject: str, room: str) -> bool:
    """Whether there ever was a case of this kind about this subject in that room."""
    query = select(cases.c.id).where(cases.c.kind == kind, cases.c.subject == subject, cases.c.room == room)
    return await db.scalar(query.limit(1)) is not None


async def rooms_with(db: Connection, kind: str, subject: str, outcome: str) -> tuple[str, ...]:
    """The rooms whose newest case of this kind about this subject ended so."""
    query = select(cases.c.room, cases.c.outcome).where(cases.c.kind == kind, cases.c.subject == subject)
    newest = {row.room: row.outcome for row in await db.execute(query.order_by(cases.c.id))}
    return tuple(room for room, ended in newest.items() if room is not None and ended == outcome)


async def shown(db: Connection, id: int, event: str) -> None:  # noqa: A002 - the column's name
    """This message in the staff room shows the case."""
    await db.execute(update(cases).where(cases.c.id == id).values(event=event))


async def settle(db: Connection, id: int, outcome: str, actor: str, now_ms: int) -> bool:  # noqa: A002 - the column's name
    """End an open case; False when it was ended before."""
    statement = update(cases).where(cases.c.id == id, cases.c.state == "open")
    done = await db.execute(statement.values(state="settled", outcome=outcome, actor=actor, settled_ms=now_ms))
    return bool(done.rowcount)


async def forget(db: Connection, id: int) -> None:  # noqa: A002 - the column's name
    """Nothing is kept of whom and what a case was about."""
    await db.execute(update(cases).where(cases.c.id == id).values(key=f"forgotten/{id}", subject="", room=None))


async def _one(db: Connection, which: Any) -> Case | None:
    row = (await db.execute(select(cases).where(which))).mappings().one_or_none()
    return Case(**row) if row else None
