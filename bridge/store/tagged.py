"""Messages that carry tags and came before what they answer; never decides what the tags ask for."""

from dataclasses import dataclass

from sqlalchemy import select, true

from bridge.store.db import Connection
from bridge.store.shares import down
from bridge.store.tables import post_tags, posts


@dataclass(frozen=True, slots=True)
class Tagged:
    """A message that carries tags."""

    event: str
    author: str
    tags: frozenset[str]


async def heard_before(db: Connection, event: str) -> tuple[Tagged, ...]:
    """The answers to this message, and to those, that carry tags and of which we heard before it; in the order in which we did."""
    below = down(event)
    known = select(posts.c.seq).where(posts.c.event == event).scalar_subquery()
    query = (
        select(posts.c.event, posts.c.author, post_tags.c.tag)
        .join(below, below.c.event == posts.c.event)
        .join(post_tags, post_tags.c.event == posts.c.event)
        .where(posts.c.event != event, posts.c.seq < known, posts.c.redacted.is_not(true()))
        .order_by(posts.c.seq)
    )
    found: dict[tuple[str, str], set[str]] = {}
    for row in await db.execute(query):
        found.setdefault((row.event, row.author), set()).add(row.tag)
    return tuple(Tagged(*key, frozenset(carried)) for key, carried in found.items())
