"""People go from one circle into another: moved, merged, or by their own choice when a circle is split."""

import pytest
from community import PEOPLE
from deciding import carried_out, content, decided, planned
from world import World, on_a_file

from bridge.store.tables import follows, moves, split_answers
from tests.fake import Member


async def crowd(world: World, number: int, room: str = "#sleep") -> list[Member]:
    """So many more people in a circle."""
    late = []
    for count in range(number):
        member = await world.hs.user(f"@late{count}:a.test")
        await world.member("olga").invite(world.room("#space"), member.user_id)
        await member.join(world.room("#space"))
        await member.join(world.room(room))
        late.append(member)
        world.people[f"late{count}"] = member
    await world.settle()
    return late


def inside(world: World, room: str) -> set[str]:
    return set(world.hs.members(world.room(room)))


async def react_to_last(world: World, who: str, text: str, key: str) -> None:
    """React to the newest thing with these words that Hearth told somebody alone."""
    room = await world.direct(who)
    seen = [each for each in world.from_hearth(room, who) if text in each.body]
    await world.react(room, who, seen[-1].event_id, key)
    await world.settle()


async def test_a_member_of_another_server_is_moved_once_they_are_in_the_new_circle(world: World) -> None:
    answer = await world.order("mod", f"!move {PEOPLE['eve']} #sleep #garden Nearer to home")
    assert "Once there, they leave #sleep" in answer.body
    assert world.room("#garden") in world.member("eve").invites()
    await world.direct("eve")
    assert "better place for you than #sleep" in world.told("eve")[-1]
    assert "Nearer to home" in world.told("eve")[-1]
    assert PEOPLE["eve"] in inside(world, "#sleep")
    await world.member("eve").join(world.room("#garden"))
    await world.settle()
    assert PEOPLE["eve"] in inside(world, "#garden")
    assert PEOPLE["eve"] not in inside(world, "#sleep")
    (entry,) = await world.ledger()
    assert (entry.action, entry.target) == ("move", PEOPLE["eve"])
    await world.replay()
    await world.tick()
    assert world.changes() == []
    assert PEOPLE["eve"] not in inside(world, "#sleep")


@on_a_file
async def test_with_one_circle_the_other_is_found_and_who_declines_stays(world: World) -> None:
    await world.order("mod", f"!move {PEOPLE['ben']} #garden")
    await world.member("ben").leave(world.room("#garden"))
    await world.settle()
    assert [row["ended_ms"] is None for row in await world.rows(moves)] == [False]
    await world.member("ben").join(world.room("#garden"))  # later, of their own will
    await world.settle()
    assert PEOPLE["ben"] in inside(world, "#sleep") & inside(world, "#garden")


@on_a_file
async def test_who_is_in_the_new_circle_already_only_leaves_the_old_one(world: World) -> None:
    await world.member("ben").join(world.room("#garden"))
    await world.settle()
    await world.order("mod", f"!move {PEOPLE['ben']} #sleep #garden")
    assert PEOPLE["ben"] not in inside(world, "#sleep")


@on_a_file
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("!move @nobody:c.test #garden", "not in this community"),
        ("!move {ben} #nowhere", "I know no circle"),
        ("!move {ben} #garden #sleep", "is not in #garden"),
        ("!move {ben} #sleep #sleep", "twice the same"),
        ("!circles merge #sleep #sleep", "with itself"),
        ("!circles split #sleep #garden", "already"),
    ],
)
async def test_what_makes_no_sense_moves_nobody(world: World, text: str, why: str) -> None:
    answer = await world.order("mod", text.format(ben=PEOPLE["ben"]))
    assert why in answer.body
    assert await world.ledger() == []


@on_a_file
async def test_a_move_that_was_cut_off_is_finished(world: World) -> None:
    await world.order("mod", f"!move {PEOPLE['eve']} #sleep #garden")
    hanging = world.hs.faults.add("hang_after", path="/kick$", times=None)
    await world.member("eve").join(world.room("#garden"))
    await world.hs.until(lambda: hanging.hits)
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await world.settle()
    assert PEOPLE["eve"] not in inside(world, "#sleep")


async def test_two_circles_become_one(world: World) -> None:
    said = await decided(world, "mod", "!circles merge #sleep #garden")
    assert "That is done" in said
    assert content(world, "#sleep", "m.room.power_levels")["events_default"] == 60
    for who in ("ann", "ben", "eve"):
        assert world.room("#garden") in world.member(who).invites()
        await world.direct(who)
        assert "become one circle" in world.told(who)[-1]
    assert "goes on in #garden" in world.from_hearth("#sleep")[-1].body
    assert await planned(world) == []
    await world.replay()
    await world.tick()
    assert world.changes() == []


async def test_who_follows_a_circle_that_is_merged_follows_the_other_one_once_and_hears_nothing_of_it(
    world: World,
) -> None:
    await world.member("ben").join(world.room("#garden"))
    await world.settle()
    await world.ask("ben", "follow #sleep")
    await world.ask("ben", "follow #garden")
    await world.ask("eve", "follow #sleep")
    await world.ask("cleo", f"follow {PEOPLE['ann']}")
    heard = {who: len(world.told(who)) for who in ("ben", "eve", "cleo")}
    await decided(world, "mod", "!circles merge #sleep #garden")
    now = sorted((row["user"], row["kind"], row["target"]) for row in await world.rows(follows))
    assert now == [
        (PEOPLE["ben"], "circle", world.room("#garden")),
        (PEOPLE["cleo"], "person", PEOPLE["ann"]),
        (PEOPLE["eve"], "circle", world.room("#garden")),
    ]
    more = {who: len(world.told(who)) - before for who, before in heard.items()}
    assert more == {"ben": 0, "eve": 1, "cleo": 0}  # she is let into the other circle
    await world.member("eve").join(world.room("#garden"))
    await world.say("#garden", "cleo", "Said where it goes on")
    await world.settle()
    (digest,) = await world.ask("eve", "digest now")
    assert "Said where it goes on" in digest


async def test_what_concerns_many_is_asked_first_and_only_its_giver_confirms(world: World) -> None:
    await crowd(world, 8)
    command = await world.say("#staff", "mod", "!circles archive #sleep")
    await world.settle()
    asked = world.answer_to("#staff", command)
    assert "11 people" in asked.body
    await world.react("#staff", "olga", asked.event_id, "👍")
    await world.settle()
    assert [each for each in await world.ledger() if each.action == "circles archive"] == []
    await world.react("#staff", "mod", asked.event_id, "👍")
    await carried_out(world)
    assert content(world, "#sleep", "m.room.power_levels")["events_default"] == 60
    (entry,) = [each for each in await world.ledger() if each.action == "circles archive"]
    assert entry.event == command
    await world.react("#staff", "mod", asked.event_id, "👍🏽")
    await world.replay()
    await world.tick()
    assert world.changes() == []


@on_a_file
@pytest.mark.parametrize("how", ["no", "late", "demoted", "killed"])
async def test_a_confirmation_is_only_good_for_ten_minutes_and_with_the_rights_that_hold_then(
    world: World, how: str
) -> None:
    await crowd(world, 8)
    command = await world.say("#staff", "mod", "!circles archive #sleep")
    await world.settle()
    asked = world.answer_to("#staff", command)
    if how == "late":
        world.clock.forward(11 * 60 * 1000)
    if how == "killed":
        await world.stop()
    if how == "demoted":
        await world.stop()
        data = world.config.model_dump()
        data["community"]["moderators"] = []
        world.config = type(world.config).model_validate(data)
        await world.start()
        await world.member("olga").kick(world.room("#staff"), PEOPLE["mod"])
        await world.settle()
        await world.member("olga").invite(world.room("#staff"), PEOPLE["mod"])
        world.hs.inject(
            world.room("#staff"), PEOPLE["mod"], "m.reaction",
            {"m.relates_to": {"rel_type": "m.annotation", "event_id": asked.event_id, "key": "👍"}}, ts=world.clock(),
        )  # fmt: skip
    else:
        await world.react("#staff", "mod", asked.event_id, "👎" if how == "no" else "👍")
    if how == "killed":
        await world.start()
    await carried_out(world)
    done = [each for each in await world.ledger() if each.action == "circles archive"]
    assert bool(done) == (how == "killed")
    if how == "no":
        assert "Nothing was changed" in world.from_hearth("#staff")[-1].body
    if how == "late":
        assert "too long ago" in " ".join(seen.body for seen in world.from_hearth("#staff")[-3:])


async def test_a_split_moves_only_who_says_yes_and_minds_can_change_for_a_week(world: World) -> None:
    said = await decided(world, "mod", "!circles split #sleep #night Late sleepers")
    assert "2 people are being asked" in said
    levels = content(world, "#night", "m.room.power_levels")["users"]
    assert levels[PEOPLE["ann"]] == 50
    await react_to_last(world, "ben", "Would you like to go there", "👍")
    await react_to_last(world, "eve", "Would you like to go there", "👎")
    assert world.room("#night") in world.member("ben").invites()
    assert world.room("#night") not in world.member("eve").invites()
    await world.member("ben").join(world.room("#night"))
    await world.settle()
    assert PEOPLE["ben"] not in inside(world, "#sleep")
    assert PEOPLE["eve"] in inside(world, "#sleep")
    await react_to_last(world, "ben", "Would you like to go there", "👎")
    assert "Come back into #sleep" in world.told("ben")[-1]
    await world.member("ben").join(world.room("#sleep"))
    await world.settle()
    assert PEOPLE["ben"] in inside(world, "#sleep") - inside(world, "#night")
    assert {row["user"]: row["answer"] for row in await world.rows(split_answers)} == {
        PEOPLE["ben"]: False,
        PEOPLE["eve"]: False,
    }
    again = await world.order("mod", "!circles split #sleep")
    assert "being asked already" in again.body
    assert await planned(world) == []
    world.clock.forward(8 * 24 * 60 * 60 * 1000)
    await react_to_last(world, "eve", "Would you like to go there", "👍")
    assert "question is over" in world.told("eve")[-1]
    await world.replay()
    assert not [each for each in world.changes() if "/kick" in each.path or "/invite" in each.path]


@on_a_file
async def test_a_curator_who_is_not_there_is_not_counted(world: World) -> None:
    await world.member("ann").leave(world.room("#sleep"))
    await crowd(world, 9)
    asked = await world.order("mod", "!circles split #sleep")
    assert "11 people" in asked.body


@on_a_file
async def test_who_said_yes_and_then_no_before_going_stays(world: World) -> None:
    await decided(world, "mod", "!circles split #sleep")
    assert content(world, "#sleep-2", "m.room.name") == {"name": "Sleeping well 2"}
    await react_to_last(world, "ben", "Would you like to go there", "👍")
    await react_to_last(world, "ben", "Would you like to go there", "👎")
    assert world.room("#sleep-2") not in world.member("ben").invites()
    assert PEOPLE["ben"] in inside(world, "#sleep")


@on_a_file
async def test_a_split_that_was_cut_off_asks_everybody_once(world: World) -> None:
    hanging = world.hs.faults.add("hang_after", path="/createRoom$", times=None)
    await world.say("#staff", "mod", "!circles split #sleep #night")
    await world.hs.until(lambda: hanging.hits)
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await carried_out(world)
    await world.restart()
    await carried_out(world)
    for who in ("ben", "eve"):
        await world.direct(who)
        assert sum("Would you like to go" in said for said in world.told(who)) == 1


async def test_a_circle_that_has_become_too_large_is_told_once_until_it_is_small_again(world: World) -> None:
    await world.say("#sleep", "ann", "!circle size 4")
    await carried_out(world)
    late = await crowd(world, 2)
    await world.tick()
    await world.tick()
    told = [seen for seen in world.from_hearth("#staff") if "holds 4 well" in seen.body]
    assert len(told) == 1
    assert "5 people" in told[0].body
    await world.direct("ann")
    assert sum("holds 4 well" in said for said in world.told("ann")) == 1
    for member in late:
        await member.leave(world.room("#sleep"))
    await world.settle()
    await world.tick()
    for member in late:
        await member.join(world.room("#sleep"))
    await world.settle()
    await world.tick()
    told = [seen for seen in world.from_hearth("#staff") if "holds 4 well" in seen.body and "React" in seen.body]
    assert len(told) == 1
    await world.react("#staff", "mod", told[0].event_id, "👍")
    await carried_out(world)
    assert content(world, "#sleep-2", "m.room.name") == {"name": "Sleeping well 2"}
    for who in ("ben", "eve", "late0"):
        await world.direct(who)
        assert sum("Would you like to go" in said for said in world.told(who)) == 1
    await world.replay()
    assert not [each for each in world.changes() if "/send/" in each.path or each.path.endswith("/createRoom")]


async def test_a_circle_that_its_curator_left_is_an_alarm_at_once_and_daily_until_it_is_cured(world: World) -> None:
    world.clock.turn_to("2026-01-05 23:30")
    await world.member("ann").leave(world.room("#sleep"))
    await world.settle()

    def alarms() -> list[str]:
        return [seen.body for seen in world.from_hearth("#staff") if "Nobody looks after #sleep" in seen.body]

    assert len(alarms()) == 1
    assert "circle curators #sleep add" in alarms()[0]
    await world.turn_to("2026-01-06 07:00")
    assert len(alarms()) == 1
    await world.turn_to("2026-01-06 09:01")
    await world.turn_to("2026-01-06 15:00")
    assert len(alarms()) == 2
    await decided(world, "mod", f"!circle curators #sleep add {PEOPLE['ben']}")
    await world.turn_to("2026-01-07 09:01")
    assert len(alarms()) == 2


async def test_a_substitute_looks_after_a_circle_until_it_ends_by_itself(world: World) -> None:
    await world.say("#sleep", "ann", f"!substitute {PEOPLE['ben']} for 3 days")
    await carried_out(world)
    await world.direct("ben")
    assert "while its curator is away" in world.told("ben")[-1]
    assert content(world, "#sleep", "m.room.power_levels")["users"][PEOPLE["ben"]] == 50
    await world.say("#sleep", "ben", "!circle topic Looked after")
    await carried_out(world)
    assert content(world, "#sleep", "m.room.topic")["topic"] == "Looked after"
    await world.restart()
    world.clock.forward(3 * 24 * 60 * 60 * 1000)
    await carried_out(world)
    await carried_out(world)
    assert content(world, "#sleep", "m.room.power_levels")["users"][PEOPLE["ben"]] == 0
    assert "is over" in world.told("ben")[-1]
    await world.say("#sleep", "ben", "!circle topic Still mine?")
    await carried_out(world)
    assert content(world, "#sleep", "m.room.topic")["topic"] == "Looked after"
    assert await planned(world) == []


@on_a_file
async def test_a_substitute_can_be_named_until_the_end_of_a_day_that_is_to_come(world: World) -> None:
    for text, why in (("until 2026-01-04", "past"), ("until 2028-01-01", "more than a year"), ("", "For how long")):
        await world.settle()
        (said,) = await world.ask("ann", f"substitute {PEOPLE['ben']} {text}".strip())
        assert why in said
    await world.write_to_hearth("ann", f"substitute {PEOPLE['ben']} until 2026-01-07 #sleep")
    await carried_out(world)
    await world.turn_to("2026-01-07 23:58")
    assert content(world, "#sleep", "m.room.power_levels")["users"][PEOPLE["ben"]] == 50
    await world.turn_to("2026-01-08 00:01")
    await carried_out(world)
    assert content(world, "#sleep", "m.room.power_levels")["users"][PEOPLE["ben"]] == 0


@on_a_file
async def test_who_became_a_curator_meanwhile_stays_one(world: World) -> None:
    await world.say("#sleep", "ann", f"!substitute {PEOPLE['ben']} 3 days")
    await carried_out(world)
    await decided(world, "mod", f"!circle curators #sleep add {PEOPLE['ben']}")
    world.clock.forward(4 * 24 * 60 * 60 * 1000)
    await carried_out(world)
    await carried_out(world)
    assert content(world, "#sleep", "m.room.power_levels")["users"][PEOPLE["ben"]] == 50
