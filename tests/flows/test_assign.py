"""A newcomer without a circle is given one; who is to be kept apart does not meet, and nobody but staff hears of it."""

from typing import Any

from community import HEARTH, PEOPLE
from test_codes import NEW, invitations, made, newcomer
from world import World, on_a_file

from bridge.store.tables import belongs, cases


async def comes_in(world: World, user: str = NEW) -> str:
    """Somebody comes in by a code for any circle, and is in the space; their name."""
    code = await made(world, "!invite code")
    name = user[1:].partition(":")[0]
    await newcomer(world, user)
    await world.ask(name, code)
    await world.member(name).join(world.room("#space"))
    await world.settle()
    world.clock.forward(16 * 60 * 1000)  # nobody is interrupted while they are led through the first steps
    await world.tick()
    return name


async def change(world: World, **community: Any) -> None:
    data = world.config.model_dump()
    data["community"] |= {"assign": True, **community}
    await world.stop()
    await world.build(data)
    await world.start()


async def circles(world: World, **fields: Any) -> None:
    """The same circles with other fields, e.g. `sleep={"size": 3}`."""
    changed = [each | fields.get(each["tag"], {}) for each in world.config.model_dump()["community"]["circles"]]
    await change(world, circles=changed)


def circles_of(rows: list[dict[str, Any]], user: str = NEW) -> list[str]:
    return [row["circle"] for row in rows if row["user"] == user]


async def test_a_newcomer_without_a_circle_is_given_the_emptiest_and_all_hear_of_it(world: World) -> None:
    await circles(world, garden={"size": 10}, sleep={"size": 20})
    await world.direct("ann")
    name = await comes_in(world)
    assert circles_of(await world.rows(belongs)) == ["circle/sleep"]
    assert any("Your circle is" in told and "#sleep" in told for told in world.told(name))
    assert any("is new" in told and "#sleep" in told for told in world.told("ann"))
    assert invitations(world, world.member(name)) == ["#space"]
    await world.member(name).join(world.room("#sleep"))
    await world.settle()
    entry = (await world.ledger())[-1]
    assert (entry.actor, entry.action, entry.target, entry.rule) == (HEARTH, "assign", NEW, "circle/sleep")
    await world.tick()  # what is done by the clock is done
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_who_has_a_circle_by_code_or_is_staff_is_assigned_to_none(world: World) -> None:
    await change(world)
    code = await made(world, "!invite code #garden")
    nora = await newcomer(world)
    await world.ask("nora", code)
    await nora.join(world.room("#space"))
    await world.member("olga").leave(world.room("#space"))
    await (await world.hs.user(HEARTH)).invite(world.room("#space"), PEOPLE["olga"])
    await world.member("olga").join(world.room("#space"))
    await world.settle()
    await world.tick()
    assert [(row["user"], row["circle"]) for row in await world.rows(belongs)] == [(NEW, "circle/garden")]


@on_a_file
async def test_where_circles_differ_in_language_the_newcomer_is_waited_for_a_day_at_most(world: World) -> None:
    await circles(world, garden={"language": "de"}, sleep={"language": "en"})
    name = await comes_in(world)
    assert circles_of(await world.rows(belongs)) == []
    await world.ask(name, "language de")
    world.clock.forward(60_000)
    await world.tick()
    assert circles_of(await world.rows(belongs)) == ["circle/garden"]
    await comes_in(world, "@omar:d.test")
    assert circles_of(await world.rows(belongs), "@omar:d.test") == []
    world.clock.forward(25 * 3600 * 1000)
    await world.tick()
    assert circles_of(await world.rows(belongs), "@omar:d.test") == ["circle/sleep"]


async def test_when_no_circle_has_room_staff_decides(world: World) -> None:
    await circles(world, garden={"size": 3}, sleep={"size": 2})
    name = await comes_in(world)
    assert await world.rows(belongs) == []
    shown = world.from_hearth("#staff")[-1]
    assert "no circle has room" in shown.body
    await world.react("#staff", "mod", shown.event_id, "👍")
    await world.settle()
    assert circles_of(await world.rows(belongs)) == ["circle/garden"]
    assert any("Your circle is" in told for told in world.told(name))
    await world.replay()
    assert world.changes() == []


@on_a_file
async def test_a_case_is_over_when_somebody_found_a_circle_otherwise(world: World) -> None:
    await circles(world, garden={"size": 3}, sleep={"size": 3})
    await comes_in(world)
    await world.order("mod", f"!invite {NEW} #garden")
    (row,) = await world.rows(cases)
    assert (row["state"], row["outcome"]) == ("settled", "settled")


@on_a_file
async def test_who_is_kept_apart_is_assigned_elsewhere_and_only_staff_knows(world: World) -> None:
    await circles(world, garden={"size": 5}, sleep={"size": 20})
    told = await world.order("mod", f"!apart {NEW} {PEOPLE['ben']}")
    assert "Only this room knows" in told.body
    name = await comes_in(world)
    assert circles_of(await world.rows(belongs)) == ["circle/garden"]
    assert "Ben" in (await world.order("mod", "!apart")).body
    for who in (name, "ben", "ann", "cleo"):
        await world.direct(who)
        assert not any("apart" in one for one in world.told(who))
    await world.member(name).join(world.room("#sleep"))
    await world.settle()
    assert "kept apart from" in world.from_hearth("#staff")[-1].body
    again = await world.order("mod", f"!apart end {PEOPLE['ben']} {NEW}")
    assert "may be in one circle again" in again.body
    assert "Nobody is kept apart" in (await world.order("mod", "!apart")).body


@on_a_file
async def test_a_code_for_a_circle_of_somebody_they_are_kept_apart_from_leads_to_another(world: World) -> None:
    await change(world, apart=[[NEW, PEOPLE["ann"]]])
    code = await made(world, "!invite code #sleep")
    nora = await newcomer(world)
    (told,) = await world.ask("nora", code)
    assert "Welcome" in told
    assert "#sleep" not in told
    assert "kept apart" in world.from_hearth("#staff")[-1].body
    await nora.join(world.room("#space"))
    await world.settle()
    world.clock.forward(16 * 60 * 1000)
    await world.tick()
    assert circles_of(await world.rows(belongs)) == ["circle/garden"]
    refused = await world.order("mod", f"!apart end {PEOPLE['ann']} {NEW}")
    assert "configuration" in refused.body


@on_a_file
async def test_members_and_curators_hear_nothing_of_who_is_kept_apart(world: World) -> None:
    for who in ("ben", "ann"):
        (answer,) = await world.ask(who, "apart")
        assert "moderators" in answer


async def test_rooms_that_nobody_can_enter_by_themselves_are_opened_one_after_another(world: World) -> None:
    data = world.config.model_dump()["community"]
    everybody = [PEOPLE["mod"], NEW]
    quiet = [each | ({"entry": "invited", "members": [*each["members"], NEW]} if each["tag"] == "sleep" else {}) for each in data["circles"]]  # fmt: skip
    library = {"key": "library", "name": "Library", "entry": "invited", "members": everybody, "encrypted": False}
    nora = await newcomer(world)
    await change(world, circles=quiet, rooms=[library])
    await world.settle()
    assert nora.invites() == [world.room("#space")]
    await nora.join(world.room("#space"))
    await world.settle()
    for _ in range(2):
        (open_,) = [
            room for room in nora.invites() if HEARTH in world.hs.members(room) and room in world.rooms.values()
        ]
        await nora.join(open_)
        await world.settle()
    assert sorted(invitations(world, nora)) == ["#library", "#sleep", "#space"]
    await world.tick()  # what is done by the clock is done
    await world.replay()
    assert world.changes() == []
