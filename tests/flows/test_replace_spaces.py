"""A district, or the space with its districts, goes on in a new one: every room stays where it was, and nobody loses their way in."""

from typing import Any

import pytest
from community import HEARTH, PEOPLE
from test_replace import content, done, now_at, ordered, outcome, replaced
from world import World, on_a_file

from bridge.rooms.cascade import GRACE_MS
from bridge.store.tables import outbox

CIRCLES = ("#sleep", "#garden")


async def with_a_district(world: World) -> str:
    """The community grows beyond one list: its circles are in a district, where Ben has looked around; the district."""
    await world.stop()
    data = world.config.model_dump()
    data["community"]["district_size"] = 2
    await world.build(data)
    await world.start()
    await world.tick()
    world.rooms["#district"] = (await ours(world))["district/1"]
    await world.member("ben").join(world.room("#district"))
    await world.settle()
    return world.room("#district")


async def ours(world: World) -> dict[str, str]:
    assert world.hearth
    return await world.hearth.rooms()


async def left_to_do(world: World) -> list[Any]:
    assert world.hearth
    planned = await world.hearth.plan()
    return [*planned.changes, *planned.notes]


def shown_in(world: World, space: str) -> set[str]:
    """What the list of this space shows."""
    state = world.hs.room(space).state
    return {key for (kind, key), event in state.items() if kind == "m.space.child" and event.content.get("via")}


def parents(world: World, room: str) -> set[str]:
    state = world.hs.room(room).state
    return {key for (kind, key), event in state.items() if kind == "m.space.parent" and event.content.get("via")}


def door(world: World, room: str) -> list[str]:
    """The rooms whose members may enter."""
    return [each["room_id"] for each in content(world, room, "m.room.join_rules").get("allow", [])]


def is_whole(world: World, space: str, district: str) -> bool:
    """The space shows the district, the district its circles, both ways; everybody of the space may enter."""
    circles = {world.room(name) for name in CIRCLES}
    return (
        district in shown_in(world, space)
        and shown_in(world, district) == circles
        and not circles & shown_in(world, space)
        and all(district in parents(world, circle) for circle in circles)
        and all(door(world, room) == [space] for room in (*circles, district, world.room("#common")))
    )


async def test_a_district_is_replaced_and_its_circles_stay_where_they_are(world: World) -> None:
    old, space = await with_a_district(world), world.room("#space")
    assert is_whole(world, space, old)
    assert await left_to_do(world) == []
    new, answer = await replaced(world, "#district", f"!room replace {old}")
    assert new
    assert new != old
    assert "goes on in a new room, of version 12" in answer
    assert "1 person was in the old one" in answer
    assert content(world, old, "m.room.tombstone")["replacement_room"] == new
    assert content(world, new, "m.room.create")["type"] == "m.space"
    assert is_whole(world, space, new)
    assert old not in shown_in(world, space)
    assert all(old not in parents(world, world.room(name)) for name in CIRCLES)
    assert parents(world, new) == {space}
    assert world.hs.model.aliases["#lantern-1:a.test"][0] == new
    assert (await ours(world))["district/1"] == new
    assert await left_to_do(world) == []
    # Whoever is in the space finds their way by themselves; nobody leaves a circle because the list above it is another one.
    assert new not in world.member("ben").invites()
    await world.member("ben").join(new)
    await world.member("ben").leave(old)
    await world.settle()
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert PEOPLE["ben"] in world.hs.members(world.room("#sleep"))
    await world.replay()
    await done(world)
    assert world.changes() == []


@on_a_file
async def test_a_community_that_grows_on_uses_the_district_that_goes_on(world: World) -> None:
    old = await with_a_district(world)
    new, _ = await replaced(world, "#district", f"!room replace {old}")
    await world.say("#staff", "mod", "!circles archive #garden")
    await world.settle()
    await done(world)
    assert shown_in(world, new) == {world.room("#sleep")}
    await world.say("#staff", "mod", f"!circles make #night {PEOPLE['ann']} Night shift")
    await world.settle()
    await done(world)
    circle = (await ours(world))["circle/night"]
    assert shown_in(world, new) == {world.room("#sleep"), circle}
    assert set(await ours(world)) >= {"district/1"}
    assert "district/2" not in await ours(world)
    assert await left_to_do(world) == []


async def test_a_space_with_a_district_is_replaced(world: World) -> None:
    district, old = await with_a_district(world), world.room("#space")
    before = world.hs.members(old)
    new, answer = await replaced(world, "#space", "!room replace space")
    assert "goes on in a new room" in answer
    assert content(world, old, "m.room.tombstone")["replacement_room"] == new
    assert is_whole(world, new, district)
    assert shown_in(world, new) == {district, world.room("#common")}
    assert parents(world, district) == {new}
    assert old not in {room for name in CIRCLES for room in parents(world, world.room(name))}
    assert await left_to_do(world) == []
    called = {member.user_id for member in world.people.values() if new in member.invites()}
    assert called == before - {HEARTH}
    # Restricted joins go by the new space: whoever came along gets in, and the old one opens nothing any more.
    await world.member("dan").join(new)
    await world.member("dan").join(world.room("#sleep"))
    with pytest.raises(Exception, match="M_FORBIDDEN"):
        await world.member("olga").join(world.room("#garden"))
    await world.settle()
    assert PEOPLE["dan"] in world.hs.members(world.room("#sleep"))
    await world.replay()
    await done(world)
    assert world.changes() == []


STEPS = [
    ("district", "/upgrade$"),
    ("district", "/state/m.space.child/"),
    ("district", "/state/m.space.parent"),
    ("space", "/upgrade$"),
    ("space", "/state/m.space.parent"),
    ("space", "/state/m.room.join_rules"),
    ("space", "/invite$"),
]


@on_a_file
@pytest.mark.parametrize("step", STEPS)
async def test_a_space_that_was_cut_off_while_it_was_replaced_is_whole_in_the_end(
    world: World, step: tuple[str, str]
) -> None:
    what, path = step
    district = await with_a_district(world)
    old = district if what == "district" else world.room("#space")
    event = await ordered(world, f"!room replace {old}")
    hanging = world.hs.faults.add("hang_after", path=path, times=None)

    async def hit() -> bool:
        return bool(hanging.hits)

    await world.until(hit)
    await world.stop()
    hanging.release()
    await world.start()
    await done(world)
    new = await now_at(world, old)
    assert new
    successors = [
        room for room in world.hs.model.rooms.values()
        if (room.content("m.room.create").get("predecessor") or {}).get("room_id") == old
    ]  # fmt: skip
    assert len(successors) == 1
    space, district = (world.room("#space"), new) if what == "district" else (new, district)
    assert is_whole(world, space, district)
    assert old not in shown_in(world, space)
    assert "goes on" in outcome(world, event)
    assert await left_to_do(world) == []
    assert not [row["key"] for row in await world.rows(outbox) if row["state"] == "dead"]
