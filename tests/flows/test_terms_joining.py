"""Whose membership has ended comes back by a renewal only: no code, knock, invitation or power in the configuration is a way around it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from community import PEOPLE
from test_codes import NEW, invitations, made, newcomer
from test_terms import HINT, invited, lasts_until, listens, places, with_ends
from world import World, a_world, on_a_file

from bridge.store.tables import belongs, code_uses, codes, terms

pytestmark = on_a_file

EVE, MOD = PEOPLE["eve"], PEOPLE["mod"]


@pytest.fixture
async def world(where: str | Path, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(where, tmp_path) as made_world:
        await with_ends(made_world)
        yield made_world


async def out(world: World, who: str) -> None:
    """This person's membership has ended, and so have their days of grace."""
    await lasts_until(world, who, "2026-01-06")
    await world.turn_to("2026-02-01 09:00")
    assert places(world, who) == set()


async def test_a_code_of_old_leaves_them_out_and_says_kindly_what_to_do(world: World) -> None:
    await listens(world, "eve")
    await out(world, "eve")
    code = await made(world)
    (answer,) = await world.ask("eve", code)
    assert "Good to hear from you" in answer
    assert HINT in answer
    assert invited(world, "eve") == []
    assert await world.rows(code_uses) == []
    assert EVE not in [row["user"] for row in await world.rows(belongs)]
    await world.order("mod", f"!member renew {EVE} 30d")
    assert invited(world, "eve") == ["#space"]


async def test_a_word_to_hearth_is_answered_kindly_once_a_day(world: World) -> None:
    await listens(world, "eve")
    await out(world, "eve")
    told = len(world.told("eve"))
    await world.ask("eve", "hello!")
    (answer,) = world.told("eve")[told:]
    assert HINT in answer
    direct = await world.direct("eve")
    await world.member("eve").say(direct, "hello?")
    await world.settle()
    assert len(world.told("eve")) == told + 1
    await world.turn_to("2026-02-02 09:00")
    await world.ask("eve", "hello?")
    assert len(world.told("eve")) == told + 2


async def test_who_invites_them_hears_that_a_renewal_does_it(world: World) -> None:
    await out(world, "eve")
    answer = await world.order("mod", f"!invite {EVE} #sleep")
    assert f"member renew {EVE}" in answer.body
    assert invited(world, "eve") == []
    assert EVE not in [row["user"] for row in await world.rows(belongs)]
    assert "invite" not in [entry.action for entry in await world.ledger()]


@pytest.mark.parametrize("door", ["#space", "#garden"])
async def test_a_knock_is_shown_with_the_renewal_and_a_yes_alone_opens_nothing(world: World, door: str) -> None:
    await out(world, "eve")
    world.hs.inject(world.room(door), EVE, "m.room.member", {"membership": "knock"}, ts=world.clock(), state_key=EVE)
    await world.settle()
    shown = next(seen for seen in world.from_hearth("#staff") if "knocks" in seen.body)
    assert f"member renew {EVE}" in shown.body
    await world.react("#staff", "mod", shown.event_id, "👍")
    await world.settle()
    assert world.hs.room(world.room(door)).membership(EVE) == "knock"
    assert invited(world, "eve") == []
    await world.order("mod", f"!member renew {EVE} 30d")
    assert invited(world, "eve") == ["#space"]


async def test_a_moderator_whose_membership_has_ended_gives_no_orders_until_it_goes_on(world: World) -> None:
    await listens(world, "mod")
    await world.order("olga", f"!member expire {MOD} 2026-01-06")
    await world.turn_to("2026-01-07 09:00")
    (grace,) = await world.ask("mod", f"invite {EVE}")
    assert "in the space already" in grace
    await world.turn_to("2026-02-01 09:00")
    (answer,) = await world.ask("mod", f"invite {EVE}")
    assert HINT in answer
    assert [entry.action for entry in await world.ledger()].count("invite") == 1
    await world.order("olga", f"!member renew {MOD} 30d")
    (again,) = await world.ask("mod", f"invite {EVE}")
    assert "in the space already" in again


async def test_a_moderator_whose_membership_has_ended_settles_no_case_before_they_are_out_again(world: World) -> None:
    await out(world, "mod")
    space, staff = world.room("#space"), world.room("#staff")
    world.hs.inject(space, NEW, "m.room.member", {"membership": "knock"}, ts=world.clock(), state_key=NEW)
    await world.settle()
    shown = next(seen for seen in world.from_hearth("#staff") if "knocks" in seen.body)
    async with world.held():  # they are in for the moment in which they react
        world.hs.inject(staff, MOD, "m.room.member", {"membership": "join"}, ts=world.clock(), state_key=MOD)
        await world.react("#staff", "mod", shown.event_id, "👍")
    await world.settle()
    assert world.hs.room(space).membership(NEW) == "knock"
    await world.react("#staff", "olga", shown.event_id, "👍")
    await world.settle()
    assert world.hs.room(space).membership(NEW) == "invite"


async def test_an_owner_gives_orders_whatever_became_of_the_membership(world: World) -> None:
    await lasts_until(world, "olga", "2026-01-06")
    await world.turn_to("2026-02-01 09:00")
    (answer,) = await world.ask("olga", f"invite {EVE}")
    assert "in the space already" in answer


@pytest.mark.parametrize(
    ("said", "until"), [("member 30d", "2026-01-31"), ("5 member 2026-03-01 7d", "2026-03-01")], ids=["span", "day"]
)
async def test_a_membership_begins_with_the_code_that_carries_it(world: World, said: str, until: str) -> None:
    await world.turn_to("2026-01-01 12:00")
    code = await made(world, f"!invite code #sleep {said}")
    assert "a member" in (await world.order("mod", "!invite codes")).body
    nora = await newcomer(world)
    (answer,) = await world.ask("nora", code)
    assert "Your membership lasts until" in answer
    assert invitations(world, nora) == ["#space"]
    (row,) = await world.rows(terms)
    assert (row["user"], row["until"], row["granted"], row["stage"]) == (NEW, until, until, "running")
    for name in ("#space", "#sleep"):
        await nora.join(world.room(name))
    await world.settle()
    await world.tick()  # what is done by the clock is done
    await world.replay()
    assert world.changes() == []
    await world.turn_to("2026-04-01 12:00")
    assert not any(NEW in world.hs.members(world.room(name)) for name in world.everywhere())


async def test_such_a_code_brings_somebody_back_once_and_not_again(world: World) -> None:
    await listens(world, "eve")
    await out(world, "eve")
    code = await made(world, "!invite code member 30d")
    before = invitations(world, world.member("eve"))
    await world.ask("eve", code)
    assert invitations(world, world.member("eve")) == [*before, "#space"]
    assert [row["until"] for row in await world.rows(terms) if row["user"] == EVE] == ["2026-03-03"]
    await world.turn_to("2026-04-01 12:00")
    told = len(world.told("eve"))
    await world.ask("eve", code)
    assert HINT in world.told("eve")[told]
    assert [row["stage"] for row in await world.rows(terms) if row["user"] == EVE] == ["ended"]


async def test_who_is_in_keeps_a_membership_without_an_end(world: World) -> None:
    code = await made(world, "!invite code #garden member 30d")
    await world.ask("eve", code)
    assert await world.rows(terms) == []


@pytest.mark.parametrize("said", ["member", "member 5", "2027-01-01", "member 30d member 40d", "member 2025-01-01"])
async def test_a_membership_that_makes_no_sense_makes_no_code(world: World, said: str) -> None:
    await world.order("mod", f"!invite code {said}")
    assert await world.rows(codes) == []


async def test_a_curator_makes_no_code_with_a_membership(world: World) -> None:
    (answer,) = await world.ask("ann", "invite code #sleep member 30d")
    assert "Only a moderator" in answer
    assert await world.rows(codes) == []
