"""Wakes the ticks at their intervals; never knows what a tick does, and never anybody's wall clock.

APScheduler is only the alarm clock, in UTC and with intervals: what is to happen at a time of somebody's own day stands in the table `due`, and a
tick looks there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bridge.store.errors import StoreUnavailable

log = structlog.get_logger(__name__)

Record = Callable[[str, Exception], Awaitable[None]]
"""Told the name of a tick that crashed, and what it raised."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Something to do now and then. One run of it ends before the next begins; what was missed meanwhile is made up for by one run."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[None]]


async def run(ticks: Sequence[Tick], record: Record, stop: asyncio.Event) -> None:
    """Run every tick at once and then at its interval until `stop` is set; then wait for those that are running.

    A tick that raises is recorded and goes on the next time. ValueError when two ticks have one name.
    """
    names = [tick.name for tick in ticks]
    if len(set(names)) != len(names):
        raise ValueError("two ticks have the same name")
    running: set[asyncio.Task[None]] = set()

    async def alarm(tick: Tick) -> None:
        # A task of our own: stopping the scheduler would cancel its jobs in the middle of a transaction.
        task = asyncio.create_task(once(tick, record))
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.shield(task)

    scheduler = AsyncIOScheduler(timezone=UTC)
    for tick in ticks:
        scheduler.add_job(
            alarm,
            IntervalTrigger(seconds=tick.every_seconds, timezone=UTC),
            (tick,),
            id=tick.name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )
    scheduler.start()
    try:
        await stop.wait()
    except asyncio.CancelledError:
        for task in running:
            task.cancel()
        raise
    finally:
        scheduler.shutdown(wait=False)
        await asyncio.gather(*running, return_exceptions=True)


async def once(tick: Tick, record: Record) -> None:
    """One run of a tick. It never raises, except when it is cancelled."""
    try:
        await tick.run()
    except StoreUnavailable as error:
        log.warning("tick without database", tick=tick.name, error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - one tick's bug must not stop the others
        try:
            await record(tick.name, error)
        except StoreUnavailable:
            log.warning("tick not recorded", tick=tick.name, error=type(error).__name__)
