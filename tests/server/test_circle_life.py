"""Staff and a curator look after circles by command while Hearth runs, on two real homeservers, with a member of the other one."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from test_hearth import person, running
from test_replacing import is_so, settings, state

from bridge.app import opened
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member, NotSeen
from bridge.hearth import Hearth


async def order(member: Member, hearth: Hearth, room: str, text: str, said: str) -> None:
    """Give a command, and wait until Hearth has answered it with these words."""
    before = {line.event for line in member.lines(room)}
    await member.say(room, text)

    def new() -> list[str]:
        return [line.text for line in member.lines(room) if line.sender == hearth.me and line.event not in before]

    try:
        await member.until(f"“{said}” to {text}", lambda: any(said in each for each in new()))
    except NotSeen as not_so:
        raise AssertionError(f"{not_so}, but {new()}") from None


async def test_a_circle_is_made_renamed_lived_in_and_archived_by_command(lab: Lab, prefix: str, tmp_path: Path) -> None:
    server = lab.a.server_name
    first, later = f"{prefix}hope", f"{prefix}night"  # addresses belong to the whole homeserver
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        hearth = await stack.enter_async_context(opened(await settings(lab, prefix, tmp_path, "12")))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        space, staff, sleep = rooms["space"], rooms["staff"], rooms["circle/sleep"]

        async def content(room: str, kind: str, key: str = "") -> Any:
            return await state(hearth, room, kind, key)

        async def leads_to(alias: str) -> str | None:
            return await hearth.matrix.gateway.resolve_alias(f"#{alias}:{server}")

        async with running(hearth):
            for member in (mira, eva):
                await member.accept(space)
            await mira.accept(staff)
            await eva.join(sleep)

            # There is a new circle, without a restart, and its curator is in it.
            await order(mira, hearth, staff, f"!circles make #{first} {mira.id} Places of hope", "is there now")
            circle = (await hearth.rooms())[f"circle/{first}"]
            await mira.accept(circle)
            assert await leads_to(first) == circle
            assert (await content(circle, "m.room.name"))["name"] == "Places of hope"
            assert (await content(space, "m.space.child", circle))["via"] == [server]

            # It gets another tag: the new address leads there, and so does the old one.
            await order(mira, hearth, staff, f"!circles rename #{first} #{later}", "That is done")
            assert (await hearth.rooms())[f"circle/{first}"] == circle
            assert await leads_to(later) == await leads_to(first) == circle
            assert (await content(circle, "m.room.canonical_alias"))["alias"] == f"#{later}:{server}"

            # Somebody of the other homeserver is let in, and leaves the old circle only once they are there.
            await order(mira, hearth, staff, f"!move {eva.id} #sleep #{later} Nearer to you", "Once there")
            await eva.until("an invitation to the new circle", lambda: circle in eva.invites)
            assert eva.memberships[sleep] == "join"
            await eva.accept(circle)
            await eva.until("the door of the old circle", lambda: eva.memberships[sleep] == "leave")
            assert eva.memberships[circle] == "join"

            # The curator says what newcomers read first, and it stands pinned in the room.
            await mira.say(circle, "!circle welcome Tell us what gives you hope")
            line = await eva.sees_from(hearth.me, circle, "Tell us what gives you hope")
            await is_so(lambda: content(circle, "m.room.pinned_events"), {"pinned": [line.event]})

            # It is put aside: read only, out of the space, and nobody is removed.
            await is_so(lambda: eva.can_write(circle), True)
            await order(mira, hearth, staff, f"!circles archive #{later}", "That is done")
            assert await content(space, "m.space.child", circle) == {}
            await is_so(lambda: eva.can_write(circle), False)  # until the other homeserver has heard of it
            assert eva.memberships[circle] == "join"
            assert (await content(circle, "m.room.member", eva.id))["membership"] == "join"

            await order(mira, hearth, staff, "!plan", "Nothing to change")
