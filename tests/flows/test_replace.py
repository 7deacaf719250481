"""A room goes on in a new one: by command, or because somebody replaced it; whatever hangs on it comes along."""

from typing import Any

import pytest
from community import HEARTH, PEOPLE
from deciding import carried_out, decided
from test_moves import crowd, inside, react_to_last
from world import World, on_a_file

from bridge.rooms.cascade import GRACE_MS
from bridge.store.tables import belongs, cases, follows, moves, outbox, rooms

EVE, BEN, ANN, OLGA, CLEO = (PEOPLE[name] for name in ("eve", "ben", "ann", "olga", "cleo"))


async def ordered(world: World, line: str, staff: str = "#staff") -> str:
    """Give the command and say yes to Hearth's question; the command's event id."""
    event = await world.say(staff, "mod", line)
    await world.settle()
    question = world.answer_to(staff, event)
    assert "cannot be undone" in question.body
    await world.react(staff, "mod", question.event_id, "👍")
    return event


def outcome(world: World, event: str, staff: str = "#staff") -> str:
    """The one answer after the question."""
    _, answer = [seen.body for seen in world.from_hearth(staff, "mod") if seen.reply_to == event]
    return answer


async def replaced(world: World, name: str, line: str) -> tuple[str, str]:
    """Replace a room by command; the new room's id, and what Hearth answered."""
    old, staff = world.room(name), world.room("#staff")
    event = await ordered(world, line, staff)
    await done(world)
    new = await now_at(world, old)
    if new:
        world.rooms[name] = new
    return new, outcome(world, event, staff)


async def done(world: World) -> None:
    """Until nothing of a replacement is left to do."""
    await world.settle()
    for _ in range(5):
        await world.tick()


async def olga_enters(world: World) -> str:
    """She made the rooms together with Hearth, so she may do everything there."""
    return await world.member("olga").join(world.room("#sleep"))


async def now_at(world: World, old: str) -> str:
    row = next(row for row in await world.rows(rooms) if row["room"] == old)
    return row["replaced_by"] or ""


def content(world: World, room: str, kind: str, key: str = "") -> Any:
    return world.hs.room(room).content(kind, key)


async def test_a_circle_is_replaced_with_all_that_hangs_on_it(world: World) -> None:
    old, space = world.room("#sleep"), world.room("#space")
    await world.ask("ben", "follow #sleep")
    await world.order("mod", "!ban @zed:b.test spam")
    new, answer = await replaced(world, "#sleep", "!room replace #sleep")
    assert new
    assert new != old
    assert "#sleep:a.test goes on in a new room, of version 12" in answer
    assert "3 people were in the old one" in answer
    assert world.hs.model.aliases["#sleep:a.test"][0] == new
    assert content(world, space, "m.space.child", old) == {}
    assert content(world, space, "m.space.child", new)["via"] == ["a.test"]
    assert content(world, new, "m.space.parent", space)["via"] == ["a.test"]
    assert content(world, new, "m.room.join_rules")["allow"][0]["room_id"] == space
    assert content(world, new, "m.room.canonical_alias")["alias"] == "#sleep:a.test"
    assert content(world, new, "m.room.power_levels")["users"][ANN] == 50
    assert content(world, new, "m.room.create")["additional_creators"] == [OLGA]
    assert "@zed:b.test" in {user for user in PEOPLE.values() if world.hs.room(new).membership(user) == "ban"}
    assert [row["target"] for row in await world.rows(follows)] == [new]
    (entry,) = [entry for entry in await world.ledger() if entry.action == "replace"]
    assert entry.outcome == {"new": new, "version": "12", "refused": []}
    told = [seen.body for seen in world.from_hearth(old, "ben") if "goes on in a new one" in seen.body]
    assert len(told) == 1
    assert all(new not in world.member(name).invites() for name in ("ben", "eve", "ann"))
    await world.member("eve").join(new)
    await world.settle()
    unban = await world.order("mod", "!unban @zed:b.test")
    assert "lifted everywhere" in unban.body
    assert world.hs.room(new).membership("@zed:b.test") == "leave"
    await world.replay()
    await done(world)
    assert world.changes() == []


@on_a_file
async def test_it_is_asked_for_first_and_says_what_it_means(world: World) -> None:
    question = await world.order("mod", "!room replace #sleep")
    assert "where 3 people are" in question.body
    world.hs.mark()
    await world.react("#staff", "olga", question.event_id, "👍")
    await world.react("#staff", "mod", question.event_id, "👎")
    await done(world)
    assert not [each for each in world.changes() if each.path.endswith("/upgrade")]
    assert await now_at(world, world.room("#sleep")) == ""


@on_a_file
async def test_old_posts_are_in_digests_and_follows_go_on(world: World) -> None:
    await world.ask("ben", "follow #sleep")
    await world.say("#sleep", "eve", "Before it was replaced")
    old = world.room("#sleep")
    new, _ = await replaced(world, "#sleep", "!room replace #sleep")
    await world.member("ben").join(new)
    await world.member("eve").join(new)
    await world.say(new, "eve", "After it was replaced")
    await world.settle()
    (digest,) = await world.ask("ben", "digest now")
    assert "Before it was replaced" in digest
    assert "After it was replaced" in digest
    await world.member("ben").leave(old)
    await world.say(new, "eve", "Later")
    await world.settle()
    assert await world.ask("ben", "unfollow #sleep")
    assert await world.rows(follows) == []


@on_a_file
async def test_what_was_written_in_the_old_room_can_still_be_taken_back(world: World) -> None:
    old = world.room("#sleep")
    event = await world.say("#sleep", "eve", "A bad night #common")
    await world.settle()
    assert any("A bad night" in seen.body for seen in world.sees("#common"))
    await replaced(world, "#sleep", "!room replace #sleep")
    await world.redact(old, "eve", event)
    await world.settle()
    assert not any("A bad night" in seen.body for seen in world.sees("#common"))


@on_a_file
async def test_shares_in_a_common_room_that_was_replaced(world: World) -> None:
    old = world.room("#common")
    root = await world.say("#sleep", "eve", "A bad night #common")
    held = await world.say("#sleep", "eve", "A worse one #common")
    other = await world.say("#sleep", "eve", "Not so bad #common")
    await world.settle()
    await world.react("#sleep", "eve", held, "👍")
    await world.ask("eve", f"unshare https://matrix.to/#/{world.room('#sleep')}/{held}")
    new, _ = await replaced(world, "#common", "!room replace common")
    for name in ("ben", "eve", "ann"):
        await world.member(name).join(new)
    await world.settle()
    assert not any("night" in seen.body for seen in world.from_hearth(new, "ben"))
    await world.edit("#sleep", "eve", other, "Rather good #common")
    await world.answer("#sleep", "eve", root, "It is better now")
    await world.answer("#sleep", "eve", held, "This stays")
    await world.settle()
    assert [seen for seen in world.from_hearth(old, "ben") if "Rather good" in seen.body]
    fresh = [seen.body for seen in world.from_hearth(new, "ben")]
    assert any("A bad night" in body for body in fresh)
    assert any("It is better now" in body for body in fresh)
    assert not any("A worse one" in body or "This stays" in body for body in fresh)
    assert not any("It is better now" in seen.body for seen in world.from_hearth(old, "ben"))
    await world.redact("#sleep", "eve", root)
    await world.settle()
    for room in (old, new):
        assert not any("A bad night" in seen.body for seen in world.from_hearth(room, "ben"))
    await world.ask("eve", f"unshare https://matrix.to/#/{world.room('#sleep')}/{other}")
    for room in (old, new):
        assert not any("Rather good" in seen.body for seen in world.from_hearth(room, "ben"))
    await world.answer("#sleep", "eve", other, "And this stays too")
    await world.settle()
    assert not any("Rather good" in seen.body for seen in world.from_hearth(new, "ben"))


@on_a_file
async def test_other_state_and_open_invitations_come_along(world: World) -> None:
    old = world.room("#sleep")
    guest = await world.hs.user("@guest:c.test")
    inside = await world.hs.user("@inside:c.test")
    for each in (guest, inside):
        await world.member("ann").invite(old, each.user_id)
    await inside.join(old)
    await olga_enters(world)
    await world.member("olga").state(old, "org.example.widget", {"url": "x"}, "one")
    await world.member("olga").state(old, "im.vector.modular.widgets", {"type": "etherpad"}, "two")
    await world.settle()
    new, answer = await replaced(world, "#sleep", "!room replace #sleep")
    assert content(world, new, "org.example.widget", "one") == {"url": "x"}
    assert content(world, new, "im.vector.modular.widgets", "two") == {"type": "etherpad"}
    assert guest.invites() == [new]
    assert inside.invites() == [new]
    assert "2 were invited" in answer


async def test_the_space_itself_is_replaced(world: World) -> None:
    old = world.room("#space")
    new, answer = await replaced(world, "#space", "!room replace space")
    assert new
    assert "goes on" in answer
    for name in ("#common", "#sleep", "#garden"):
        room = world.room(name)
        assert content(world, room, "m.room.join_rules")["allow"] == [{"type": "m.room_membership", "room_id": new}]
        assert content(world, room, "m.space.parent", new)["via"] == ["a.test"]
        assert content(world, room, "m.space.parent", old) == {}
        assert content(world, new, "m.space.child", room)["via"] == ["a.test"]
    for name in ("ann", "eve", "olga", "zed"):
        assert new in world.member(name).invites()
    await world.member("eve").join(new)
    await world.member("eve").leave(old)
    await world.settle()
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert EVE in world.hs.members(world.room("#sleep"))
    assert BEN in world.hs.members(world.room("#sleep"))
    await world.member("eve").leave(new)
    await world.settle()
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert EVE not in world.hs.members(world.room("#sleep"))


@on_a_file
async def test_the_staff_room_is_replaced_and_staff_is_invited(world: World) -> None:
    old = world.room("#staff")
    event = await ordered(world, "!room replace staff")
    await done(world)
    new = await now_at(world, old)
    assert new
    for name in ("mod", "olga"):
        assert new in world.member(name).invites()
    assert "goes on" in outcome(world, event, old)
    world.rooms["#staff"] = new
    await world.member("mod").join(new)
    await world.settle()
    assert "is banned" in (await world.order("mod", "!ban @x:c.test")).body


@on_a_file
async def test_without_the_power_it_is_said_plainly(world: World) -> None:
    world.hs.faults.add("status", path="/upgrade$", status=403, errcode="M_FORBIDDEN", times=None)
    event = await ordered(world, "!room replace #sleep")
    await done(world)
    assert "I lack the power" in outcome(world, event)
    assert "150" in outcome(world, event)
    assert await now_at(world, world.room("#sleep")) == ""


@on_a_file
async def test_unknown_versions_are_refused_at_once(world: World) -> None:
    answer = await world.order("mod", "!room replace #sleep 3")
    assert "cannot make rooms of version 3" in answer.body


@on_a_file
async def test_a_replacement_by_somebody_else_is_followed(world: World) -> None:
    old = await olga_enters(world)
    new = await world.member("olga").upgrade(old)
    await world.member("olga").invite(new, HEARTH)
    await world.settle()
    await done(world)
    assert await now_at(world, old) == new
    assert HEARTH in world.hs.members(new)
    told = [seen.body for seen in world.from_hearth("#staff") if "I went along" in seen.body]
    assert len(told) == 1
    assert OLGA in told[0]
    assert content(world, world.room("#space"), "m.space.child", new)["via"]
    await world.member("eve").join(new)
    await world.say(new, "eve", "hello #common")
    await world.settle()
    assert any("hello" in seen.body for seen in world.from_hearth("#common"))


@on_a_file
async def test_a_successor_that_hearth_may_not_enter_is_told_and_followed_once_it_is_invited(world: World) -> None:
    old = await olga_enters(world)
    new = await world.member("olga").upgrade(old)
    await world.member("olga").state(new, "m.room.join_rules", {"join_rule": "invite"})
    await world.settle()
    await done(world)
    assert await now_at(world, old) == ""
    told = [seen.body for seen in world.from_hearth("#staff") if "I cannot follow" in seen.body]
    assert len(told) == 1
    await world.member("olga").invite(new, HEARTH)
    await world.settle()
    await done(world)
    assert await now_at(world, old) == new


@on_a_file
async def test_a_room_that_does_not_come_from_the_old_one_is_not_followed(world: World) -> None:
    old = await olga_enters(world)
    elsewhere = {"predecessor": {"room_id": world.room("#garden")}}
    trap = await world.member("olga").create(preset="public_chat", creation_content=elsewhere)
    await world.member("olga").state(old, "m.room.tombstone", {"body": "moved", "replacement_room": trap})
    await world.settle()
    await done(world)
    assert await now_at(world, old) == ""
    assert HEARTH not in world.hs.members(trap)
    assert [seen.body for seen in world.from_hearth("#staff") if "I cannot follow" in seen.body]


@on_a_file
@pytest.mark.parametrize(
    "path",
    ["/upgrade$", "/state/m.space.child/", "/directory/room/", "/state/m.room.power_levels", "/state/m.space.parent"],
)
async def test_cut_off_at_any_step_it_is_finished_at_the_next_start_and_once(world: World, path: str) -> None:
    old = world.room("#sleep")
    event = await ordered(world, "!room replace #sleep")
    hanging = world.hs.faults.add("hang_after", path=path, times=None)

    async def hit() -> bool:
        return bool(hanging.hits) or bool(await now_at(world, old))

    await world.until(hit)
    await world.stop()
    hanging.release()
    await world.start()
    await done(world)
    new = await now_at(world, old)
    assert new
    made = [
        room for room in world.hs.model.rooms.values()
        if (room.content("m.room.create").get("predecessor") or {}).get("room_id") == old
    ]  # fmt: skip
    assert len(made) == 1
    assert content(world, world.room("#space"), "m.space.child", new)["via"]
    assert content(world, world.room("#space"), "m.space.child", old) == {}
    assert "goes on" in outcome(world, event)
    assert not [row["key"] for row in await world.rows(outbox) if row["state"] == "dead"]


@on_a_file
async def test_a_room_is_replaced_twice(world: World) -> None:
    first = world.room("#sleep")
    second, _ = await replaced(world, "#sleep", "!room replace #sleep")
    third, _ = await replaced(world, "#sleep", "!room replace #sleep")
    assert await now_at(world, first) == await now_at(world, second) == third
    assert world.hs.model.aliases["#sleep:a.test"][0] == third


async def test_who_is_on_the_way_into_a_circle_arrives_in_the_room_that_goes_on(world: World) -> None:
    await world.order("mod", f"!move {EVE} #sleep #garden")
    old = world.room("#garden")
    assert old in world.member("eve").invites()
    new, _ = await replaced(world, "#garden", "!room replace #garden")
    assert [one for one in world.member("eve").invites() if one in (old, new)] == [new]
    await world.member("eve").join(new)
    await world.settle()
    assert EVE in inside(world, "#garden")
    assert EVE not in inside(world, "#sleep")
    assert [row["ended_ms"] is None for row in await world.rows(moves)] == [False]
    await world.replay()
    await done(world)
    assert world.changes() == []


@on_a_file
async def test_who_is_on_the_way_out_of_a_circle_that_is_replaced_leaves_both_of_its_rooms(world: World) -> None:
    await world.order("mod", f"!move {EVE} #sleep #garden")
    old = world.room("#sleep")
    await replaced(world, "#sleep", "!room replace #sleep")
    await world.member("eve").join(world.room("#sleep"))
    await world.settle()
    await world.member("eve").join(world.room("#garden"))
    await world.settle()
    assert EVE not in inside(world, "#sleep") | set(world.hs.members(old))


@on_a_file
async def test_who_declines_the_old_room_meanwhile_stays_where_they_are(world: World) -> None:
    await world.order("mod", f"!move {EVE} #sleep #garden")
    await replaced(world, "#sleep", "!room replace #sleep")
    await world.member("eve").leave(world.room("#garden"))
    await world.settle()
    assert [row["circle"] for row in await world.rows(belongs) if row["user"] == EVE] == ["circle/sleep"]
    await world.member("eve").join(world.room("#garden"))
    await world.settle()
    assert EVE in inside(world, "#garden")


@on_a_file
async def test_a_split_goes_on_between_the_rooms_that_go_on(world: World) -> None:
    await decided(world, "mod", "!circles split #sleep #night")
    await react_to_last(world, "ben", "Would you like to go there", "👍")
    for name in ("#sleep", "#night"):
        await replaced(world, name, f"!room replace {name}")
    again = await world.order("mod", "!circles split #sleep")
    assert "being asked already" in again.body
    assert world.room("#night") in world.member("ben").invites()
    await react_to_last(world, "eve", "Would you like to go there", "👍")
    assert world.room("#night") in world.member("eve").invites()
    for name in ("ben", "eve"):
        await world.member(name).join(world.room("#sleep"))
        await world.member(name).join(world.room("#night"))
    await world.settle()
    assert {BEN, EVE} <= inside(world, "#night")
    assert not {BEN, EVE} & inside(world, "#sleep")


@on_a_file
async def test_a_circle_that_is_too_large_is_not_told_again_when_its_people_come_along(world: World) -> None:
    await world.say("#sleep", "ann", "!circle size 4")
    await carried_out(world)
    late = await crowd(world, 2)
    await world.tick()
    new, _ = await replaced(world, "#sleep", "!room replace #sleep")
    for member in (*late, *(world.member(name) for name in ("ann", "ben", "eve"))):
        await member.join(new)
    await world.settle()
    await world.tick()
    (case,) = await world.rows(cases)
    assert (case["state"], case["room"]) == ("open", new)
    for member in late:
        await member.leave(new)
    await world.settle()
    world.clock.forward(8 * 24 * 60 * 60 * 1000)
    await world.tick()
    (case,) = await world.rows(cases)
    assert case["outcome"] == "passed"
