"""Ticks ring at once and again; one that crashes or is slow does not keep the others."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bridge.schedule import Tick, once, ticking
from bridge.store.errors import StoreUnavailable


async def until(true: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for is a plain value
            await asyncio.sleep(0.005)


class Ringing:
    """Ticks that count themselves, and what was recorded of them."""

    def __init__(self) -> None:
        self.rung: dict[str, int] = {}
        self.recorded: list[tuple[str, str]] = []

    def tick(self, name: str, run: Callable[[], Awaitable[None]] | None = None, every_seconds: float = 0.02) -> Tick:
        async def count() -> None:
            self.rung[name] = self.rung.get(name, 0) + 1
            if run:
                await run()

        return Tick(name, every_seconds, count)

    async def record(self, name: str, error: Exception) -> None:
        self.recorded.append((name, type(error).__name__))


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_tick_rings_at_once_and_again_and_not_after_the_end() -> None:
    ringing = Ringing()
    task = asyncio.create_task(ticking([ringing.tick("often"), ringing.tick("seldom", every_seconds=3600)]))
    await until(lambda: ringing.rung.get("often", 0) >= 3)
    assert ringing.rung["seldom"] == 1
    await stopped(task)
    before = dict(ringing.rung)
    later = Ringing()
    beside = asyncio.create_task(ticking([later.tick("often")]))
    await until(lambda: later.rung.get("often", 0) >= 3)  # so often it would have rung meanwhile
    await stopped(beside)
    assert ringing.rung == before


async def test_a_tick_that_crashes_is_recorded_and_rings_again() -> None:
    ringing = Ringing()

    async def crash() -> None:
        raise KeyError

    task = asyncio.create_task(ticking([ringing.tick("bad", crash), ringing.tick("good")], ringing.record))
    await until(lambda: ringing.rung.get("bad", 0) >= 2 and ringing.rung.get("good", 0) >= 2)
    await stopped(task)
    assert set(ringing.recorded) == {("bad", "KeyError")}


async def test_a_slow_tick_is_not_run_beside_itself_and_is_cut_off_at_the_end() -> None:
    ringing = Ringing()
    ends: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("end")

    task = asyncio.create_task(ticking([ringing.tick("slow", slow), ringing.tick("other")]))
    await until(lambda: ringing.rung.get("other", 0) >= 5)
    assert ringing.rung["slow"] == 1
    await stopped(task)
    await until(lambda: ends == ["end"])


async def test_a_database_that_is_away_is_no_failure() -> None:
    ringing = Ringing()

    async def away() -> None:
        raise StoreUnavailable

    await once(ringing.tick("tick", away), ringing.record)
    assert ringing.recorded == []


async def test_two_ticks_of_one_name_are_refused() -> None:
    ringing = Ringing()
    with pytest.raises(ValueError, match="same name"):
        await ticking([ringing.tick("a"), ringing.tick("a")])


async def test_when_it_ends_nothing_is_under_way_any_more() -> None:
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(20):  # as a connection that has to be given back
                await asyncio.sleep(0)
            let_go.set()

    ring = asyncio.create_task(ticking((Tick("long", 60, long),)))
    await begun.wait()
    ring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ring
    assert let_go.is_set()
