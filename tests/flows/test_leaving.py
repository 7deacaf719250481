"""Whoever is out of the space loses the keys to its rooms, and gets them back with it."""

from community import HEARTH, PEOPLE
from world import World, on_a_file

from bridge.rooms.cascade import GRACE_MS
from bridge.store import people

EVE, MOD, OLGA = PEOPLE["eve"], PEOPLE["mod"], PEOPLE["olga"]


def where(world: World, who: str) -> set[str]:
    user = PEOPLE[who]
    return {name for name in world.everywhere() if user in world.hs.members(world.room(name))}


async def leaves_the_space(world: World, who: str) -> None:
    await world.member(who).leave(world.room("#space"))
    await world.settle()


async def test_who_leaves_the_space_leaves_its_rooms_after_a_grace(world: World) -> None:
    await leaves_the_space(world, "eve")
    await world.tick()
    assert where(world, "eve") == {"#common", "#sleep"}
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert where(world, "eve") == set()
    content = world.hs.room(world.room("#sleep")).content("m.room.member", EVE)
    assert content["membership"] == "leave"
    assert "welcome back at any time" in content["reason"]
    assert where(world, "dan") == {"#space", "#common", "#garden"}
    await world.replay()
    await world.tick()
    assert world.changes() == []


async def test_who_comes_back_has_everything_again(world: World) -> None:
    await leaves_the_space(world, "eve")
    world.clock.forward(GRACE_MS)
    await world.tick()
    await world.member("olga").invite(world.room("#space"), EVE)
    await world.member("eve").join(world.room("#space"))
    await world.member("eve").join(world.room("#sleep"))
    await world.settle()
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert where(world, "eve") == {"#space", "#sleep"}


@on_a_file
async def test_who_thinks_better_of_it_in_time_never_notices(world: World) -> None:
    world.hs.mark()
    await leaves_the_space(world, "eve")
    await world.member("olga").invite(world.room("#space"), EVE)
    await world.member("eve").join(world.room("#space"))
    await world.settle()
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert where(world, "eve") == {"#space", "#common", "#sleep"}
    assert world.changes() == []


@on_a_file
async def test_who_is_back_before_the_outbox_came_to_it_is_not_taken_out(world: World) -> None:
    await leaves_the_space(world, "eve")
    world.clock.forward(GRACE_MS)
    away = world.hs.faults.add("status", path="/(kick|state/m.room.member/.*)$", status=502, times=None)
    await world.ring("leaving")
    await world.hs.until(lambda: away.hits)
    await world.member("olga").invite(world.room("#space"), EVE)
    await world.member("eve").join(world.room("#space"))

    async def heard() -> bool:
        async with world.reading() as db:
            return await people.membership(db, world.room("#space"), EVE) == "join"

    await world.until(heard)
    away.release()
    await world.settle(hurrying=True)
    assert where(world, "eve") == {"#space", "#common", "#sleep"}


@on_a_file
async def test_who_is_removed_from_the_space_is_out_of_its_rooms_at_once(world: World) -> None:
    await world.member("olga").kick(world.room("#space"), EVE)
    await world.settle()
    assert where(world, "eve") == set()
    assert "not in this community" in world.hs.room(world.room("#sleep")).content("m.room.member", EVE)["reason"]


@on_a_file
async def test_leaving_one_circle_touches_nothing_else(world: World) -> None:
    world.hs.mark()
    await world.member("eve").leave(world.room("#sleep"))
    await world.settle()
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert where(world, "eve") == {"#space", "#common"}
    assert world.changes() == []


@on_a_file
async def test_a_guest_who_was_let_into_a_circle_by_hand_stays(world: World) -> None:
    guest = await world.hs.user("@guest:c.test")
    await world.member("ann").invite(world.room("#sleep"), guest.user_id)
    await guest.join(world.room("#sleep"))
    await world.settle()
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert guest.user_id in world.hs.members(world.room("#sleep"))


@on_a_file
async def test_a_moderator_who_leaves_loses_the_staff_room_and_the_last_owner_keeps_it(world: World) -> None:
    await leaves_the_space(world, "mod")
    await leaves_the_space(world, "olga")
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert where(world, "mod") == set()
    assert where(world, "olga") == {"#common", "#staff"}
    assert HEARTH in world.hs.members(world.room("#staff"))


@on_a_file
async def test_who_leaves_while_hearth_is_down_is_let_go_when_it_is_up(world: World) -> None:
    await world.stop()
    await world.member("eve").leave(world.room("#space"))
    world.clock.forward(GRACE_MS)
    await world.start()
    await world.settle()
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert where(world, "eve") == set()


@on_a_file
async def test_what_is_refused_is_told_once_and_tried_again(world: World) -> None:
    fault = world.hs.faults.add("status", path="/kick$", status=403, errcode="M_FORBIDDEN", times=None)
    await world.member("olga").kick(world.room("#space"), EVE)
    await world.settle()
    await world.tick()
    told = [seen.body for seen in world.from_hearth("#staff") if "out of the space" in seen.body]
    assert len(told) == 2  # one for each room
    assert EVE in told[0]
    fault.release()
    world.clock.forward(GRACE_MS)
    await world.tick()
    assert where(world, "eve") == set()
    assert [seen.body for seen in world.from_hearth("#staff") if "out of the space" in seen.body] == told


@on_a_file
async def test_an_old_invitation_or_an_open_door_lets_nobody_stay_who_is_out_of_the_space(world: World) -> None:
    garden, guest = world.room("#garden"), world.member("eve")
    await leaves_the_space(world, "eve")
    world.clock.forward(GRACE_MS)
    await world.ring("leaving")
    await world.settle()
    assert where(world, "eve") == set()
    world.hs.inject(garden, EVE, "m.room.member", {"membership": "join"}, ts=world.clock(), state_key=guest.user_id)
    await world.settle()
    assert where(world, "eve") == {"#garden"}
    await world.ring("leaving")
    await world.settle()
    assert where(world, "eve") == set()
