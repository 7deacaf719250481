"""What the tests about circles share: commands that decide about rooms, given and carried out."""

from typing import Any

from world import World


async def decided(world: World, who: str, text: str, room: str = "#staff") -> str:
    """Give a command that decides about rooms, and wait until it was carried out; Hearth's answer."""
    event = await world.say(room, who, text)
    await carried_out(world)
    if room == "#staff":
        return world.answer_to(room, event).body
    return world.told(who)[-1]


async def carried_out(world: World) -> None:
    await world.settle()
    await world.tick()
    assert world.hearth
    world.rooms |= {f"#{key.rpartition('/')[2]}": room for key, room in (await world.hearth.rooms()).items()}


async def planned(world: World) -> list[Any]:
    """What `hearth plan` would still change."""
    assert world.hearth
    return list((await world.hearth.plan()).changes)


def content(world: World, room: str, kind: str, state_key: str = "") -> dict[str, Any]:
    return dict(world.hs.room(world.room(room)).content(kind, state_key))
