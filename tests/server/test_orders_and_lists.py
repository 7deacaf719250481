"""What other bots watched is taken over and a list's room breaks; a ban of many is shown, spares one and is lifted; a demoted moderator gives no orders. On two homeservers."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from matrix_parties import eventually, until
from test_circle_life import order
from test_hearth import person, running
from test_lists_of_bans import USER, warden_of
from test_moderating import bans
from test_replacing import is_so, moved_in, settings

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab


def led_by(config: Config, owner: str, *moderators: str) -> Config:
    """The same community with an owner and these moderators."""
    data = config.model_dump()
    data["matrix"] = config.matrix.model_dump() | {"access_token": config.matrix.access_token}
    data["community"] |= {"owners": [owner], "moderators": list(moderators)}
    return Config.model_validate(data)


async def test_lists_of_others_bans_of_many_and_a_moderator_who_is_none_any_more(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        olga, mira = [await person(stack, lab, f"{prefix}{name}", "a", tmp_path) for name in ("olga", "mira")]
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        warden = await warden_of(stack, lab, prefix)
        plain = await settings(lab, prefix, tmp_path, "12")
        before, after = led_by(plain, olga.id, mira.id), led_by(plain, olga.id)
        hearth = await stack.enter_async_context(opened(before, read_again=lambda: after))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        staff, sleep = rooms["staff"], rooms["circle/sleep"]

        async def banned() -> set[str]:
            return await bans(hearth, rooms, eva.id)

        async def comes_back() -> None:
            for key in ("space", "circle/sleep"):
                parts = {"room": rooms[key]}
                await eventually(lambda parts=parts: hearth.matrix.client.request("POST", "/rooms/{room}/invite", parts=parts, body={"user_id": eva.id}))  # fmt: skip

        async with running(hearth):
            await moved_in(mira, eva, rooms)
            await olga.accept(rooms["space"])
            await olga.accept(staff)

            # What a Mjolnir or Draupnir watched stands in Hearth's own account, what a Meowlnir did in its room.
            link = f"https://matrix.to/#/{warden.room}?via={lab.b.server_name}"
            parts = {"user": hearth.me, "kind": "org.matrix.mjolnir.watched_lists"}
            await hearth.matrix.client.request("PUT", "/user/{user}/account_data/{kind}", parts=parts, body={"references": [link]})  # fmt: skip
            await order(mira, hearth, staff, "!rules import", "I look for what they watched")
            await mira.sees_from(hearth.me, staff, "I found 1 list")
            await mira.sees_from(hearth.me, staff, "0 rules about people")
            await warden.writes(USER, "1", {"entity": eva.id, "recommendation": "m.ban", "reason": "spam"})
            await is_so(banned, set(rooms))

            # The room of the list breaks: Hearth is banned there. It is told, what stood there holds, and once it is let in again it reads on.
            body = {"user_id": hearth.me}
            await eventually(lambda: warden.client.request("POST", "/rooms/{room}/ban", parts={"room": warden.room}, body=body))  # fmt: skip
            await mira.sees_from(hearth.me, staff, "I was banned from it")
            await warden.writes(USER, "1", {})
            assert await banned() == set(rooms)
            await warden.client.request("POST", "/rooms/{room}/unban", parts={"room": warden.room}, body=body)
            await order(mira, hearth, staff, f"!rules watch {warden.room} act", "I try at once")
            await mira.sees_from(hearth.me, staff, "I can read")
            await is_so(banned, set())

            # A ban of many: what would be lifted is shown before, one person is spared, and the rest stays.
            await comes_back()
            await order(mira, hearth, staff, f"!ban @{prefix}ev?:* wave", "is banned from")
            assert await banned()
            await mira.say(staff, f"!unban {eva.id}")
            question = await mira.sees_from(hearth.me, staff, "frees them alone")
            assert f"@{prefix}ev?:*" in question.text
            assert "1 person would be free of it" in question.text
            await mira.react(staff, question.event, "👎")
            await order(mira, hearth, staff, f"!spare {eva.id}", "is spared from now on")
            await is_so(banned, set())
            await comes_back()
            await eva.until("an invitation", lambda: sleep in eva.invites or eva.memberships.get(sleep) == "join")
            await order(mira, hearth, staff, f"!unban @{prefix}ev?:*", "is lifted")

            # The owner takes a moderator off the file: neither their orders nor what waits for their reaction count from that moment on.
            await mira.say(staff, f"!redact {eva.id} 3h spam")
            waiting = await mira.sees_from(hearth.me, staff, "for good")
            await olga.say(staff, "!apply")
            ends = ("That is done", "Nothing to change")  # whichever: the file was read by then
            await olga.until(
                "the end of apply", lambda: any(line.text.startswith(ends) for line in olga.lines(staff)), 60
            )
            await mira.react(staff, waiting.event, "👍")
            await mira.say(staff, f"!ban {eva.id} revenge")
            await mira.until("the door of the staff room", lambda: mira.memberships.get(staff) != "join")
            await order(olga, hearth, staff, f"!ledger {mira.id}", "")
            assert await banned() == set()
            assert not any("are gone" in line.text for line in olga.lines(staff))

            async def without_power() -> bool:
                levels: Any = await hearth.matrix.gateway.state_content(sleep, "m.room.power_levels")
                return levels["users"].get(mira.id, 0) == 0

            await until(without_power)
