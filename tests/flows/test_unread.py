"""What Hearth cannot decrypt it says, once, and only when the key has not come; with a member whose client has keys of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from community import HEARTH
from pydantic import SecretStr
from world import World, a_world, on_a_file

from bridge.config import Matrix as Settings
from bridge.matrix.connect import Matrix, connect
from bridge.rooms.unread import WAIT_MS

pytestmark = on_a_file


@pytest.fixture
async def world(where: str | Path, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(where, tmp_path, encryption=True) as made:
        yield made


@asynccontextmanager
async def client(world: World, who: str, folder: Path) -> AsyncIterator[Matrix]:
    """A client of this person, on a device of its own."""
    member = world.member(who)
    token = SecretStr(member.token(f"{who}-device"))
    async with connect(Settings(homeserver=world.hs.url, user_id=member.user_id, access_token=token), folder) as held:
        yield held


class Held:
    """Keeps from Hearth the keys that a client sends."""

    def __init__(self, matrix: Matrix) -> None:
        assert matrix.crypto
        self._crypto = matrix.crypto
        self._real = matrix.crypto._to_devices
        self._bodies: list[dict[str, Any]] = []
        matrix.crypto._to_devices = self._hold  # type: ignore[method-assign]

    async def _hold(self, body: Mapping[str, Any]) -> None:
        messages = dict(body["messages"])
        if HEARTH in messages:
            self._bodies.append({"messages": {HEARTH: messages.pop(HEARTH)}})
        if messages:
            await self._real({"messages": messages})

    async def release(self) -> None:
        self._crypto._to_devices = self._real  # type: ignore[method-assign]
        for body in self._bodies:
            await self._real(body)


async def say(matrix: Matrix, room: str, body: str) -> str:
    """As any client does it, without the mark of a Hearth."""
    assert matrix.crypto
    content = {"msgtype": "m.text", "body": body}
    kind, secret = await matrix.crypto.encrypt(room, await matrix.rooms.recipients(room), "m.room.message", content)
    parts = {"room": room, "kind": kind, "number": body}
    path = "/rooms/{room}/send/{kind}/{number}"
    return str((await matrix.client.request("PUT", path, parts=parts, body=secret))["event_id"])


async def told(world: World) -> int:
    """How many messages of Hearth stand in ben's direct room."""
    room = await world.direct("ben")
    return len([each for each in world.hs.timeline(room) if each.sender == HEARTH and each.state_key is None])


async def copies(world: World) -> list[str]:
    """What Hearth says in the common room, as whoever has the keys reads it."""
    assert world.hearth
    found = []
    for event in world.hs.timeline(world.room("#common"), "m.room.encrypted"):
        read = await world.hearth.matrix.gateway.event(world.room("#common"), event.event_id)
        found.append(str(read["content"]["body"]) if read else "")
    return found


async def test_it_is_said_once_for_each_room_and_the_words_are_shared_once_when_the_key_comes(
    world: World, tmp_path: Path
) -> None:
    await world.ask("ben", "help")
    before = await told(world)
    async with client(world, "ben", tmp_path / "ben") as ben:
        held = Held(ben)
        await say(ben, world.room("#sleep"), "locked #common")
        await world.settle()
        world.clock.forward(WAIT_MS - 60_000)
        await world.settle()
        assert await told(world) == before
        world.clock.forward(120_000)
        await world.settle()
        assert await told(world) == before + 1
        await say(ben, world.room("#sleep"), "locked, too")
        await world.settle()
        world.clock.forward(2 * WAIT_MS)
        await world.settle()
        assert await told(world) == before + 1
        assert await copies(world) == []
        await held.release()
        await world.settle()
        await world.until(lambda: _is(world, ["Ben in #sleep:\nlocked #common"]), what="the copy")
        await world.replay()
        assert await copies(world) == ["Ben in #sleep:\nlocked #common"]
        assert await told(world) == before + 1


async def _is(world: World, wanted: list[str]) -> bool:
    return await copies(world) == wanted


async def test_a_key_that_comes_within_minutes_is_not_worth_a_word(world: World, tmp_path: Path) -> None:
    await world.ask("ben", "help")
    before = await told(world)
    async with client(world, "ben", tmp_path / "ben") as ben:
        held = Held(ben)
        await say(ben, world.room("#sleep"), "soon")
        await world.settle()
        await held.release()
        await world.settle()
        world.clock.forward(2 * WAIT_MS)
        await world.settle()
        assert await told(world) == before


async def test_what_is_gone_by_then_is_not_spoken_of(world: World, tmp_path: Path) -> None:
    await world.ask("ben", "help")
    before = await told(world)
    async with client(world, "ben", tmp_path / "ben") as ben:
        Held(ben)
        event = await say(ben, world.room("#sleep"), "oops")
        await world.settle()
        await world.redact("#sleep", "ben", event)
        world.clock.forward(2 * WAIT_MS)
        await world.settle()
        assert await told(world) == before
