"""The dispatcher: takes what is due, has it done, writes down what came of it. Never decides what is wanted, never speaks to Matrix itself.

due -> try -> settle. No transaction is open while Matrix is asked. Order is kept within a lane; lanes go on side by side.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from bridge.clock import Clock
from bridge.effects import EFFECTS, Effect, load
from bridge.errors import Refused, TokenLost, Unavailable
from bridge.scene import Scene, Settler
from bridge.store import failures, ledger, queue
from bridge.store.db import Connection, Database
from bridge.store.errors import StoreUnavailable
from bridge.store.queue import Postponed, Settled, Wish

AT_ONCE = 16
FIRST_PAUSE_MS = 1_000
LONGEST_PAUSE_MS = 300_000
TOKEN_PAUSE_MS = 30_000
OUTAGE_PAUSE_MS = 5_000
"""While the homeserver is away, one try in this time; nobody is served by sixteen."""

Perform = Callable[[Effect, int | None], Awaitable["Performed"]]
IntentDone = Callable[[Scene, ledger.Entry], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of one try that went well: the id that Matrix gave, if it gives one; `skipped` when there was nothing to do."""

    result: str | None = None
    skipped: bool = False


def pause_ms(attempts: int, spread: float) -> int:
    """How long to wait after so many failed tries (0: after the first); doubles each time, with `spread` (0..1) of it left to chance."""
    wait = FIRST_PAUSE_MS * (1 << min(attempts, 12)) * (0.75 + spread / 2)
    return min(LONGEST_PAUSE_MS, round(wait))


def bucket(kind: str) -> frozenset[str]:
    """The kinds that wait together when the homeserver limits one: making rooms and inviting have limits of their own, all else shares one."""
    return frozenset({kind}) if kind in ("CreateRoom", "Invite") else frozenset({"*"})


class Outbox:
    """The loop over the table of what is wanted."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        perform: Perform,
        *,
        scene: Callable[[Connection], Scene],
        settlers: Mapping[type[Effect], Settler],
        intent_done: Mapping[str, IntentDone],
    ) -> None:
        """`perform` is given the effect and when it was first tried (UTC ms, None: never); it raises Refused, Unavailable or TokenLost."""
        self._database = database
        self._clock = clock
        self._perform = perform
        self._scene = scene
        self._settlers = settlers
        self._intent_done = intent_done
        self._wake = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, int] = {}
        self._away_until_ms = 0
        self.trouble: str | None = None

    def wake(self) -> None:
        """There may be something new to do."""
        self._wake.set()

    async def run(self) -> None:
        """Do what is due, until cancelled; what is under way then is tried again at the next start, with the same transaction id."""
        try:
            while True:
                self._wake.clear()
                try:
                    await self._start_what_is_due()
                    await self._sleep()
                except StoreUnavailable:
                    await asyncio.sleep(1)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _start_what_is_due(self) -> None:
        now = self._clock()
        room = (1 if self.trouble else AT_ONCE) - len(self._running)
        if room <= 0 or now < self._away_until_ms:
            return
        self._held = {kind: until for kind, until in self._held.items() if until > now}
        async with self._database.reading() as db:
            wishes = await queue.due(db, now, room, tuple(self._running), self._held_kinds())
        if not wishes:
            return
        async with self._database.writing() as db:
            await queue.mark_tried(db, [wish.id for wish in wishes], now)
        for wish in wishes:
            self._running[wish.lane] = asyncio.create_task(self._one(wish), name=f"outbox {wish.kind}")

    def _held_kinds(self) -> tuple[str, ...]:
        if "*" not in self._held:
            return tuple(self._held)
        return tuple(kind for kind in EFFECTS if bucket(kind) & set(self._held))

    async def _sleep(self) -> None:
        """Until something new is wanted, something under way ends, or the next row's time comes."""
        now = self._clock()
        async with self._database.reading() as db:
            soonest = await queue.next_ms(db, now)
        times = [until for until in (soonest, self._away_until_ms, *self._held.values()) if until and until > now]
        # The clock may be turned while we wait, so never sleep for long.
        seconds = min([1.0, *((until - now) / 1000 for until in times)])
        with suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0.005)):
                await self._wake.wait()

    async def _one(self, wish: Wish) -> None:
        """Try one row, and write down what came of it."""
        try:
            outcome = await self._try(wish)
            while True:
                try:
                    await self._settle(wish, outcome)
                    break
                except StoreUnavailable:
                    await asyncio.sleep(1)
        finally:
            self._running.pop(wish.lane, None)
            self._wake.set()

    async def _try(self, wish: Wish) -> Settled | Postponed | Exception:
        now = self._clock()
        try:
            effect = load(wish.kind, wish.key, wish.payload or "{}")
            performed = await self._perform(effect, wish.first_tried_ms)
        except TokenLost:
            self._unwell("the homeserver does not know our token", now + TOKEN_PAUSE_MS)
            return Postponed(wish.id, now + TOKEN_PAUSE_MS, failed=False)
        except Unavailable as error:
            return self._later(wish, error, now)
        except Refused as error:
            self._well()
            return Settled(wish.id, "dead", error=error.errcode)
        except StoreUnavailable:
            return Postponed(wish.id, now + FIRST_PAUSE_MS, failed=False)
        except Exception as error:  # noqa: BLE001 - a bug in one effect must not stop the others
            return error
        self._well()
        return Settled(wish.id, "skipped" if performed.skipped else "done", performed.result)

    def _later(self, wish: Wish, error: Unavailable, now: int) -> Postponed:
        wait = error.retry_after_ms or pause_ms(wish.attempts, random.random())  # noqa: S311 - only spreads tries
        if error.limited:
            self._well()
            for kind in bucket(wish.kind):
                self._held[kind] = max(self._held.get(kind, 0), now + wait)
            return Postponed(wish.id, now + wait, failed=False)
        self._unwell("the homeserver does not answer as it should", now + min(wait, OUTAGE_PAUSE_MS))
        return Postponed(wish.id, now + wait, failed=True)

    def _unwell(self, words: str, until_ms: int) -> None:
        self.trouble = words
        self._away_until_ms = until_ms

    def _well(self) -> None:
        self.trouble = None
        self._away_until_ms = 0

    async def _settle(self, wish: Wish, outcome: Settled | Postponed | Exception) -> None:
        """Outcome, what the areas record of it, and what follows from it, in one transaction."""
        async with self._database.writing() as db:
            if isinstance(outcome, Postponed):
                await queue.postpone(db, [outcome])
                return
            if isinstance(outcome, Exception):
                where = await failures.record(db, None, None, outcome, self._clock(), wish.key)
                log.error("effect set aside", kind=wish.kind, where=where, error=type(outcome).__name__)
                outcome = Settled(wish.id, "dead", error=type(outcome).__name__)
            await queue.settle(db, [outcome], self._clock())
            await self._follow_up(db, wish, outcome)

    async def _follow_up(self, db: Connection, wish: Wish, outcome: Settled) -> None:
        scene = self._scene(db)
        effect = load(wish.kind, wish.key, wish.payload or "{}")
        settler = self._settlers.get(type(effect))
        if settler:
            await settler(scene, effect, outcome.state, outcome.result)
        if wish.intent is not None and not await queue.pending_of_intent(db, wish.intent):
            entry = await ledger.get(db, wish.intent)
            done = self._intent_done.get(entry.action) if entry else None
            if entry and done:
                await done(scene, entry)
        await queue.put(db, scene.puts, scene.now_ms)


__all__: Sequence[str] = ("Outbox", "Performed", "bucket", "pause_ms")
