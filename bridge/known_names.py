"""Fills the book of names, which is kept in memory only: from the members of our rooms, and from the names that people chose here. Never writes a name anywhere."""

import asyncio
import secrets
from collections.abc import Iterable
from pathlib import Path

from bridge.errors import Refused, Unavailable
from bridge.matrix.gateway import Gateway
from bridge.matrix.private_file import read_private, write_private
from bridge.names import NameBook
from bridge.rooms import naming
from bridge.store import community_names, people, rooms
from bridge.store.community_names import Sealed
from bridge.store.db import Database
from bridge.store.errors import StoreUnavailable

READ_AT_ONCE = 8
"""So many names are read from the homeserver side by side at the start."""


class KnownNames:
    """What is known of names after a start, and how it becomes known."""

    def __init__(self, names: NameBook, database: Database, gateway: Gateway) -> None:
        """`names` is the book to fill."""
        self._names = names
        self._database = database
        self._gateway = gateway
        self._read = False
        self._reading = asyncio.Lock()
        self._learned: set[str] = set()

    async def learn(self, room: str) -> None:
        """The display names of a room's members. A room that we are out of tells nothing. Raises Refused or Unavailable."""
        self._learned.add(room)
        try:
            self._names.learn(await self._gateway.members(room))
        except Refused as error:
            if error.status not in (403, 404):  # else we are out of that room: what was ours goes on without it
                raise

    async def meet(self, joined: Iterable[str]) -> None:
        """Something happened in these rooms: learn who is in those that are ours, or a direct room, and of which we have not learned it yet.

        Whoever comes later tells their name by coming. What cannot be had now is learned another time.
        """
        for room in sorted(set(joined) - self._learned):
            try:
                async with self._database.reading() as db:
                    known = await rooms.by_id(db, room) or await people.by_direct_room(db, room)
                if known:
                    await self.learn(room)
            except (Refused, Unavailable, StoreUnavailable):
                self._learned.discard(room)

    async def read(self) -> None:
        """Before anybody is named for the first time: the names that people chose for this community. Raises Unavailable."""
        async with self._reading:
            if self._read:
                return
            async with self._database.reading() as db:
                chosen = await community_names.everybody(db)
            self._names.expect(one.user for one in chosen)
            few = asyncio.Semaphore(READ_AT_ONCE)
            await asyncio.gather(*(self._one(each, few) for each in chosen))
            self._read = True

    async def _one(self, chosen: Sealed, few: asyncio.Semaphore) -> None:
        async with few:
            content = await self._gateway.state_content(chosen.room, naming.NAME) if chosen.room else None
        name = content.get("name") if content else None
        # In a room of two the other one may write there, too: only what they told us to keep counts.
        if isinstance(name, str) and self._names.seal(name) == chosen.seal:
            self._names.call(chosen.user, name)


def names_key(folder: Path) -> bytes:
    """The secret by which names are sealed, made at the first start."""
    file = folder / "names-key"
    known = read_private(file)
    if known is None:
        known = secrets.token_hex(32)
        write_private(file, known)
    return known.strip().encode()
