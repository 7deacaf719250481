"""Rooms that were there before Hearth become ours as the file says, and nothing else is ever touched."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bridge.rooms.build import Outcome
from tests.fake import FakeHomeserver, Member
from tests.flows.test_apply import COMMUNITY, ME, House, built
from tests.flows.world import on_a_file

pytestmark = on_a_file

FULL = {"users": {"@ann:a.test": 100, ME: 100}}
BARE: dict[str, Any] = {**COMMUNITY, "circles": [], "moderators": []}


@pytest.fixture
async def house(where: Path | str) -> AsyncIterator[House]:
    async with FakeHomeserver() as hs:
        bot = await hs.user("hearth")
        yield House(hs, bot.token(), where)


@pytest.fixture
async def ann(house: House) -> Member:
    return await house.hs.user("@ann:a.test")


async def lounge(ann: Member, **more: Any) -> str:
    """A room of Ann's that has its own history, topic and people."""
    given = {"preset": "private_chat", "room_version": "11", "name": "Lounge", "topic": "Tea", "power_level_content_override": FULL}  # fmt: skip
    return await ann.create(**{"room_alias_name": "lounge", "invite": [ME], **given, **more})


def with_circle(house: House, **fields: Any) -> None:
    house.community = {**BARE, "circles": [{"name": "Tea", "tag": "tea", "encrypted": False, **fields}]}


async def outcome_of(house: House, *, force: bool = False) -> Outcome:
    outcome = await house.build(force=force)
    assert outcome is not None
    return outcome


async def test_an_invited_hearth_takes_a_room_over_and_keeps_what_the_file_does_not_say(
    house: House, ann: Member
) -> None:
    room = await lounge(ann)
    with_circle(house, room="#lounge:a.test")
    assert "+ circle/tea: enter the room #lounge:a.test" in await house.plan()
    first = await outcome_of(house)
    assert [hold.about for hold in first.holds] == ["entry"], "members of the space may enter from now on"
    assert house.hs.room(room).content("m.room.join_rules")["join_rule"] == "invite"
    held = await outcome_of(house)
    assert ([hold.about for hold in held.holds], held.done) == (["entry"], 0)
    outcome = await outcome_of(house, force=True)
    assert outcome.failures == outcome.left == outcome.notes == ()
    row = (await house.rows())["circle/tea"]
    assert (row.room, row.alias, row.encrypted) == (room, "#lounge:a.test", False)
    state = house.hs.room(room)
    assert state.content("m.room.name")["name"] == "Tea"
    assert state.content("m.room.topic")["topic"] == "Tea"
    assert state.content("m.room.join_rules")["join_rule"] == "restricted"
    assert state.content("m.room.power_levels")["users"] == FULL["users"]
    assert room in {key for kind, key in house.room("home").state if kind == "m.space.child"}
    assert len(house.hs.model.rooms) == 4
    house.hs.mark()
    assert (await built(house)).done == 0
    assert house.hs.requests_since_mark() == []


@pytest.mark.parametrize(
    ("more", "target", "about"),
    [
        ({}, "#nowhere:a.test", "unknown"),
        ({"invite": []}, "#lounge:a.test", "outside"),
        ({"power_level_content_override": {"users": {"@ann:a.test": 100, ME: 50}}}, "#lounge:a.test", "lacks"),
        ({"room_version": "6"}, "#lounge:a.test", "old"),
    ],
)
async def test_what_is_missing_is_told_and_no_other_room_is_made_in_its_place(
    house: House, ann: Member, more: dict[str, Any], target: str, about: str
) -> None:
    room = await lounge(ann, **more)
    before = len(house.hs.room(room).timeline)
    with_circle(house, room=target)
    outcome = await outcome_of(house)
    assert ("circle/tea", about) in [(note.key, note.about) for note in outcome.notes]
    assert "circle/tea" not in await house.rows()
    assert len(house.hs.model.rooms) == 4, "the space, the common room, the staff room and Ann's own"
    theirs = [event for event in house.hs.room(room).timeline[before:] if event.type != "m.room.member"]
    assert theirs == []


async def test_a_room_is_one_of_ours_only_once(house: House, ann: Member) -> None:
    await lounge(ann)
    both = [
        {"name": name, "tag": name.lower(), "encrypted": False, "room": "#lounge:a.test"} for name in ("Tea", "Cake")
    ]
    house.community = {**BARE, "circles": both}
    await outcome_of(house)
    outcome = await outcome_of(house, force=True)
    assert [(note.key, note.about) for note in outcome.notes] == [("circle/cake", "taken")]


async def test_a_whole_space_is_adopted_and_what_the_file_does_not_name_is_never_touched(
    house: House, ann: Member
) -> None:
    rooms = {}
    for name in ("Tea", "Cake", "Private matters"):
        rooms[name] = await lounge(ann, name=name, room_alias_name=name.lower().replace(" ", "-"))
    space = await lounge(ann, name="Old home", room_alias_name="old", creation_content={"type": "m.space"})
    for room in rooms.values():
        await ann.state(space, "m.space.child", {"via": ["a.test"]}, key=room)
    bot = await house.hs.user("hearth")
    for room in rooms.values():
        await bot.join(room)
    house.community = {
        **BARE,
        "space": {"name": "Home", "room": "#old:a.test"},
        "circles": [
            {"name": "Tea", "tag": "drinks"},
            {"name": "Sweet things", "tag": "cake"},
            {"name": "New", "tag": "new"},
        ],
    }
    before = len(house.hs.room(rooms["Private matters"]).timeline)
    await outcome_of(house)
    outcome = await outcome_of(house, force=True)
    assert outcome.failures == outcome.left == ()
    assert [(note.key, note.about, note.name) for note in outcome.notes] == [("space", "stranger", "Private matters")]
    rows = {key: row.room for key, row in (await house.rows()).items()}
    assert (rows["space"], rows["circle/drinks"], rows["circle/cake"]) == (space, rooms["Tea"], rooms["Cake"])
    assert house.hs.room(rooms["Cake"]).content("m.room.name")["name"] == "Sweet things"
    children = {key for kind, key in house.hs.room(space).state if kind == "m.space.child"}
    assert children == {*rooms.values(), rows["circle/new"], rows["common"]}
    assert len(house.hs.room(rooms["Private matters"]).timeline) == before
    assert (await built_but_notes(house)).done == 0


async def built_but_notes(house: House) -> Outcome:
    outcome = await outcome_of(house)
    assert outcome.failures == outcome.left == outcome.holds == ()
    return outcome


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("lives", range(0, 12, 2))
async def test_a_kill_at_any_step_of_an_adoption_makes_nothing_twice(
    house: House, ann: Member, lives: int, after: bool
) -> None:
    room = await lounge(ann)
    with_circle(house, room="#lounge:a.test")
    await house.build(lives=lives, after=after, force=True)
    outcome = await outcome_of(house, force=True)
    assert outcome.failures == outcome.left == ()
    assert (await house.rows())["circle/tea"].room == room
    assert len(house.hs.model.rooms) == 4
    assert (await built(house)).done == 0
