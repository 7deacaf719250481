"""Up to where we have heard; never when to listen again."""

from sqlalchemy import select

from bridge.store.db import Connection
from bridge.store.tables import cursors
from bridge.store.upsert import insert_into


async def load(db: Connection, name: str) -> str | None:
    """The token that was saved under this name, or None."""
    token: str | None = await db.scalar(select(cursors.c.token).where(cursors.c.name == name))
    return token


async def save(db: Connection, name: str, token: str) -> None:
    """Remember the token, in the transaction that holds the consequences of everything before it."""
    statement = insert_into(db, cursors).values(name=name, token=token)
    await db.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"token": token}))
