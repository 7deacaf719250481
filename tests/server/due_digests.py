"""Waiting for the digest of a day, on real homeservers."""

from matrix_parties import until

from bridge.hearth import Hearth
from bridge.store import queue


async def settled(hearth: Hearth, user: str, day: str) -> str | None:
    """Wait until the digest of this day (2027-02-01) has come, was given up or was found to hold nothing; the event that it is."""

    async def look() -> queue.Wish | None:
        async with hearth.database.reading() as db:
            wish = await queue.get(db, f"digest/{user}/{day}")
        return wish if wish is not None and wish.state != "due" else None

    wish: queue.Wish = await until(look)
    return wish.result
