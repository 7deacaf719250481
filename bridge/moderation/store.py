"""Sanctions, our bans and mutes, and who is where, in the database; never decides anything."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from bridge.moderation.model import BAN, OurBan, OurMute, Presence, Sanction
from bridge.store.db import Connection
from bridge.store.ledger import Entry, entry_of
from bridge.store.tables import bans, ledger, memberships, mutes, posts, rooms, sanctions
from bridge.store.upsert import insert_for, insert_into

_FEW = 50
"""Of more people than this nobody looks up where they wrote last."""


def _sanction(row: Row[Any]) -> Sanction:
    return Sanction(
        row.id, row.entity, row.target, row.reason, row.cause, row.kind, row.scope, row.until_ms, row.gap_ms, row.rule,
        frozenset(row.spared.split()),
    )  # fmt: skip


async def standing(db: Connection, *kinds: str) -> tuple[Sanction, ...]:
    """All sanctions of these kinds (bans, when none is named) that nobody lifted, oldest first."""
    query = select(sanctions).where(sanctions.c.lifted_by.is_(None), sanctions.c.kind.in_(kinds or (BAN,)))
    return tuple(_sanction(row) for row in await db.execute(query.order_by(sanctions.c.id)))


async def all_standing(db: Connection) -> tuple[Sanction, ...]:
    """All sanctions of every kind that nobody lifted, oldest first."""
    query = select(sanctions).where(sanctions.c.lifted_by.is_(None)).order_by(sanctions.c.id)
    return tuple(_sanction(row) for row in await db.execute(query))


async def over(db: Connection, now_ms: int, limit: int) -> tuple[Sanction, ...]:
    """Up to so many standing sanctions whose time is over by now (UTC ms), those that ended first first."""
    query = select(sanctions).where(sanctions.c.lifted_by.is_(None), sanctions.c.until_ms <= now_ms)
    query = query.order_by(sanctions.c.until_ms, sanctions.c.id).limit(limit)
    return tuple(_sanction(row) for row in await db.execute(query))


async def by_id(db: Connection, id: int) -> Sanction | None:  # noqa: A002 - the column's name
    """The sanction with this number, lifted or not."""
    row = (await db.execute(select(sanctions).where(sanctions.c.id == id))).one_or_none()
    return _sanction(row) if row else None


async def of_cause(db: Connection, cause: int) -> Sanction | None:
    """The sanction that this row of the ledger gave, lifted or not."""
    row = (await db.execute(select(sanctions).where(sanctions.c.cause == cause).order_by(sanctions.c.id))).first()
    return _sanction(row) if row else None


async def caused(db: Connection, cause: int) -> tuple[Sanction, ...]:
    """The standing sanctions that this row of the ledger gave, oldest first."""
    query = select(sanctions).where(sanctions.c.cause == cause, sanctions.c.lifted_by.is_(None))
    return tuple(_sanction(row) for row in await db.execute(query.order_by(sanctions.c.id)))


async def taken_from(db: Connection, user: str, since_ms: int) -> tuple[Entry, ...]:
    """The rows of the ledger since then (UTC ms) by which something that this person wrote was taken away, by command or by a protection; newest first."""
    theirs = select(posts.c.event).where(posts.c.author == user)
    by_rule = and_(ledger.c.action == "protect", ledger.c.target == user, ledger.c.reason.contains("redact"))
    by_hand = and_(ledger.c.action == "redact", or_(ledger.c.target == user, ledger.c.target.in_(theirs)))
    query = select(ledger).where(ledger.c.at_ms >= since_ms, or_(by_rule, by_hand))
    rows = await db.execute(query.order_by(ledger.c.id.desc()).limit(_FEW))
    return tuple(entry_of(row) for row in rows.mappings())


async def add(
    db: Connection,
    entity: str,
    target: str,
    reason: str | None,
    cause: int,
    *,
    kind: str = BAN,
    scope: str = "",
    until_ms: int | None = None,
    gap_ms: int | None = None,
    rule: int = 0,
) -> Sanction:
    """Write down a sanction. The caller has looked that none like it stands; the unique index holds it."""
    row = await db.execute(
        insert(sanctions)
        .values(
            kind=kind, entity=entity, target=target, reason=reason, cause=cause, scope=scope, until_ms=until_ms, gap_ms=gap_ms,
            rule=rule,
        )
        .returning(sanctions)
    )  # fmt: skip
    return _sanction(row.one())


async def change(db: Connection, id: int, **columns: Any) -> Sanction:  # noqa: A002 - the column's name
    """Write these columns of a standing sanction anew: its end, its reason, its gap."""
    statement = update(sanctions).where(sanctions.c.id == id).values(**columns).returning(sanctions)
    return _sanction((await db.execute(statement)).one())


async def spare(db: Connection, sanction: Sanction, user: str) -> Sanction:
    """From now on a standing sanction of many does not mean this person."""
    return await change(db, sanction.id, spared=" ".join(sorted(sanction.spared | {user})))


async def lift(db: Connection, ids: Collection[int], cause: int) -> None:
    """Mark sanctions as lifted by the ledger row `cause`."""
    await db.execute(update(sanctions).where(sanctions.c.id.in_(ids)).values(lifted_by=cause))


async def half_lifted(db: Connection, entity: str, target: str) -> list[int]:
    """Sanctions against this target that were lifted, but whose bans still stand in rooms that refused the lifting."""
    still = select(bans.c.sanction).where(bans.c.sanction == sanctions.c.id).exists()
    lifted = (sanctions.c.entity == entity, sanctions.c.target == target, sanctions.c.lifted_by.is_not(None))
    return list(await db.scalars(select(sanctions.c.id).where(*lifted, still).order_by(sanctions.c.id)))


async def of_target(db: Connection, targets: Collection[str]) -> tuple[tuple[Sanction, int, bool], ...]:
    """Every sanction against exactly these targets, the newest first, each with when it was decided (UTC ms) and whether it still stands."""
    query = select(sanctions, ledger.c.at_ms).join(ledger, ledger.c.id == sanctions.c.cause)
    rows = await db.execute(query.where(sanctions.c.target.in_(targets)).order_by(sanctions.c.id.desc()))
    return tuple((_sanction(row), row.at_ms, row.lifted_by is None) for row in rows)


async def ended_server_bans(db: Connection, since_ms: int) -> tuple[tuple[Sanction, int, int], ...]:
    """The bans of servers that were lifted since then, each with when it was decided and when lifted (UTC ms)."""
    lifted = ledger.alias("lifted")
    query = select(sanctions, ledger.c.at_ms, lifted.c.at_ms.label("to_ms")).join(
        ledger, ledger.c.id == sanctions.c.cause
    )
    query = query.join(lifted, lifted.c.id == sanctions.c.lifted_by)
    query = query.where(sanctions.c.kind == BAN, sanctions.c.entity == "server", lifted.c.at_ms > since_ms)
    return tuple((_sanction(row), row.at_ms, row.to_ms) for row in await db.execute(query.order_by(sanctions.c.id)))


async def our_bans(db: Connection, ids: Collection[int]) -> tuple[OurBan, ...]:
    """The bans in rooms that these sanctions caused, in a fixed order."""
    rows = await db.execute(select(bans).where(bans.c.sanction.in_(ids)).order_by(bans.c.room, bans.c.user))
    return tuple(OurBan(row.room, row.user, row.sanction) for row in rows)


async def banned_by_us(db: Connection, user: str) -> frozenset[str]:
    """The rooms in which this person's ban is our doing."""
    return frozenset(await db.scalars(select(bans.c.room).where(bans.c.user == user)))


async def record_ban(db: Connection, ban: OurBan) -> bool:
    """Remember that a ban in a room is our doing, and for which sanction; the newest word holds. Whether that sanction was lifted meanwhile."""
    given = {"in_room": ban.room, "who": ban.user, "number": ban.sanction}
    lifted: bool = (await db.execute(_record_ban(db.dialect.name), given)).scalar_one()
    return lifted


@cache
def _record_ban(dialect: str) -> Executable:
    number = bindparam("number", type_=bans.c.sanction.type)
    statement = insert_for(dialect, bans).values(room=bindparam("in_room"), user=bindparam("who"), sanction=number)
    statement = statement.on_conflict_do_update(index_elements=["room", "user"], set_={"sanction": number})
    return statement.returning(exists().where(sanctions.c.id == number, sanctions.c.lifted_by.is_not(None)))


async def forget_ban(db: Connection, room: str, user: str) -> None:
    """The ban is lifted; it is no longer ours."""
    await db.execute(delete(bans).where(bans.c.room == room, bans.c.user == user))


async def our_mutes(db: Connection, user: str | None = None) -> tuple[OurMute, ...]:
    """Who may only read in which room by our doing (or just where this person), in a fixed order."""
    query = select(mutes).order_by(mutes.c.room, mutes.c.user)
    if user is not None:
        query = query.where(mutes.c.user == user)
    return tuple(OurMute(row.room, row.user, row.sanction) for row in await db.execute(query))


async def record_mute(db: Connection, mute: OurMute) -> None:
    """From now on this person may only read there, for this sanction; the newest word holds."""
    statement = insert_into(db, mutes).values(room=mute.room, user=mute.user, sanction=mute.sanction)
    again = {"sanction": mute.sanction}
    await db.execute(statement.on_conflict_do_update(index_elements=["room", "user"], set_=again))


async def forget_mute(db: Connection, room: str, user: str) -> None:
    """This person may write there again, as far as we are concerned."""
    await db.execute(delete(mutes).where(mutes.c.room == room, mutes.c.user == user))


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


async def last_active(db: Connection, users: Sequence[str]) -> dict[tuple[str, str], int]:
    """When each of these people (if they are few) last wrote in each room, as the number of that message: higher is later."""
    if not 0 < len(users) <= _FEW:
        return {}
    query = select(posts.c.room, posts.c.author, func.max(posts.c.seq).label("newest"))
    rows = await db.execute(query.where(posts.c.author.in_(users)).group_by(posts.c.room, posts.c.author))
    return {(row.room, row.author): row.newest for row in rows}


async def wrote_since(db: Connection, user: str, since_ms: int, room: str | None = None) -> tuple[int, int]:
    """How many messages of this person that nobody redacted we know since then (UTC ms), in one room or all, and in how many rooms they are."""
    return await _counted(db, _theirs(user, room), posts.c.at_ms >= since_ms)


async def wrote_last(db: Connection, user: str, most: int, room: str | None = None) -> tuple[int, int]:
    """The same of their newest messages, at most so many."""
    newest = select(posts.c.seq).where(_theirs(user, room)).order_by(posts.c.at_ms.desc(), posts.c.event).limit(most)
    return await _counted(db, posts.c.seq.in_(newest.scalar_subquery()))


async def wrote_from(db: Connection, user: str, event: str) -> tuple[tuple[str, str], ...]:
    """This message of theirs and all later ones that nobody redacted, each with its room, in the order in which we heard of them."""
    first = select(posts.c.seq).where(posts.c.event == event).scalar_subquery()
    query = select(posts.c.event, posts.c.room).where(_theirs(user, None), posts.c.seq >= first)
    return tuple((row.event, row.room) for row in await db.execute(query.order_by(posts.c.seq)))


def _theirs(user: str, room: str | None) -> ColumnElement[bool]:
    theirs = and_(posts.c.author == user, posts.c.redacted.is_(False))
    return theirs if room is None else and_(theirs, posts.c.room == room)


async def _counted(db: Connection, *which: ColumnElement[bool]) -> tuple[int, int]:
    query = select(func.count().label("messages"), func.count(posts.c.room.distinct()).label("rooms"))
    row = (await db.execute(query.select_from(posts).where(*which))).one()
    return row.messages, row.rooms


async def of_thread(db: Connection, root: str) -> int:
    """How many messages of a thread we know that nobody redacted, its root included."""
    query = select(func.count()).select_from(posts)
    query = query.where(or_(posts.c.event == root, posts.c.thread == root), posts.c.redacted.is_(False))
    return (await db.scalar(query)) or 0
