"""What stands in a bundle when a room is replaced, when somebody is forgotten, and when somebody wants another name; on a real database."""

from dataclasses import replace

import pytest
from sharing import ANN, BEN, CLEO, COMMON, GRIEF, ME, SLEEP, World, config
from test_bundles import bundle_of, bundled, later, relation, said, share
from world import on_a_file

from bridge.events import MemberChanged
from bridge.rooms import share_leaving
from bridge.store import forgetting, journal, queue, rooms
from bridge.store.db import Database

pytestmark = on_a_file

NEW = "!the-room-in-its-place"


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database, config(bundle_after=2)).begin(two_circles=True)


async def goes_on_in(world: World, old_room: str, new_room: str = NEW) -> None:
    """Another room is in its place, with everybody in it."""
    async with world.database.writing() as db:
        old = await rooms.by_id(db, old_room)
        assert old
        await rooms.update(db, old_room, key=f"replaced/{old.key}", replaced_by=new_room)
        await rooms.add(db, replace(old, room=new_room, made_ms=world.now_ms))
        for user in (ME, ANN, BEN, CLEO):
            joined = MemberChanged(f"$join/{new_room}/{user}", new_room, user, 1, user=user, membership="join")
            await journal.remember(db, joined, frozenset(), 1)


async def test_nameless_it_names_nobody_either(world: World) -> None:
    roots, answer, head = await bundled(world)
    for who in (ANN, BEN):
        await world.does(world.say(who, "share as anonymous", room=f"!direct-{who}"))
    bodies = world.copies(COMMON)
    assert [each.partition("\n")[0] for each in bodies] == ["Somebody in #sleep:"] * 4 + ["Somebody (2) in #sleep:"]
    assert bundle_of(world, "four") == head
    found = relation(world, "I am")
    assert found is not None
    assert (found["event_id"], found["m.in_reply_to"]["event_id"]) == (head, world.copy_of("three"))
    await world.does(world.say(ANN, "and more", thread=roots[0].id, reply_to=answer.id))
    assert world.copies(COMMON)[-1] == "Somebody in #sleep:\nand more"
    assert (relation(world, "and more") or {})["m.in_reply_to"]["event_id"] == world.copy_of("I am")


async def test_who_is_forgotten_leaves_the_others_in_it(world: World) -> None:
    await share(world, "one", "two")
    roots = await share(world, "three", "four")
    await share(world, "hers", who=CLEO)
    await world.does(world.say(CLEO, "mine too", thread=roots[0].id), world.say(CLEO, "consent yes", room=f"!direct-{CLEO}"))  # fmt: skip
    await later(world)
    head = said(world, 3)
    async with world.database.writing() as db:
        scene = world.scene(db)
        await share_leaving.withdraw(scene, ANN, "forget/1")

        await queue.put(db, scene.puts, world.now_ms)
    await world.settle()
    async with world.database.writing() as db:
        assert not await forgetting.still_standing(db, ANN)
        await forgetting.erase(db, ANN)
    await later(world)
    assert world.common() == ["hers #common"]
    assert said(world, 1) == head == bundle_of(world, "hers")
    await share(world, "another", who=CLEO)
    await later(world)
    assert said(world, 1) == head
    assert bundle_of(world, "another") is None  # of so many others there are no shares any more
    await world.does(world.take(world.copy_of("hers"), COMMON, CLEO))
    await later(world)
    assert world.server.events[head]["redacted"]


async def test_of_a_room_that_was_replaced_it_lives_on_where_it_stands(world: World) -> None:
    roots, answer, head = await bundled(world)
    await goes_on_in(world, COMMON)
    await world.does(world.change(roots[1], "four"))
    await later(world)
    assert world.common() == ["one #common", "two #common", "three #common", "I am"]
    assert said(world, 1) == head
    assert world.copies(NEW) == []
    # Something new in it carries it into the new room, in its own shape; nothing new comes into the old one.
    await world.does(world.change(answer, "I was"), world.say(ANN, "still awake", thread=roots[0].id))
    assert world.common()[-1] == "I was"
    assert [each.partition("\n")[2] for each in world.copies(NEW)] == ["three #common", "I was", "still awake"]
    assert bundle_of(world, "three", NEW) is None
    first = world.copy_of("three", NEW)
    assert {(relation(world, words, NEW) or {})["event_id"] for words in ("I was", "still awake")} == {first}
    await share(world, "five", "six")
    await later(world)
    assert bundle_of(world, "five", NEW) is None
    assert bundle_of(world, "six", NEW) == said(world, 1, NEW)
    assert len(world.common()) == 4
    # What is taken back goes in both, and with its last thread the old bundle.
    await world.does(world.take(roots[0].id))
    await later(world)
    assert world.server.events[head]["redacted"]
    assert not [
        words for words in ("three", "I was", "still") if words in world.server.held(COMMON) + world.server.held(NEW)
    ]


async def test_of_a_circle_that_was_replaced_too(world: World) -> None:
    roots, _, head = await bundled(world)
    await goes_on_in(world, SLEEP)
    copy = world.copy_of("three")
    await world.does(world.say(CLEO, "to three", room=COMMON, thread=head, reply_to=copy))
    (back,) = world.copies(SLEEP)
    assert back.endswith("to three")
    assert (relation(world, "to three", SLEEP) or {})["event_id"] == roots[0].id
    await world.does(world.change(roots[0], "thrice #common"))
    assert world.copy_of("thrice") == copy
    await share(world, "five", "six", "seven", room=NEW)
    await later(world)
    assert [bundle_of(world, each) for each in ("five", "six")] == [None, None]
    assert bundle_of(world, "seven") == said(world, 1) != head
    await world.does(*(world.take(root.id) for root in roots))
    await later(world)
    assert world.server.events[head]["redacted"]
    assert len(world.common()) == 5
    assert GRIEF not in world.server.held(COMMON)
