"""The rules of all lists in memory, so that who comes is looked up among a hundred thousand at once; never older than the transaction that asks.

What is in memory was committed. What changed since is read from the transaction that asks, so a rule and who it means may come in the same breath, and
what is rolled back was never here.
"""

from collections.abc import Collection

from bridge.moderation.book import Book, means, means_room
from bridge.moderation.judge import GONE, NEW
from bridge.moderation.policies import Rule
from bridge.store import policies
from bridge.store.db import Connection
from bridge.store.policies import Known

_AT_ONCE = 2500


class Watched:
    """One for a process. Empty it answers just as well, only slower."""

    def __init__(self) -> None:
        self._book = Book()
        self._seq = 0

    async def absorb(self, db: Connection) -> None:
        """Take in what was committed since the last time. `db` only reads, and sees one moment."""
        seq, after = await policies.newest(db), 0
        while seq > self._seq:
            rows = await policies.page_since(db, self._seq, after, _AT_ONCE)
            for row in rows:
                if row.state in (GONE, NEW):
                    self._book.take(row.id)
                else:
                    self._book.put(row.id, Rule(row.entity, row.target, row.hash, row.takedown, row.reason))
            if len(rows) < _AT_ONCE:
                self._seq = seq
            else:
                after = rows[-1].id

    async def meaning(self, db: Connection, user: str, states: Collection[str]) -> tuple[Known, ...]:
        """The rules in these states that mean this person, by id or by server, the oldest first."""
        changed = await policies.changed_since(db, self._seq)
        fresh = {row.id for row in changed}
        found = {one for one in self._book.meaning(user) if one not in fresh}
        for row in changed:
            if row.state in states and means(Rule(row.entity, row.target, row.hash), user):
                found.add(row.id)
        if not found:
            return ()
        return tuple(each for each in await policies.rules(db, found) if each.state in states)

    async def naming(self, db: Connection, rooms: Collection[str], states: Collection[str]) -> tuple[Known, ...]:
        """The rules in these states that mean one of these rooms, by an id or address, the oldest first."""
        changed = await policies.changed_since(db, self._seq)
        fresh = {row.id for row in changed}
        found = {one for room in rooms for one in self._book.naming(room) if one not in fresh}
        for row in changed:
            rule = Rule(row.entity, row.target, row.hash)
            if row.state in states and any(means_room(rule, room) for room in rooms):
                found.add(row.id)
        return tuple(each for each in await policies.rules(db, found) if each.state in states) if found else ()
