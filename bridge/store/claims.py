"""An event is handled once: whoever claims its id first does it. Never knows what an event is."""

from functools import cache

from sqlalchemy import delete

from bridge.store.db import Connection
from bridge.store.tables import claims
from bridge.store.upsert import Insert, insert_for


async def claim(db: Connection, event_id: str, now_ms: int) -> bool:
    """Whether this event is new; from now on it is not. Undone together with the transaction or savepoint it is in."""
    return (await db.execute(_claim(db.dialect.name), {"event": event_id, "at_ms": now_ms})).rowcount == 1


async def prune(db: Connection, before_ms: int) -> int:
    """Forget claims made before that moment (UTC ms); returns how many. Choose it far before what a homeserver could send again."""
    return (await db.execute(delete(claims).where(claims.c.at_ms < before_ms))).rowcount


@cache
def _claim(dialect: str) -> Insert:
    return insert_for(dialect, claims).on_conflict_do_nothing()
