"""Looks whose digest is due and has it made; never chooses what is in it and never sends one."""

import gc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.config import Config
from bridge.digest import store
from bridge.digest.board import Board
from bridge.digest.due import look, moment, moved, not_before
from bridge.digest.make import Chosen, Turn, choose, write
from bridge.digest.make import look as read
from bridge.digest.rhythm import wall_of
from bridge.store import authority, due
from bridge.store.db import Connection, Database
from bridge.store.due import Due
from bridge.store.people import Person

BATCH = 500


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is to be done about some occasions: whose turn it is, whose comes later (user, UTC ms, slot), and who wants no digest any more.

    `moments` is when each one's digest may go out, `again` when it is tried once more should choosing fail (UTC ms); `crashed` for whom not even
    that could be said, and how.
    """

    turns: list[Turn] = field(default_factory=list)
    later: list[tuple[str, int, str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    moments: dict[str, int] = field(default_factory=dict)
    again: dict[str, int] = field(default_factory=dict)
    crashed: dict[str, Exception] = field(default_factory=dict)


async def tick(database: Database, now_ms: int, config: Config) -> int:
    """Make every digest that is due at `now_ms` (UTC); returns how many were made and wait in the outbox.

    What happened is read once for all. Up to BATCH people are chosen for without a lock on the database, and then written down in one transaction
    with their next occasion: a kill in between loses nothing and makes nothing twice. Whose occasion has changed meanwhile is left for the next look.
    """
    async with database.reading() as db:
        wave = await store.wave(db, now_ms)
        say = await authority.named(db, config) if wave is not None else None
    if wave is None or say is None:
        return 0
    leading = say.staff.union(*(say.leads(circle) for circle in config.community.circles))
    try:
        return await _in_batches(database, wave, leading, now_ms, config)
    finally:
        if wave.number > BATCH:
            gc.unfreeze()


async def _in_batches(
    database: Database, wave: store.Wave, leading: frozenset[str], now_ms: int, config: Config
) -> int:
    made = 0
    what: Board | None = None
    while True:
        async with database.reading() as db:
            rows = await store.pending(db, now_ms=now_ms, limit=BATCH)
            still = await store.on_their_way(db, [row.subject for row, _ in rows]) if rows else frozenset()
            batch = _sort(rows, wave, now_ms, config, still, leading)
            if batch.turns and what is None:
                what = await read(db, wave.since_seq, wave.until_seq, config, now_ms, stays=wave.number > BATCH)
            chosen = await choose(db, batch.turns, what, config) if what is not None else Chosen(())
        if rows:
            crashed = {**batch.crashed, **chosen.crashed}
            async with database.writing() as db:
                made += await _settle(
                    db, [row for row, _ in rows], batch, Chosen(chosen.made, crashed), wave.until_seq, now_ms
                )
        if len(rows) < BATCH:
            return made


async def set_clocks(database: Database, now_ms: int, config: Config) -> int:
    """Put all occasions to come right by the clocks as they are known now; how many were wrong.

    At a start the time zone database may be a newer one, or the configuration have another zone or hour. Each keeps its slot.
    """
    changed, after = 0, ""
    while True:
        async with database.reading() as db:
            rows = await store.pending(db, after=after, limit=BATCH)
        wrong = {}
        for row, person in rows:
            wall = wall_of(person, config)
            planned_ms = max(moved(wall.zone, wall.minute, row.slot), now_ms)
            if row.next_ms > now_ms and planned_ms != row.next_ms:
                wrong[row] = planned_ms
        if wrong:
            async with database.writing() as db:
                still = await due.unchanged(db, store.DUE, tuple(wrong))
                right = [(row.subject, at_ms, row.slot) for row, at_ms in wrong.items() if row.subject in still]
                await store.set_pending(db, right)
                changed += len(right)
        if len(rows) < BATCH:
            return changed
        after = rows[-1][0].subject


def _sort(
    rows: Sequence[tuple[Due, Person]],
    wave: store.Wave,
    now_ms: int,
    config: Config,
    still: frozenset[str],
    leading: frozenset[str],
) -> _Batch:
    batch = _Batch()
    for row, person in rows:
        if person.digest == "off":
            batch.ended.append(person.user)
            continue
        try:
            leads = person.user in leading
            _place(batch, row, person, wave, now_ms, config, waits=person.user in still, leads=leads)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one person's clock, the others want their digests
            batch.crashed[person.user] = error
    return batch


def _place(
    batch: _Batch,
    row: Due,
    person: Person,
    wave: store.Wave,
    now_ms: int,
    config: Config,
    *,
    waits: bool,
    leads: bool,
) -> None:
    wall = wall_of(person, config)
    seen = look(now_ms, row.next_ms, row.slot, wall)
    # Who has not got the last one yet needs no second: what is new goes into the one after that.
    if seen.slot is not None and not waits:
        since_seq = max(person.digest_mark, wave.since_seq)
        batch.turns.append(
            Turn(person.user, f"{person.user}/{seen.slot}", since_seq, person.digest_ms, person.digest_most, leads)
        )
        batch.again[person.user] = not_before(now_ms + due.LEASE_MS, 0, wall.zone, wall.quiet)
        batch.moments[person.user] = moment(now_ms, person.user, wave.number, wall.zone, wall.quiet)
    batch.later.append((person.user, *seen.following))


async def _settle(
    db: Connection, rows: Sequence[Due], batch: _Batch, chosen: Chosen, until_seq: int, now_ms: int
) -> int:
    """Write down what was chosen, for everybody whose occasion is still the one that was looked at; how many digests are new."""
    still = await due.unchanged(db, store.DUE, rows)
    crashed: Mapping[str, Exception] = {user: error for user, error in chosen.crashed.items() if user in still}
    mine = Chosen(tuple(one for one in chosen.made if one.user in still), crashed)
    made = await write(db, mine, now_ms, batch.moments)
    # Whose digest crashed keeps mark and slot, and comes again after a while.
    done = still - chosen.crashed.keys()
    await store.set_marks(db, [turn.user for turn in batch.turns if turn.user in done], until_seq, now_ms)
    later_ms = now_ms + due.LEASE_MS
    again = [
        (row.subject, batch.again.get(row.subject, later_ms), row.slot) for row in rows if row.subject in still - done
    ]
    await store.set_pending(db, [one for one in batch.later if one[0] in done] + again)
    await store.remove_pending(db, [user for user in batch.ended if user in still])
    return len(made)
