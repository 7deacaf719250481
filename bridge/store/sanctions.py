"""Whether somebody is banned by decision, for areas that let people in; never what a ban does."""

from bridge.moderation.enforce import hits
from bridge.moderation.store import standing
from bridge.store.db import Connection


async def is_banned(db: Connection, user: str) -> bool:
    """Whether a standing ban means this user: by id, by glob, or with their server."""
    return any(hits(each, user) for each in await standing(db))
