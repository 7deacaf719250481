"""Tells people at once who answered them or calls on them, all of a moment in one message; never what they have read, and never in their quiet hours.

What is told is a digest of its own kind: by the same rules of who may read what, with no words stored, and corrected in place like any other.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog

from bridge.config import Config
from bridge.daylight import after_quiet
from bridge.digest import rhythm, store
from bridge.digest.board import Board
from bridge.digest.calls import CALL, wants
from bridge.digest.compose import calling, item_of
from bridge.digest.make import look, members
from bridge.digest.model import Digest, Member
from bridge.digest.reader import Reader
from bridge.effects import Call, Put
from bridge.store import due, failures, happened, people, queue
from bridge.store.db import Database

log = structlog.get_logger(__name__)

APART_MS = 10 * 60 * 1000
"""Whoever is called on again and again is told this often at most, and each time of all that came meanwhile."""

BATCH = 100


async def tick(database: Database, now_ms: int, config: Config) -> int:
    """Tell everybody whose moment is over at `now_ms` (UTC); returns how many that were. Repeated after a kill, it tells nobody twice."""
    async with database.reading() as db:
        rows = await due.waiting(db, CALL, now_ms, limit=BATCH)
        if not rows:
            return 0
        persons = await people.get_all(db, [row.subject for row in rows])
        told_ms = await store.last_told(db, list(persons))
    later: list[tuple[due.Due, int]] = []
    ready: list[due.Due] = []
    for row in rows:
        person = persons[row.subject]
        at_ms = max(now_ms, told_ms.get(person.user, -APART_MS) + APART_MS)
        at_ms = after_quiet(at_ms, rhythm.zone_of(person, config), rhythm.undisturbed(person, config))
        if not wants(person, config, now_ms):
            continue
        if at_ms > now_ms:
            later.append((row, at_ms))
        else:
            ready.append(row)
    found, crashed = await _look(database, ready, now_ms, config)
    async with database.writing() as db:
        for error in crashed:  # it stands in their digest all the same
            where = await failures.record(db, None, None, error, now_ms)
            log.error("told nobody at once", where=where, error=type(error).__name__)
        still = await due.unchanged(db, CALL, rows)
        for row in rows:
            if row.subject in still:
                await due.remove(db, CALL, row.subject)
        for row, at_ms in later:
            if row.subject in still:
                await due.set_next(db, CALL, row.subject, at_ms, row.slot)
        new = await store.add(db, [made for made in found if made.user in still])
        await queue.put(
            db,
            [Put(Call(key=f"digest/{made.id}", user=made.user, digest=made.id)) for made in found if made.id in new],
            now_ms,
        )
    return len(new)


async def _look(
    database: Database, ready: list[due.Due], now_ms: int, config: Config
) -> tuple[list[store.Made], list[Exception]]:
    if not ready:
        return [], []
    async with database.reading() as db:
        until_seq = await happened.newest_seq(db)
        what = await look(db, min(int(row.slot) for row in ready), until_seq, config, now_ms)
        users = [row.subject for row in ready]
        them = await members(db, users)
        told = await store.told(db, users, now_ms)
    return await asyncio.to_thread(_choose, ready, them, told, what, config.digest.most_items)


def _choose(
    ready: Iterable[due.Due],
    them: Mapping[str, Member],
    told: Mapping[str, Mapping[tuple[str, str], int]],
    what: Board,
    most_items: int,
) -> tuple[list[store.Made], list[Exception]]:
    """What calls on each of them that is theirs to see, unread, unanswered and not told before; and how it failed for whom it did."""
    made = []
    crashed = []
    for row in ready:
        member = them[row.subject]
        before = told.get(row.subject, {})
        try:
            reader = Reader(replace(member, reads={**member.reads, **before}), what, int(row.slot))
            items = [item_of(reader, root, shown, reason) for root, (reason, shown) in calling(reader).items()]
        except Exception as error:  # noqa: BLE001 - whatever it is, the others want to be told
            crashed.append(error)
            continue
        if items:
            digest = Digest(row.subject, tuple(items[:most_items]), len(items[most_items:]))
            name = f"{row.subject}/call/{what.until_seq}"
            made.append(store.Made(name, row.subject, int(row.slot), what.until_seq, what.now_ms, digest))
    return made, crashed
