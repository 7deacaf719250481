"""Who may only read in which room, by an ended membership's grace or by a mute; each is ended by itself, and neither undoes the other."""

from dataclasses import dataclass

from sqlalchemy import exists, select, union

from bridge.moderation.model import MUTE
from bridge.store.db import Connection
from bridge.store.tables import mutes, rooms, sanctions, silences


@dataclass(frozen=True, slots=True)
class AtRest:
    """Whose powers rest: everywhere, or in a room (by its key)."""

    everywhere: frozenset[str] = frozenset()
    in_room: frozenset[tuple[str, str]] = frozenset()

    def rests(self, key: str, user: str) -> bool:
        """Whether what this person may do in the room with this key rests."""
        return user in self.everywhere or (key, user) in self.in_room


async def is_silent(db: Connection, room: str, user: str) -> bool:
    """Whether this person may only read in this room, for whatever reason of ours."""
    grace = exists().where(silences.c.room == room, silences.c.user == user)
    muted = exists().where(mutes.c.room == room, mutes.c.user == user)
    return bool(await db.scalar(select(grace | muted)))


async def silent_people(db: Connection, room: str) -> tuple[str, ...]:
    """The people who may only read in this room by our doing, sorted."""
    both = union(
        select(silences.c.user).where(silences.c.room == room), select(mutes.c.user).where(mutes.c.room == room)
    )
    return tuple(sorted(await db.scalars(both)))


async def at_rest(db: Connection, *, memberships: bool) -> AtRest:
    """Whose powers rest now: `memberships` says whether those count whose membership is in its days of grace."""
    muted = select(sanctions.c.target).where(
        sanctions.c.kind == MUTE, sanctions.c.entity == "user", sanctions.c.scope == "", sanctions.c.lifted_by.is_(None)
    )
    everywhere = set(await db.scalars(muted))
    if memberships:
        everywhere |= set(await db.scalars(select(silences.c.user)))
    query = select(rooms.c.key, mutes.c.user).join(mutes, mutes.c.room == rooms.c.room)
    return AtRest(frozenset(everywhere), frozenset((row.key, row.user) for row in await db.execute(query)))
