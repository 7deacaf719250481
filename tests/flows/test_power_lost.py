"""Hearth loses its power, or a room: people hear of it at once and once, with what to do."""

from typing import Any

from community import HEARTH, PEOPLE
from world import World, on_a_file

pytestmark = on_a_file
ANN, OLGA = PEOPLE["ann"], PEOPLE["olga"]
LEVELS = "m.room.power_levels"


def by_hand(world: World, room: str, kind: str, content: dict[str, Any], key: str = "") -> None:
    """A state event that no rule of the fake homeserver stands in the way of: in rooms of before version 12 people can have more power than we."""
    world.hs.inject(world.room(room), OLGA, kind, content, ts=world.clock(), state_key=key)


async def an_older_room(world: World) -> str:
    await world.stop()
    data = world.config.model_dump()
    data["community"]["room_version"] = "10"
    data["community"]["circles"] = [*data["community"]["circles"], {"name": "Kitchen", "tag": "kitchen", "encrypted": False, "curators": [ANN]}]  # fmt: skip
    await world.build(data)
    await world.start()
    await world.tick()
    return "#kitchen"


def weakened(world: World, room: str, level: int) -> dict[str, Any]:
    held = world.hs.room(world.room(room)).content(LEVELS)
    return {**held, "users": {**held["users"], HEARTH: level, ANN: 110}}


def in_staff(world: World, words: str) -> list[str]:
    return [seen.body for seen in world.from_hearth("#staff") if words in seen.body]


async def test_power_taken_by_hand_is_told_once_with_who_can_give_it_back(world: World) -> None:
    room = await an_older_room(world)
    await world.member("ann").join(world.room("#kitchen"))
    before = world.hs.room(world.room(room)).content(LEVELS)
    by_hand(world, room, LEVELS, weakened(world, room, 40))
    await world.settle()
    await world.tick()
    (told,) = in_staff(world, "too little power")
    assert "#kitchen:a.test" in told
    assert "it is 40, and I need 100" in told
    assert "Ann can give it back" in told
    await world.tick()
    assert in_staff(world, "too little power") == [told]
    by_hand(world, room, LEVELS, weakened(world, room, 0))
    await world.settle()
    await world.tick()
    assert len(in_staff(world, "too little power")) == 2
    by_hand(world, room, LEVELS, before)
    await world.settle()
    await world.tick()
    assert len(in_staff(world, "All is well again")) == 1


async def test_what_happened_while_hearth_was_down_is_seen_at_the_start(world: World) -> None:
    room = await an_older_room(world)
    await world.stop()
    by_hand(world, room, LEVELS, weakened(world, room, 40))
    await world.start()
    await world.tick()
    assert len(in_staff(world, "too little power")) == 1


async def test_a_room_that_hearth_was_thrown_out_of_takes_it_in_again(world: World) -> None:
    by_hand(world, "#garden", "m.room.member", {"membership": "leave"}, HEARTH)
    await world.settle()
    await world.tick()
    (told,) = in_staff(world, "not in")
    assert "#garden:a.test" in told
    assert HEARTH in told
    await world.member("cleo").invite(world.room("#garden"), HEARTH)
    await world.settle()
    await world.tick()
    assert len(in_staff(world, "All is well again")) == 1
    assert len(in_staff(world, "not in")) == 1


async def test_a_ban_of_hearth_is_told_as_one(world: World) -> None:
    by_hand(world, "#garden", "m.room.member", {"membership": "ban"}, HEARTH)
    await world.settle()
    await world.tick()
    assert len(in_staff(world, "I was banned from")) == 1


async def test_when_it_is_the_staff_room_the_owners_are_told_alone(world: World) -> None:
    await world.direct("olga")
    by_hand(world, "#staff", "m.room.member", {"membership": "leave"}, HEARTH)
    by_hand(world, "#garden", "m.room.member", {"membership": "leave"}, HEARTH)
    await world.settle()
    await world.tick()
    told = world.told("olga")
    assert [text for text in told if "#staff-room:a.test" in text]
    assert [text for text in told if "#garden:a.test" in text]
    assert in_staff(world, "not in") == []


async def test_a_room_closed_without_a_successor_is_told(world: World) -> None:
    by_hand(world, "#garden", "m.room.tombstone", {"body": "over"})
    await world.settle()
    await world.tick()
    assert len(in_staff(world, "Somebody closed")) == 1


async def test_a_homeserver_that_is_away_is_asked_again(world: World) -> None:
    away = world.hs.faults.add("status", path="/state/m.room.power_levels/$", status=502, times=None)
    by_hand(world, "#garden", "m.room.tombstone", {"body": "over"})
    await world.settle()
    await world.tick()
    assert in_staff(world, "Somebody closed") == []
    away.release()
    await world.tick()
    assert len(in_staff(world, "Somebody closed")) == 1
    assert await world.ask("olga", "help")


async def test_a_look_at_all_rooms_asks_two_questions_for_each(world: World) -> None:
    await world.tick()
    rooms = world.everywhere()
    world.hs.mark()
    await world.ring("rooms")
    await world.ring("footing")
    asked = [request.path for request in world.hs.requests_since_mark(mutating=False) if request.user_id == HEARTH]
    asked = [path for path in asked if "/sync" not in path]
    assert len([path for path in asked if "/state/m.room.power_levels/" in path]) == len(rooms)
    assert len(asked) == 1 + 2 * len(rooms), asked
