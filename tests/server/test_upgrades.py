"""A district and the space itself go on in new ones, between two real homeservers, also when Hearth is killed in the middle."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from house_of_hearth import House, a_house, read
from matrix_parties import until
from test_hearth import person
from test_replacing import is_so

from bridge.app import opened
from bridge.config_file import load
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.errors import Refused


async def new_line(house: House, mira: Member, staff: str, before: set[str], words: str) -> str:
    """The message of Hearth's with these words that was not there before."""
    return await mira.until(
        f"“{words}”",
        lambda: next(
            (each.event for each in mira.lines(staff)
             if each.sender == house.user and words in each.text and each.event not in before), None
        ),
    )  # fmt: skip


async def replaced(house: House, mira: Member, staff: str, alias: str, old: str, *, killed: bool = False) -> str:
    """Mira has a room replaced, and perhaps Hearth is killed as soon as the new one is there; the new one, once all is done."""
    before = {line.event for line in mira.lines(staff)}
    await mira.say(staff, f"!room replace {old}")
    question = await new_line(house, mira, staff, before, "cannot be undone")
    await mira.react(staff, question, "👍")

    async def named() -> str:
        return str((await read(mira, old, "m.room.tombstone")).get("replacement_room") or "")

    new = str(await until(named))
    if killed:
        await house.kill()
        await house.start()
    await new_line(house, mira, staff, before, f"{alias}:{mira.home.server_name} goes on in a new room")
    return new


async def shown_in(member: Member, space: str) -> set[str]:
    """The rooms below a space, as this member's client finds them."""
    path = "/_matrix/client/v1/rooms/{room}/hierarchy"
    found = (await member.matrix.client.request("GET", path, parts={"room": space}))["rooms"]
    return {each["room_id"] for each in found} - {space}


async def test_a_district_and_the_space_go_on_in_new_ones(lab: Lab, prefix: str, tmp_path: Path) -> None:
    server = lab.a.server_name
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        community = {
            "circles": [{"name": "Sleep", "tag": "sleep", "members": [eva.id]}, {"name": "Grief", "tag": "grief"}],
            "moderators": [mira.id],
            "district_size": 2,
        }
        house = await stack.enter_async_context(a_house(lab, prefix, tmp_path, community))
        async with opened(load(house.file, {})) as hearth:
            assert not (await hearth.apply(lambda _: None)).failures
            rooms = await hearth.rooms()
        space, district, staff = rooms["space"], rooms["district/1"], rooms["staff"]
        common, sleep, grief = rooms["common"], rooms["circle/sleep"], rooms["circle/grief"]
        await house.start()
        for member in (mira, eva):
            await member.accept(space)
            await member.join(common)
            await member.join(sleep)
        await mira.accept(staff)
        await mira.join(district)

        async def doors(room: str) -> list[str]:
            """The spaces whose members may enter a room, as Eva's homeserver has it."""
            return [each["room_id"] for each in (await read(eva, room, "m.room.join_rules"))["allow"]]

        # The district: the space shows the new one, which holds the circles; a member of the other server finds it and enters.
        new = await replaced(house, mira, staff, f"{prefix}space-1", district)
        assert (await read(mira, space, "m.space.child", new))["via"] == [server]
        assert await read(mira, space, "m.space.child", district) == {}
        assert (await read(mira, sleep, "m.space.parent", new))["via"] == [server]
        assert await mira.matrix.gateway.resolve_alias(f"#{prefix}space-1:{server}") == new
        await eva.join(new)
        assert (await read(eva, new, "m.space.parent", space))["via"] == [server]
        await is_so(lambda: shown_in(eva, new), {sleep, grief})
        await is_so(lambda: shown_in(eva, space), {common, new, sleep, grief})
        await is_so(lambda: read(eva, sleep, "m.space.parent", district), {})
        assert await doors(sleep) == [space]
        district = new

        # The space, with a kill: everybody is invited to the new one, which opens all rooms; the old one is closed.
        new = await replaced(house, mira, staff, f"{prefix}space", space, killed=True)
        for member in (mira, eva):
            await member.accept(new)
        await is_so(lambda: shown_in(eva, new), {common, district, sleep, grief})
        for room in (common, sleep, district):
            await is_so(lambda room=room: doors(room), [new])
            await is_so(lambda room=room: read(eva, room, "m.space.parent", space), {})
        await eva.join(grief)
        assert await doors(grief) == [new]
        assert (await read(mira, space, "m.room.tombstone"))["replacement_room"] == new
        assert await mira.matrix.gateway.resolve_alias(f"#{prefix}space:{server}") == new
        assert eva.invites <= {new}

        # Who is in neither gets in nowhere.
        late = await person(stack, lab, f"{prefix}late", "b", tmp_path)
        with pytest.raises(Refused):
            await late.matrix.client.request("POST", "/join/{room}", parts={"room": grief}, query={"via": server}, body={})  # fmt: skip

        await house.kill()
        assert await house.plans() == "Nothing to change.\n"
