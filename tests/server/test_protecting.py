"""What somebody of another homeserver writes is looked at: spam is removed on both homeservers, encrypted or not, and a cry for help is answered."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from matrix_parties import eventually, until
from test_hearth import person, running
from test_replacing import moved_in, settings

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member


def protected(config: Config) -> Config:
    """The same community, with an encrypted circle and a list of words."""
    data = config.model_dump()
    data["matrix"] = config.matrix.model_dump() | {"access_token": config.matrix.access_token}
    data["community"]["circles"][0]["encrypted"] = True
    data["protections"] = {"words": {"words": ["casino*"], "acts": ["redact"]}}
    return Config.model_validate(data)


async def is_gone(reader: Member, room: str, event: str) -> None:
    """The reader's own homeserver shows the event without what it said."""
    parts = {"room": room, "event": event}

    async def gone() -> bool:
        raw: Any = await reader.matrix.client.request("GET", "/rooms/{room}/event/{event}", parts=parts)
        return not raw["content"] and "redacted_because" in raw["unsigned"]

    await until(lambda: eventually(gone))


async def test_spam_by_a_member_of_another_homeserver_goes_and_a_cry_for_help_is_answered(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        hearth = await stack.enter_async_context(opened(protected(await settings(lab, prefix, tmp_path, "12"))))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        sleep, common, staff = rooms["circle/sleep"], rooms["common"], rooms["staff"]
        async with running(hearth):
            await moved_in(mira, eva, rooms)
            private = await eva.talk_to(hearth.me)

            # In an encrypted and in an unencrypted room, on both homeservers.
            await eva.say(sleep, "Good evening, all")
            await mira.sees(sleep, "Good evening, all")
            for room in (sleep, common):
                event = await eva.say(room, "the finest c\u0430s1no")
                await is_gone(mira, room, event)
                await is_gone(eva, room, event)

            # An edit that is made bad later goes, and what stood there first stands there again.
            good = await eva.say(sleep, "Sleep well, all of you")
            await mira.sees(sleep, "Sleep well, all of you")
            bad = await eva.edit(sleep, good, "Sleep well in my casino")
            await is_gone(mira, sleep, bad)
            assert await hearth.matrix.gateway.event(sleep, good)

            # A cry for help stays, is answered privately, and staff is called until somebody is there.
            await eva.say(sleep, "I lost it all in the casino. I don't want to live any more")
            await eva.sees_from(hearth.me, private, "You are not alone with it")
            case = await mira.sees_from(hearth.me, staff, "sounds like danger to life")
            await mira.sees(sleep, "I don't want to live any more")
            await mira.react(staff, case.event, "👍")
            await mira.sees(staff, "Something sounded like danger to life")
            assert any("don't want to live" in line.text for line in mira.lines(sleep))
