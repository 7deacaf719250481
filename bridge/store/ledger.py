"""Who did what to whom, when and why. Written before the act, its outcome after it; never deleted from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, insert, or_, select, update

from bridge.store.db import Connection
from bridge.store.tables import ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row. `event` is the command that caused it; `outcome` is None until everything that follows is settled."""

    id: int
    at_ms: int
    actor: str
    action: str
    target: str
    reason: str | None
    rule: str | None
    room: str | None
    event: str | None
    outcome: Mapping[str, Any] | None
    settled_ms: int | None


def entry_of(row: RowMapping) -> Entry:
    """The row as it was read."""
    outcome = row["outcome"]
    return Entry(**{**row, "outcome": None if outcome is None else json.loads(outcome)})


async def write(
    db: Connection,
    actor: str,
    action: str,
    target: str,
    reason: str | None,
    rule: str | None,
    room: str | None,
    event: str | None,
    now_ms: int,
) -> int:
    """Write one row down and return its id. A command's event can cause one row only (IntegrityError)."""
    statement = insert(ledger).values(
        at_ms=now_ms, actor=actor, action=action, target=target, reason=reason, rule=rule, room=room, event=event
    )
    written: int = (await db.execute(statement.returning(ledger.c.id))).scalar_one()
    return written


async def settle(db: Connection, id: int, outcome: Mapping[str, Any], now_ms: int) -> None:  # noqa: A002 - the column's name
    """Write down what came of it: figures and ids, as JSON. Again when a person had something retried."""
    data = json.dumps(outcome, ensure_ascii=False, sort_keys=True)
    await db.execute(update(ledger).where(ledger.c.id == id).values(outcome=data, settled_ms=now_ms))


async def get(db: Connection, id: int) -> Entry | None:  # noqa: A002 - the column's name
    """The row with this id, or None."""
    row = (await db.execute(select(ledger).where(ledger.c.id == id))).mappings().one_or_none()
    return entry_of(row) if row else None


async def by_event(db: Connection, event: str) -> Entry | None:
    """The row that this event caused, or None."""
    row = (await db.execute(select(ledger).where(ledger.c.event == event))).mappings().one_or_none()
    return entry_of(row) if row else None


async def newest(db: Connection, limit: int) -> tuple[Entry, ...]:
    """The newest rows first."""
    rows = await db.execute(select(ledger).order_by(ledger.c.id.desc()).limit(limit))
    return tuple(entry_of(row) for row in rows.mappings())


@dataclass(frozen=True, slots=True)
class Search:
    """What rows are looked for: of this person (or server), as actor or target; of a room (its id and key); since then (UTC ms); with an action or rule that begins so."""

    person: str | None = None
    since_ms: int | None = None
    what: str | None = None
    room: tuple[str, str] | None = None


def _fits(wanted: Search) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.person is not None:
        found.append(or_(ledger.c.actor == wanted.person, ledger.c.target == wanted.person))
    if wanted.room is not None:
        found.append(or_(ledger.c.room == wanted.room[0], ledger.c.target.in_(wanted.room)))
    if wanted.since_ms is not None:
        found.append(ledger.c.at_ms >= wanted.since_ms)
    if wanted.what is not None:
        action, rule = (
            func.lower(column).startswith(wanted.what, autoescape=True) for column in (ledger.c.action, ledger.c.rule)
        )
        found.append(or_(action, rule))
    return found


async def search(db: Connection, wanted: Search, offset: int, limit: int) -> tuple[Entry, ...]:
    """The rows that fit, the newest first, from one on and at most so many."""
    query = select(ledger).where(*_fits(wanted)).order_by(ledger.c.id.desc()).offset(offset).limit(limit)
    return tuple(entry_of(row) for row in (await db.execute(query)).mappings())


async def count(db: Connection, wanted: Search) -> int:
    """How many rows fit."""
    return (await db.scalar(select(func.count()).select_from(ledger).where(*_fits(wanted)))) or 0


async def after(db: Connection, id: int, limit: int) -> tuple[Entry, ...]:  # noqa: A002 - the column's name
    """The rows behind this one, oldest first, at most so many."""
    rows = await db.execute(select(ledger).where(ledger.c.id > id).order_by(ledger.c.id).limit(limit))
    return tuple(entry_of(row) for row in rows.mappings())
