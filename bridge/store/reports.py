"""Who told us of what: so that several who tell the same are one case, and everybody hears what came of it. Never what they wrote.

Who it was is known to nobody but this table, and it is forgotten when they have been told.
"""

from sqlalchemy import delete, func, select, update

from bridge.store.db import Connection
from bridge.store.tables import cases, copies, prompts, reports
from bridge.store.upsert import insert_into


async def add(db: Connection, case: int, user: str, words: str | None, now_ms: int) -> bool:
    """This person told us of what this case is about; False when that is nothing new. `words` is where to read what they wrote about it, the newest counts."""
    statement = insert_into(db, reports).values(case=case, user=user, words=words, at_ms=now_ms)
    done = await db.execute(statement.on_conflict_do_nothing())
    if done.rowcount or words is None:
        return bool(done.rowcount)
    again = update(reports).where(reports.c.case == case, reports.c.user == user)
    await db.execute(again.values(words=words))
    return True


async def of_case(db: Connection, case: int) -> tuple[str, ...]:
    """Who told us of it, sorted."""
    query = select(reports.c.user).where(reports.c.case == case).order_by(reports.c.user)
    return tuple(await db.scalars(query))


async def number(db: Connection, case: int) -> int:
    """How many people told us of it."""
    return (await db.scalar(select(func.count()).select_from(reports).where(reports.c.case == case))) or 0


async def words(db: Connection, case: int) -> tuple[str, ...]:
    """Where to read what they wrote about it, in the order in which it came."""
    query = select(reports.c.words).where(reports.c.case == case, reports.c.words.is_not(None))
    return tuple(await db.scalars(query.order_by(reports.c.at_ms, reports.c.user)))


async def waiting_of(db: Connection, user: str) -> int:
    """How many open cases this person told us of."""
    query = select(func.count()).select_from(reports).join(cases, cases.c.id == reports.c.case)
    return (await db.scalar(query.where(reports.c.user == user, cases.c.state == "open"))) or 0


async def forget(db: Connection, case: int) -> None:
    """Nobody knows any more who told us of it."""
    await db.execute(delete(reports).where(reports.c.case == case))
    await db.execute(delete(prompts).where(prompts.c.kind == f"report/{case}"))


async def source(db: Connection, copy: str) -> tuple[str, str] | None:
    """Of what this message of ours is a copy that can be seen: the source's event id and its author; None when it is none."""
    row = (await db.execute(select(copies.c.source, copies.c.author).where(copies.c.copy == copy))).first()
    return (row.source, row.author) if row else None
