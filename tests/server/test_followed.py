"""Owners replace rooms with their own clients and take Hearth's power there, between two real homeservers: it goes along, and says what it lacks."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from house_of_hearth import a_house
from test_adopting_real import gives_power, puts
from test_hearth import person, running
from test_replacing import is_so

from bridge.app import opened
from bridge.config_file import load
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member

WIDGET = {"type": "etherpad", "url": "https://pad.example.org"}


async def upgrades(who: Member, room: str) -> str:
    """What Element does when somebody presses "Upgrade this room"."""
    answer = await who.matrix.client.request(
        "POST", "/rooms/{room}/upgrade", parts={"room": room}, body={"new_version": "12"}
    )
    return str(answer["replacement_room"])


async def test_rooms_that_owners_replace_are_followed_and_power_that_they_take_is_told(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    here = lab.a.server_name
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        uma = await person(stack, lab, f"{prefix}uma", "b", tmp_path)
        community = {
            "circles": [{"name": "Sleep", "tag": "sleep", "members": [uma.id]}, {"name": "Grief", "tag": "grief"}],
            "owners": [mira.id, eva.id],
            "room_version": "10",
        }
        house = await stack.enter_async_context(a_house(lab, prefix, tmp_path, community))
        hearth = await stack.enter_async_context(opened(load(house.file, {})))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        space, staff, common = rooms["space"], rooms["staff"], rooms["common"]
        sleep, grief = rooms["circle/sleep"], rooms["circle/grief"]

        async def content(room: str, kind: str, key: str = "") -> Any:
            return dict(await hearth.matrix.gateway.state_content(room, kind, key) or {})

        async def is_followed(key: str, old: str, new: str, by: Member) -> None:
            """Staff is told, and all that hung on the old room hangs on the new one."""
            await mira.until(
                "that Hearth went along",
                lambda: any("I went along" in line.text and by.id in line.text for line in mira.lines(staff)),
            )
            assert (await hearth.rooms())[key] == new
            assert (await content(new, "m.room.create"))["predecessor"]["room_id"] == old
            assert (await content(space, "m.space.child", new))["via"] == [here]
            assert await content(space, "m.space.child", old) == {}
            assert (await content(new, "m.space.parent", space))["via"] == [here]
            assert (await content(new, "m.room.join_rules"))["allow"][0]["room_id"] == space
            alias = f"#{prefix}{key.partition('/')[2]}:{here}"
            # Synapse moves the addresses itself when the first of its users enters the successor (`transfer_room_state_on_room_upgrade`),
            # so this says that people find the room; that Hearth moves those that a homeserver leaves behind is shown in tests/flows/test_replace.py.
            assert await hearth.matrix.gateway.resolve_alias(alias) == new
            assert (await content(new, "m.room.canonical_alias"))["alias"] == alias

        async with running(hearth):
            for member in (mira, eva, uma):
                await member.accept(space)
            await mira.accept(staff)
            for member, room in ((mira, sleep), (uma, sleep), (eva, grief), (mira, common)):
                await member.join(room)
            root = await uma.say(sleep, "A bad night #common")
            await mira.sees(common, "A bad night")
            await puts(mira, sleep, "org.example.widget", WIDGET, "pad")

            # Mira replaces a circle. What her client leaves behind, Hearth brings along; a thread that was shared goes on.
            new = await upgrades(mira, sleep)
            await is_followed("circle/sleep", sleep, new, mira)
            assert await content(new, "org.example.widget", "pad") == WIDGET
            await uma.sees(sleep, "goes on in a new one")
            await uma.join(new)
            await uma.say(new, "Here I am #common")
            await mira.sees(common, "Here I am")
            await uma.redact(sleep, root)
            await mira.no_longer_sees(common, "A bad night")

            # Eva replaces one from the other homeserver, which knows nothing of its address here.
            other = await upgrades(eva, grief)
            await is_followed("circle/grief", grief, other, eva)

            async def changes() -> tuple[Any, ...]:
                return tuple((await hearth.plan()).changes)

            await is_so(changes, ())

            # Mira made the new room, so she can take Hearth's power there. Staff hears what it is for and what to do; and when it is well again.
            await gives_power(mira, new, hearth.me, 0)
            line = await mira.sees_from(hearth.me, staff, "I have too little power")
            assert f"{prefix}sleep:{here}" in line.text
            assert "it is 0, and I need 100" in line.text
            assert "can give it back: in the settings of the room, under roles and permissions" in line.text
            assert hearth.me in line.text
            assert not [each for each in mira.lines(staff) if "All is well again" in each.text]
            await gives_power(mira, new, hearth.me)
            line = await mira.sees_from(hearth.me, staff, "All is well again")
            assert f"{prefix}sleep:{here}" in line.text
            assert sum("I have too little power" in each.text for each in mira.lines(staff)) == 1
            await is_so(lambda: uma.can_write(new), True)
