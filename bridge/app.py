"""Opens what Hearth needs, in the right order, and runs it until it is told to stop; what runs is in `hearth.py`. Never decides anything itself."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from bridge import journal_log
from bridge.clock import Clock, now_ms
from bridge.config import Config
from bridge.errors import Unavailable
from bridge.hearth import Hearth, Planned
from bridge.matrix.connect import connect
from bridge.pacing import back_off_ms
from bridge.rooms.build import Outcome, Progress
from bridge.store.db import Database
from bridge.words import Text

LONGEST_WAIT_MS = 30_000
"""At the start we look at least this often whether the homeserver answers by now."""


@asynccontextmanager
async def opened(
    config: Config, *, clock: Clock = now_ms, wait: bool = True, read_again: Callable[[], Config] | None = None
) -> AsyncIterator[Hearth]:
    """Everything built and connected, the database migrated and ours alone; nothing runs yet.

    While another Hearth works on this PostgreSQL it stands by until that one is gone; without `wait`, and on a file, that is AlreadyRunning.
    `read_again` reads the file anew while Hearth runs.
    Raises StartProblem (with the cure), AlreadyRunning, NewerDatabase, StoreUnavailable, Unavailable.
    """
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = await Database.open(config.database.url or config.data_dir / "hearth.db")
    try:
        await database.lead(wait=wait)
        async with connect(config.matrix, config.data_dir, config.reports.admin_token) as matrix:
            yield Hearth(config, clock, database, matrix, read_again)
    finally:
        await database.close()


async def run(config: Config, read_again: Callable[[], Config] | None = None) -> None:
    """`hearth run`: until SIGTERM, which ends it well, or until cancelled. A homeserver that does not answer yet is waited for.

    `read_again` reads the file anew, for `plan` and `apply` in the staff room.

    Raises what `opened` raises, without Unavailable; and LeadershipLost, in a group.
    """
    journal_log.configure(config.log)
    terminated = asyncio.Event()
    running = asyncio.create_task(_insist(config, read_again))
    terminated_first = asyncio.create_task(terminated.wait())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    try:
        await asyncio.wait({running, terminated_first}, return_when=asyncio.FIRST_COMPLETED)
        if not terminated.is_set():
            await running
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        running.cancel()
        terminated_first.cancel()
        await asyncio.gather(running, terminated_first, return_exceptions=True)


async def _insist(config: Config, read_again: Callable[[], Config] | None) -> None:
    troubles = journal_log.Troubles()
    for tries in count(1):
        try:
            async with opened(config, read_again=read_again) as hearth:
                troubles.tell("start", None)
                await hearth.run()
        except Unavailable as error:
            troubles.tell("start", f"the homeserver does not answer as it should ({error}); trying again until it does")
        await asyncio.sleep(back_off_ms(tries, random.random(), longest_ms=LONGEST_WAIT_MS) / 1000)  # noqa: S311 - so that not all come back at once


async def plan_of(config: Config) -> Planned:
    """`hearth plan`: what `apply` would do; nothing is changed."""
    async with opened(config, wait=False) as hearth:
        return await hearth.plan()


async def apply(config: Config, tell: Callable[[Progress], None], *, force: bool = False) -> Outcome:
    """`hearth apply`: make the rooms what the file says."""
    async with opened(config, wait=False) as hearth:
        return await hearth.apply(tell, force=force)


async def adopt(config: Config, room: str, field: str) -> tuple[bool, Text]:
    """`hearth adopt`: take what a room has by hand for what is wanted; whether there was something to take, and what to say of it."""
    async with opened(config, wait=False) as hearth:
        return await hearth.adopt(room, field)
