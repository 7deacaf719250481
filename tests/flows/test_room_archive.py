"""A further room that is no longer used is put aside by command, also when the file does not name it any more; nothing is ever deleted."""

from typing import Any

import pytest
from community import HEARTH, PEOPLE
from deciding import carried_out, content, decided, planned
from world import World, on_a_file

LIBRARY = {"key": "library", "name": "Library", "encrypted": False, "entry": "invited", "members": [PEOPLE["ben"]]}


async def file_says(world: World, *rooms: dict[str, Any], **more: Any) -> None:
    """The file names these further rooms, and Hearth starts with it."""
    await world.stop()
    data = world.config.model_dump()
    data["community"] |= {"rooms": list(rooms), **more}
    await world.build(data)
    await world.start()
    await carried_out(world)


async def with_a_library(world: World) -> None:
    await file_says(world, LIBRARY)
    await world.member("ben").join(world.room("#library"))
    await world.settle()


def is_put_aside(world: World) -> bool:
    """Read only, out of the space, marked; and Ben is still there."""
    room = world.room("#library")
    return (
        content(world, "#library", "m.room.power_levels")["events_default"] == 60
        and content(world, "#space", "m.space.child", room) == {}
        and content(world, "#library", "m.room.name")["name"].endswith(" Library")
        and PEOPLE["ben"] in world.hs.members(room)
    )


async def told_of(world: World, key: str) -> list[str]:
    """What `plan` says about this room."""
    answer = await decided(world, "mod", "!plan")
    return [line for line in answer.splitlines() if key in line]


async def test_a_room_that_left_the_file_is_offered_for_archiving_and_the_offer_works(world: World) -> None:
    await with_a_library(world)
    await file_says(world)
    said = await told_of(world, "room/library")
    assert any("no longer in the configuration" in line for line in said)
    assert any("!room archive room/library" in line for line in said)
    assert await planned(world) == []
    before = world.hs.room(world.room("#library")).content("m.room.join_rules")
    assert "That is done" in await decided(world, "mod", "!room archive room/library")
    assert is_put_aside(world)
    assert content(world, "#library", "m.room.join_rules") == before
    assert await planned(world) == []
    assert await told_of(world, "room/library") == []
    assert "archived already" in await decided(world, "mod", "!room archive room/library")
    await world.restart()
    assert await planned(world) == []

    # It comes back, and lets in nobody who could not enter before.
    assert "That is done" in await decided(world, "mod", "!room restore room/library")
    assert content(world, "#library", "m.room.power_levels")["events_default"] == 0
    assert content(world, "#library", "m.room.name") == {"name": "Library"}
    assert content(world, "#library", "m.room.join_rules") == before
    assert content(world, "#space", "m.space.child", world.room("#library"))["via"] == ["a.test"]
    assert await planned(world) == []
    assert "no archived room" in await decided(world, "mod", "!room restore room/library")
    await world.replay()
    await world.tick()
    assert world.changes() == []


@on_a_file
async def test_a_room_that_the_file_names_is_archived_too(world: World) -> None:
    await with_a_library(world)
    assert "That is done" in await decided(world, "mod", "!room archive #library:a.test")
    assert is_put_aside(world)
    assert await planned(world) == []
    assert "That is done" in await decided(world, "mod", "!room restore room/library")
    assert await planned(world) == []


@on_a_file
async def test_the_file_itself_can_say_that_a_room_is_archived(world: World) -> None:
    await with_a_library(world)
    await file_says(world, archived_rooms=[LIBRARY])
    assert is_put_aside(world)
    assert await planned(world) == []
    assert await told_of(world, "room/library") == []


@on_a_file
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("!room archive #sleep", "circles archive #sleep"),
        ("!room archive common", "cannot do without"),
        ("!room archive staff", "cannot do without"),
        ("!room archive space", "cannot do without"),
        ("!room restore #sleep", "no archived room"),
    ],
)
async def test_what_is_no_further_room_is_not_archived(world: World, text: str, why: str) -> None:
    assert why in await decided(world, "mod", text)
    assert await planned(world) == []


@on_a_file
async def test_a_room_with_many_people_is_asked_about_first(world: World) -> None:
    await with_a_library(world)
    for number in range(11):
        guest = await world.hs.user(f"@guest{number}:c.test")
        await (await world.hs.user(HEARTH)).invite(world.room("#library"), guest.user_id)
        await guest.join(world.room("#library"))
    await world.settle()
    event = await world.say("#staff", "mod", "!room archive room/library")
    await carried_out(world)
    question = world.answer_to("#staff", event)
    assert "would become read only for 12 people" in question.body
    assert not is_put_aside(world)
    await world.react("#staff", "mod", question.event_id, "👍")
    await carried_out(world)
    assert is_put_aside(world)
