"""Who may do what, and to whom, follows the staff room from one moment to the next."""

from community import PEOPLE
from world import World, on_a_file

pytestmark = on_a_file
DAN = PEOPLE["dan"]


async def enters_staff(world: World, who: str) -> None:
    await world.member("mod").invite(world.room("#staff"), PEOPLE[who])
    await world.member(who).join(world.room("#staff"))
    await world.settle()


async def test_whoever_is_in_the_staff_room_is_spared_with_their_server(world: World) -> None:
    await enters_staff(world, "dan")
    await world.order("mod", f"!ban {DAN} oops")
    await world.order("mod", "!ban b.test oops")
    assert await world.ledger() == []
    assert not any(world.banned(user) for user in PEOPLE.values())
    await world.order("mod", "!ban @*:b.test oops")
    assert world.banned("@dan") == set()
    assert world.banned("@zed") == {"#space", "#common", "#garden"}


async def test_rights_end_with_leaving_the_staff_room(world: World) -> None:
    await enters_staff(world, "dan")
    async with world.held():
        await world.member("mod").kick(world.room("#staff"), DAN)
        await world.say("#common", "dan", f"!ban {PEOPLE['ben']} revenge")
    await world.settle()
    assert world.banned("@ben") == set()
    await world.order("mod", f"!ban {DAN} enough")
    assert world.banned("@dan") == world.everywhere()


async def test_neither_an_edit_nor_a_forged_mark_nor_a_notice_is_a_command(world: World) -> None:
    ban = f"!ban {PEOPLE['ben']} spam"
    before = await world.say("#staff", "mod", "hello")
    await world.edit("#staff", "mod", before, ban)
    await world.say("#staff", "mod", ban, **{"org.hearth.key": "forged"})
    await world.say("#staff", "mod", ban, msgtype="m.notice")
    await world.settle()
    assert world.banned("@ben") == set()
    assert await world.ledger() == []
