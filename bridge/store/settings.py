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

EVERYTHING = "*"
"""In place of a room's key: staff asked for something about all rooms (`field` says what), which is no decision about any of them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that staff asked for and that was not done yet: `what` is plan, apply or adopt, `value` what it needs to know (plain JSON)."""

    id: int
    what: str
    value: Any
    cause: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A decision that the rooms do not show yet: `cause` is the ledger row of the command."""

    id: int
    key: str
    field: str
    cause: int


async def decide(
    db: Connection, key: str, field: str, value: Any, cause: int, now_ms: int, *, is_so: bool = False
) -> None:
    """Write one decision down: the room with this key shall have this value (plain JSON; None takes earlier decisions back). `cause` is a ledger row.

    `is_so`: the room has it already, so there is nothing to carry out.
    """
    data = json.dumps(value, ensure_ascii=False, sort_keys=True)
    done_ms = now_ms if is_so else None
    row = {"key": key, "field": field, "value": data, "cause": cause, "at_ms": now_ms, "applied_ms": done_ms}
    await db.execute(insert(settings).values(row))


async def standing(db: Connection) -> tuple[Setting, ...]:
    """All decisions, oldest first: a later one of the same field replaces the earlier."""
    query = select(settings.c.key, settings.c.field, settings.c.value).where(settings.c.key != EVERYTHING)
    rows = await db.execute(query.order_by(settings.c.id))
    return tuple(Setting(row.key, row.field, json.loads(row.value)) for row in rows)


async def pending(db: Connection) -> tuple[Pending, ...]:
    """Decisions that were not carried out yet, oldest first."""
    query = select(settings.c.id, settings.c.key, settings.c.field, settings.c.cause)
    query = query.where(settings.c.applied_ms.is_(None), settings.c.key != EVERYTHING)
    return tuple(Pending(*row) for row in await db.execute(query.order_by(settings.c.id)))


async def ask(db: Connection, what: str, value: Any, cause: int, now_ms: int) -> None:
    """Write down that staff asked for something about the rooms; `asked` gives it until it is `applied`."""
    await decide(db, EVERYTHING, what, value, cause, now_ms)


async def asked(db: Connection) -> tuple[Asked, ...]:
    """What staff asked for and was not done yet, oldest first."""
    query = select(settings.c.id, settings.c.field, settings.c.value, settings.c.cause)
    query = query.where(settings.c.applied_ms.is_(None), settings.c.key == EVERYTHING)
    rows = await db.execute(query.order_by(settings.c.id))
    return tuple(Asked(row.id, row.field, json.loads(row.value), row.cause) for row in rows)


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

    async def over(self, db: Connection, file: Config) -> Config:
        """What commands decided, over a file that was read again; what holds stays as it is."""
        return overlaid(file, await standing(db))

    async def take(self, db: Connection, file: Config) -> None:
        """The file was read again, and holds from now on."""
        self.file, self.current = file, await self.over(db, file)

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
