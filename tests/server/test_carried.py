"""Threads between a circle and the common room, on two real federated homeservers with members' own clients.

In both directions, offers, what stays behind and redacted edits; then by which name, reactions counted, bundles, and what a moderator takes out and allows again.
"""

from contextlib import AsyncExitStack
from pathlib import Path

from test_hearth import ask, person, running
from test_replacing import settings

from bridge.app import opened
from bridge.clock import now_ms
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.hearth import Hearth
from bridge.rooms.summary import PAUSE_MS


class Clock:
    """Real time, which can be turned on."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return now_ms() + self.ahead_ms


async def asked(member: Member, hearth: Hearth, words: str) -> tuple[str, str]:
    """A question of Hearth's in the direct room: the room and the message."""

    def look() -> tuple[str, str] | None:
        rooms = [room for room, is_what in member.memberships.items() if is_what == "join"]
        found = ((room, line) for room in rooms for line in member.lines(room) if line.sender == hearth.me)
        return next(((room, line.event) for room, line in found if words in line.text), None)

    return await member.until(f"“{words}”", look)


async def test_threads_are_carried_both_ways_with_everybodys_consent(lab: Lab, prefix: str, tmp_path: Path) -> None:
    clock = Clock()
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        hearth = await stack.enter_async_context(opened(await settings(lab, prefix, tmp_path, "12"), clock=clock))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        common, sleep = rooms["common"], rooms["circle/sleep"]
        direct: dict[str, str] = {}
        async with running(hearth):
            for member in (mira, eva):
                await member.accept(rooms["space"])
                await member.join(common)
                await member.join(sleep)
                direct[member.name] = room = await member.talk_to(hearth.me)
                await member.until("Hearth", lambda member=member, room=room: member.hears(hearth.me, room))
            await mira.accept(rooms["staff"])

            # A tag in a reply: the root's author is asked, and only these two travel; the rest stays as a number.
            root = await eva.say(sleep, "I cannot sleep since May")
            await mira.sees(sleep, "since May")
            reply = await mira.answer(sleep, root, "a book helped me #common")
            await eva.answer(sleep, root, "thank you, between us")
            place, question = await asked(eva, hearth, "May I share these two?")
            await eva.react(place, question, "👍")
            copy = await eva.sees(common, "since May")
            await eva.sees(common, "a book helped me", thread=copy.event)
            line = await mira.sees(common, "1 reply stays in the circle.", thread=copy.event)
            assert line.sender == hearth.me
            assert not any("between us" in each.text for each in mira.lines(common))

            # An edit drops the tag and everything goes; the edit is redacted, and everything is back.
            dropped = await mira.edit(sleep, reply, "a book helped me")
            await eva.no_longer_sees(common, "a book helped me")
            await eva.no_longer_sees(common, "since May")
            await mira.redact(sleep, dropped)
            await eva.sees(common, "a book helped me")

            # The circle's tag in the common room; what the circle answers goes back only with consent.
            lecture = await mira.say(common, "a lecture on dreams tonight #sleep")
            there = await eva.sees(sleep, "a lecture on dreams")
            assert there.sender == hearth.me
            await eva.answer(sleep, there.event, "I will be there")
            place, question = await asked(eva, hearth, "you answered a thread that was carried there")
            assert not any("I will be there" in each.text for each in mira.lines(common))
            await eva.react(place, question, "👍")
            back = await mira.sees(common, "I will be there", thread=lecture)
            assert back.sender == hearth.me
            await eva.react(place, question, "👎")
            await mira.no_longer_sees(common, "I will be there")
            await mira.redact(common, lecture)
            await eva.no_longer_sees(sleep, "a lecture on dreams")

            # By which name: none, that of the profile, or the one they have here; what stands there already is edited.
            thoughts = [await eva.say(sleep, f"Thought {number} #common") for number in range(9)]
            copies = [await mira.sees(common, f"Thought {number} #") for number in range(9)]
            told = direct[eva.name]
            await eva.say(told, "share as anonymous")
            await mira.sees(common, "Somebody in #sleep:\nThought 8")
            await mira.sees(common, "Somebody in #sleep:\nThought 0")
            assert not [line for line in mira.lines(common) if "eva" in f"{line.text} {line.html}".lower()]
            await eva.say(told, "share as profile")
            await mira.sees(common, f"{eva.name.capitalize()} in #sleep:\nThought 8")

            # Reactions here and there are one line, which is not edited again within half a minute.
            await mira.react(common, copies[0].event, "🌱")
            line = await eva.sees(common, "🌱 1", thread=copies[0].event)
            await eva.react(sleep, thoughts[0], "🌱")
            await ask(eva, hearth, told, "tags", "#common")  # by now Hearth has heard of the reaction, too
            assert line.text == "🌱 1"
            clock.ahead_ms += PAUSE_MS
            await eva.sees(common, "🌱 2", thread=copies[0].event)
            assert line.text == "🌱 2"

            # The eleventh thread within the hour stands in a bundle; who genuinely answers it there is heard in its own thread.
            eleventh = await eva.say(sleep, "Thought 9 #common")
            head = await mira.sees(common, "More from #sleep: 1 thread, in this thread.")
            copy = await mira.sees(common, "Thought 9", thread=head.event)
            relation = {"rel_type": "m.thread", "event_id": head.event, "is_falling_back": False}
            relation["m.in_reply_to"] = {"event_id": copy.event}
            await mira.say(common, "to the ninth alone", **{"m.relates_to": relation})
            await eva.sees(sleep, "to the ninth alone", thread=eleventh)
            await eva.say(sleep, "Thought 10 #common")
            await eva.sees(common, "Thought 10", thread=head.event)
            clock.ahead_ms += PAUSE_MS
            await eva.sees(common, "More from #sleep: 2 threads, in this thread.")

            # What a moderator takes out is gone for good, until a moderator allows it again.
            await mira.redact(common, copies[1].event)
            await eva.no_longer_sees(common, "Thought 1 #")
            await eva.sees_from(hearth.me, told, "A moderator took")  # only now Hearth has heard of it, too
            link = f"https://matrix.to/#/{common}/{copies[1].event}"
            await ask(mira, hearth, rooms["staff"], f"!share again {link}", "may be shared there again")
            await eva.sees(common, "Thought 1 #")
            await eva.sees_from(hearth.me, told, "may be shared there again")
            assert not [line for line in mira.lines(common) if line.text == "…"]
