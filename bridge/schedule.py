"""Wakes the ticks at their intervals; never knows what a tick does, and never anybody's wall clock.

APScheduler is only the alarm clock, in UTC and with intervals: what is to happen at a time of somebody's own day stands in the table `due`, and a
tick looks there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bridge.store.errors import StoreUnavailable
from bridge.store.failures import place

log = structlog.get_logger(__name__)

Record = Callable[[str, Exception], Awaitable[None]]
"""Told the name of a tick that crashed, and what it raised."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Something to do now and then. One run of it ends before the next begins; what was missed meanwhile is made up for by one run."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[None]]


async def ticking(ticks: Sequence[Tick], record: Record | None = None) -> None:
    """Ring every tick at once and then at its interval, until cancelled.

    A tick that raises is recorded and rung again at its time. When this ends, none is under way any more. ValueError when two ticks have one name.
    """
    names = [tick.name for tick in ticks]
    if len(set(names)) != len(names):
        raise ValueError("two ticks have the same name")
    under_way: set[asyncio.Task[Any] | None] = set()

    async def ring(tick: Tick) -> None:
        under_way.add(asyncio.current_task())
        try:
            await once(tick, record)
        finally:
            under_way.discard(asyncio.current_task())

    scheduler = AsyncIOScheduler(timezone=UTC)
    for tick in ticks:
        scheduler.add_job(
            ring,
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
        await asyncio.Event().wait()
    finally:
        scheduler.shutdown(
            wait=False
        )  # it cancels those under way, and does not wait for them to let go of what they hold
        await asyncio.gather(*(each for each in under_way if each), return_exceptions=True)


async def once(tick: Tick, record: Record | None = None) -> None:
    """One run of a tick. It never raises, except when it is cancelled."""
    try:
        await tick.run()
    except StoreUnavailable as error:
        log.warning("tick without database", tick=tick.name, error=type(error).__name__)
    except Exception as error:  # noqa: BLE001 - one tick's bug must not stop the others
        log.error("tick failed", tick=tick.name, where=place(error), error=type(error).__name__)  # noqa: TRY400 - a traceback could hold values
        if record:
            with suppress(StoreUnavailable):
                await record(tick.name, error)
