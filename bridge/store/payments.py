"""What was told of payments, and who it is that pays under a reference. Never an amount, a card or a name; never decides until when anybody has paid."""

from collections.abc import Sequence

from sqlalchemy import func, select, update

from bridge.rooms.paid import Notice
from bridge.store.db import Connection
from bridge.store.tables import notices, payers
from bridge.store.upsert import insert_into


async def hear(db: Connection, notice: Notice, payer: str, user: str | None, now_ms: int) -> bool:
    """Write a notice down; False when one with its id stands there already, whatever it says."""
    values = {
        "id": notice.id, "kind": notice.kind, "payer": payer, "user": user, "period": notice.period,
        "until": notice.until, "days": notice.days, "at_ms": notice.at_ms, "heard_ms": now_ms,
    }  # fmt: skip
    statement = insert_into(db, notices).values(values).on_conflict_do_nothing().returning(notices.c.id)
    return await db.scalar(statement) is not None


async def waiting(db: Connection, limit: int) -> tuple[str, ...]:
    """Up to so many payers of whom there is something new, sorted."""
    query = select(notices.c.payer).where(notices.c.done_ms.is_(None)).distinct().order_by(notices.c.payer)
    return tuple(await db.scalars(query.limit(limit)))


async def of(db: Connection, payer: str) -> tuple[Notice, ...]:
    """All that was ever told of this payer, in the order of what happened."""
    query = select(notices).where(notices.c.payer == payer).order_by(notices.c.at_ms, notices.c.id)
    return tuple(
        Notice(id=row.id, kind=row.kind, at_ms=row.at_ms, period=row.period, until=row.until, days=row.days)
        for row in await db.execute(query)
    )


async def done(db: Connection, payer: str, now_ms: int) -> None:
    """What was told of this payer so far has its consequences."""
    statement = update(notices).where(notices.c.payer == payer, notices.c.done_ms.is_(None))
    await db.execute(statement.values(done_ms=now_ms))


async def said_to_be(db: Connection, payer: str) -> str | None:
    """Whom the sender takes this payer for: the newest word on it, or None."""
    query = select(notices.c.user).where(notices.c.payer == payer, notices.c.user.is_not(None))
    found: str | None = await db.scalar(query.order_by(notices.c.at_ms.desc(), notices.c.id.desc()).limit(1))
    return found


async def user_of(db: Connection, payer: str) -> str | None:
    """Who pays under this reference, or None."""
    found: str | None = await db.scalar(select(payers.c.user).where(payers.c.payer == payer))
    return found


async def bind(db: Connection, payer: str, user: str) -> None:
    """From now on this person pays under this reference."""
    statement = insert_into(db, payers).values(payer=payer, user=user, paid_until=None)
    again = {"user": user, "paid_until": None}
    await db.execute(statement.on_conflict_do_update(index_elements=["payer"], set_=again))


async def paid(db: Connection, payer: str, until: str | None) -> bool:
    """Until when this payer has paid, by all that was told; whether that is new."""
    before = await db.scalar(select(payers.c.paid_until).where(payers.c.payer == payer))
    await db.execute(update(payers).where(payers.c.payer == payer).values(paid_until=until))
    return bool(before != until)


async def paid_until(db: Connection, user: str) -> str | None:
    """The last day that this person has paid for, under whatever references; None when there is none."""
    found: str | None = await db.scalar(select(func.max(payers.c.paid_until)).where(payers.c.user == user))
    return found


async def unknown(db: Connection, limit: int) -> Sequence[str]:
    """Payers of whom we do not know who they are, sorted."""
    query = select(notices.c.payer).where(notices.c.payer.not_in(select(payers.c.payer))).distinct()
    return list(await db.scalars(query.order_by(notices.c.payer).limit(limit)))
