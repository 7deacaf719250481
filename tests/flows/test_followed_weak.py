"""Somebody else makes the room that goes on, and Hearth has no power there at first: what is missing is done as soon as it has."""

from community import HEARTH, PEOPLE
from test_replace import content, done, now_at, olga_enters
from world import World, on_a_file

pytestmark = on_a_file


async def test_what_could_not_follow_for_want_of_power_follows_once_it_is_given(world: World) -> None:
    old, space = await olga_enters(world), world.room("#space")
    await world.member("olga").state(old, "org.example.widget", {"url": "x"}, "one")
    await world.order("mod", "!ban @zed:b.test spam")
    new = await world.member("olga").upgrade(old)
    await world.settle()
    await done(world)
    assert await now_at(world, old) == new
    assert content(world, new, "m.space.parent", space) == {}
    assert [seen.body for seen in world.from_hearth("#staff") if "too little power" in seen.body]
    levels = content(world, new, "m.room.power_levels")
    await world.member("olga").state(new, "m.room.power_levels", {**levels, "users": {**levels.get("users", {}), HEARTH: 100}})  # fmt: skip
    await world.settle()
    await done(world)
    assert [seen.body for seen in world.from_hearth("#staff") if "All is well again" in seen.body]
    assert content(world, new, "m.space.parent", space)["via"] == ["a.test"]
    assert content(world, new, "org.example.widget", "one") == {"url": "x"}
    assert world.hs.room(new).membership(PEOPLE["zed"]) == "ban"
    assert world.hearth
    assert (await world.hearth.plan()).changes == ()
    assert len([seen.body for seen in world.from_hearth("#staff") if "I went along" in seen.body]) == 1

    # Only what was left then: what people change by hand later is shown by the plan, and stays until staff says otherwise.
    await world.member("olga").state(new, "m.room.topic", {"topic": "By hand"})
    held = content(world, new, "m.room.power_levels")
    for level in (0, 100):
        await world.member("olga").state(new, "m.room.power_levels", {**held, "users": {**held["users"], HEARTH: level}})  # fmt: skip
        await world.settle()
        await done(world)
    assert content(world, new, "m.room.topic") == {"topic": "By hand"}
    await world.replay()
    await done(world)
    assert world.changes() == []
