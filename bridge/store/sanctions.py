"""Whether somebody is banned by decision, for areas that let people in or say which servers take part; never what a ban does."""

from bridge.moderation.enforce import denied, hits
from bridge.moderation.store import standing
from bridge.store.db import Connection


async def is_banned(db: Connection, user: str) -> bool:
    """Whether a standing ban means this user: by id, by glob, or with their server."""
    return any(hits(each, user) for each in await standing(db))


async def denied_servers(db: Connection) -> tuple[str, ...]:
    """The servers that standing bans shut out, as globs, oldest first."""
    return denied(await standing(db))
