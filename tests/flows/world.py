"""A community with Hearth running in this process: what the flow tests are played in.

Every waiting is for a condition: `settle` returns when Hearth has read everything and has nothing left to do.
"""

import asyncio
import atexit
import copy
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from community import HEARTH, Clock, Community, settings
from databases import on_a_file, on_both
from sqlalchemy import Table, func, select

from bridge import handle
from bridge.app import opened
from bridge.config import Config
from bridge.hearth import Hearth
from bridge.schedule import Tick
from bridge.store import cursors, ledger
from bridge.store.db import Database
from bridge.store.tables import metadata, outbox
from tests.fake import FakeHomeserver, Request, Seen

__all__ = ["SOON_MS", "World", "a_world", "often", "on_a_file", "on_both", "world"]

SOON_MS = 5_000


class World(Community):
    """`world.say("#sleep", "ann", "...")`, `await world.settle()`, and then look at what people see."""

    def __init__(self, hs: FakeHomeserver, clock: Clock, config: Config) -> None:
        super().__init__(hs, clock)
        self.config = config
        self.hearth: Hearth | None = None
        self.first_cursor = ""
        self._life: asyncio.Task[None] | None = None

    # --- Hearth's life -----------------------------------------------------------------------------------------------

    async def start(self, *, wait: bool = True) -> None:
        """Start Hearth; wait until it listens."""
        ready = asyncio.Event()
        self._life = asyncio.create_task(self._live(ready))
        if wait:
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait({waiting, self._life}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            self._still_alive()
            assert ready.is_set(), "Hearth does not listen"

    async def _live(self, ready: asyncio.Event) -> None:
        async with opened(self.config, clock=self.clock) as hearth:
            self.hearth = hearth
            try:
                await hearth.run(ready=ready.set)
            finally:
                self.hearth = None

    async def stop(self) -> None:
        """Stop Hearth as a signal would."""
        life, self._life = self._life, None
        if life:
            life.cancel()
            with suppress(asyncio.CancelledError):
                await life

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def build(self, data: dict[str, Any]) -> None:
        """Make the rooms of a changed configuration, while Hearth is stopped, and keep it from now on."""
        self.config = Config.model_validate(data)
        await self.made(self.config)

    async def replay(self) -> None:
        """Hearth hears everything again that it heard since its first start; from then on requests are counted."""
        await self.stop()
        async with self.writing() as db:
            await cursors.save(db, handle.SYNC, self.first_cursor)
        self.hs.mark()
        await self.start()
        await self.settle()

    def _still_alive(self) -> None:
        if self._life and self._life.done():
            self._life.result()
            raise AssertionError("Hearth ended by itself")

    # --- waiting -----------------------------------------------------------------------------------------------------

    async def settle(self, seconds: float = 60, *, hurrying: bool = False) -> None:
        """Until Hearth has read everything, and nothing is due or waits to be tried again; `hurrying` lets the clock run ahead meanwhile."""
        await self.until(self._calm, seconds, self._unrest, hurrying=hurrying)

    async def until(self, condition: Any, seconds: float = 60, what: Any = "", *, hurrying: bool = False) -> None:
        """Until this awaitable condition holds; AssertionError when the time is over."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not await condition():
            self._still_alive()
            if loop.time() > deadline:
                raise AssertionError(f"not so within {seconds} s: {await what() if callable(what) else what}")
            await asyncio.sleep(0.01)
            if hurrying and self.hearth:
                self.clock.forward(500)
                self.hearth.outbox.wake()

    async def _calm(self) -> bool:
        stream = self.hs.model.stream
        if self.hearth is None or not self.hs.polling(HEARTH):
            return False
        async with self.hearth.database.reading() as db:
            if await self._due(db):
                return False
        return self.hs.polling(HEARTH) and self.hs.model.stream == stream

    async def _unrest(self) -> str:
        async with self.reading() as db:
            left = [f"{row.key} tried {row.attempts} times" for row in await self._due(db)]
        return f"polling: {self.hs.polling(HEARTH)}, to be done: {left}"

    async def _due(self, db: Any) -> Sequence[Any]:
        """What Hearth wants to do now or within seconds, or has tried and wants to try again."""
        now_or_again = (outbox.c.next_ms <= self.clock() + SOON_MS) | outbox.c.first_tried_ms.is_not(None)
        query = select(outbox.c.key, outbox.c.attempts).where(outbox.c.state == "due", now_or_again)
        return (await db.execute(query)).all()

    async def comes_late(self, user: str) -> tuple[bool, bool]:
        """What somebody wrote half an hour ago comes only now, and beside it something new, both in the common room: whether each was taken away."""
        room, now = self.room("#common"), self.clock()
        late, new = (
            self.hs.inject(room, user, "m.room.message", {"msgtype": "m.text", "body": body}, ts=ts)
            for body, ts in (("kept meanwhile", now - 30 * 60 * 1000), ("hello", now))
        )
        await self.settle()
        seen = {event.event_id: bool(event.redacted_because) for event in self.hs.timeline(room)}
        return seen[late], seen[new]

    async def turn_to(self, moment: str) -> None:
        """It is that time; everything that is done by the clock is done now."""
        self.clock.turn_to(moment)
        await self.tick()

    async def tick(self) -> None:
        """What is done by the clock, at once, and all that follows from it."""
        assert self.hearth
        for each in self.hearth.ticks():
            await each.run()
        await self.settle()

    async def ring(self, name: str) -> None:
        """One tick, by its name, at once."""
        assert self.hearth
        await next(tick for tick in self.hearth.ticks() if tick.name == name).run()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """What happens in this block reaches Hearth in one piece, when it ends."""
        held = self.hs.faults.add("status", path="/sync$", status=502, times=None)
        self.hs.model.changed({HEARTH})
        try:
            yield
        finally:
            held.release()

    # --- asking Hearth -----------------------------------------------------------------------------------------------

    async def ask(self, who: str, text: str) -> list[str]:
        """Write to Hearth in the direct room; what it says there because of that."""
        room = await self.direct(who)
        before = {seen.event_id for seen in self.from_hearth(room, who)}
        await self.say(room, who, text)
        await self.settle()
        return [seen.body for seen in self.from_hearth(room, who) if seen.event_id not in before]

    async def order(self, who: str, text: str, room: str = "#staff") -> Seen:
        """Write a command in a room and give Hearth's one answer to it there."""
        event = await self.say(room, who, text)
        await self.settle()
        return self.answer_to(room, event)

    def answer_to(self, room: str, event: str) -> Seen:
        """Hearth's one reply to a message."""
        answers = [seen for seen in self.from_hearth(room) if seen.reply_to == event]
        assert len(answers) == 1, [seen.body for seen in answers]
        return answers[0]

    # --- looking inside ----------------------------------------------------------------------------------------------

    def changes(self) -> list[Request]:
        """What Hearth asked the homeserver to change since the mark."""
        return [request for request in self.hs.requests_since_mark() if request.user_id == HEARTH]

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        """A look into the database, whether Hearth runs or not."""
        if self.hearth:
            async with self.hearth.database.reading() as db:
                yield db
        else:
            async with self._opened() as database, database.reading() as db:
                yield db

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        """A transaction in the database; Hearth is stopped."""
        async with self._opened() as database, database.writing() as db:
            yield db

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Database]:
        database = await Database.open(self.config.database.url or self.config.data_dir / "hearth.db")
        try:
            yield database
        finally:
            await database.close()

    async def rows(self, table: Table) -> list[dict[str, Any]]:
        """Everything in a table, in the order of its key."""
        async with self.reading() as db:
            query = select(table).order_by(*table.primary_key.columns)
            return [dict(row) for row in (await db.execute(query)).mappings()]

    async def ledger(self) -> list[ledger.Entry]:
        """The ledger, oldest first."""
        async with self.reading() as db:
            return list(reversed(await ledger.newest(db, 1000)))


@dataclass
class MovedIn:
    """A world of these settings whose people have moved in and whose Hearth came to rest: what the next one like it begins with."""

    folder: Path
    model: dict[str, Any]
    rooms: dict[str, str]
    token: str
    took_ms: int
    first_cursor: str
    rows: dict[str, list[dict[str, Any]]]
    """What stands in the database when it is no file of the folder."""


_moved_in: dict[str, MovedIn] = {}


@asynccontextmanager
async def a_world(where: str | Path, folder: Path, **matrix: Any) -> AsyncIterator[World]:
    """A world whose people have moved in and whose Hearth listens; `matrix` is configuration, e.g. `encryption=True`.

    Only the first one of its kind is built; the next begin with a copy of it.
    """
    async with FakeHomeserver() as hs:
        clock = Clock()
        world = World(hs, clock, None)  # type: ignore[arg-type] - needs a token first
        data = where.parent if isinstance(where, Path) else folder
        url = where if isinstance(where, str) else None
        kind = repr((url is None, sorted(matrix.items())))
        before = _moved_in.get(kind)
        if before is None:
            began_ms = clock()
            token = await world.arrive()
            world.config = Config.model_validate(settings(hs.url, token, data, url, **matrix))
            await world.move_in(world.config)
            try:
                await world.start()
                await world.settle()
                async with world.reading() as db:
                    world.first_cursor = await cursors.load(db, handle.SYNC) or ""
                if not matrix.get("encryption"):
                    await world.stop()
                    _moved_in[kind] = await _remembered(world, data, token, clock() - began_ms)
            except BaseException:
                await world.stop()
                raise
        else:
            _remember(hs, before, data)
            clock.forward(before.took_ms)
            token = await world.arrive(before.token)
            world.rooms |= before.rooms
            world.first_cursor = before.first_cursor
            world.config = Config.model_validate(settings(hs.url, token, data, url, **matrix))
            await _written(world, before.rows)
        try:
            if world.hearth is None:
                await world.start()
                await world.settle()
            yield world
        finally:
            await world.stop()


async def _remembered(world: World, data: Path, token: str, took_ms: int) -> MovedIn:
    kept = Path(tempfile.mkdtemp(prefix="hearth-moved-in-"))
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    shutil.copytree(data, kept, dirs_exist_ok=True)
    model = world.hs.model
    parts = {name: value for name, value in vars(model).items() if name not in ("changed", "now_ms")}
    rows = (
        {table.name: await world.rows(table) for table in metadata.sorted_tables} if world.config.database.url else {}
    )
    return MovedIn(
        kept, copy.deepcopy(parts, {id(model): None}), dict(world.rooms), token, took_ms, world.first_cursor, rows
    )


def _remember(hs: FakeHomeserver, before: MovedIn, data: Path) -> None:
    shutil.copytree(before.folder, data, dirs_exist_ok=True)
    vars(hs.model).update(copy.deepcopy(before.model))


async def _written(world: World, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Write what is remembered into an empty PostgreSQL database; numbers go on after it."""
    if not any(rows.values()):
        return
    async with world.writing() as db:
        for table in metadata.sorted_tables:
            if rows[table.name]:
                await db.execute(table.insert(), rows[table.name])
                for column in table.primary_key.columns:
                    if column.autoincrement is True:
                        sequence = func.pg_get_serial_sequence(table.name, column.name)
                        await db.execute(
                            select(func.setval(sequence, max(row[column.name] for row in rows[table.name])))
                        )


def often(patch: pytest.MonkeyPatch, *names: str) -> None:
    """Hearths that start from now on do this by the clock many times a second: for tests in which people wait for it."""
    usual = Hearth.ticks

    def ticks(hearth: Hearth) -> tuple[Tick, ...]:
        return tuple(replace(tick, every_seconds=0.05) if tick.name in names else tick for tick in usual(hearth))

    patch.setattr(Hearth, "ticks", ticks)


@pytest.fixture
async def world(where: str | Path, tmp_path: Path) -> AsyncIterator[World]:
    """The usual world, once on each kind of database."""
    async with a_world(where, tmp_path) as made:
        yield made
