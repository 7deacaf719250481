"""The outbox in small, for tests of building rooms: it can die at any step, and it knows only what rooms need."""

import asyncio

from bridge import effects
from bridge.clock import now_ms
from bridge.config import Config
from bridge.errors import Refused, Unavailable
from bridge.matrix.gateway import Gateway
from bridge.rooms.apply import SETTLERS as MAKING
from bridge.rooms.furnish import FILLERS
from bridge.rooms.furnish import SETTLERS as FURNISHING
from bridge.scene import Scene
from bridge.store import queue
from bridge.store.db import Database

SETTLERS = {**MAKING, **FURNISHING}


class Killed(BaseException):
    """The process is gone at this very moment."""


class Worker:
    """The outbox in small: performs what is due, as long as it lives. `lives` counts down; `after` dies with the work done but not written down."""

    def __init__(self, database: Database, gateway: Gateway, config: Config, lives: int, *, after: bool) -> None:
        self.database, self.gateway, self.config, self.lives, self.after = database, gateway, config, lives, after
        self.done: list[str] = []

    async def run(self) -> None:
        while True:
            async with self.database.reading() as db:
                due = await queue.due(db, now_ms(), 5)
            for wish in due:
                await self.one(wish)
            await asyncio.sleep(0.001)

    async def one(self, wish: queue.Wish) -> None:
        effect = effects.load(wish.kind, wish.key, wish.payload or "")
        async with self.database.writing() as db:
            await queue.mark_tried(db, [wish.id], now_ms())
        if self.lives == 0 and not self.after:
            raise Killed
        try:
            filler = FILLERS.get(type(effect))
            wire = await filler(None, effect) if filler else effect  # type: ignore[arg-type] - these need no desk
            result = await self.gateway.perform(wire or effect, again=wish.first_tried_ms is not None)
        except Unavailable:
            return
        except Refused as no:
            settled = queue.Settled(wish.id, "dead", error=no.errcode)
        else:
            settled = queue.Settled(wish.id, "done", result)
        self.done.append(wish.key)
        if self.lives == 0:
            raise Killed
        self.lives -= 1
        async with self.database.writing() as db:
            await queue.settle(db, [settled], now_ms())
            if type(effect) in SETTLERS:
                scene = Scene(db, self.config, self.config.matrix.user_id, now_ms(), None)  # type: ignore[arg-type]
                await SETTLERS[type(effect)](scene, effect, settled.state, settled.result)
