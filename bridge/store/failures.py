"""Events whose handling crashed and effects that are a bug, set aside for a person to look at. Never a message of an exception: only its class.

An exception's words may hold what somebody wrote; where it was raised cannot.
"""

from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb

from sqlalchemy import insert, select

from bridge.store.db import Connection
from bridge.store.tables import failures

OURS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that went wrong. `where` is module and line of ours, `error` the class of the exception."""

    id: int
    event: str | None
    room: str | None
    outbox_key: str | None
    where: str
    error: str
    at_ms: int


def place(error: BaseException) -> str:
    """Module and line in our own code where an exception passed last, e.g. `rooms/share.py:41`; empty when it never did."""
    found = ""
    for frame, line in walk_tb(error.__traceback__):
        file = Path(frame.f_code.co_filename)
        if file.is_relative_to(OURS):
            found = f"{file.relative_to(OURS).as_posix()}:{line}"
    return found


async def record(
    db: Connection,
    event: str | None,
    room: str | None,
    error: BaseException,
    now_ms: int,
    outbox_key: str | None = None,
) -> str:
    """Set aside what crashed; returns where it did, for the log."""
    where = place(error)
    await db.execute(
        insert(failures).values(
            event=event, room=room, outbox_key=outbox_key, where=where, error=type(error).__name__, at_ms=now_ms
        )
    )
    return where


async def newest(db: Connection, limit: int) -> tuple[Failure, ...]:
    """The newest ones first."""
    rows = await db.execute(select(failures).order_by(failures.c.id.desc()).limit(limit))
    return tuple(Failure(**row) for row in rows.mappings())
