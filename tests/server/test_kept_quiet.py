"""Somebody of another homeserver is held, muted by a rule, slowed, locked out of a room, and what they wrote goes page by page; as they themselves see it."""

from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from test_circle_life import order
from test_hearth import person, running
from test_protecting import is_gone
from test_replacing import is_so, settings

from bridge.app import opened
from bridge.clock import now_ms
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Line, Member
from bridge.errors import Refused
from bridge.hearth import Hearth

MINUTE_MS = 60_000
WRITTEN, PAGE = 14, 5


def guarded(config: Config) -> Config:
    """The same community, with a look at first messages and a flood that mutes."""
    data = config.model_dump()
    data["matrix"] = config.matrix.model_dump() | {"access_token": config.matrix.access_token}
    data["protections"] = {"first_message": {"enabled": True}, "flood": {"acts": ["mute"], "limit": 4, "seconds": 60}}
    return Config.model_validate(data)


async def test_a_member_of_another_homeserver_is_kept_quiet_in_every_way(
    lab: Lab, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.matrix.reading._PAGE", PAGE)
    ahead_ms = 0
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        config = guarded(await settings(lab, prefix, tmp_path, "12"))
        hearth = await stack.enter_async_context(opened(config, clock=lambda: now_ms() + ahead_ms))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        staff, sleep, common = rooms["staff"], rooms["circle/sleep"], rooms["common"]

        async def writes(room: str, *, wanted: bool) -> None:
            await is_so(lambda: eva.can_write(room), wanted)

        async with running(hearth):
            for member in (mira, eva):
                await member.accept(rooms["space"])
                await member.join(sleep)
            await mira.accept(staff)
            private = await eva.talk_to(hearth.me)
            await eva.until("Hearth in the direct room", lambda: eva.hears(hearth.me, private))

            # The first message stands; its author reads on and waits, also in a room that they come into meanwhile.
            await eva.say(sleep, "hello, I am new here")
            case = await mira.sees_from(hearth.me, staff, "waits for somebody to look")
            await eva.sees_from(hearth.me, private, "A person of ours looks")
            await mira.sees(sleep, "hello, I am new here")
            await eva.join(common)
            await writes(sleep, wanted=False)
            await writes(common, wanted=False)
            await mira.join(common)
            await mira.react(staff, case.event, "👍")
            await writes(sleep, wanted=True)
            await writes(common, wanted=True)

            # Who floods is muted for an hour, everywhere, and a false alarm ends it with a word.
            with suppress(Refused):  # from some moment on their own homeserver lets nothing through
                for number in range(WRITTEN):
                    await eva._put(common, "m.room.message", {"msgtype": "m.text", "body": f"look at this {number}"})
            flood = await mira.sees_from(hearth.me, staff, "The protection flood found")
            await writes(sleep, wanted=False)
            await mira.react(staff, flood.event, "👎")
            await eva.sees_from(hearth.me, private, "That you could only read was a mistake")
            await writes(common, wanted=True)
            await writes(sleep, wanted=True)
            await order(mira, hearth, staff, "!protect off flood", "flood")

            # Slow mode over federation: what comes too soon goes on both homeservers, what waits stays.
            await order(mira, hearth, staff, f"!slow {eva.id} 1h for 2h", "between two messages")
            soon = await eva.say(sleep, "and another thing")
            await is_gone(mira, sleep, soon)
            await is_gone(eva, sleep, soon)
            await eva.sees_from(hearth.me, private, "please leave 1 h")
            await order(mira, hearth, staff, f"!slow {eva.id} off", "Slow mode is over")

            # A locked room is read, and opens by itself.
            await order(mira, hearth, staff, "!lock #sleep 10m", "can write now")
            await writes(sleep, wanted=False)
            await writes(common, wanted=True)
            await mira.say(sleep, "a quiet hour for all")
            await eva.sees(sleep, "a quiet hour for all")
            ahead_ms = 11 * MINUTE_MS
            await writes(sleep, wanted=True)

            # The last so many of what they wrote, and the last hours, page by page and in every room.
            spam = [await eva.say(common if number % 2 else sleep, f"buy {number}") for number in range(WRITTEN)]
            await mira.sees(common, f"buy {WRITTEN - 1}")
            await mira.sees(sleep, f"buy {WRITTEN - 2}")
            await _redacts(mira, hearth, staff, f"!redact {eva.id} last 12", "12 messages are gone")
            for number, event in enumerate(spam[2:], start=2):
                await is_gone(eva, common if number % 2 else sleep, event)
            await mira.sees(sleep, "buy 0")
            await _redacts(mira, hearth, staff, f"!redact {eva.id} 3h", "messages are gone")
            for room, event in zip((sleep, common), spam, strict=False):
                await is_gone(eva, room, event)
            await mira.no_longer_sees(sleep, "hello, I am new here")


async def _redacts(mira: Member, hearth: Hearth, staff: str, text: str, said: str) -> None:
    """Give the order, say yes, and wait for its answer."""
    before = {line.event for line in mira.lines(staff)}
    await mira.say(staff, text)
    question = await _new(mira, hearth, staff, "for good", before)
    await mira.react(staff, question.event, "👍")
    await _new(mira, hearth, staff, said, before | {question.event})


async def _new(mira: Member, hearth: Hearth, staff: str, said: str, before: set[str]) -> Line:
    """What Hearth says with these words and did not say before."""

    def found() -> Line | None:
        new = [line for line in mira.lines(staff) if line.event not in before and line.sender == hearth.me]
        return next((line for line in new if said in line.text), None)

    return await mira.until(said, found)
