"""A knock that is open while its room is replaced leads into the room that goes on, never into the one that is closed."""

import pytest
from community import HEARTH
from test_codes import NEW, invitations, made, newcomer
from test_knocks import case, knocks, membership
from test_replace import done, replaced
from world import World, on_a_file


async def is_answered_after(world: World, room: str, line: str) -> tuple[str, str]:
    """The room is replaced while somebody knocks at it, and staff says yes; the old room and the new one."""
    old = world.room(room)
    new, _ = await replaced(world, room, line)
    await world.order("mod", "!cases")
    await world.say("#staff", "mod", "!accept 1")
    await world.settle()
    return old, new


def is_invited_once(world: World, old: str, new: str) -> bool:
    return world.hs.room(old).membership(NEW) == "knock" and world.member("nora").invites() == [new]


@pytest.mark.parametrize("where_to", [("#garden", "!room replace #garden"), ("#space", "!room replace space")])
async def test_a_knock_at_a_room_that_was_replaced_is_answered_by_the_new_one(
    world: World, where_to: tuple[str, str]
) -> None:
    room, line = where_to
    await knocks(world, room)
    old, new = await is_answered_after(world, room, line)
    assert is_invited_once(world, old, new)
    await world.member("nora").join(new)
    await world.settle()
    assert old not in world.member("nora").invites()
    assert world.hs.room(old).membership(NEW) == "knock"
    await world.replay()
    await done(world)
    assert world.changes() == []


@on_a_file
async def test_after_two_replacements_it_is_the_newest(world: World) -> None:
    await knocks(world, "#garden")
    first = world.room("#garden")
    await replaced(world, "#garden", "!room replace #garden")
    second, third = await is_answered_after(world, "#garden", "!room replace #garden")
    assert is_invited_once(world, first, third)
    assert world.hs.room(second).membership(NEW) == "leave"


@on_a_file
async def test_an_answer_that_has_to_wait_for_another_invitation_finds_the_new_room(world: World) -> None:
    code = await made(world)
    await newcomer(world)
    await world.ask("nora", code)
    await knocks(world, "#garden")
    old, new = await is_answered_after(world, "#garden", "!room replace #garden")
    assert invitations(world, world.member("nora")) == ["#space"]
    await world.member("nora").join(world.room("#space"))
    await world.settle()
    assert is_invited_once(world, old, new)


@on_a_file
async def test_who_declines_the_new_room_is_left_in_peace(world: World) -> None:
    await knocks(world, "#garden")
    old, new = await is_answered_after(world, "#garden", "!room replace #garden")
    await world.member("nora").leave(new)
    await world.settle()
    await world.tick()
    assert world.member("nora").invites() == []
    assert world.hs.room(old).membership(NEW) == "knock"


@on_a_file
async def test_who_got_into_the_new_room_another_way_waits_no_more(world: World) -> None:
    await knocks(world, "#garden")
    new, _ = await replaced(world, "#garden", "!room replace #garden")
    await (await world.hs.user(HEARTH)).invite(new, NEW)
    await world.settle()
    row = await case(world)
    assert (row["state"], row["outcome"]) == ("settled", "accepted")
    assert membership(world, "#garden") == "invite"


@on_a_file
async def test_a_no_ends_the_knock_where_it_was_made(world: World) -> None:
    await knocks(world, "#garden")
    old = world.room("#garden")
    new, _ = await replaced(world, "#garden", "!room replace #garden")
    await world.say("#staff", "mod", "!refuse 1")
    await world.settle()
    assert world.hs.room(old).membership(NEW) == "leave"
    assert world.hs.room(new).membership(NEW) == "leave"
