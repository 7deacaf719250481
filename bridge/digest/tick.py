"""Looks whose digest is due and has it made; never chooses what is in it and never sends one."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from bridge.config import Config
from bridge.digest import store
from bridge.digest.due import moved, next_run, occasion
from bridge.digest.make import Turn, make
from bridge.digest.rhythm import minute_of, weekday_of, zone_of
from bridge.store import due, happened, people
from bridge.store.db import Connection
from bridge.store.due import Due

BATCH = 500

Writing = Callable[[], AbstractAsyncContextManager[Connection]]


async def tick(writing: Writing, now_ms: int, config: Config) -> int:
    """Make every digest that is due at `now_ms` (UTC); returns how many were made and wait in the outbox.

    Up to BATCH people in one transaction, so a kill in between loses nothing and makes nothing twice.
    """
    made = 0
    while True:
        async with writing() as db:
            rows = await due.claim_due(db, store.DUE, now_ms, BATCH)
            made += await _batch(db, rows, now_ms, config) if rows else 0
        if len(rows) < BATCH:
            return made


async def _batch(db: Connection, rows: Sequence[Due], now_ms: int, config: Config) -> int:
    persons = await people.get_all(db, [row.subject for row in rows])
    until_seq = await happened.newest_seq(db)
    later: list[tuple[str, int, str]] = []
    turns: list[Turn] = []
    ended: list[str] = []
    for row in rows:
        person = persons[row.subject]
        zone, minute = zone_of(person, config), minute_of(person, config)
        if person.digest == "off":
            ended.append(person.user)
            continue
        # By the clock where the person is now: they may have moved, or their country changed its clocks, since the row was written.
        planned_ms = moved(zone, minute, row.slot)
        if planned_ms > now_ms:
            later.append((person.user, planned_ms, row.slot))
            continue
        what, slot = occasion(now_ms, planned_ms, zone, row.slot)
        if what == "wait":
            later.append((person.user, *next_run(now_ms, zone, minute)))
            continue
        turns.append(Turn(person.user, f"{person.user}/{slot}", person.digest_mark))
        later.append((person.user, *next_run(now_ms, zone, minute, weekday_of(person), after=slot)))
    outcome = await make(db, turns, until_seq, config, now_ms)
    # Whose digest crashed keeps mark and slot, and comes again when the claim runs out.
    await store.set_marks(db, [turn.user for turn in turns if turn.user not in outcome.crashed], until_seq)
    await store.set_pending(db, [one for one in later if one[0] not in outcome.crashed])
    await store.remove_pending(db, ended)
    return len(outcome.made)
