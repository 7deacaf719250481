"""Carries out a plan to its end: plan, put, wait for the outbox, plan again, until nothing is left. Never talks to Matrix to change it.

It may be killed at any point: whoever calls it again goes on where it was. What nobody could undo, or too much at once, it does only when forced.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from bridge.access import sparing
from bridge.clock import Clock
from bridge.pacing import Pace, bucket
from bridge.rooms.apply import Survey, puts, record, survey
from bridge.rooms.districts import districted
from bridge.rooms.forecast import forecast
from bridge.rooms.furnish import pictures, still_there
from bridge.rooms.guard import Hold, holds, meant, undoable
from bridge.rooms.model import Actual, Change, Create, Desired, InvitePerson, Note, Remember
from bridge.rooms.patience import Watch, left_ms
from bridge.rooms.plan import about, notes, plan
from bridge.scene import Reader
from bridge.store import furnishing, people, queue, rooms, sanctions
from bridge.store.db import Database

TRIES = 3
"""An invite that failed so often waits for a server that is down: it is not waited for, the outbox goes on trying."""

LOOK_AGAIN_MS = 10_000
"""When rooms take long to be made, what hangs on those that are there is done meanwhile, but we look no more often than this."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: steps done of those that are foreseen, rooms there of all that shall be.

    `left_ms` is how long the rest takes (None: nobody can say yet), `limited` whether the homeserver's rate limits hold us back.
    """

    done: int
    total: int
    rooms: int = 0
    of_rooms: int = 0
    left_ms: int | None = None
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that Matrix refused: the key of its row in the outbox, and the error code."""

    key: str
    error: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: how many steps were done, which failed, what the plan still asks for, and what a person should know.

    `holds` say why something was not even tried: all of it, or of a few rooms' changes those that these are about.
    """

    done: int
    failures: tuple[Failure, ...]
    left: tuple[Change, ...]
    notes: tuple[Note, ...]
    holds: tuple[Hold, ...] = ()
    delayed: int = 0
    """So many invites wait for servers that do not answer. The outbox goes on trying, now or when it runs again."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where it is built. `wake` tells the outbox that there is work; the outbox has to run meanwhile. `version` is the homeserver's default for rooms.

    `pace` is what the outbox holds back at the moment.
    """

    database: Database
    read: Reader
    clock: Clock
    wake: Callable[[], None]
    version: str
    pace: Callable[[], Pace] = Pace


@dataclass(slots=True)
class _Run:
    """One call of `build`: what was tried and what came of it (an error code, or None), what is under way, and how fast it goes."""

    tried: dict[str, str | None] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    delayed: set[str] = field(default_factory=set)
    watch: Watch = field(default_factory=Watch)
    looked_ms: int = 0


async def look(site: Site, wanted: Desired) -> Survey:
    """How things are now; nothing is written. Raises Unavailable."""
    async with site.database.reading() as db:
        rows = await rooms.in_use(db)
        staff = [user for row in rows if row.key == "staff" for user in await people.members(db, row.room)]
        denied = sparing(await sanctions.denied_servers(db), (*wanted.owners, *staff))
        uploads, welcomes = await furnishing.uploaded(db), await furnishing.said(db)
    found = await survey(site.read, rows, wanted, site.version)
    files = await asyncio.to_thread(pictures, wanted)
    standing = await still_there(site.read, wanted, found.actual, welcomes)
    actual = replace(found.actual, denied=denied, uploads=uploads, files=files, welcomes=standing)
    return replace(found, actual=actual)


async def build(
    site: Site,
    wanted: Desired,
    tell: Callable[[Progress], None] = lambda _: None,
    *,
    only: Collection[str] | None = None,
    decided: Collection[tuple[str, str]] = (),
    force: bool = False,
    pause: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0.2),
) -> Outcome:
    """Make it so. Steps that Matrix refuses are left, and tried again by the next call. Raises Unavailable when there is no reading.

    `only` these rooms (by key) are looked after, and their links in the space; None: all. Without `force` nothing is done where `guard.holds` finds a
    reason; where it is `only` about some rooms, or was not foreseen, just what cannot be undone is left out, unless it was `decided` by command (room keys with fields). `pause` is waited for between two looks at what the outbox has done.
    """

    def chosen(changes: Sequence[Change]) -> list[Change]:
        return [each for each in changes if only is None or about(each) in only]

    run = _Run()
    found = await look(site, wanted)
    if not force and only is None:
        steps = forecast(wanted, found.actual)
        if held := holds(wanted, found.actual, steps):
            return Outcome(0, (), steps, notes(wanted, found.actual), held)
    while True:
        run.looked_ms = site.clock()
        changes = chosen(plan(wanted, found.actual))
        held = ()
        if not force:  # again in every round: what a room is like that we have just entered was not foreseen
            changes, held = _without_held(wanted, found.actual, changes, decided)
        fresh = await _put(site, wanted, found, changes, run)
        if not fresh and not run.waiting and not any(isinstance(change, Remember) for change in changes):
            failures = tuple(Failure(key, error) for key, error in run.tried.items() if error)
            done = len(run.tried) - len(failures)
            return Outcome(done, failures, tuple(changes), notes(wanted, found.actual), held, len(run.delayed))
        site.wake()
        await _settled(site, run, _Prospect(wanted, found.actual, chosen(forecast(wanted, found.actual))), tell, pause)
        found = await look(site, wanted)


def _without_held(
    wanted: Desired, actual: Actual, changes: Sequence[Change], decided: Collection[tuple[str, str]]
) -> tuple[list[Change], tuple[Hold, ...]]:
    """The changes but those that nobody could undo and nobody has just decided, and why those are left out."""
    kept: list[Change] = []
    held: list[Hold] = []
    for change in changes:
        found = [hold for hold in undoable(wanted, actual, change) if not meant(hold, decided)]
        held += found
        kept += [] if found else [change]
    return kept, tuple(held)


async def _put(site: Site, wanted: Desired, found: Survey, changes: Sequence[Change], run: _Run) -> list[str]:
    """Record what was seen and put what is new to this run; the keys of these rows. A row that failed in a former run gets another chance."""
    known = {*run.tried, *run.waiting, *run.delayed}
    wishes = [each for each in puts(wanted, found.actual, changes) if each.effect.key not in known]
    async with site.database.writing() as db:
        await record(db, found, changes, site.clock())
        await rooms.retag(db, {room.key: room.tag for room in wanted.rooms})
        await queue.put(db, wishes, site.clock())
        for wish in wishes:
            await queue.retry(db, wish.effect.key)
    fresh = [wish.effect.key for wish in wishes]
    run.waiting += fresh
    return fresh


@dataclass(frozen=True, slots=True)
class _Prospect:
    """What was foreseen at the last look: all steps to the end."""

    wanted: Desired
    actual: Actual
    steps: Sequence[Change]


async def _settled(
    site: Site,
    run: _Run,
    ahead: _Prospect,
    tell: Callable[[Progress], None],
    pause: Callable[[], Awaitable[None]],
) -> None:
    """Wait until no row is due any more, or a room was made that something hangs on; note what came of each row."""
    since: Counter[str] = Counter()
    while True:
        async with site.database.reading() as db:
            rows = await queue.standing(db, run.waiting)
        for key in run.waiting:
            row = rows.get(key)
            if row is None or row.state != "due":
                run.tried[key] = (row.error or "refused") if row and row.state == "dead" else None
                if row:
                    run.watch.step(row.kind, row.settled_ms or site.clock())
                    since[bucket(row.kind)] += 1
        run.waiting = [key for key in run.waiting if key not in run.tried]
        if all(rows[key].kind == "Invite" and rows[key].attempts >= TRIES for key in run.waiting):
            run.delayed.update(run.waiting)
            run.waiting = []
        now_ms = site.clock()
        run.watch.look(site.pace().held, now_ms)
        tell(_progress(run, ahead, since, now_ms))
        if not run.waiting or (since["create"] and now_ms - run.looked_ms >= LOOK_AGAIN_MS):
            return
        await pause()


def _progress(run: _Run, ahead: _Prospect, since: Counter[str], now_ms: int) -> Progress:
    """How far it is, with what was settled `since` the last look, by bucket."""
    left = Counter(bucket(_kind(change)) for change in ahead.steps if not isinstance(change, Remember)) - since
    done = len(run.tried)
    rooms = districted(ahead.wanted, ahead.actual).rooms
    there = sum(room.key in ahead.actual.rooms for room in rooms) + since["create"]
    return Progress(
        done,
        done + max(left.total(), len(run.waiting)),
        there,
        len(rooms),
        left_ms(run.watch, left, now_ms) if run.waiting or left else 0,
        run.watch.limited,
    )


def _kind(change: Change) -> str:
    match change:
        case Create():
            return "CreateRoom"
        case InvitePerson():
            return "Invite"
        case _:
            return "SetState"
