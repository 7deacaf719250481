"""A curator hears who is new in their circle, and again if nobody says hello; never at night, and never once somebody did."""

import pytest
from community import HEARTH
from test_onboarding import arrives
from world import World, on_a_file

from bridge.store.tables import due, greetings


async def enters(world: World, circle: str = "#sleep", name: str = "nora") -> None:
    """Somebody who is new to the community enters a circle."""
    await arrives(world, name)
    await world.member(name).join(world.room(circle))
    await world.settle()
    await world.tick()
    await world.direct("ann")


def asked(world: World, who: str = "ann") -> list[str]:
    """What this person was told about newcomers."""
    return [body for body in world.told(who) if "Nora" in body]


def staff_saw(world: World) -> list[str]:
    return [seen.body for seen in world.from_hearth("#staff") if "Nora" in seen.body]


async def test_nobody_says_hello_for_a_day(world: World) -> None:
    await enters(world)
    assert len(asked(world)) == 1
    assert "Nora is new in #sleep" in asked(world)[0]
    await world.turn_to("2026-01-05 13:50")
    assert len(asked(world)) == 1
    await world.turn_to("2026-01-05 14:10")
    assert "Nobody has said hello to Nora" in asked(world)[1]
    assert staff_saw(world) == []
    await world.restart()
    await world.turn_to("2026-01-06 10:10")
    assert "for a day" in asked(world)[2]
    assert "looked after by: Ann" in staff_saw(world)[0]
    await world.turn_to("2026-01-09 10:00")
    assert len(asked(world)) == 3
    assert len(staff_saw(world)) == 1
    assert [row for row in await world.rows(due) if row["kind"] == "hello"] == []
    await world.replay()
    assert world.changes() == []


@on_a_file
@pytest.mark.parametrize("how", ["mention", "name", "reply", "thread", "reaction"])
async def test_one_turn_to_them_ends_it(world: World, how: str) -> None:
    await enters(world)
    hers = await world.say("#sleep", "nora", "Good evening")
    if how == "mention":
        await world.say("#sleep", "eve", "welcome", **{"m.mentions": {"user_ids": ["@nora:b.test"]}})
    elif how == "name":
        await world.say("#sleep", "eve", "Hi nora, good to have you here")
    elif how == "reply":
        await world.member("ben").reply(world.room("#sleep"), hers, "Good evening to you")
    elif how == "thread":
        await world.answer("#sleep", "ben", hers, "Good evening to you")
    else:
        await world.react("#sleep", "eve", hers, "💚")
    await world.settle()
    await world.turn_to("2026-01-05 15:00")
    await world.turn_to("2026-01-06 11:00")
    assert len(asked(world)) == 1
    assert staff_saw(world) == []


@on_a_file
async def test_neither_own_words_nor_talk_of_others_is_a_hello(world: World) -> None:
    await enters(world)
    hers = await world.say("#sleep", "nora", "I am Nora")
    await world.react("#sleep", "nora", hers, "💚")
    await world.say("#sleep", "ben", "What a night")
    await world.say("#common", "ben", "Where is Nora?")
    await world.settle()
    await world.turn_to("2026-01-05 15:00")
    assert len(asked(world)) == 2


@on_a_file
async def test_at_night_nobody_is_asked_and_nothing_is_lost(world: World) -> None:
    world.clock.turn_to("2026-01-05 23:30")
    await enters(world)
    assert asked(world) == []
    await world.turn_to("2026-01-06 08:01")
    assert len(asked(world)) == 1
    await world.turn_to("2026-01-06 11:00")
    assert len(asked(world)) == 1
    await world.turn_to("2026-01-06 12:10")
    assert len(asked(world)) == 2


@on_a_file
async def test_who_leaves_again_needs_no_hello_and_coming_back_is_not_new(world: World) -> None:
    await enters(world)
    await world.member("nora").leave(world.room("#sleep"))
    await world.settle()
    await world.turn_to("2026-01-05 15:00")
    assert len(asked(world)) == 1
    await world.member("nora").join(world.room("#sleep"))
    await world.settle()
    await world.tick()
    await world.turn_to("2026-01-06 15:00")
    assert len(asked(world)) == 1


@on_a_file
async def test_only_newcomers_to_the_community_are_announced(world: World) -> None:
    await world.member("dan").join(world.room("#sleep"))
    await world.settle()
    await world.tick()
    assert await world.rows(greetings) == []
    assert HEARTH in world.hs.members(world.room("#sleep"))
