"""Moderators and curators change circles by command; what they decide is desired state that `plan` knows."""

import pytest
from community import HEARTH, PEOPLE
from deciding import carried_out, content, decided, planned
from world import World, on_a_file

from bridge.store.tables import rooms as rooms_table


async def test_a_circle_is_made_while_hearth_runs(world: World) -> None:
    said = await decided(world, "mod", f"!circles make #hope {PEOPLE['ben']} Places of hope")
    assert "#hope is there now" in said
    assert content(world, "#hope", "m.room.name") == {"name": "Places of hope"}
    assert content(world, "#hope", "m.room.canonical_alias")["alias"] == "#hope:a.test"
    assert content(world, "#hope", "m.room.power_levels")["users"][PEOPLE["ben"]] == 50
    assert content(world, "#space", "m.space.child", world.room("#hope"))["via"] == ["a.test"]
    assert world.room("#hope") in world.member("ben").invites()
    await world.direct("ben")
    assert "You look after #hope" in world.told("ben")[-1]
    assert await planned(world) == []
    (entry,) = [each for each in await world.ledger() if each.action == "circles make"]
    assert (entry.actor, entry.target) == (PEOPLE["mod"], "circle/hope")
    await world.replay()
    await world.tick()
    assert world.changes() == []


@on_a_file
async def test_a_circle_without_a_curator_is_made_and_the_answer_says_what_is_missing(world: World) -> None:
    said = await decided(world, "mod", "!circles make hope")
    assert "Nobody looks after it yet" in said
    assert "circle curators #hope add" in said
    assert content(world, "#hope", "m.room.name") == {"name": "Hope"}


@on_a_file
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("!circles make", "missing"),
        ("!circles make #sleep", "already"),
        ("!circles make #Sleep Other", "already"),
        ("!circles make #common", "shares a thread"),
        ("!circles make #hope @nobody:c.test", "not in this community"),
        ("!circles make #hope " + HEARTH, "only a program"),
        ("!circles make #hope " + "x" * 101, "at most 100"),
        ("!circles rename #nowhere #night", "I know no circle"),
        ("!circles rename #sleep #garden", "already"),
        ("!circles rename #sleep #1", "letters"),
        ("!circles archive #nowhere", "I know no circle"),
        ("!circles restore #sleep", "no archived circle"),
        ("!circle topic sleep", "What should it say"),
        ("!circle topic", "Which circle"),
        ("!circle topic nowhere something", "Which circle"),
        ("!circle size #sleep 1", "from 2"),
        ("!circle curators #sleep add", "Whom do you mean"),
        ("!circle curators #sleep add @nobody:c.test", "not in this community"),
        ("!circle curators #sleep add " + PEOPLE["ann"], "already"),
        ("!circle curators #sleep remove " + PEOPLE["dan"], "does not look after"),
    ],
)
async def test_what_cannot_be_is_said_and_nothing_is_changed(world: World, text: str, why: str) -> None:
    answer = await world.order("mod", text)
    assert why in answer.body
    await world.tick()
    assert await planned(world) == []
    assert await world.ledger() == []


@on_a_file
async def test_members_and_other_circles_curators_cannot(world: World) -> None:
    for who, room, text in (
        ("ben", "#sleep", "!circle topic Mine"),
        ("ann", "#common", "!circle topic #garden Mine"),
        ("ben", "#sleep", "!circles make #hope"),
    ):
        await world.say(room, who, text)
    await world.settle()
    (said,) = await world.ask("ann", "circle topic garden Mine")
    assert "Only whoever looks after" in said
    await carried_out(world)
    assert await world.ledger() == []
    assert content(world, "#garden", "m.room.topic").get("topic", "") == ""


async def test_a_circle_gets_another_tag_and_what_hangs_on_it_goes_on(world: World) -> None:
    await world.ask("ben", "follow #sleep")
    said = await decided(world, "mod", "!circles rename #sleep #night")
    assert "That is done" in said
    held = content(world, "#sleep", "m.room.canonical_alias")
    assert held == {"alias": "#night:a.test", "alt_aliases": ["#sleep:a.test"]}
    assert content(world, "#sleep", "m.room.name") == {"name": "Sleeping well"}
    (row,) = [row for row in await world.rows(rooms_table) if row["key"] == "circle/sleep"]
    assert (row["tag"], row["alias"]) == ("night", "#night:a.test")
    (follows,) = await world.ask("ben", "follows")
    assert "#night" in follows
    (answer,) = await world.ask("ben", "follow #night")
    assert "already" in answer
    root = await world.say("#sleep", "ben", "I slept! #common")
    await world.settle()
    assert any("#night" in seen.body for seen in world.from_hearth("#common")), root
    await world.say("#sleep", "ann", "!circle topic Now at night")
    await carried_out(world)
    assert content(world, "#sleep", "m.room.topic")["topic"] == "Now at night"
    assert await planned(world) == []
    await world.restart()
    assert await planned(world) == []
    await world.replay()
    await world.tick()
    assert world.changes() == []


@on_a_file
async def test_a_new_name_alone_leaves_tag_and_address(world: World) -> None:
    await decided(world, "mod", "!circles rename sleep Quiet nights")
    assert content(world, "#sleep", "m.room.name") == {"name": "Quiet nights"}
    assert content(world, "#sleep", "m.room.canonical_alias") == {"alias": "#sleep:a.test"}


@on_a_file
async def test_a_freed_tag_can_be_had_by_a_new_circle_and_old_addresses_lead_where_they_did(world: World) -> None:
    await decided(world, "mod", "!circles rename #sleep #night")
    await decided(world, "mod", "!circles make #sleep Another one")
    assert content(world, "#sleep-2", "m.room.canonical_alias")["alias"] == "#sleep-2:a.test"
    tags = {row["key"]: row["tag"] for row in await world.rows(rooms_table)}
    assert tags["circle/sleep"] == "night"
    assert tags["circle/sleep-2"] == "sleep"
    assert await planned(world) == []


@on_a_file
@pytest.mark.parametrize("text", ["!circles make #hope", "!circles rename #sleep #hope"])
async def test_an_address_that_is_somebody_elses_is_told_and_the_decision_taken_back(world: World, text: str) -> None:
    await world.member("ben").create(room_alias_name="hope")
    said = await decided(world, "mod", text)
    assert "leads to another room" in said
    tags = {row["tag"] for row in await world.rows(rooms_table)}
    assert "sleep" in tags
    assert "hope" not in tags
    assert await planned(world) == []
    del world.hs.model.aliases["#hope:a.test"]
    again = await decided(world, "mod", text)
    assert "leads to another room" not in again
    assert "hope" in {row["tag"] for row in await world.rows(rooms_table)}


async def test_an_archived_circle_is_read_only_and_out_of_the_space_and_nobody_is_removed(world: World) -> None:
    before = world.hs.members(world.room("#sleep"))
    said = await decided(world, "mod", "!circles archive #sleep")
    assert "That is done" in said
    assert world.hs.members(world.room("#sleep")) == before
    assert content(world, "#space", "m.space.child", world.room("#sleep")) == {}
    assert content(world, "#sleep", "m.room.name")["name"].endswith("Sleeping well")
    assert content(world, "#sleep", "m.room.power_levels")["events_default"] == 60
    assert (await planned(world)) == []
    assert not [note for note in (await world.hearth.plan()).notes if note.key == "circle/sleep"]  # type: ignore[union-attr]
    answer = await world.order("mod", "!circles archive #sleep")
    assert "I know no circle" in answer.body
    await decided(world, "mod", "!circles make #sleep")
    said = await decided(world, "mod", "!circles restore circle/sleep")
    assert "already" in said
    await decided(world, "mod", "!circles restore circle/sleep #rest")
    assert content(world, "#sleep", "m.room.name") == {"name": "Sleeping well"}
    assert content(world, "#sleep", "m.room.power_levels")["events_default"] == 0
    assert content(world, "#space", "m.space.child", world.room("#sleep"))["via"]
    assert await planned(world) == []
    await world.replay()
    await world.tick()
    assert world.changes() == []


@on_a_file
async def test_a_curator_changes_the_own_circle_where_they_are_and_in_the_direct_room(world: World) -> None:
    await world.say("#sleep", "ann", "!circle topic sleep and dreams")
    await carried_out(world)
    assert content(world, "#sleep", "m.room.topic")["topic"] == "sleep and dreams"
    await world.write_to_hearth("ann", "circle topic Good mornings")
    await carried_out(world)
    assert content(world, "#sleep", "m.room.topic")["topic"] == "Good mornings"
    await world.write_to_hearth("ann", "circle topic sleep Good nights")
    await carried_out(world)
    assert content(world, "#sleep", "m.room.topic")["topic"] == "Good nights"
    await world.say("#sleep", "ann", "!circle size 12")
    await carried_out(world)
    (said,) = await world.ask("ann", "circle size #sleep")
    assert "12" in said
    assert await planned(world) == []


@on_a_file
async def test_curators_come_and_go_and_their_power_with_them(world: World) -> None:
    said = await decided(world, "mod", f"!circle curators #sleep add {PEOPLE['ben']}")
    assert "Ann" in said
    assert "Ben" in said
    assert content(world, "#sleep", "m.room.power_levels")["users"][PEOPLE["ben"]] == 50
    said = await decided(world, "mod", f"!circle curators #sleep remove {PEOPLE['ann']}")
    levels = content(world, "#sleep", "m.room.power_levels")["users"]
    assert (levels[PEOPLE["ann"]], levels[PEOPLE["ben"]]) == (0, 50)
    assert PEOPLE["ann"] in world.hs.members(world.room("#sleep"))
    said = await decided(world, "mod", f"!circle curators #sleep remove {PEOPLE['ben']}")
    assert "Nobody looks after" in said
    assert await planned(world) == []


@on_a_file
async def test_a_curator_hands_the_circle_over(world: World) -> None:
    await world.say("#sleep", "ann", f"!circle handover {PEOPLE['eve']}")
    await carried_out(world)
    levels = content(world, "#sleep", "m.room.power_levels")["users"]
    assert (levels[PEOPLE["ann"]], levels[PEOPLE["eve"]]) == (0, 50)
    await world.direct("eve")
    assert "You look after #sleep" in world.told("eve")[-1]
    await world.say("#sleep", "ann", "!circle topic Still mine?")
    await carried_out(world)
    assert content(world, "#sleep", "m.room.topic").get("topic", "") == ""


@on_a_file
async def test_the_circles_are_shown_in_numbers_and_small_groups_without_any(world: World) -> None:
    await world.order("mod", "!circles")
    answer = (await world.order("mod", "!circles")).body
    assert "2 circles" in answer
    assert "fewer than 5 people" in answer
    for number in range(4):
        late = await world.hs.user(f"@late{number}:a.test")
        await world.member("olga").invite(world.room("#space"), late.user_id)
        await late.join(world.room("#space"))
        await late.join(world.room("#sleep"))
    await world.say("#sleep", "ben", "words")
    await world.settle()
    answer = (await world.order("mod", "!circles")).body
    assert "7 people" in answer
    assert "within the hour" in answer
    assert "Ann" in answer
    assert "words" not in answer


@on_a_file
@pytest.mark.parametrize("path", ["/createRoom$", "m.space.child"])
async def test_stopped_in_the_middle_a_circle_is_made_once(world: World, path: str) -> None:
    hanging = world.hs.faults.add("hang_after", path=path, times=None)
    event = await world.say("#staff", "mod", "!circles make #hope")
    await world.hs.until(lambda: hanging.hits)
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await carried_out(world)
    assert "#hope is there now" in world.answer_to("#staff", event).body
    names = [world.hs.room(room).content("m.room.name").get("name") for room in world.hs.model.rooms]
    assert names.count("Hope") == 1
    assert await planned(world) == []
