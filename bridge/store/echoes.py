"""By what a copy of ours is recognised when somebody says it again: keyed hashes, for a day. Never a word, and never whose."""

from collections.abc import Collection

from sqlalchemy import delete, exists, select, true, update

from bridge.store.db import Connection
from bridge.store.tables import echoes, post_tags, posts
from bridge.store.upsert import insert_into


async def keep(db: Connection, seal: str, length: int, now_ms: int) -> None:
    """This is how a copy begins, sealed; `length` is how much of it that is."""
    statement = insert_into(db, echoes).values(seal=seal, length=length, at_ms=now_ms)
    await db.execute(statement.on_conflict_do_update(index_elements=["seal"], set_={"at_ms": now_ms}))


async def lengths(db: Connection, since_ms: int) -> tuple[int, ...]:
    """Of what lengths there are any that are newer than this (UTC ms)."""
    query = select(echoes.c.length).where(echoes.c.at_ms >= since_ms).distinct().order_by(echoes.c.length)
    return tuple(await db.scalars(query))


async def known(db: Connection, seals: Collection[str], since_ms: int) -> bool:
    """Whether any of these is one."""
    query = select(exists().where(echoes.c.seal.in_(list(seals)), echoes.c.at_ms >= since_ms))
    return bool(await db.scalar(query))


async def is_copy(db: Connection, event: str, room: str) -> None:
    """This message is somebody's copy: it has no tags, and is carried nowhere."""
    await db.execute(update(posts).where(posts.c.event == event, posts.c.room == room).values(copied=true()))
    await db.execute(delete(post_tags).where(post_tags.c.event == event))


async def prune(db: Connection, before_ms: int) -> None:
    """Forget those from before that moment (UTC ms)."""
    await db.execute(delete(echoes).where(echoes.c.at_ms < before_ms))
