"""A ban is one command and reaches every room, those made later too; it is told once, written down, and can be lifted again."""

import re
from typing import Any, Literal

import pytest
from community import HEARTH, PEOPLE
from world import World, on_a_file, on_both

from bridge.store.tables import bans, sanctions
from tests.fake import Request

pytestmark = on_a_file

EVE, DAN, ZED = PEOPLE["eve"], PEOPLE["dan"], PEOPLE["zed"]


def refuse_bans_in(world: World, room: str, verb: str = "ban") -> Any:
    path = f"/rooms/{re.escape(world.room(room))}/{verb}$"
    return world.hs.faults.add("status", path=path, status=403, errcode="M_FORBIDDEN", times=None)


async def test_a_ban_reaches_every_room(world: World) -> None:
    answer = await world.order("mod", f"!ban {EVE} spam")
    assert world.banned("@eve") == world.everywhere() == {"#space", "#common", "#staff", "#sleep", "#garden"}
    assert "is banned from all 5 rooms" in answer.body
    content = world.hs.room(world.room("#sleep")).content("m.room.member", EVE)
    assert content["reason"] == "spam"
    (entry,) = await world.ledger()
    assert (entry.actor, entry.action, entry.target, entry.reason) == (PEOPLE["mod"], "ban", EVE, "spam")
    assert entry.outcome == {"done": 5, "refused": {}}
    await world.replay()
    assert world.changes() == []


async def test_where_the_person_is_comes_first(world: World) -> None:
    world.hs.mark()
    await world.order("mod", f"!ban {EVE} spam")
    order = [each.path for each in world.changes() if each.path.endswith("/ban")]
    here = [world.room(name) for name in ("#space", "#common", "#sleep")]
    assert all(any(room in path for path in order[:3]) for room in here)


async def test_the_ledger_is_written_before_the_act_and_the_outcome_after_it(world: World) -> None:
    hanging = world.hs.faults.add("hang", path="/ban$", times=None)
    command = await world.say("#staff", "mod", f"!ban {EVE} spam")
    await world.hs.until(lambda: hanging.hits)
    (entry,) = await world.ledger()
    assert (entry.event, entry.outcome, entry.settled_ms) == (command, None, None)
    assert world.banned("@eve") == set()
    hanging.release()
    await world.settle()
    (entry,) = await world.ledger()
    assert entry.outcome == {"done": 5, "refused": {}}
    assert entry.settled_ms


async def test_the_answer_names_the_room_that_could_not_be_and_why(world: World) -> None:
    fault = refuse_bans_in(world, "#garden")
    answer = await world.order("mod", f"!ban {EVE} spam")
    assert "is banned from 4 of 5 rooms" in answer.body
    assert "no power" in answer.body
    assert "%23garden" in answer.html
    assert world.banned("@eve") == world.everywhere() - {"#garden"}
    (entry,) = await world.ledger()
    assert entry.outcome == {"done": 4, "refused": {world.room("#garden"): "M_FORBIDDEN"}}
    fault.release()
    again = await world.order("mod", f"!ban {EVE} spam")
    assert world.banned("@eve") == world.everywhere()
    assert "is banned from all 5 rooms" in again.body


@on_both
async def test_a_server_is_banned_with_everybody_who_is_here_from_it(world: World) -> None:
    answer = await world.order("mod", "!ban b.test spam wave")
    assert world.banned("@eve") == {"#space", "#common", "#sleep"}
    assert world.banned("@dan") == world.banned("@zed") == {"#space", "#common", "#garden"}
    assert world.banned("@ben") == set()
    for room in world.everywhere():
        assert world.acl(room) == {"allow": ["*"], "deny": ["b.test"], "allow_ip_literals": True}
    assert "3 people" in answer.body
    await world.replay()
    assert world.changes() == []

    # By its name with a port, too: in the rooms that name has none.
    await world.order("mod", "!ban port.test:8448")
    assert world.acl("#sleep")["deny"] == ["b.test", "port.test"]
    await world.order("mod", "!unban port.test:8448")
    assert world.acl("#sleep")["deny"] == ["b.test"]


async def test_a_glob_hits_only_whom_it_describes(world: World) -> None:
    answer = await world.order("mod", "!ban @?e?:b.test")
    assert world.banned("@zed") == {"#space", "#common", "#garden"}
    assert world.banned("@eve") == set()
    assert "1 person" in answer.body


@on_both
async def test_who_comes_later_is_met_at_the_door(world: World) -> None:
    await world.order("mod", "!ban @spam*:*")
    late = await world.hs.user("@spammer7:c.test")
    await world.member("olga").invite(world.room("#space"), late.user_id)
    await world.settle()
    assert world.banned(late.user_id) == {"#space"}
    world.hs.inject(world.room("#common"), "@spam8:c.test", "m.room.member", {"membership": "join"},
                    ts=world.clock(), state_key="@spam8:c.test")  # fmt: skip
    await world.settle()
    assert world.banned("@spam8:c.test") == {"#common"}
    await world.replay()
    assert world.changes() == []


async def test_who_is_let_in_again_by_hand_is_banned_again(world: World) -> None:
    await world.order("mod", f"!ban {EVE} spam")
    await world.member("ann").unban(world.room("#sleep"), EVE)
    await world.settle()
    assert world.banned("@eve") == world.everywhere()


async def test_a_room_that_is_made_later_begins_with_the_bans(world: World) -> None:
    await world.order("mod", f"!ban {EVE} spam")
    await world.order("mod", "!ban c.test spam")
    await world.stop()
    data = world.config.model_dump()
    data["community"]["circles"] = [
        *data["community"]["circles"],
        {"tag": "night", "name": "Night", "encrypted": False},
    ]
    await world.build(data)
    await world.start()
    await world.settle()
    assert "#night" in world.banned("@eve")
    assert world.acl("#night")["deny"] == ["c.test"]


async def test_unban_lifts_only_what_was_our_doing(world: World) -> None:
    await world.member("cleo").ban(world.room("#garden"), EVE)
    await world.settle()
    await world.order("mod", f"!ban {EVE} spam")
    assert world.banned("@eve") == world.everywhere()
    answer = await world.order("mod", f"!unban {EVE}")
    assert world.banned("@eve") == {"#garden"}
    assert "lifted" in answer.body
    assert await world.rows(bans) == []
    (sanction,) = await world.rows(sanctions)
    assert sanction["lifted_by"]
    assert [entry.action for entry in await world.ledger()] == ["ban", "unban"]
    await world.replay()
    assert world.changes() == []


async def test_unban_shows_every_ban_that_means_somebody_and_lifts_them_all_when_that_is_confirmed(
    world: World,
) -> None:
    await world.order("mod", f"!ban {EVE} spam")
    await world.order("mod", "!ban b.test spam")
    shown = await world.order("mod", f"!unban {EVE}")
    assert "b.test" in shown.body
    assert "3 people would be free" in shown.body
    assert world.banned("@eve") == world.everywhere()
    await world.react("#staff", "mod", shown.event_id, "👍")
    await world.settle()
    assert world.banned("@eve") == world.banned("@dan") == set()
    assert all(world.acl(room)["deny"] == [] for room in world.everywhere())


async def test_who_is_meant_by_another_ban_stays_banned(world: World) -> None:
    await world.order("mod", f"!ban {EVE} spam")
    await world.order("mod", "!ban b.test spam")
    await world.order("mod", "!unban b.test")
    assert world.banned("@eve") == world.everywhere()
    assert world.banned("@dan") == set()
    assert all(world.acl(room)["deny"] == [] for room in world.everywhere())


@on_both
async def test_a_lifting_that_a_room_refuses_can_be_asked_for_again(world: World) -> None:
    await world.order("mod", f"!ban {EVE} spam")
    fault = refuse_bans_in(world, "#sleep", "unban")
    answer = await world.order("mod", f"!unban {EVE}")
    assert "4 of 5 rooms" in answer.body
    assert world.banned("@eve") == {"#sleep"}
    fault.release()
    again = await world.order("mod", f"!unban {EVE}")
    assert world.banned("@eve") == set(), again.body


@pytest.mark.parametrize("target", ["a.test", "*.test", "*", "@*:*", PEOPLE["mod"], PEOPLE["olga"], HEARTH])
async def test_nobody_of_ours_can_be_shut_out(world: World, target: str) -> None:
    await world.order("mod", f"!ban {target} oops")
    assert not any(world.banned(user) for user in (*PEOPLE.values(), HEARTH))
    assert await world.ledger() == []
    assert all(not world.acl(room) for room in world.everywhere())


async def test_a_glob_over_our_own_server_spares_hearth_and_staff(world: World) -> None:
    answer = await world.order("mod", "!ban @*:a.test oops")
    assert not any(world.banned(user) for user in (PEOPLE["mod"], PEOPLE["olga"], HEARTH))
    assert world.banned("@ben") == {"#space", "#common", "#sleep"}, answer.body


async def test_members_and_curators_cannot_ban(world: World) -> None:
    await world.say("#common", "ben", f"!ban {EVE} spam")
    await world.say("#sleep", "ann", f"!ban {EVE} spam")
    await world.settle()
    for who in ("ben", "ann"):
        (answer,) = await world.ask(who, f"ban {EVE} spam")
        assert "moderators" in answer
        assert len(world.told(who)) == 2
    assert world.banned("@eve") == set()
    assert await world.ledger() == []


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
@pytest.mark.parametrize("nth", [0, 2, 4])
async def test_stopped_in_the_middle_it_is_finished_after_the_start(
    world: World, kind: Literal["hang", "hang_after"], nth: int
) -> None:
    hanging = world.hs.faults.add(kind, path="/ban$", skip=nth, times=None)
    command = await world.say("#staff", "mod", f"!ban {EVE} spam")
    await world.hs.until(lambda: hanging.hits)
    await world.stop()
    world.hs.faults.clear()
    await world.start()
    await world.settle()
    assert world.banned("@eve") == world.everywhere()
    assert "is banned from all 5 rooms" in world.answer_to("#staff", command).body
    (entry,) = await world.ledger()
    assert entry.outcome == {"done": 5, "refused": {}}
    assert _changes_of_eve(world) == 5


def _changes_of_eve(world: World) -> int:
    rooms = [world.room(room) for room in world.everywhere()]
    return sum(
        event.content.get("membership") == "ban" and event.state_key == EVE
        for room in rooms
        for event in world.hs.timeline(room, "m.room.member")
    )


async def test_a_ban_under_a_rate_limit_loses_no_room(world: World) -> None:
    world.hs.limit("send", 20, burst=1)
    answer = await world.order("mod", f"!ban {EVE} spam")
    assert world.banned("@eve") == world.everywhere()
    assert "is banned from all 5 rooms" in answer.body
    assert any(_limited(each) for each in world.hs.requests)


def _limited(request: Request) -> bool:
    return request.status == 429
