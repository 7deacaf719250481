"""A circle that has become large is split by its people, and becomes one again, between two real homeservers."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from test_circle_life import order
from test_digest_promises import knows_of
from test_hearth import person, running
from test_replacing import is_so, settings, state

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.hearth import Hearth

QUESTION = "Would you like to go there"


async def ring(hearth: Hearth, name: str) -> None:
    """What the clock does every so often, now."""
    await next(tick for tick in hearth.ticks() if tick.name == name).run()


async def talks(member: Member, hearth: Hearth) -> str:
    """A person's direct room with Hearth."""
    direct = await member.talk_to(hearth.me)
    await member.until("Hearth", lambda: member.hears(hearth.me, direct))
    return direct


async def chooses(member: Member, hearth: Hearth, direct: str, emoji: str) -> None:
    question = await member.sees_from(hearth.me, direct, QUESTION)
    await member.react(direct, question.event, emoji)


async def test_a_circle_is_split_by_its_own_people_and_merged_again(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        ben = await person(stack, lab, f"{prefix}ben", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        data = (await settings(lab, prefix, tmp_path, "12")).model_dump()
        tag = f"{prefix}sleep"  # a second circle's address comes from the tag, and belongs to the whole homeserver
        everybody = {"curators": [mira.id], "members": [ben.id, eva.id], "size": 2}
        data["community"]["circles"] = [{**data["community"]["circles"][0], "tag": tag, **everybody}]
        data["community"]["assign"] = False
        hearth = await stack.enter_async_context(opened(Config.model_validate(data)))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        space, staff, sleep = rooms["space"], rooms["staff"], rooms[f"circle/{tag}"]

        async def membership(room: str, who: Member) -> Any:
            return (await state(hearth, room, "m.room.member", who.id)).get("membership")

        async with running(hearth):
            for member in (mira, ben, eva):
                await member.accept(space)
                await member.join(sleep)
            await mira.accept(staff)
            direct = {member.id: await talks(member, hearth) for member in (ben, eva)}
            for member in (mira, ben, eva):
                await knows_of(hearth, member, sleep, "join")

            # One more than it holds: staff is asked, once, and says yes.
            await ring(hearth, "circles")
            case = await mira.sees_from(hearth.me, staff, "has 3 people now and holds 2 well")
            await ring(hearth, "circles")
            await mira.react(staff, case.event, "👍")

            # Everybody chooses for themselves, privately. Who leads the circle leads both, and is not asked.
            await chooses(eva, hearth, direct[eva.id], "👍")
            await chooses(ben, hearth, direct[ben.id], "👎")
            await ben.sees_from(hearth.me, direct[ben.id], "You stay")
            second = (await hearth.rooms())[f"circle/{tag}-2"]
            assert (await state(hearth, second, "m.room.power_levels"))["users"][mira.id] >= 50
            assert (await state(hearth, space, "m.space.child", second))["via"] == [lab.a.server_name]
            await eva.until("an invitation to the second circle", lambda: second in eva.invites)
            assert eva.memberships[sleep] == "join"
            await eva.accept(second)
            await eva.until("the door of the first", lambda: eva.memberships[sleep] == "leave")
            assert await membership(second, eva) == "join"
            assert await membership(sleep, ben) == "join"
            assert await membership(second, ben) is None
            assert sum("holds 2 well" in line.text for line in mira.lines(staff)) == 1
            await ring(hearth, "circles")

            async def changes() -> tuple[Any, ...]:
                return tuple((await hearth.plan()).changes)

            await is_so(changes, ())

            # One circle of two: who is in the second is let into the first again, the second is put aside, and nobody is removed.
            await order(mira, hearth, staff, f"!circles merge #{tag}-2 #{tag}", "That is done")
            await eva.sees(second, "become one circle")
            await eva.until("an invitation back", lambda: sleep in eva.invites)
            await eva.accept(sleep)
            await is_so(lambda: membership(sleep, eva), "join")
            assert await membership(second, eva) == "join"
            assert await state(hearth, space, "m.space.child", second) == {}
            assert (await state(hearth, second, "m.room.power_levels"))["events_default"] == 60
            await is_so(lambda: eva.can_write(second), False)
            assert await eva.can_write(sleep)
            assert f"circle/{tag}" in await hearth.rooms()
            await order(mira, hearth, staff, "!plan", "Nothing to change")
            assert sum(QUESTION in line.text for line in eva.lines(direct[eva.id])) == 1
