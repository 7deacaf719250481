"""One table of ticks, rung by APScheduler as an alarm clock in UTC; never knows what a tick does or what somebody's wall clock shows."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tick:
    """Something that happens every so many seconds, and once at the start."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[None]]


async def ticking(ticks: Sequence[Tick]) -> None:
    """Ring every tick, until cancelled. A tick that takes longer than its pause is not rung twice; one that fails is rung again at its time."""
    scheduler = AsyncIOScheduler(timezone=UTC)
    for tick in ticks:
        scheduler.add_job(
            _rung,
            "interval",
            seconds=tick.every_seconds,
            args=[tick],
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    scheduler.start()
    try:
        for tick in ticks:
            await _rung(tick)
        await asyncio.Event().wait()
    finally:
        scheduler.shutdown(wait=False)


async def _rung(tick: Tick) -> None:
    try:
        await tick.run()
    except Exception as error:  # noqa: BLE001 - the next time may go well, and the other ticks have to go on
        log.error("tick failed", tick=tick.name, error=type(error).__name__)  # noqa: TRY400 - a traceback could hold values
