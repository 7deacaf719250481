"""What is known around a message and a person, in numbers, for whoever has to look at a case; never what was said."""

from dataclasses import dataclass

from sqlalchemy import func, select

from bridge.store.db import Connection
from bridge.store.tables import memberships, posts


@dataclass(frozen=True, slots=True)
class Background:
    """Since when somebody has been here (UTC ms; None: never in a room of ours), and how many messages of theirs stand in our rooms."""

    since_ms: int | None
    messages: int


async def of_person(db: Connection, user: str) -> Background:
    """What is known of somebody."""
    since = select(func.min(memberships.c.since_ms)).where(
        memberships.c.user == user, memberships.c.membership == "join"
    )
    said = select(func.count()).select_from(posts).where(posts.c.author == user, posts.c.redacted.is_(False))
    return Background(await db.scalar(since), (await db.scalar(said)) or 0)


async def answers(db: Connection, event: str) -> int:
    """How many messages that stand answer this one, in its thread or by a reply."""
    here = select(func.count()).select_from(posts).where(posts.c.redacted.is_(False))
    return (await db.scalar(here.where((posts.c.thread == event) | (posts.c.reply_to == event)))) or 0
