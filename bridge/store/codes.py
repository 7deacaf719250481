"""Invite codes: how many people each may let in, and whom it did; never a code itself, only the hash of it."""

from dataclasses import dataclass

from sqlalchemy import RowMapping, delete, insert, select, update

from bridge.rooms.codes import Secret
from bridge.store.db import Connection
from bridge.store.tables import code_uses, codes, tries
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code. `circle` is the key of the circle's room, None: any. `until_ms` and `revoked_ms` are UTC; `cause` is the ledger row that made it.

    Who comes in by it is a member for `member_ms` milliseconds or until the day `member_until` (2026-03-01); with neither there is no end.
    """

    id: int
    secret: Secret
    circle: str | None
    uses: int
    used: int
    until_ms: int
    maker: str
    cause: int
    revoked_ms: int | None
    member_ms: int | None = None
    member_until: str | None = None

    @property
    def gives_membership(self) -> bool:
        """Whether a membership with an end begins by it."""
        return self.member_ms is not None or self.member_until is not None

    def holds(self, now_ms: int) -> bool:
        """Whether it still lets somebody in."""
        return self.revoked_ms is None and self.used < self.uses and now_ms < self.until_ms


def _code(row: RowMapping) -> Code:
    values = {name: value for name, value in row.items() if name not in ("salt", "hash")}
    return Code(**values, secret=Secret(row["salt"], row["hash"]))


async def add(
    db: Connection,
    secret: Secret,
    circle: str | None,
    uses: int,
    until_ms: int,
    maker: str,
    cause: int,
    *,
    member_ms: int | None = None,
    member_until: str | None = None,
) -> int:
    """Write a new code down; its number. At most one of `member_ms` and `member_until` is given."""
    statement = insert(codes).values(
        salt=secret.salt,
        hash=secret.hash,
        circle=circle,
        uses=uses,
        until_ms=until_ms,
        maker=maker,
        cause=cause,
        member_ms=member_ms,
        member_until=member_until,
    )
    made: int = (await db.execute(statement.returning(codes.c.id))).scalar_one()
    return made


async def recent(db: Connection, since_ms: int) -> tuple[Code, ...]:
    """Every code that holds, or has held after that moment (UTC ms), oldest first."""
    rows = await db.execute(select(codes).where(codes.c.until_ms > since_ms).order_by(codes.c.id))
    return tuple(_code(row) for row in rows.mappings())


async def get(db: Connection, code: int) -> Code | None:
    """The code with this number, or None."""
    row = (await db.execute(select(codes).where(codes.c.id == code))).mappings().one_or_none()
    return _code(row) if row else None


async def use(db: Connection, code: int, user: str, now_ms: int) -> bool:
    """Take one use for this person; whether there was one left. Who has had one before takes no second."""
    taken = insert_into(db, code_uses).values(code=code, user=user, at_ms=now_ms).on_conflict_do_nothing()
    if (await db.execute(taken.returning(code_uses.c.user))).one_or_none() is None:
        return True
    left = (codes.c.used < codes.c.uses, codes.c.revoked_ms.is_(None), codes.c.until_ms > now_ms)
    counted = update(codes).where(codes.c.id == code, *left).values(used=codes.c.used + 1)
    if (await db.execute(counted)).rowcount == 1:
        return True
    await db.execute(delete(code_uses).where(code_uses.c.code == code, code_uses.c.user == user))
    return False


async def used_by(db: Connection, user: str) -> frozenset[int]:
    """The numbers of the codes by which this person came."""
    return frozenset(await db.scalars(select(code_uses.c.code).where(code_uses.c.user == user)))


async def revoke(db: Connection, code: int, now_ms: int) -> bool:
    """From now on it lets nobody in; False when it was revoked before."""
    statement = update(codes).where(codes.c.id == code, codes.c.revoked_ms.is_(None)).values(revoked_ms=now_ms)
    return (await db.execute(statement)).rowcount == 1


async def wrong(db: Connection, user: str) -> tuple[int, int]:
    """How many wrong codes this person has written, and when the first or, at the last, the silence began (UTC ms)."""
    row = (await db.execute(select(tries.c.wrong, tries.c.since_ms).where(tries.c.user == user))).one_or_none()
    return (row.wrong, row.since_ms) if row else (0, 0)


async def set_wrong(db: Connection, user: str, count: int, since_ms: int) -> None:
    """Write down how many wrong codes this person has written, since when."""
    values = {"wrong": count, "since_ms": since_ms}
    statement = insert_into(db, tries).values(user=user, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=["user"], set_=values))


async def forget_tries(db: Connection, before_ms: int) -> None:
    """Wrong codes from before that moment (UTC ms) count no more."""
    await db.execute(delete(tries).where(tries.c.since_ms < before_ms))
