"""What commands decided about rooms: desired state beside the file. Never applies anything; `Overlay` gives the configuration that holds now."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from bridge.community import Setting, overlaid
from bridge.config import Config
from bridge.store.db import Connection
from bridge.store.tables import settings


@dataclass(frozen=True, slots=True)
class Pending:
    """A decision that the rooms do not show yet: `cause` is the ledger row of the command."""

    id: int
    key: str
    field: str
    cause: int


async def decide(db: Connection, key: str, field: str, value: Any, cause: int, now_ms: int) -> None:
    """Write one decision down: the room with this key shall have this value (plain JSON; None takes earlier decisions back). `cause` is a ledger row."""
    data = json.dumps(value, ensure_ascii=False, sort_keys=True)
    await db.execute(insert(settings).values(key=key, field=field, value=data, cause=cause, at_ms=now_ms))


async def standing(db: Connection) -> tuple[Setting, ...]:
    """All decisions, oldest first: a later one of the same field replaces the earlier."""
    rows = await db.execute(select(settings.c.key, settings.c.field, settings.c.value).order_by(settings.c.id))
    return tuple(Setting(row.key, row.field, json.loads(row.value)) for row in rows)


async def pending(db: Connection) -> tuple[Pending, ...]:
    """Decisions that were not carried out yet, oldest first."""
    query = select(settings.c.id, settings.c.key, settings.c.field, settings.c.cause)
    rows = await db.execute(query.where(settings.c.applied_ms.is_(None)).order_by(settings.c.id))
    return tuple(Pending(*row) for row in rows)


async def applied(db: Connection, ids: Sequence[int], now_ms: int) -> None:
    """These were carried out, as far as Matrix let us."""
    await db.execute(update(settings).where(settings.c.id.in_(ids)).values(applied_ms=now_ms))


async def withdraw(db: Connection, ids: Sequence[int]) -> None:
    """These could not be carried out and hold no more: what was decided before them holds again."""
    await db.execute(delete(settings).where(settings.c.id.in_(ids)))


class Overlay:
    """The configuration that holds now: the file, and over it what commands decided. Read anew only when there is a new decision."""

    def __init__(self, file: Config) -> None:
        """`file` is the configuration as it was read at the start."""
        self.file = file
        self.current = file
        """As it was at the last look."""
        self._version: tuple[int, int, int] | None = None

    async def config(self, db: Connection) -> Config:
        """The configuration in the eyes of this transaction. One query, and a second one after a new decision."""
        newest = select(settings.c.id, settings.c.cause, settings.c.at_ms).order_by(settings.c.id.desc()).limit(1)
        row = (await db.execute(newest)).one_or_none()
        # An id alone is not enough: one that was rolled back is given again.
        version = (int(row.id), int(row.cause), int(row.at_ms)) if row else None
        if version != self._version:
            self.current = overlaid(self.file, await standing(db))
            self._version = version
        return self.current
