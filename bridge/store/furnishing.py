"""What we put into our rooms: pictures that were uploaded, and the welcomes that were said. Never decides either."""

from collections.abc import Mapping

from sqlalchemy import select

from bridge.rooms.model import Welcome
from bridge.store.db import Connection
from bridge.store.tables import uploads, welcomes
from bridge.store.upsert import insert_into


async def uploaded(db: Connection) -> Mapping[str, str]:
    """The mxc:// address of every file that was uploaded, by its SHA-256."""
    return {row.sha256: row.uri for row in await db.execute(select(uploads.c.sha256, uploads.c.uri))}


async def add_upload(db: Connection, sha256: str, uri: str, now_ms: int) -> None:
    """This file has this address from now on; the first one holds."""
    await db.execute(insert_into(db, uploads).values(sha256=sha256, uri=uri, at_ms=now_ms).on_conflict_do_nothing())


async def said(db: Connection) -> Mapping[str, Welcome]:
    """The welcome of every room that has one, by room id."""
    return {row.room: Welcome(row.event, row.digest, row.revision) for row in await db.execute(select(welcomes))}


async def say(db: Connection, room: str, welcome: Welcome) -> None:
    """This is what the room's welcome says now."""
    values = {"event": welcome.event, "digest": welcome.digest, "revision": welcome.revision}
    statement = insert_into(db, welcomes).values(room=room, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=["room"], set_=values))
