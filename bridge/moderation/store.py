"""Sanctions, our bans, and who is where, in the database; never decides anything."""

from collections.abc import Collection

from sqlalchemy import delete, func, insert, select, update

from bridge.moderation.model import OurBan, Presence, Sanction
from bridge.store.db import Connection
from bridge.store.tables import bans, memberships, rooms, sanctions


async def standing(db: Connection) -> tuple[Sanction, ...]:
    """All sanctions that nobody lifted, oldest first."""
    rows = await db.execute(select(sanctions).where(sanctions.c.lifted_by.is_(None)).order_by(sanctions.c.id))
    return tuple(Sanction(row.id, row.entity, row.target, row.reason, row.cause) for row in rows)


async def add(db: Connection, entity: str, target: str, reason: str | None, cause: int) -> Sanction:
    """Write down a ban. The caller has looked that none like it stands; the unique index holds it."""
    row = await db.execute(
        insert(sanctions)
        .values(kind="ban", entity=entity, target=target, reason=reason, cause=cause)
        .returning(sanctions)
    )
    found = row.one()
    return Sanction(found.id, found.entity, found.target, found.reason, found.cause)


async def lift(db: Connection, ids: Collection[int], cause: int) -> None:
    """Mark sanctions as lifted by the ledger row `cause`."""
    await db.execute(update(sanctions).where(sanctions.c.id.in_(ids)).values(lifted_by=cause))


async def half_lifted(db: Connection, entity: str, target: str) -> list[int]:
    """Sanctions against this target that were lifted, but whose bans still stand in rooms that refused the lifting."""
    still = select(bans.c.sanction).where(bans.c.sanction == sanctions.c.id).exists()
    lifted = (sanctions.c.entity == entity, sanctions.c.target == target, sanctions.c.lifted_by.is_not(None))
    return list(await db.scalars(select(sanctions.c.id).where(*lifted, still).order_by(sanctions.c.id)))


async def our_bans(db: Connection, ids: Collection[int]) -> tuple[OurBan, ...]:
    """The bans in rooms that these sanctions caused, in a fixed order."""
    rows = await db.execute(select(bans).where(bans.c.sanction.in_(ids)).order_by(bans.c.room, bans.c.user))
    return tuple(OurBan(row.room, row.user, row.sanction) for row in rows)


async def record_ban(db: Connection, ban: OurBan) -> None:
    """Remember that a ban in a room is our doing, and for which sanction; the newest word holds."""
    await forget_ban(db, ban.room, ban.user)
    await db.execute(insert(bans).values(room=ban.room, user=ban.user, sanction=ban.sanction))


async def forget_ban(db: Connection, room: str, user: str) -> None:
    """The ban is lifted; it is no longer ours."""
    await db.execute(delete(bans).where(bans.c.room == room, bans.c.user == user))


async def count_banned(db: Connection, target: str) -> int:
    """How many people standing sanctions against this target have banned from any room."""
    query = (
        select(func.count(bans.c.user.distinct()))
        .join(sanctions, sanctions.c.id == bans.c.sanction)
        .where(sanctions.c.target == target, sanctions.c.lifted_by.is_(None))
    )
    return (await db.scalar(query)) or 0


async def presences(db: Connection, users: Collection[str] | None = None) -> tuple[Presence, ...]:
    """What everybody (or each of these users) is right now in the rooms of this community."""
    query = (
        select(memberships.c.room, memberships.c.user, memberships.c.membership, memberships.c.id)
        .join(rooms, rooms.c.room == memberships.c.room)
        .where(memberships.c.until_ms.is_(None))
        .order_by(memberships.c.id)
    )
    if users is not None:
        query = query.where(memberships.c.user.in_(users))
    return tuple(Presence(row.room, row.user, row.membership, row.id) for row in await db.execute(query))
