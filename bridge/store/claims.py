"""An event is handled once: whoever claims its id first does it. Never knows what an event is."""

from sqlalchemy import delete

from bridge.store.db import Connection
from bridge.store.tables import claims
from bridge.store.upsert import insert_into


async def claim(db: Connection, event_id: str, now_ms: int) -> bool:
    """Whether this event is new; from now on it is not. Undone together with the transaction or savepoint it is in."""
    statement = insert_into(db, claims).values(event=event_id, at_ms=now_ms).on_conflict_do_nothing()
    return (await db.execute(statement)).rowcount == 1


async def prune(db: Connection, before_ms: int) -> int:
    """Forget claims made before that moment (UTC ms); returns how many. Choose it far before what a homeserver could send again."""
    return (await db.execute(delete(claims).where(claims.c.at_ms < before_ms))).rowcount
