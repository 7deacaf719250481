"""Hearth starts whatever the homeserver and the rooms are like, and stops when it is told to."""

import asyncio
import os
import signal

import pytest
from community import HEARTH
from world import World, on_a_file

from bridge import app, handle, journal_log
from bridge.digest import tick as digest_tick
from bridge.events import AnyEvent, Message
from bridge.matrix.problem import StartProblem
from bridge.scene import Scene
from bridge.store.tables import failures

pytestmark = on_a_file


async def test_a_room_that_hearth_was_removed_from_does_not_keep_it_from_starting(world: World) -> None:
    await (await world.hs.user(HEARTH)).leave(world.room("#garden"))
    await world.settle()
    await world.restart()
    await world.say("#sleep", "ann", "still carried #common")
    await world.settle()
    assert [seen.body.splitlines()[-1] for seen in world.from_hearth("#common")] == ["still carried #common"]


async def test_a_homeserver_that_is_not_there_yet_is_waited_for_and_sigterm_ends_it_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.stop()
    monkeypatch.setattr(journal_log, "configure", lambda _: None)
    away = world.hs.faults.add("status", path="", status=502, times=None)
    life = asyncio.create_task(app.run(world.config))
    await world.hs.until(lambda: away.hits, what="a first try")
    away.release()
    await world.hs.until(lambda: world.hs.polling(HEARTH), what="Hearth listening")
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(30):
        await life


async def test_what_a_person_has_to_put_right_ends_the_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.stop()
    monkeypatch.setattr(journal_log, "configure", lambda _: None)
    world.hs.sign_out(HEARTH)
    with pytest.raises(StartProblem, match="does not know"):
        await app.run(world.config)


async def test_hearth_enters_only_direct_rooms_and_its_own(world: World) -> None:
    stranger = await world.hs.user("@stranger:c.test")
    asked = [
        await world.member("ann").create(preset="private_chat", name="Ann's other group", invite=[HEARTH]),
        await stranger.create(preset="private_chat", name="Anything", invite=[HEARTH]),
    ]
    await world.direct("ben")
    await world.settle()
    assert not any(HEARTH in world.hs.members(room) for room in asked)


async def test_staff_hears_once_an_hour_that_something_went_wrong(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def careless(_scene: Scene, event: AnyEvent) -> None:
        if isinstance(event, Message) and "boom" in event.content.body:
            raise ValueError(event.content.body)

    monkeypatch.setattr(handle, "STEPS", (*handle.STEPS, careless))
    await world.turn_to("2026-01-05 11:00")
    await world.say("#sleep", "ann", "boom goes the cradle")
    await world.say("#sleep", "ann", "boom goes the house")
    await world.settle()
    await world.tick()
    (first,) = world.from_hearth("#staff")
    assert "1 time," in first.body
    assert "ValueError" in first.body
    assert "cradle" not in first.body
    await world.turn_to("2026-01-05 12:00")
    await world.turn_to("2026-01-05 13:00")
    (_, second) = world.from_hearth("#staff")
    assert "1 time," in second.body


async def test_a_tick_that_crashes_is_told_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_: object) -> int:
        raise KeyError("a secret")

    monkeypatch.setattr(digest_tick, "tick", crash)
    await world.restart()
    await world.until(lambda: _rows_of(world), what="a failure")
    await world.ring("failures")
    await world.settle()
    (told,) = world.from_hearth("#staff")
    assert "KeyError" in told.body
    assert "secret" not in told.body


async def _rows_of(world: World) -> bool:
    return bool(await world.rows(failures))
