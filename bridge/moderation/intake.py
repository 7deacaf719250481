"""Takes in a whole list of rules, in pieces, and makes ready what has to be known to judge it; never judges, and never reads a room.

A list may have a hundred thousand rules: nobody who writes meanwhile is to wait for it, and no look at a rule that was written down a moment ago is slow.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.moderation.book import Book
from bridge.moderation.policies import TYPES, Rule, Unread, read
from bridge.scene import Scene
from bridge.store import policies
from bridge.store.db import Connection, Database
from bridge.store.policies import Known, Told

AT_ONCE, PAGE = 500, 2500


@dataclass(slots=True)
class Said:
    """What a room says as a list: the rules that others wrote there, and how many more there are that are of no use."""

    rules: list[Told] = field(default_factory=list)
    unusable: int = 0


@dataclass(frozen=True, slots=True)
class Ready:
    """The rules of a list that nobody has judged yet, in a book, as they were at that change."""

    seq: int
    new: tuple[Known, ...]
    book: Book


async def heard(events: AsyncIterator[Mapping[str, Any]], me: str) -> Said:
    """What these state events say, without those that we wrote ourselves."""
    found = Said()
    async for raw in events:
        kind, key, content = raw.get("type"), raw.get("state_key"), raw.get("content")
        if kind not in TYPES or not isinstance(key, str) or not isinstance(content, Mapping) or raw.get("sender") == me:
            continue
        rule = read(str(kind), content)
        if isinstance(rule, Rule):
            found.rules.append(Told(str(kind), key, str(raw.get("event_id")), rule))
        elif rule is not Unread.EMPTY:
            found.unusable += 1
    return found


async def write_down(
    database: Database, scene_in: Callable[[Connection], Scene], list_id: int, told: Sequence[Told], since: int
) -> None:
    """Write down these rules, and that those are gone which the list had and does not say any more. Of what changed after `since` it says nothing."""
    newer: set[tuple[str, str]] = set()

    async def take(piece: Sequence[Told]) -> None:
        nonlocal since
        async with database.writing() as db:
            newer.update(await policies.keys_since(db, list_id, since))
            await policies.hear(db, list_id, [each for each in piece if (each.type, each.state_key) not in newer])
            since = await policies.newest(db)
        async with database.reading() as db:
            await scene_in(db).watched.absorb(db)

    for at in range(0, len(told), AT_ONCE):
        await take(told[at : at + AT_ONCE])
    stands = {(each.type, each.state_key) for each in told}
    gone: list[Told] = []
    after = 0
    async with database.reading() as db:
        while rows := await policies.live_after(db, list_id, after, PAGE):
            gone += [Told(*key, "", None) for row in rows if (key := (row.type, row.state_key)) not in stands]
            after = rows[-1].id
    for at in range(0, len(gone), AT_ONCE):
        await take(gone[at : at + AT_ONCE])


async def ready(database: Database, list_id: int) -> Ready:
    """What has to be judged, put into a book beforehand. If anything changes meanwhile it is of no use, see `seq`."""
    async with database.reading() as db:
        seq, after = await policies.newest(db), 0
        new: list[Known] = []
        book = Book()
        while rules := await policies.new_after(db, list_id, after, PAGE):
            for each in rules:
                book.put(each.id, each.rule)
            new += rules
            after = rules[-1].id
            await asyncio.sleep(0)
    return Ready(seq, tuple(new), book)
