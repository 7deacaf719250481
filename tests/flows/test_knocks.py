"""Who knocks is a case in the staff room: answered there by reaction or command, once, and the knocker hears of it."""

from typing import Any, Literal

import pytest
from community import HEARTH, PEOPLE
from sqlalchemy import delete
from test_codes import NEW, invitations, made, newcomer
from world import World, on_a_file

from bridge.store.tables import cases, outbox


async def knocks(world: World, room: str = "#space", user: str = NEW) -> None:
    """The room asks for a knock, and the newcomer knocks."""
    await (await world.hs.user(HEARTH)).state(world.room(room), "m.room.join_rules", {"join_rule": "knock"})
    await (await newcomer(world, user)).knock(world.room(room), "please")
    await world.settle()


async def case(world: World) -> dict[str, Any]:
    (row,) = await world.rows(cases)
    return row


def membership(world: World, room: str, user: str = NEW) -> str | None:
    return world.hs.room(world.room(room)).membership(user)


async def test_a_knock_accepted_by_reaction_is_an_invitation(world: World) -> None:
    await knocks(world)
    (shown,) = world.from_hearth("#staff")
    assert "nora" in shown.body
    assert "They write: “please”" in shown.body
    for table in (cases, outbox):
        assert "please" not in str(await world.rows(table))
    await world.say("#staff", "mod", "!claim 1")
    await world.settle()
    (shown,) = world.from_hearth("#staff")
    assert "Mod looks after this" in shown.body
    assert "They write: “please”" in shown.body
    await world.react("#staff", "mod", shown.event_id, "👍🏽")
    await world.settle()
    assert membership(world, "#space") == "invite"
    assert invitations(world, world.member("nora")) == ["#space"]
    (now,) = world.from_hearth("#staff")
    assert now.edited
    assert "Yes, said" in now.body
    assert "please" not in now.body
    row = await case(world)
    assert (row["state"], row["outcome"], row["actor"]) == ("settled", "accepted", PEOPLE["mod"])
    _claimed, entry = await world.ledger()
    assert (entry.actor, entry.action, entry.target) == (PEOPLE["mod"], "accept knock", NEW)
    assert entry.outcome == {"done": 1, "refused": None}
    content = world.hs.room(world.room("#space")).content("m.room.member", NEW)
    assert "glad" in content["reason"]
    await world.react("#staff", "olga", shown.event_id, "👎")
    await world.settle()
    assert membership(world, "#space") == "invite"
    await world.replay()
    assert world.changes() == []


async def test_a_knock_that_is_refused_ends_with_a_kind_word_and_can_be_made_again(world: World) -> None:
    await knocks(world)
    answer = await world.say("#staff", "mod", "!refuse 1")
    await world.settle()
    assert membership(world, "#space") == "leave"
    assert "Thank you" in world.hs.room(world.room("#space")).content("m.room.member", NEW)["reason"]
    assert "✅" in next(seen for seen in world.sees("#staff") if seen.event_id == answer).reactions
    assert "No, said" in world.from_hearth("#staff")[0].body
    await world.member("nora").knock(world.room("#space"))
    await world.settle()
    assert [row["state"] for row in await world.rows(cases)] == ["settled", "open"]
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_a_second_knock_joins_the_open_case_and_a_restart_forgets_none(world: World) -> None:
    await knocks(world)
    await world.member("nora").leave(world.room("#space"))
    await world.settle()
    assert (await case(world))["outcome"] == "withdrawn"
    assert "took it back" in world.from_hearth("#staff")[0].body
    await world.member("nora").knock(world.room("#space"))
    await world.settle()
    await world.restart()
    listed = (await world.order("mod", "!cases")).body
    assert "2, for" in listed
    assert "1, for" not in listed
    shown = world.from_hearth("#staff")[1]
    await world.react("#staff", "olga", shown.event_id, "👍")
    await world.settle()
    assert membership(world, "#space") == "invite"


@on_a_file
async def test_only_staff_settles_a_case_and_only_by_yes_or_no(world: World) -> None:
    await knocks(world)
    (shown,) = world.from_hearth("#staff")
    await world.react("#staff", "mod", shown.event_id, "🎉")
    world.hs.inject(world.room("#staff"), PEOPLE["eve"], "m.reaction",
                    {"m.relates_to": {"rel_type": "m.annotation", "event_id": shown.event_id, "key": "👍"}},
                    ts=world.clock())  # fmt: skip
    await world.say("#common", "ben", "!accept 1")
    await world.settle()
    assert (await case(world))["state"] == "open"
    assert membership(world, "#space") == "knock"


@on_a_file
async def test_who_was_let_in_by_hand_waits_no_more(world: World) -> None:
    await knocks(world)
    await world.member("olga").invite(world.room("#space"), NEW)
    await world.settle()
    row = await case(world)
    assert (row["outcome"], row["actor"]) == ("accepted", PEOPLE["olga"])
    answer = await world.order("mod", "!accept 1")
    assert "settled already" in answer.body


@on_a_file
async def test_a_ban_beats_a_knock(world: World) -> None:
    await world.order("mod", "!ban @*:c.test")
    await knocks(world)
    assert await world.rows(cases) == []
    assert membership(world, "#space") == "ban"


@on_a_file
async def test_a_ban_that_comes_later_beats_a_yes(world: World) -> None:
    await knocks(world)
    blocked = world.hs.faults.add("status", path="/ban$", status=502, times=None)
    await world.say("#staff", "mod", f"!ban {NEW}")
    await world.hs.until(lambda: blocked.hits)
    (shown,) = world.from_hearth("#staff")
    await world.react("#staff", "olga", shown.event_id, "👍")
    blocked.release()
    await world.settle(hurrying=True)
    assert membership(world, "#space") == "ban"
    assert "beats a knock" in " ".join(seen.body for seen in world.from_hearth("#staff"))


async def test_who_knocks_at_a_room_while_invited_to_the_space_is_invited_there_afterwards(world: World) -> None:
    code = await made(world)
    await newcomer(world)
    await world.ask("nora", code)
    await knocks(world, "#garden")
    await world.order("mod", "!cases")
    await world.say("#staff", "mod", "!accept 1")
    await world.settle()
    assert membership(world, "#garden") == "knock"
    await world.member("nora").join(world.room("#space"))
    await world.settle()
    assert membership(world, "#garden") == "invite"
    assert invitations(world, world.member("nora")).count("#garden") == 1
    await world.replay()
    assert world.changes() == []


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
@on_a_file
async def test_stopped_while_answering_the_door_it_is_answered_once(
    world: World, kind: Literal["hang", "hang_after"]
) -> None:
    await knocks(world)
    (shown,) = world.from_hearth("#staff")
    hanging = world.hs.faults.add(kind, path="/invite$", times=None)
    await world.react("#staff", "mod", shown.event_id, "👍")
    await world.hs.until(lambda: hanging.hits)
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await world.settle()
    assert invitations(world, world.member("nora")) == ["#space"]
    assert len(world.from_hearth("#staff")) == 1


@on_a_file
@pytest.mark.parametrize("room", ["#space", "#garden"])
async def test_a_knock_whose_invitation_is_refused_is_told_once(world: World, room: str) -> None:
    await knocks(world, room)
    (shown,) = world.from_hearth("#staff")
    world.hs.faults.add("status", path="/invite$", status=403, errcode="M_INVITE_BLOCKED", times=None)
    await world.react("#staff", "mod", shown.event_id, "👍")
    await world.settle()
    await world.tick()
    (_, told) = world.from_hearth("#staff")
    assert "could not be answered at the door" in told.body
    assert "M_INVITE_BLOCKED" in told.body


@on_a_file
async def test_without_cases_nothing_waits(world: World) -> None:
    assert "Nothing waits" in (await world.order("mod", "!cases")).body
    assert "no case number 7" in (await world.order("mod", "!accept 7")).body
    assert HEARTH not in str(await world.rows(cases))


@on_a_file
async def test_who_has_been_knocking_since_before_hearth_listened_is_a_case_too(world: World) -> None:
    await knocks(world)
    await world.stop()
    async with world.writing() as db:
        await db.execute(delete(cases))
    await world.start()
    await world.tick()
    assert (await case(world))["subject"] == NEW
    await world.tick()
    assert len(await world.rows(cases)) == 1


@on_a_file
async def test_while_invites_are_off_codes_wait_and_so_do_knocks(world: World) -> None:
    code = await made(world)
    await knocks(world)
    await world.order("mod", "!invites off 2h raid")
    await world.react(
        "#staff", "mod", next(s for s in world.from_hearth("#staff") if "knocks" in s.body).event_id, "👍"
    )
    await world.settle()
    assert any("Invites are off there now" in seen.body for seen in world.from_hearth("#staff"))
    await newcomer(world, "@otto:c.test")
    (answer,) = await world.ask("otto", code)
    assert "Nobody is let in at the moment" in answer
    await newcomer(world, "@pia:c.test")
    await world.member("pia").knock(world.room("#space"), "me too")
    await world.settle()
    await world.ring("strangers")
    await world.settle()
    assert len(await world.rows(cases)) == 1
    assert [membership(world, "#space", f"@{name}:c.test") for name in ("nora", "otto", "pia")] == [
        "knock",
        "leave",
        "knock",
    ]
    world.clock.forward(2 * 3_600_000 + 60_000)
    await world.ring("sanctions end")
    await world.settle()
    await world.ring("strangers")
    await world.settle()
    assert len(await world.rows(cases)) == 2
    (answer,) = await world.ask("otto", code)
    assert "Welcome" in answer
    await world.say("#staff", "mod", "!accept 1")
    await world.settle()
    assert [membership(world, "#space", f"@{name}:c.test") for name in ("nora", "otto", "pia")] == [
        "invite",
        "invite",
        "knock",
    ]
