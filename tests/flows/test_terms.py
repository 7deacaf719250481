"""A membership with an end: reminders, days in which one can only read, out of every room, and all of it back by one invitation."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from community import HEARTH, PEOPLE
from world import World, a_world, on_a_file, on_both

from bridge.config import Config
from bridge.store.tables import ledger, silences, terms
from tests.fake.errors import MatrixError

pytestmark = on_a_file

EVE, ANN, DAN, OLGA = PEOPLE["eve"], PEOPLE["ann"], PEOPLE["dan"], PEOPLE["olga"]
HINT = "https://example.org/stay"


async def with_ends(world: World, **more: Any) -> None:
    """Memberships have an end from now on."""
    await world.stop()
    data = world.config.model_dump()
    data["membership"] = {"renew_hint": HINT, **more}
    world.config = Config.model_validate(data)
    await world.start()
    await world.settle()


@pytest.fixture
async def world(where: str | Path, tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(where, tmp_path) as made:
        await with_ends(made)
        yield made


def levels(world: World, room: str) -> dict[str, int]:
    users: dict[str, int] = world.hs.room(world.room(room)).content("m.room.power_levels")["users"]
    return users


def places(world: World, who: str) -> set[str]:
    """The rooms of the community in which somebody is."""
    return {name for name in world.everywhere() if PEOPLE[who] in world.hs.members(world.room(name))}


def invited(world: World, who: str) -> list[str]:
    """The rooms of the community to which somebody is invited."""
    return sorted(world.name_of(room) for room in world.member(who).invites() if world.name_of(room).startswith("#"))


async def lasts_until(world: World, who: str, day: str) -> str:
    return (await world.order("mod", f"!member expire {PEOPLE[who]} {day}")).body


async def listens(world: World, who: str) -> None:
    """This person sees what Hearth tells them."""
    await world.settle()
    await world.direct(who)


async def test_a_membership_goes_its_way_and_comes_back(world: World) -> None:
    await listens(world, "eve")
    answer = await lasts_until(world, "eve", "2026-03-01")
    assert "lasts until March 1, 2026" in answer
    told = len(world.told("eve"))

    async def news() -> list[str]:
        nonlocal told
        await world.settle()
        fresh = world.told("eve")[told:]
        told += len(fresh)
        return fresh

    for moment, words in (
        ("2026-02-15 11:59", None), ("2026-02-15 12:01", "in good time"), ("2026-02-20 12:01", None),
        ("2026-02-26 12:01", "in good time"), ("2026-02-28 11:59", None), ("2026-02-28 12:01", "in good time"),
        ("2026-03-01 23:58", None),
    ):  # fmt: skip
        await world.turn_to(moment)
        fresh = await news()
        assert len(fresh) == (words is not None), (moment, fresh)
        assert words is None or (words in fresh[0] and HINT in fresh[0])
    assert EVE not in levels(world, "#sleep")

    await world.turn_to("2026-03-02 00:01")
    (grace,) = await news()
    assert "Until March 4, 2026 you can still read" in grace
    assert places(world, "eve") == {"#space", "#common", "#sleep"}
    assert all(levels(world, room)[EVE] < 0 for room in places(world, "eve"))
    with pytest.raises(MatrixError):
        await world.say("#sleep", "eve", "hello?")

    await world.turn_to("2026-03-05 00:01")
    (end,) = await news()
    assert "come to its end" in end
    assert HINT in end
    assert places(world, "eve") == set()
    assert all(EVE not in levels(world, room) for room in world.everywhere())
    content = world.hs.room(world.room("#sleep")).content("m.room.member", EVE)
    assert "reason" not in content
    (entry,) = [each for each in await world.ledger() if each.action == "membership ended"]
    assert (entry.actor, entry.target, entry.outcome) == (HEARTH, EVE, {"done": 3, "refused": []})

    answer = (await world.order("mod", f"!member renew {EVE} 365d")).body
    assert "lasts until March 5, 2027" in answer
    (back,) = await news()
    assert "Welcome back" in back
    eve = world.member("eve")
    assert invited(world, "eve") == ["#space"]
    for name in ("#space", "#common", "#sleep"):
        assert invited(world, "eve") == [name], "one invitation at a time"
        await eve.join(world.room(name))
        await world.settle()
    assert invited(world, "eve") == []
    assert places(world, "eve") == {"#space", "#common", "#sleep"}
    await world.say("#sleep", "eve", "hello again")
    await world.replay()
    assert world.changes() == []


@on_both
async def test_a_curator_has_the_same_power_again_after_renewal_in_the_days_of_grace(world: World) -> None:
    before = {room: levels(world, room).get(ANN) for room in world.everywhere()}
    assert before["#sleep"] == 50
    await lasts_until(world, "ann", "2026-01-06")
    await world.turn_to("2026-01-07 00:01")
    assert levels(world, "#sleep")[ANN] == -52
    await world.stop()
    await world.made(world.config)  # a plan does not give the power back
    await world.start()
    await world.settle()
    assert levels(world, "#sleep")[ANN] == -52
    await world.order("mod", f"!member renew {ANN} 30d")
    assert {room: levels(world, room).get(ANN) for room in world.everywhere()} == before
    assert await world.rows(silences) == []


async def test_a_curator_who_was_out_has_role_and_power_again(world: World) -> None:
    await lasts_until(world, "ann", "2026-01-06")
    await world.turn_to("2026-02-01 09:00")
    assert places(world, "ann") == set()
    assert levels(world, "#sleep")[ANN] == 50
    await world.order("mod", f"!member renew {ANN} 2026-12-31")
    ann = world.member("ann")
    for name in ("#space", "#common", "#sleep"):
        await ann.join(world.room(name))
        await world.settle()
    shown = (await world.order("mod", f"!member show {ANN}")).body
    assert "is a curator: #sleep" in shown
    assert "December 31, 2026" in shown


async def test_after_an_outage_only_what_is_still_true_is_told(world: World) -> None:
    await listens(world, "eve")
    await lasts_until(world, "eve", "2026-03-01")
    told = len(world.told("eve"))
    await world.turn_to("2026-02-27 09:00")
    assert len(world.told("eve")) == told + 1
    await world.turn_to("2026-04-01 09:00")
    (end,) = world.told("eve")[told + 1 :]
    assert "come to its end" in end


async def test_an_open_door_lets_nobody_in_whose_membership_has_ended(world: World) -> None:
    await lasts_until(world, "eve", "2026-01-06")
    await world.turn_to("2026-02-01 09:00")
    await world.member("olga").invite(world.room("#space"), EVE)
    await world.settle()
    assert invited(world, "eve") == []
    await world.member("cleo").invite(world.room("#garden"), EVE)
    await world.settle()
    assert invited(world, "eve") == []
    world.hs.inject(
        world.room("#common"), EVE, "m.room.member", {"membership": "join"}, ts=world.clock(), state_key=EVE
    )
    await world.settle()
    assert places(world, "eve") == set()


async def test_owners_are_never_removed_and_staff_hears_of_it(world: World) -> None:
    everywhere = places(world, "olga")
    await lasts_until(world, "olga", "2026-01-06")
    await world.turn_to("2026-02-01 09:00")
    await world.tick()
    assert places(world, "olga") == everywhere
    said = [seen.body for seen in world.from_hearth("#staff") if "Owners are never" in seen.body]
    assert len(said) == 1


async def test_a_ban_beats_a_renewal(world: World) -> None:
    await lasts_until(world, "eve", "2026-01-06")
    await world.turn_to("2026-02-01 09:00")
    await world.order("mod", f"!ban {EVE} spam")
    await world.order("mod", f"!member renew {EVE} 30d")
    assert invited(world, "eve") == []
    assert [seen for seen in world.from_hearth("#staff") if "The ban holds" in seen.body]


async def test_who_is_renewed_before_the_homeserver_took_them_out_stays(world: World) -> None:
    await lasts_until(world, "eve", "2026-01-06")
    fault = world.hs.faults.add("status", path="/kick$", status=502, times=None)
    world.clock.turn_to("2026-02-01 09:00")
    assert world.hearth
    for each in world.hearth.ticks():
        await each.run()
    await world.hs.until(lambda: fault.hits)
    await world.say("#staff", "mod", f"!member renew {EVE} 30d")

    async def renewed() -> bool:
        return any(row["stage"] == "running" for row in await world.rows(terms))

    await world.until(renewed)
    fault.release()
    await world.settle(hurrying=True)
    assert places(world, "eve") == {"#space", "#common", "#sleep"}


@pytest.mark.parametrize("moment", ["hang", "hang_after"])
async def test_killed_at_every_step_the_end_comes_once_and_reaches_every_room(world: World, moment: Any) -> None:
    await listens(world, "ann")
    await lasts_until(world, "ann", "2026-01-06")
    await world.turn_to("2026-01-07 00:01")
    world.clock.turn_to("2026-02-01 09:00")
    await world.stop()
    for lives in range(1, 30):  # noqa: B007 - asked for below
        # One change is let through in each life, and the next is where it ends: before the homeserver did it, or right after.
        planned = [
            world.hs.faults.add(moment, method=verb, path=r"/(send|kick|state|invite)(/|$)", skip=1, times=None)
            for verb in ("PUT", "POST")
        ]
        await world.start()

        async def met_or_calm(planned: Any = planned) -> bool:
            return any(fault.hits for fault in planned) or await world._calm()

        await world.until(met_or_calm)
        killed = any(fault.hits for fault in planned)
        await world.stop()
        world.hs.faults.clear()
        if not killed:
            break
    await world.start()
    await world.settle()
    assert lives > 1
    assert places(world, "ann") == set()
    assert levels(world, "#sleep")[ANN] == 50
    assert len([one for one in world.told("ann") if "come to its end" in one]) == 1
    assert await world.rows(silences) == []


async def test_where_we_lack_power_staff_hears_of_it_once_and_it_is_tried_again(world: World) -> None:
    path = f"/rooms/{world.room('#sleep')}/kick$".replace("!", ".")
    fault = world.hs.faults.add("status", path=path, status=403, errcode="M_FORBIDDEN", times=None)
    await lasts_until(world, "eve", "2026-01-06")
    await world.turn_to("2026-02-01 09:00")
    assert places(world, "eve") == {"#sleep"}
    await world.tick()
    assert len([seen for seen in world.from_hearth("#staff") if "could not take them out" in seen.body]) == 1
    fault.release()
    await world.tick()
    assert places(world, "eve") == set()
    assert [row["outcome"] for row in await world.rows(ledger) if row["action"] == "membership ended"]


async def test_in_days_of_grace_powers_given_by_hand_are_put_to_rest_again(world: World) -> None:
    await lasts_until(world, "eve", "2026-01-06")
    await world.turn_to("2026-01-07 00:01")
    await world.member("olga").join(world.room("#sleep"))
    content = world.hs.room(world.room("#sleep")).content("m.room.power_levels")
    users = {**content["users"], EVE: 0}
    await world.member("olga").state(world.room("#sleep"), "m.room.power_levels", {**content, "users": users})
    await world.settle()
    assert levels(world, "#sleep")[EVE] == -2


async def test_who_joins_another_circle_in_the_days_of_grace_reads_there_too(world: World) -> None:
    await lasts_until(world, "eve", "2026-01-06")
    await world.turn_to("2026-01-07 00:01")
    await world.member("eve").join(world.room("#garden"))
    await world.settle()
    assert levels(world, "#garden")[EVE] == -2


async def test_an_invitation_that_is_turned_down_is_not_repeated(world: World) -> None:
    await lasts_until(world, "eve", "2026-01-06")
    await world.turn_to("2026-02-01 09:00")
    await world.order("mod", f"!member renew {EVE} 30d")
    eve = world.member("eve")
    await eve.join(world.room("#space"))
    await world.settle()
    await eve.leave(world.room("#common"))
    await world.settle()
    assert invited(world, "eve") == ["#sleep"]
    await eve.leave(world.room("#sleep"))
    await world.settle()
    assert invited(world, "eve") == []


async def test_never_takes_the_end_away_and_a_past_day_is_refused(world: World) -> None:
    assert "That day is over" in await lasts_until(world, "eve", "2025-12-31")
    await lasts_until(world, "eve", "2026-01-06")
    assert "no end" in await lasts_until(world, "eve", "never")
    await world.turn_to("2026-06-01 09:00")
    assert places(world, "eve") == {"#space", "#common", "#sleep"}
    stranger = (await world.order("mod", "!member expire @nobody:c.test 30d")).body
    assert "was never in the community" in stranger


async def test_digests_rest_while_somebody_is_out_and_no_storm_follows(world: World) -> None:
    await world.ask("eve", f"follow {ANN}")
    await lasts_until(world, "eve", "2026-01-06")
    await world.turn_to("2026-01-10 09:00")
    told = len(world.told("eve"))
    for day in range(11, 15):
        await world.say("#sleep", "ann", f"Thought of the {day}th")
        await world.settle()
        await world.turn_to(f"2026-01-{day} 09:00")
    assert len(world.told("eve")) == told
    await world.order("mod", f"!member renew {EVE} 30d")
    for name in ("#space", "#common", "#sleep"):
        await world.member("eve").join(world.room(name))
        await world.settle()
    told = len(world.told("eve"))
    await world.turn_to("2026-01-15 09:00")
    assert len(world.told("eve")) <= told + 1


async def test_without_the_section_nothing_ends(where: str | Path, tmp_path: Path) -> None:
    async with a_world(where, tmp_path) as plain:
        answer = (await plain.order("mod", f"!member expire {EVE} 30d")).body
        assert "Memberships have no end here" in answer
