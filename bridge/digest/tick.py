"""Looks whose digest is due and has it made; never chooses what is in it and never sends one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.config import Config
from bridge.digest import store
from bridge.digest.board import Board
from bridge.digest.due import moved, next_run, occasion
from bridge.digest.make import Chosen, Turn, choose, look, write
from bridge.digest.rhythm import minute_of, weekday_of, zone_of
from bridge.store import due, people
from bridge.store.db import Connection, Database
from bridge.store.due import Due
from bridge.store.people import Person

BATCH = 500


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is to be done about some occasions: whose turn it is, whose comes later (user, UTC ms, slot), and who wants no digest any more."""

    turns: list[Turn] = field(default_factory=list)
    later: list[tuple[str, int, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


async def tick(database: Database, now_ms: int, config: Config) -> int:
    """Make every digest that is due at `now_ms` (UTC); returns how many were made and wait in the outbox.

    What happened is read once for all. Up to BATCH people are chosen for without a lock on the database, and then written down in one transaction
    with their next occasion: a kill in between loses nothing and makes nothing twice. Whose occasion has changed meanwhile is left for the next look.
    """
    made = 0
    async with database.reading() as db:
        wave = await store.wave(db, now_ms)
    if wave is None:
        return 0
    what: Board | None = None
    while True:
        async with database.reading() as db:
            rows = await due.waiting(db, store.DUE, now_ms, limit=BATCH)
            persons = await people.get_all(db, [row.subject for row in rows]) if rows else {}
            batch = _sort([(row, persons[row.subject]) for row in rows], now_ms, config)
            if batch.turns and what is None:
                what = await look(db, wave.since_seq, wave.until_seq, config, now_ms)
            chosen = await choose(db, batch.turns, what, config) if what is not None else Chosen(())
        if rows:
            async with database.writing() as db:
                made += await _settle(db, rows, batch, chosen, wave.until_seq, now_ms)
        if len(rows) < BATCH:
            return made


def _sort(rows: Sequence[tuple[Due, Person]], now_ms: int, config: Config) -> _Batch:
    batch = _Batch()
    for row, person in rows:
        zone, minute = zone_of(person, config), minute_of(person, config)
        if person.digest == "off":
            batch.ended.append(person.user)
            continue
        # By the clock where the person is now: they may have moved, or their country changed its clocks, since the row was written.
        planned_ms = moved(zone, minute, row.slot)
        if planned_ms > now_ms:
            batch.later.append((person.user, planned_ms, row.slot))
            continue
        what, slot = occasion(now_ms, planned_ms, zone, row.slot)
        if what == "wait":
            batch.later.append((person.user, *next_run(now_ms, zone, minute)))
            continue
        batch.turns.append(Turn(person.user, f"{person.user}/{slot}", person.digest_mark))
        batch.later.append((person.user, *next_run(now_ms, zone, minute, weekday_of(person), after=slot)))
    return batch


async def _settle(
    db: Connection, rows: Sequence[Due], batch: _Batch, chosen: Chosen, until_seq: int, now_ms: int
) -> int:
    """Write down what was chosen, for everybody whose occasion is still the one that was looked at; how many digests are new."""
    still = await due.unchanged(db, store.DUE, rows)
    made = await write(
        db,
        Chosen(
            tuple(one for one in chosen.made if one.user in still),
            {user: error for user, error in chosen.crashed.items() if user in still},
        ),
        now_ms,
    )
    # Whose digest crashed keeps mark and slot, and comes again after a while.
    done = still - chosen.crashed.keys()
    await store.set_marks(db, [turn.user for turn in batch.turns if turn.user in done], until_seq)
    again = [(row.subject, now_ms + due.LEASE_MS, row.slot) for row in rows if row.subject in still - done]
    await store.set_pending(db, [one for one in batch.later if one[0] in done] + again)
    await store.remove_pending(db, [user for user in batch.ended if user in still])
    return len(made)
