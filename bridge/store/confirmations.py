"""Commands that wait for a confirming reaction: what would be done, by whom, since when. Never does it, never holds anybody's words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from bridge.store.db import Connection
from bridge.store.tables import confirmations


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One command that waits: its name and what it needs to go on (ids, tags, numbers), as `ask` was given them.

    `event` and `room` are of the message that gave the command, `made_ms` is UTC.
    """

    id: int
    command: str
    args: Mapping[str, Any]
    actor: str
    event: str
    room: str
    made_ms: int


async def add(
    db: Connection, command: str, args: Mapping[str, Any], actor: str, event: str, room: str, now_ms: int
) -> int:
    """Write one down; its number. A command's event can wait once only (IntegrityError)."""
    data = json.dumps(args, ensure_ascii=False, sort_keys=True)
    row = {"command": command, "args": data, "actor": actor, "event": event, "room": room, "made_ms": now_ms}
    made: int = (await db.execute(insert(confirmations).values(row).returning(confirmations.c.id))).scalar_one()
    return made


async def take(db: Connection, id: int, now_ms: int) -> Waiting | None:  # noqa: A002 - the column's name
    """End the waiting of this one, and give it; None when it was ended before. What it needs to go on is forgotten here."""
    found = await get(db, id)
    if found is not None:
        ended = update(confirmations).where(confirmations.c.id == id).values(settled_ms=now_ms, args="{}")
        await db.execute(ended)
    return found


async def get(db: Connection, id: int) -> Waiting | None:  # noqa: A002 - the column's name
    """The one with this number while it waits; None when that was ended."""
    waits = (confirmations.c.id == id) & confirmations.c.settled_ms.is_(None)
    row = (await db.execute(select(confirmations).where(waits))).mappings().one_or_none()
    if row is None:
        return None
    rest = {name: value for name, value in row.items() if name not in ("args", "settled_ms")}
    return Waiting(**rest, args=json.loads(row["args"]))


async def prune(db: Connection, before_ms: int) -> None:
    """Forget those from before that moment (UTC ms)."""
    await db.execute(delete(confirmations).where(confirmations.c.made_ms < before_ms))
