"""What was decided about people and rooms, for areas that let people in or say what rooms are like; never what a sanction does."""

from bridge.locks import Shut
from bridge.locks import shut as come_to
from bridge.moderation.enforce import denied, hits
from bridge.moderation.model import INVITES, LOCK
from bridge.moderation.store import standing
from bridge.store import policies
from bridge.store.db import Connection


async def is_banned(db: Connection, user: str) -> bool:
    """Whether a standing ban, or a followed rule of a watched list, means this user: by id, by glob, or with their server."""
    decided = await standing(db)
    if any(hits(each, user) for each in decided):
        return True
    # Whom somebody spared by a rule that became a sanction, no rule keeps out: as when they come in.
    return not any(user in each.spared for each in decided) and await policies.is_meant(db, user)


async def denied_servers(db: Connection) -> tuple[str, ...]:
    """The servers that standing bans and followed rules shut out, as globs: first those that people here decided."""
    decided = denied(await standing(db))
    return tuple(dict.fromkeys((*decided, *await policies.servers(db))))


async def shut(db: Connection) -> Shut:
    """The rooms that are locked now, and those into which nobody may be invited."""
    return come_to(await standing(db, LOCK, INVITES))
