"""What was taken out stays out, who leaves or is forgotten takes along what was carried, and nothing goes further than was told: on two real homeservers, with a relay bot in both rooms."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from test_hearth import person, running

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.hearth import Hearth


def settings(lab: Lab, prefix: str, token: str, directory: Path, *, beyond_servers: bool = False) -> Config:
    """A circle for everybody, and one only for people of the first homeserver."""

    def room(name: str, **more: object) -> dict[str, object]:
        return {"name": name.capitalize(), "alias": f"{prefix}{name}", "encrypted": False, **more}

    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": f"@{prefix}hearth:{lab.a.server_name}", "access_token": token},
            "data_dir": str(directory / "data"),
            "community": {
                "space": {"name": "Home", "alias": f"{prefix}home"},
                "common": room("common"),
                "staff": room("staff"),
                "circles": [
                    room("sleep", tag="sleep", members=[f"@{prefix}{name}:{lab[place].server_name}" for name, place in (("eva", "b"), ("ben", "a"), ("relay", "b"))]),
                    room("vault", tag="vault", servers=[lab.a.server_name], members=[f"@{prefix}ben:{lab.a.server_name}"]),
                ],
                "moderators": [f"@{prefix}mira:{lab.a.server_name}"],
                "onboarding": False,
                "assign": False,
                "beyond_servers": beyond_servers,
            },
        }
    )  # fmt: skip


async def moved_in(hearth: Hearth, mira: Member, eva: Member, ben: Member, relay: Member) -> dict[str, str]:
    rooms = await hearth.rooms()
    for member in (mira, eva, ben, relay):
        await member.accept(rooms["space"])
        await member.join(rooms["common"])
        await member.join(rooms["circle/sleep"])
    await mira.accept(rooms["staff"])
    for member in (mira, ben):
        await member.join(rooms["circle/vault"])
    return rooms


@asynccontextmanager
async def relaying(relay: Member, one: str, other: str) -> AsyncIterator[None]:
    """Everything new in one room is said again in the other, in words of its own around it, and without a mark."""
    known = {line.event for room in (one, other) for line in relay.lines(room)}

    def fresh() -> list[tuple[str, str, str]]:
        return [
            (line.event, to, f"{line.sender}: {line.text}")
            for room, to in ((one, other), (other, one))
            for line in relay.lines(room)
            if line.sender != relay.id and line.event not in known
        ]

    async def run() -> None:
        while True:
            for event, to, text in await relay.until("anything", lambda: fresh() or None, 600):
                known.add(event)
                await relay.say(to, text)

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def carried(member: Member, room: str, hearth: str, words: str) -> list[str]:
    """What Hearth says in a room that holds these words."""
    return [line.text for line in member.lines(room) if line.sender == hearth and words in line.text]


async def test_copies_stay_where_they_may_and_go_when_they_must(lab: Lab, prefix: str, tmp_path: Path) -> None:
    token = (await lab.a.register(f"{prefix}hearth", "pw")).token
    async with AsyncExitStack() as stack:
        mira, ben = [await person(stack, lab, f"{prefix}{name}", "a", tmp_path) for name in ("mira", "ben")]
        eva, relay = [await person(stack, lab, f"{prefix}{name}", "b", tmp_path) for name in ("eva", "relay")]
        async with opened(settings(lab, prefix, token, tmp_path)) as hearth:
            assert not (await hearth.apply(lambda _: None)).failures
            async with running(hearth):
                rooms = await moved_in(hearth, mira, eva, ben, relay)
                common, sleep, vault = rooms["common"], rooms["circle/sleep"], rooms["circle/vault"]

                # A moderator takes a copy away: for good, whatever its author does, over federation.
                root = await eva.say(sleep, "A bad night #common")
                copy = await mira.sees(common, "A bad night")
                await eva.sees(common, "A bad night")
                await mira.redact(common, copy.event)
                await eva.no_longer_sees(common, "A bad night")
                await eva.edit(sleep, root, "A very bad night #common")
                await eva.answer(sleep, root, "Again a bad night #common")
                other = await eva.say(sleep, "Another evening #common")
                await mira.sees(common, "Another evening")
                assert not carried(mira, common, hearth.me, "bad night")

                # A circle for one homeserver stays there.
                await ben.say(vault, "Only among us #common")
                direct = await ben.until("an invitation", lambda: next(iter(ben.invites), None))
                await ben.accept(direct)
                await ben.sees_from(hearth.me, direct, "certain servers")

                # Who leaves the circle takes along what was carried from there.
                await ben.say(sleep, "Ben cannot sleep #common")
                await eva.sees(common, "Ben cannot sleep")
                assert not carried(mira, common, hearth.me, "Only among us")
                await ben.matrix.client.request("POST", "/rooms/{room}/leave", parts={"room": sleep})
                await eva.no_longer_sees(common, "Ben cannot sleep")

                # A relay bot in both rooms says every copy again, and nobody says that again.
                async with relaying(relay, sleep, common):
                    await eva.say(sleep, "Who is awake at this hour of the night? #common")
                    await mira.sees_from(hearth.me, common, "Who is awake")
                    await mira.sees_from(
                        relay.id, sleep, "Who is awake"
                    )  # our copy, said again in the circle with its tag
                    await eva.say(sleep, "And who got up already? #common")
                    await mira.sees_from(hearth.me, common, "And who got up")
                    await mira.sees_from(relay.id, sleep, "And who got up")
                await eva.say(sleep, "The last one of tonight #common")
                await mira.sees_from(hearth.me, common, "The last one")
                for words in ("Who is awake", "And who got up"):
                    assert len(carried(mira, common, hearth.me, words)) == 1

                # Somebody asks to be forgotten, with all that they wrote.
                chat = await eva.talk_to(hearth.me)
                await eva.until("Hearth", lambda: eva.hears(hearth.me, chat))
                await eva.say(chat, "forget me messages")
                asked = await eva.sees_from(hearth.me, chat, "This is what I would do")
                await eva.react(chat, asked.event, "👍")
                await eva.sees_from(hearth.me, chat, "You are forgotten")
                for room in (common, sleep):
                    await mira.no_longer_sees(room, "Another evening")
                await mira.until("nothing of hers", lambda: all(line.sender != eva.id for line in mira.lines(sleep)))
                assert other not in {line.event for line in mira.lines(sleep)}

        # The owner allows it: first everybody in the circle is told, then it goes.
        async with opened(settings(lab, prefix, token, tmp_path, beyond_servers=True)) as hearth, running(hearth):
            await ben.sees_from(hearth.me, vault, "people of any server")
            await ben.say(vault, "Now for everybody #common")
            await mira.sees_from(hearth.me, common, "Now for everybody")
            assert not carried(mira, common, hearth.me, "Only among us")
