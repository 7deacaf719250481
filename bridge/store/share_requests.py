"""Who was asked whether a thread of theirs may be shared, and what they said; never decides what follows."""

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from bridge.store.db import Connection
from bridge.store.tables import share_requests as table
from bridge.store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Request:
    """One thread's request: `agreed` is None until its author answered. Times are UTC ms."""

    root: str
    author: str
    asked_by: str
    asked_ms: int
    agreed: bool | None
    answered_ms: int | None


async def get(db: Connection, root: str) -> Request | None:
    """The request about the thread with this root, or None."""
    row = (await db.execute(select(table).where(table.c.root == root))).mappings().one_or_none()
    return Request(**row) if row else None


async def ask(db: Connection, root: str, author: str, asked_by: str, now_ms: int) -> bool:
    """Somebody wants this thread to be shared. False when its author was asked before: nobody is asked twice."""
    row = {"root": root, "author": author, "asked_by": asked_by, "asked_ms": now_ms}
    statement = insert_into(db, table).values(row).on_conflict_do_nothing().returning(table.c.root)
    return (await db.scalar(statement)) is not None


async def answer(db: Connection, root: str, author: str, agreed: bool, now_ms: int) -> None:
    """What the author said, asked or not. The newest answer counts."""
    told = {"agreed": agreed, "answered_ms": now_ms}
    statement = insert_into(db, table).values(root=root, author=author, asked_by=author, asked_ms=now_ms, **told)
    await db.execute(statement.on_conflict_do_update(index_elements=["root"], set_=told))


async def forget(db: Connection, root: str) -> None:
    """There is no request, and there never was."""
    await db.execute(delete(table).where(table.c.root == root))


async def withdraw(db: Connection, root: str, now_ms: int) -> None:
    """The author took the thread back: what they agreed to holds no longer, and nobody asks them again."""
    await db.execute(update(table).where(table.c.root == root).values(agreed=False, answered_ms=now_ms))


async def expire(db: Connection, before_ms: int) -> int:
    """Forget requests that nobody answered since then: silence is a no that leaves no trace. Returns how many."""
    old = delete(table).where(table.c.agreed.is_(None), table.c.asked_ms < before_ms)
    return int((await db.execute(old)).rowcount)
