"""When somebody wrote last, not counting what slow mode took away. Never decides whether that was too soon."""

from sqlalchemy import func, literal, select

from bridge.store.db import Connection
from bridge.store.tables import outbox, posts

TAKEN = "slow/"
"""How the key of a redaction by slow mode begins; behind it stands the message's id."""


async def wrote_before(db: Connection, event: str, author: str, room: str | None) -> int | None:
    """When this person's last message before this one was written (UTC ms, by its sender's server), in one room or all; None when there is none."""
    this = select(posts.c.seq).where(posts.c.event == event).scalar_subquery()
    taken = select(outbox.c.id).where(outbox.c.key == literal(TAKEN) + posts.c.event).exists()
    query = select(func.max(posts.c.at_ms)).where(posts.c.author == author, posts.c.seq < this, ~taken)
    if room is not None:
        query = query.where(posts.c.room == room)
    found: int | None = await db.scalar(query)
    return found
