"""The one place from which anything is changed in Matrix: due rows, performed, settled. Never decides what is wanted.

One loop owns the database side. A turn of it is one transaction: what came back is settled together with its consequences, and what may go out next
is taken. What goes out runs beside it, without a transaction; so HTTP never holds the database, and a crash at any moment leaves a row that is
still due and will be sent again under the same transaction id. Where much of moderation is to be done, a turn takes more than may go out at once, so
that the homeserver never waits for the next turn, and there are fewer of these.
"""

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from bridge.clock import Clock
from bridge.effects import EFFECTS, Effect, Priority, load
from bridge.errors import NotYet, TokenLost, Unavailable
from bridge.pacing import REST, Pace, bucket
from bridge.scene import Scene, Settler
from bridge.settling import Areas, Back, IntentDone, pace_after, settle, verdict
from bridge.store import queue
from bridge.store.db import Connection, Database
from bridge.store.errors import StoreUnavailable

AT_ONCE = 16
"""A homeserver on two cores does not get faster by more."""

BEFORE_AN_ANSWER = 3
"""So many of what is more important go out before an answer, if one waits, while the homeserver holds us back."""

LONGEST_TRY_SECONDS = 300.0
LONGEST_SLEEP_SECONDS = 1.0
"""The table is the truth and waking only a hint; and a clock may be turned while we sleep."""

STORE_WAIT_SECONDS = 1.0

GATHER_SECONDS = 0.05
"""While the homeserver has enough of ours to do, what comes back waits so long for what comes back next: one transaction for several."""

GATHER_AHEAD_SECONDS = 0.3
"""So long where the next that may go out are at hand already."""

Perform = Callable[[Effect, int | None], Awaitable["Performed"]]
Progress = Callable[[int, int], None]
"""Told (settled since the beginning, still to do)."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of one try that went well: the id that Matrix gave, if it gives one; `skipped` when there was nothing to do.

    `effect` is what was done, where that is not quite what was wanted.
    """

    result: str | None = None
    skipped: bool = False
    effect: Effect | None = None


class Outbox:
    """The dispatcher. One in a process; only the leading process has one."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        perform: Perform,
        *,
        scene: Callable[[Connection], Scene],
        settlers: Mapping[type[Effect], Settler],
        intent_done: Mapping[str, IntentDone],
        at_once: int = AT_ONCE,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`perform` is given an effect and when it was first tried (UTC ms; None: never); it raises Refused, Unavailable or TokenLost.

        `settlers` and `intent_done` record what came of it, see `Areas`. `chance` gives numbers from 0 to 1, for spreading tries.
        """
        self.pace = Pace()
        self.store_trouble: str | None = None
        self._database = database
        self._clock = clock
        self._perform = perform
        self._areas = Areas(scene, settlers, intent_done)
        self._at_once = at_once
        self._chance = chance
        self._woken = asyncio.Event()
        self._turned = asyncio.Event()
        self._began = asyncio.Event()
        # A row is under way until what came back of it is committed: until then its lane is busy.
        self._under_way: dict[int, tuple[queue.Wish, asyncio.Task[None] | None]] = {}
        self._ahead: deque[queue.Wish] = deque()
        """Of these the ones that wait for a place; while there are any, all places are taken."""
        self._back: list[Back] = []
        self._settled = 0
        self._since_answer = 0
        self._asked = False
        self._more = False

    @property
    def trouble(self) -> str | None:
        """What keeps everything from going out: `token`, `homeserver`, or the class of a database error; None when nothing does."""
        if self.store_trouble or self.pace.token_lost:
            return self.store_trouble or "token"
        return "homeserver" if self.pace.away else None

    @property
    def urgent(self) -> int:
        """How much of moderation is under way."""
        return sum(wish.priority == Priority.MODERATION for wish, _ in self._under_way.values())

    @property
    def rushing(self) -> bool:
        """Whether that is much at once, as when somebody is banned from a hundred rooms."""
        return self.urgent >= self._at_once // 2

    def wake(self) -> None:
        """New rows were committed, or a person retried one: look at once."""
        self._asked = True
        self._woken.set()

    async def settled(self, kinds: Collection[str], seconds: float) -> None:
        """Wait until what is under way of these kinds (names of effects) is done and written down, but not longer than so many seconds.

        What was under way when we were killed is so again after the first turn.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._began.wait()
                mine = {row for row, (wish, _) in self._under_way.items() if wish.kind in kinds}
                while not mine.isdisjoint(self._under_way):
                    await self._turned.wait()

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Work until `stop` is set; what is under way then is finished and settled. Cancelling ends it at once, and loses nothing either.

        Ends by itself only with LeadershipLost.
        """
        stop = stop or asyncio.Event()
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self.wake())
        try:
            while not stop.is_set() or self._under_way:
                self._hush()
                try:
                    await self._turn(take=not stop.is_set())
                    await self._sleep()
                    self.store_trouble = None
                except StoreUnavailable as error:
                    # What came back is kept, and settled as soon as the database is there again.
                    self.store_trouble = type(error).__name__
                    log.warning("database not available", error=self.store_trouble)
                    await asyncio.sleep(STORE_WAIT_SECONDS)
        finally:
            stopping.cancel()
            await self._give_up()

    async def drain(self, progress: Progress | None = None, *, wait: bool = False) -> None:
        """Work until nothing may go out now and nothing is under way. Not beside `run`. StoreUnavailable is the caller's here.

        With `wait` also until everything that was held back or failed has been tried again and is settled. What is for later by its own wish is left.
        Ends early when the homeserver does not know our token: see `trouble`.
        """
        self._settled = 0
        try:
            while True:
                self._hush()
                await self._turn(take=True)
                async with self._database.reading() as db:
                    left = await queue.waiting(db, self._clock())
                if progress:
                    progress(self._settled, left.ready)
                if not self._under_way and (self.pace.token_lost or not (wait and left.tried)):
                    return
                await self._sleep()
        finally:
            await self._give_up()

    async def _turn(self, *, take: bool) -> None:
        now_ms = self._clock()
        pace = pace_after(self.pace, self._back, now_ms, self._chance())
        if not (take and pace.open):
            self._let_go()
        back = list(self._back)
        verdicts = [verdict(each, pace, now_ms, self._chance()) for each in back]
        returned = {each.wish.id for each in back}
        going = [wish for wish, _ in self._under_way.values() if wish.id not in returned]
        async with self._database.writing() as db:
            await settle(db, self._areas, back, verdicts, now_ms)
            taken = await self._take(db, pace, going, now_ms) if take else ()
            if taken:
                await queue.mark_tried(db, [wish.id for wish in taken], now_ms)
        # Committed: only now may memory follow.
        self.pace = pace
        self._settled += sum(isinstance(each, queue.Settled) for each in verdicts)
        del self._back[: len(back)]
        for row in returned:
            del self._under_way[row]
        self._under_way |= {wish.id: (wish, None) for wish in taken}
        self._ahead += taken
        self._begin()
        self._turned.set()  # whoever waits goes on, and from here on the next turn is waited for
        self._turned.clear()
        self._began.set()

    async def _take(
        self, db: Connection, pace: Pace, going: Collection[queue.Wish], now_ms: int
    ) -> Sequence[queue.Wish]:
        free = (1 if pace.away else self._at_once) - len(going)
        ahead = self._at_once if pace.open else 0
        self._more = False
        if now_ms < pace.paused_until_ms:
            return ()
        busy = {wish.lane for wish in going}
        drawn = Counter(bucket(wish.kind) for wish in going)
        held = pace.held_buckets(now_ms)
        taken: list[queue.Wish] = []
        while free + ahead > len(taken):
            closed = held | {name for name in pace.at_once if not pace.room_in(name, drawn[name])}
            kinds = [kind for kind in EFFECTS if bucket(kind) in closed]
            # Where a bucket is watched, rows are taken one by one, so that it is never drawn on by more than it may.
            limit = 1 if pace.at_once else free + ahead
            found = await self._next(db, now_ms, limit, busy, kinds) if REST in pace.at_once else ()
            found = found or await queue.due(db, now_ms, limit, busy, kinds)
            if ahead:
                found = [
                    each for place, each in enumerate(found) if place < free or each.priority == Priority.MODERATION
                ]
            self._since_answer = (
                0 if any(each.priority == Priority.ANSWER for each in found) else self._since_answer + len(found)
            )
            taken += found
            busy.update(wish.lane for wish in found)
            drawn.update(bucket(wish.kind) for wish in found)
            if not found or not pace.at_once:
                break
        self._more = len(taken) == free + ahead > free
        return taken

    async def _next(
        self, db: Connection, now_ms: int, limit: int, busy: Collection[str], kinds: Sequence[str]
    ) -> Sequence[queue.Wish]:
        """Where the homeserver holds us back, one in a few is an answer: a ban in a hundred rooms must not keep everybody else waiting for minutes."""
        if self._since_answer < BEFORE_AN_ANSWER:
            return ()
        return await queue.due(db, now_ms, limit, busy, kinds, priority=Priority.ANSWER)

    async def _try(self, wish: queue.Wish) -> None:
        effect: Effect | None = None
        try:
            async with asyncio.timeout(LONGEST_TRY_SECONDS):
                effect = load(wish.kind, wish.key, wish.payload or "{}")
                performed = await self._perform(effect, wish.first_tried_ms)
            end = queue.Settled(wish.id, "skipped" if performed.skipped else "done", performed.result)
            back = Back(wish, performed.effect or effect, end)
        except TimeoutError:
            back = Back(wish, effect, error=Unavailable("took too long"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other rows must go on
            back = Back(wish, effect, error=error)
        self._back.append(back)
        self._begin()
        self._woken.set()

    def _begin(self) -> None:
        """Let go out what waits for a place, as far as there are places; but not when the homeserver has just not done what we asked."""
        if any(isinstance(each.error, Unavailable | TokenLost) for each in self._back):
            self._let_go()
        while self._ahead and len(self._under_way) - len(self._back) - len(self._ahead) < self._at_once:
            wish = self._ahead.popleft()
            self._under_way[wish.id] = (wish, asyncio.create_task(self._try(wish)))

    def _let_go(self) -> None:
        """What waits for a place may not go out now, after all: nobody was asked for it yet."""
        now_ms = self._clock()
        self._back += [Back(wish, None, error=NotYet(now_ms)) for wish in self._ahead]
        self._ahead.clear()

    def _hush(self) -> None:
        """From here on whoever wakes us has something new; so has who woke us before, as long as all places were taken."""
        full = len(self._under_way) - len(self._back) >= self._at_once
        self._asked = self._asked and full and not self._more
        self._woken.clear()

    async def _sleep(self) -> None:
        if not self._back and not self._woken.is_set():
            await self._wait()
        await self._gather()

    async def _gather(self) -> None:
        """As long as most of what may be under way is, more may come back; but nobody waits who has something new."""
        quarter = self._at_once // 4
        most = self._at_once + quarter if self._more else self._at_once - quarter
        try:
            async with asyncio.timeout(GATHER_AHEAD_SECONDS if self._more else GATHER_SECONDS):
                while self._back and not self._asked and len(self._under_way) - len(self._back) > most:
                    self._woken.clear()
                    await self._woken.wait()
        except TimeoutError:
            pass

    async def _wait(self) -> None:
        now_ms = self._clock()
        moments = [self.pace.next_ms(now_ms)]
        if len(self._under_way) < self._at_once:  # else nothing more can go out before something is back
            async with self._database.reading() as db:
                moments.append(await queue.next_ms(db, now_ms))
        seconds = min((moment - now_ms for moment in moments if moment is not None), default=10**6) / 1000
        try:
            async with asyncio.timeout(min(max(seconds, 0.001), LONGEST_SLEEP_SECONDS)):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _give_up(self) -> None:
        tasks = [task for _, task in self._under_way.values() if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._under_way.clear()
        self._ahead.clear()
        self._back.clear()


__all__ = ["Outbox", "Performed", "Progress"]
