"""One person is spared by a decision about many: let in again, let write again, also when they come anew; it stands for everybody else."""

from community import PEOPLE
from test_holding import silent
from test_policy_lists import ban, enters, watched
from world import World, on_a_file

from bridge.store import sanctions

pytestmark = on_a_file

EVE, DAN = PEOPLE["eve"], PEOPLE["dan"]


async def is_banned(world: World, user: str) -> bool:
    async with world.reading() as db:
        return await sanctions.is_banned(db, user)


async def test_somebody_is_spared_by_what_means_many_and_nobody_else_is(world: World) -> None:
    # By a ban: the preview of unban names the way, and who comes again is not banned.
    await world.order("mod", "!ban @?*:b.test wave")
    assert EVE not in world.hs.members(world.room("#common"))
    question = await world.order("mod", f"!unban {EVE}")
    assert f"spare {EVE} frees them alone" in question.body
    await world.react("#staff", "mod", question.event_id, "👎")
    answer = await world.order("mod", f"!spare {EVE} a friend of Ann")
    assert "is spared from now on" in answer.body
    assert world.banned("eve") == set()
    assert world.banned("dan") != set()
    assert (await is_banned(world, EVE), await is_banned(world, DAN)) == (False, True)
    await enters(world, EVE)
    await world.ring("sanctions")
    await world.settle()
    assert world.banned("eve") == set()
    await world.replay()
    assert world.changes() == []
    assert f"ban · @?*:b.test · not for {EVE}" in (await world.order("mod", f"!sanctions {EVE}")).body
    assert "No decision about many" in (await world.order("mod", f"!spare {EVE}")).body
    (row,) = [each for each in await world.ledger() if each.action == "spare"]
    assert (row.target, row.reason) == (EVE, "a friend of Ann")
    assert row.outcome is not None

    # By name they can be banned all the same; and a mute of many is no other thing.
    await world.order("mod", f"!ban {EVE}")
    assert world.banned("eve") == world.everywhere()
    await world.order("mod", f"!unban {EVE}")
    await enters(world, EVE)
    await world.order("mod", "!mute @?*:b.test 1h")
    assert silent(world, "eve")
    await world.order("mod", f"!spare {EVE}")
    assert silent(world, "eve") == set()

    # Of a server that is shut out nobody can be spared; what can be done is said, in numbers.
    await world.order("mod", "!ban b.test")
    told = (await world.order("mod", f"!spare {EVE}")).body
    assert "The whole server b.test is shut out" in told
    assert "unban b.test lets" in told
    await world.order("mod", "!ban @ev?:b.test")
    assert "frees them alone" not in (await world.order("mod", f"!unban {EVE}")).body
    assert "The whole server b.test is shut out" in (await world.order("mod", f"!spare {EVE}")).body
    assert "Please name one person" in (await world.order("mod", "!spare @*:b.test")).body


async def test_who_is_spared_by_a_rule_of_a_list_stays_so(world: World) -> None:
    keeper = await watched(world, "act")
    await keeper.writes("m.policy.rule.user", ban("@ev*:b.test"))
    assert world.banned("eve") == {"#space", "#common", "#sleep"}
    await world.order("mod", f"!spare {EVE}")
    assert (world.banned("eve"), await is_banned(world, EVE)) == (set(), False)
    await enters(world, EVE)
    assert world.banned("eve") == set()
    await enters(world, "@eva:b.test")  # whom the same rule means
    assert "@eva:b.test" not in world.hs.members(world.room("#common"))
