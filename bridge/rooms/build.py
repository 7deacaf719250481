"""Carries out a plan to its end: plan, put, wait for the outbox, plan again, until nothing is left. Never talks to Matrix to change it.

It may be killed at any point: whoever calls it again goes on where it was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from bridge.clock import Clock
from bridge.rooms.apply import Survey, puts, record, survey
from bridge.rooms.model import Actual, Change, Desired, Note, Remember
from bridge.rooms.plan import about, notes, plan
from bridge.scene import Reader
from bridge.store import queue, rooms
from bridge.store.db import Database


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: steps done of those known so far. More become known when rooms exist that others hang on."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that Matrix refused: the key of its row in the outbox, and the error code."""

    key: str
    error: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: how many steps were done, which failed, what the plan still asks for, and what a person should know."""

    done: int
    failures: tuple[Failure, ...]
    left: tuple[Change, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """Where it is built. `wake` tells the outbox that there is work; the outbox has to run meanwhile. `version` is the homeserver's default for rooms."""

    database: Database
    read: Reader
    clock: Clock
    wake: Callable[[], None]
    version: str


async def look(site: Site, wanted: Desired) -> Survey:
    """How things are now; nothing is written. Raises Unavailable."""
    async with site.database.reading() as db:
        rows = await rooms.all_rooms(db)
    return await survey(site.read, rows, wanted, site.version)


async def build(
    site: Site,
    wanted: Desired,
    tell: Callable[[Progress], None] = lambda _: None,
    *,
    only: Collection[str] | None = None,
    pause: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0.2),
) -> Outcome:
    """Make it so. Steps that Matrix refuses are left, and tried again by the next call. Raises Unavailable when there is no reading.

    `only` these rooms (by key) are looked after, and their links in the space; None: all. `pause` is waited for between two looks at what the outbox has done.
    """
    tried: dict[str, str | None] = {}
    while True:
        found = await look(site, wanted)
        changes = [each for each in plan(wanted, found.actual) if only is None or about(each) in only]
        fresh = await _put(site, wanted, found, changes, tried)
        if not fresh and not any(isinstance(change, Remember) for change in changes):
            return _outcome(wanted, found.actual, changes, tried)
        site.wake()
        await _settled(site, fresh, tried, tell, pause)


async def _put(
    site: Site, wanted: Desired, found: Survey, changes: Sequence[Change], tried: dict[str, str | None]
) -> list[str]:
    """Record what was seen and put what is new to this run; the keys of these rows. A row that failed in a former run gets another chance."""
    wishes = [each for each in puts(wanted, found.actual, changes) if each.effect.key not in tried]
    async with site.database.writing() as db:
        await record(db, found, changes, site.clock())
        await rooms.retag(db, {room.key: room.tag for room in wanted.rooms})
        await queue.put(db, wishes, site.clock())
        for wish in wishes:
            await queue.retry(db, wish.effect.key)
    return [wish.effect.key for wish in wishes]


async def _settled(
    site: Site,
    keys: Sequence[str],
    tried: dict[str, str | None],
    tell: Callable[[Progress], None],
    pause: Callable[[], Awaitable[None]],
) -> None:
    """Wait until none of these rows is due any more; note in `tried` what came of each: an error code, or None."""
    waiting, total = list(keys), len(tried) + len(keys)
    while waiting:
        async with site.database.reading() as db:
            while waiting:
                row = await queue.get(db, waiting[0])
                if row and row.state == "due":
                    break
                tried[waiting.pop(0)] = (row.error or "refused") if row and row.state == "dead" else None
        tell(Progress(len(tried), total))
        if waiting:
            await pause()


def _outcome(wanted: Desired, actual: Actual, changes: Sequence[Change], tried: dict[str, str | None]) -> Outcome:
    failures = tuple(Failure(key, error) for key, error in tried.items() if error)
    return Outcome(len(tried) - len(failures), failures, tuple(changes), notes(wanted, actual))
