"""Threads between a circle and the common room in both directions, offers, what stays behind and redacted edits, on two real federated homeservers."""

from contextlib import AsyncExitStack
from pathlib import Path

from test_hearth import person, running
from test_replacing import settings

from bridge.app import opened
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.hearth import Hearth


async def asked(member: Member, hearth: Hearth, words: str) -> tuple[str, str]:
    """A question of Hearth's in the direct room: the room and the message."""

    def look() -> tuple[str, str] | None:
        rooms = [room for room, is_what in member.memberships.items() if is_what == "join"]
        found = ((room, line) for room in rooms for line in member.lines(room) if line.sender == hearth.me)
        return next(((room, line.event) for room, line in found if words in line.text), None)

    return await member.until(f"“{words}”", look, 40)


async def test_threads_are_carried_both_ways_with_everybodys_consent(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        hearth = await stack.enter_async_context(opened(await settings(lab, prefix, tmp_path, "12")))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        common, sleep = rooms["common"], rooms["circle/sleep"]
        async with running(hearth):
            for member in (mira, eva):
                await member.accept(rooms["space"])
                await member.join(common)
                await member.join(sleep)
                direct = await member.talk_to(hearth.me)
                await member.until("Hearth", lambda member=member, direct=direct: member.hears(hearth.me, direct))

            # A tag in a reply: the root's author is asked, and only these two travel; the rest stays as a number.
            root = await eva.say(sleep, "I cannot sleep since May")
            await mira.sees(sleep, "since May")
            reply = await mira.answer(sleep, root, "a book helped me #common")
            await eva.answer(sleep, root, "thank you, between us")
            place, question = await asked(eva, hearth, "May I share these two?")
            await eva.react(place, question, "👍")
            copy = await eva.sees(common, "since May", seconds=40)
            await eva.sees(common, "a book helped me", thread=copy.event, seconds=40)
            line = await mira.sees(common, "1 reply stays in the circle.", thread=copy.event, seconds=40)
            assert line.sender == hearth.me
            assert not any("between us" in each.text for each in mira.lines(common))

            # An edit drops the tag and everything goes; the edit is redacted, and everything is back.
            dropped = await mira.edit(sleep, reply, "a book helped me")
            await eva.no_longer_sees(common, "a book helped me", 40)
            await eva.no_longer_sees(common, "since May", 40)
            await mira.redact(sleep, dropped)
            await eva.sees(common, "a book helped me", seconds=40)

            # The circle's tag in the common room; what the circle answers goes back only with consent.
            lecture = await mira.say(common, "a lecture on dreams tonight #sleep")
            there = await eva.sees(sleep, "a lecture on dreams", seconds=40)
            assert there.sender == hearth.me
            await eva.answer(sleep, there.event, "I will be there")
            place, question = await asked(eva, hearth, "you answered a thread that was carried there")
            assert not any("I will be there" in each.text for each in mira.lines(common))
            await eva.react(place, question, "👍")
            back = await mira.sees(common, "I will be there", thread=lecture, seconds=40)
            assert back.sender == hearth.me
            await eva.react(place, question, "👎")
            await mira.no_longer_sees(common, "I will be there", 40)
            await mira.redact(common, lecture)
            await eva.no_longer_sees(sleep, "a lecture on dreams", 40)
