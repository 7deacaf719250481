"""Graded and timed measures: each is one command, holds in every room it is about, and ends by itself; a circle's curator acts in the circle alone."""

from typing import Any

import pytest
from community import HEARTH, PEOPLE
from world import World, on_a_file

from bridge.store.tables import mutes, sanctions
from tests.fake import Seen

EVE, ANN, BEN, MOD = PEOPLE["eve"], PEOPLE["ann"], PEOPLE["ben"], PEOPLE["mod"]
HOUR_MS = 60 * 60 * 1000


def levels(world: World, room: str) -> Any:
    return world.hs.room(world.room(room)).content("m.room.power_levels")


def level(world: World, room: str, user: str) -> int:
    content = levels(world, room)
    return int(content["users"].get(user, content.get("users_default", 0)))


def silent(world: World, user: str) -> set[str]:
    """The rooms in which this person cannot write."""
    return {room for room in world.everywhere() if level(world, room, user) < levels(world, room)["events_default"]}


async def agree(world: World, who: str, question: Seen) -> None:
    await world.react("#staff", who, question.event_id, "👍")
    await world.settle()


async def test_a_mute_holds_in_every_room_and_ends_by_itself_within_a_minute_also_while_hearth_was_down(
    world: World,
) -> None:
    answer = await world.order("mod", f"!mute {EVE} 2h please rest")
    assert {level(world, room, EVE) for room in world.everywhere()} == {-2}
    assert "can only read now, in 5 rooms" in answer.body
    assert "ends by itself" in answer.body
    with pytest.raises(Exception, match="M_FORBIDDEN"):
        await world.say("#sleep", "eve", "but")
    await world.replay()
    assert world.changes() == []
    world.clock.forward(2 * HOUR_MS - 60_000)
    await world.ring("sanctions end")
    await world.settle()
    assert level(world, "#sleep", EVE) == -2  # a minute before its time
    await world.stop()
    world.clock.forward(60_000)
    await world.start()
    await world.until(lambda: _free(world, EVE))
    await world.settle()
    assert "can write again" in world.from_hearth("#staff")[-1].body
    assert [(each.action, each.target) for each in await world.ledger()] == [("mute", EVE), ("end", EVE)]
    assert await world.rows(mutes) == []
    assert EVE not in levels(world, "#sleep")["users"]


async def _free(world: World, user: str) -> bool:
    return all(level(world, room, user) >= 0 for room in world.everywhere())


@on_a_file
async def test_a_curator_gets_back_the_power_from_before(world: World) -> None:
    assert level(world, "#sleep", ANN) == 50
    await world.order("mod", f"!mute 1d {ANN}")  # in either order
    assert level(world, "#sleep", ANN) == -52
    assert silent(world, ANN) == world.everywhere()
    assert world.hearth
    plan = await world.hearth.plan()
    assert plan.changes == ()
    await world.order("mod", f"!unmute {ANN}")
    assert level(world, "#sleep", ANN) == 50
    assert silent(world, ANN) == {"#space"}  # where only curators write, and she is one of a circle


@on_a_file
async def test_a_room_that_is_made_later_and_a_hand_that_undoes_it_change_nothing_in_a_mute(world: World) -> None:
    await world.order("mod", f"!mute {EVE}")
    held = dict(levels(world, "#sleep"))
    await world.member("olga").join(world.room("#sleep"))
    await world.member("olga").state(
        world.room("#sleep"), "m.room.power_levels", {**held, "users": {**held["users"], EVE: 0}}
    )
    await world.settle()
    assert level(world, "#sleep", EVE) == -2
    await world.stop()
    data = world.config.model_dump()
    data["community"]["circles"] = [
        *data["community"]["circles"],
        {"tag": "night", "name": "Night", "encrypted": False},
    ]
    await world.build(data)
    await world.start()
    await world.settle()
    assert level(world, "#night", EVE) == -2


@on_a_file
async def test_a_curator_acts_in_the_own_circle_and_only_there(world: World) -> None:
    await world.say("#sleep", "ann", f"!mute {EVE} 1h")
    await world.settle()
    assert silent(world, EVE) == {"#sleep", "#space"}
    assert level(world, "#common", EVE) == 0
    await world.direct("ann")
    await world.settle()
    assert (
        f"!unmute {EVE} lifts it again" in world.told("ann")[-1]
    )  # in their direct room the same word means something else
    assert "Written in #" in world.told("ann")[-1]
    await world.say("#garden", "cleo", f"!mute {EVE} 1h")
    await world.say("#sleep", "ann", f"!mute {MOD} 1h")
    await world.say("#sleep", "ann", "!mute @*:b.test 1h")
    await world.say("#sleep", "ben", f"!mute {EVE} 1h")
    await world.settle()
    assert level(world, "#garden", EVE) == 0
    assert level(world, "#sleep", MOD) == 60
    assert [each.actor for each in await world.ledger()] == [ANN]
    await world.say("#sleep", "ann", f"!unmute {EVE}")
    await world.settle()
    assert silent(world, EVE) == {"#space"}


@on_a_file
async def test_where_somebody_has_as_much_power_as_hearth_the_answer_says_so_and_a_reaction_tries_again(
    world: World,
) -> None:
    fault = world.hs.faults.add("status", method="PUT", path="/state/m.room.power_levels/?$", status=403,
                                errcode="M_FORBIDDEN", times=1)  # fmt: skip
    answer = await world.order("mod", f"!mute {EVE}")
    assert "4 of 5 rooms" in answer.body
    assert "🔁" in answer.body
    assert fault.hits == 1
    await world.react("#staff", "olga", answer.event_id, "🔁")
    await world.settle()
    assert {level(world, room, EVE) for room in world.everywhere()} == {-2}
    last = world.from_hearth("#staff")[-1]
    assert "in 5 rooms" in last.body
    assert last.reply_to == answer.reply_to
    (entry,) = await world.ledger()
    assert entry.outcome == {"done": 5, "refused": {}, "tries": 2}


@on_a_file
async def test_a_mute_and_the_grace_of_an_ended_membership_do_not_undo_each_other(world: World) -> None:
    await world.stop()
    await world.build(world.config.model_dump() | {"membership": {"grace_days": 3}})
    await world.start()
    await world.order("mod", f"!member expire {EVE} 2026-01-05")
    await world.order("mod", f"!mute {EVE} 2d")
    await world.turn_to("2026-01-06 09:00")  # in grace
    assert level(world, "#sleep", EVE) == -2
    await world.turn_to("2026-01-07 10:30")  # the mute is over, grace is not
    assert level(world, "#sleep", EVE) == -2
    assert await world.rows(mutes) == []
    await world.order("mod", f"!mute {EVE} 2d")
    await world.order("mod", f"!member renew {EVE} 1y")
    await world.settle()
    assert level(world, "#sleep", EVE) == -2  # renewed, and still muted
    await world.order("mod", f"!unmute {EVE}")
    assert level(world, "#sleep", EVE) == 0


@on_a_file
async def test_who_is_removed_for_a_time_is_kept_out_so_long(world: World) -> None:
    answer = await world.order("mod", f"!kick {EVE} 1d sleep on it")
    assert "is out of 3 rooms" in answer.body
    assert EVE not in world.hs.members(world.room("#sleep"))
    await world.member("olga").invite(world.room("#space"), EVE)
    await world.settle()
    assert world.room("#space") not in world.member("eve").invites()
    world.clock.forward(24 * HOUR_MS + 1)
    await world.ring("sanctions end")
    await world.member("olga").invite(world.room("#space"), EVE)
    await world.member("eve").join(world.room("#space"))
    await world.settle()
    assert EVE in world.hs.members(world.room("#space"))
    once = await world.order("mod", f"!kick {EVE}")
    assert "is out of 1 room" in once.body
    await world.member("olga").invite(world.room("#space"), EVE)
    await world.settle()
    assert world.room("#space") in world.member("eve").invites()


@on_a_file
async def test_a_ban_for_a_time_ends_and_says_so(world: World) -> None:
    await world.order("mod", f"!ban {EVE} 7d spam")
    await world.order("mod", "!ban c.test 7d spam")
    assert world.banned("@eve") == world.everywhere()
    world.clock.forward(7 * 24 * HOUR_MS + 1_000)
    await world.ring("sanctions end")
    await world.settle()
    assert world.banned("@eve") == set()
    assert all(world.acl(room)["deny"] == [] for room in world.everywhere())
    said = [seen.body for seen in world.from_hearth("#staff")]
    assert any("The time is over" in body and "Eve" in body for body in said)
    assert all(row["lifted_by"] for row in await world.rows(sanctions))


@on_a_file
async def test_a_warning_is_told_to_the_one_alone_and_stands_in_their_history_with_notes(world: World) -> None:
    await world.direct("eve")
    await world.order("mod", f"!warn {EVE} let others finish")
    assert any("let others finish" in told for told in world.told("eve"))
    await world.order("mod", f"!note {EVE} 30d was here before")
    history = (await world.order("mod", f"!sanctions {EVE}")).body
    assert "let others finish" in history
    assert "was here before" in history
    everything = await world.order("mod", "!sanctions")
    assert "2 sanctions stand" in everything.body
    missing = await world.order("mod", f"!warn {EVE}")
    assert "What is it about?" in missing.body


async def test_who_writes_too_soon_is_slowed_with_a_kind_word_once(world: World) -> None:
    await world.direct("eve")
    await world.order("mod", f"!slow {EVE} 1m for 1h")
    kept = await world.say("#sleep", "eve", "one")
    await world.settle()
    for text in ("two", "three"):
        await world.say("#common", "eve", text)
        await world.settle()
    assert [seen.body for seen in world.sees("#common") if seen.sender == EVE] == []
    assert kept in {seen.event_id for seen in world.sees("#sleep")}
    assert sum("between two messages" in told for told in world.told("eve")) == 1
    world.clock.forward(61_000)
    await world.say("#common", "eve", "four")
    await world.settle()
    assert [seen.body for seen in world.sees("#common") if seen.sender == EVE] == ["four"]
    await world.replay()
    assert world.changes() == []
    world.clock.forward(HOUR_MS)
    await world.ring("sanctions end")
    await world.say("#common", "eve", "five")
    await world.say("#common", "eve", "six")
    await world.settle()
    assert [seen.body for seen in world.sees("#common") if seen.sender == EVE] == ["four", "five", "six"]


@on_a_file
async def test_a_circle_is_slowed_for_all_but_its_curators(world: World) -> None:
    await world.say("#sleep", "ann", "!slow #sleep 1m")
    await world.settle()
    for who in ("ben", "ben", "ann", "ann"):
        await world.say("#sleep", who, f"{who} says")
        await world.settle()
    texts = [seen.body for seen in world.sees("#sleep") if seen.sender != HEARTH and not seen.body.startswith("!")]
    assert texts == ["ben says", "ann says", "ann says"]
    await world.say("#sleep", "ann", "!slow #sleep off")
    await world.settle()
    await world.say("#sleep", "ben", "again")
    await world.settle()
    assert world.sees("#sleep")[-1].body == "again"


async def test_a_locked_room_is_for_curators_until_its_time_and_a_plan_sees_nothing_to_put_right(world: World) -> None:
    answer = await world.order("mod", "!lock #sleep 1h heated")
    assert "In 1 room only curators and moderators can write" in answer.body
    assert levels(world, "#sleep")["events_default"] == 50
    assert levels(world, "#common")["events_default"] == 0
    await world.say("#sleep", "ann", "let us breathe")
    assert world.hearth
    assert (await world.hearth.plan()).changes == ()
    held = levels(world, "#sleep")
    await world.member("olga").join(world.room("#sleep"))
    await world.member("olga").state(world.room("#sleep"), "m.room.power_levels", {**held, "events_default": 0})
    await world.settle()
    assert levels(world, "#sleep")["events_default"] == 50
    world.clock.forward(HOUR_MS + 1)
    await world.ring("sanctions end")
    await world.settle()
    assert levels(world, "#sleep")["events_default"] == 0
    assert "m.room.redaction" not in levels(world, "#sleep")["events"]
    assert (await world.hearth.plan()).changes == ()


@on_a_file
async def test_all_rooms_are_locked_and_opened_with_those_made_meanwhile(world: World) -> None:
    await world.order("mod", "!lock all raid")
    assert {room for room in world.everywhere() if levels(world, room)["events_default"] == 50} == {
        "#space", "#common", "#sleep", "#garden",
    }  # fmt: skip
    await world.stop()
    data = world.config.model_dump()
    data["community"]["circles"] = [
        *data["community"]["circles"],
        {"tag": "night", "name": "Night", "encrypted": False},
    ]
    await world.build(data)
    await world.start()
    assert levels(world, "#night")["events_default"] == 50
    await world.order("mod", "!unlock all")
    assert {room for room in world.everywhere() if levels(world, room)["events_default"] == 50} == {"#space"}


@on_a_file
async def test_invites_are_off_and_on_again(world: World) -> None:
    await world.order("mod", "!invites off #sleep")
    assert levels(world, "#sleep")["invite"] == 100
    assert world.hearth
    assert (await world.hearth.plan()).changes == ()
    await world.order("mod", "!invites on")
    assert levels(world, "#sleep")["invite"] == 50


@on_a_file
@pytest.mark.parametrize("fault", ["hang", "hang_after", "502", "429"])
async def test_a_mute_that_is_cut_off_or_held_back_is_finished_and_done_once(world: World, fault: str) -> None:
    path = "/state/m.room.power_levels/?$"
    if fault == "429":
        world.hs.limit("send", 20, burst=1)
        await world.order("mod", f"!mute {EVE} 1h")
    elif fault == "502":
        world.hs.faults.add("status", method="PUT", path=path, status=502, times=3)
        await world.say("#staff", "mod", f"!mute {EVE} 1h")
        await world.settle(hurrying=True)
    else:
        hanging = world.hs.faults.add(
            "hang" if fault == "hang" else "hang_after", method="PUT", path=path, skip=2, times=None
        )
        await world.say("#staff", "mod", f"!mute {EVE} 1h")
        await world.hs.until(lambda: hanging.hits)
        await world.stop()
        world.hs.faults.clear()
        await world.start()
        await world.settle()
    assert {level(world, room, EVE) for room in world.everywhere()} == {-2}
    (entry,) = await world.ledger()
    assert entry.outcome == {"done": 5, "refused": {}}
    changes = [
        event
        for room in world.everywhere()
        for event in world.hs.timeline(world.room(room), "m.room.power_levels")
        if event.content["users"].get(EVE) == -2
    ]
    assert len(changes) == 5
