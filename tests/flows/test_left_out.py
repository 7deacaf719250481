"""What was left out because of who read along is carried by itself once they are gone; on a real database, with a homeserver of a few lines."""

import pytest
from sharing import ANN, BEN, CLEO, COMMON, ME, SLEEP, World, config
from world import on_a_file

from bridge.events import MemberChanged
from bridge.rooms import left_out
from bridge.rooms.summary import PAUSE_MS
from bridge.store.db import Database

pytestmark = on_a_file


@pytest.fixture
async def world(database: Database) -> World:
    """Circle and common room are for people of one server, and somebody of another one is in both."""
    only = {"servers": ("one.test",)}
    circles = [{"name": "Sleeping well", "tag": "sleep", **only}]
    world = await World(database, config(common={"name": "Common room", **only}, circles=circles)).begin()
    await comes_and_goes(world, CLEO, "leave")
    return world


async def comes_and_goes(world: World, user: str, membership: str) -> None:
    at_ms = world.tick()
    was = "join" if membership == "leave" else "leave"
    await world.does(MemberChanged(f"${at_ms}", COMMON, ME, at_ms, user=user, membership=membership, was=was))
    world.now_ms += PAUSE_MS


async def test_a_thread_appears_whole_and_with_its_newest_words_once_they_are_gone(world: World) -> None:
    root = world.say(ANN, "awake #common")
    reply = world.say(ANN, "since two", thread=root.id)
    await world.does(root, reply, world.say(ANN, "!tags", thread=root.id))
    await world.look(left_out.sweep, left_out.sweep)
    assert world.server.held(COMMON) == ""
    (said,) = [each for each in world.told(ANN) if "Your thread waits" in each]
    assert "the common room" in said
    await world.does(world.change(reply, "since three"))
    await comes_and_goes(world, BEN, "leave")
    await world.look(left_out.sweep)
    assert world.common() == ["awake #common", "since three"]
    relation = world.server.events[world.copy_of("since three")]["content"]["m.relates_to"]
    assert relation["event_id"] == world.copy_of("awake")
    await world.echo()
    before = len(world.server.events)
    await world.look(left_out.sweep)
    await world.look(left_out.sweep)
    assert len(world.server.events) == before
    assert len(world.told(ANN)) == 2  # that it waits, and the answer to the command


async def test_an_edit_of_what_stands_there_waits_too_and_comes_each_time(world: World) -> None:
    await comes_and_goes(world, BEN, "leave")
    root = world.say(ANN, "one #common")
    await world.does(root)
    await world.echo()
    for words in ("two", "three"):
        await comes_and_goes(world, BEN, "join")
        edit = world.change(root, f"{words} #common")
        await world.does(edit, world.say(ANN, f"new {words} #common"))
        await world.look(left_out.sweep)
        assert words not in str(world.common())
        await comes_and_goes(world, BEN, "leave")
        await world.look(left_out.sweep)
        assert f"{words} #common" in world.common()
        assert f"new {words} #common" in world.common()
    assert SLEEP not in world.server.held(COMMON)


async def test_what_is_taken_back_meanwhile_does_not_appear(world: World) -> None:
    kept, edited = world.say(ANN, "kept #common"), world.say(ANN, "not any more #common")
    await world.does(kept, edited, world.change(edited, "not any more"))
    await comes_and_goes(world, BEN, "leave")
    await world.look(left_out.sweep)
    assert world.common() == ["kept #common"]
