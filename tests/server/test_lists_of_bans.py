"""A list of bans on the other homeserver is followed as it changes, holds what is dangerous, and ours can be read from there."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from matrix_parties import eventually, until
from test_circle_life import order
from test_hearth import person, running
from test_moderating import bans
from test_replacing import is_so, moved_in, settings, state

from bridge.app import opened
from bridge.demo.homeservers import Lab
from bridge.matrix.client import Client
from bridge.moderation.policies import written

USER, SERVER = "m.policy.rule.user", "m.policy.rule.server"


class Warden:
    """Somebody on the other homeserver who keeps a list, by the plain client API."""

    def __init__(self, client: Client) -> None:
        self.client, self.room = client, ""

    async def makes(self, alias: str) -> None:
        body = {"preset": "public_chat", "room_alias_name": alias, "creation_content": {"type": "m.policy"}}
        self.room = str((await self.client.request("POST", "/createRoom", body=body))["room_id"])

    async def writes(self, kind: str, key: str, content: dict[str, Any]) -> None:
        parts = {"room": self.room, "kind": kind, "key": key}
        await self.client.request("PUT", "/rooms/{room}/state/{kind}/{key}", parts=parts, body=content)

    async def reads(self, room: str, kind: str, key: str) -> dict[str, Any]:
        parts = {"room": room, "kind": kind, "key": key}
        return await self.client.request("GET", "/rooms/{room}/state/{kind}/{key}", parts=parts)


async def warden_of(stack: AsyncExitStack, lab: Lab, prefix: str) -> Warden:
    """Somebody new on the other homeserver, who has made an empty list."""
    account = await lab.b.register(f"{prefix}warden", "pw")
    warden = Warden(await stack.enter_async_context(Client(lab.b.url, account.token)))
    await warden.makes(f"{prefix}bans")
    return warden


async def test_a_list_of_the_other_homeserver_is_followed_held_and_ours_is_read_there(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        warden = await warden_of(stack, lab, prefix)
        await warden.writes("m.room.rule.server", "old", {"entity": "evil.test", "recommendation": "org.matrix.mjolnir.ban", "reason": "x"})  # fmt: skip
        hearth = await stack.enter_async_context(opened(await settings(lab, prefix, tmp_path, "12")))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        staff, sleep = rooms["staff"], rooms["circle/sleep"]
        address = f"#{prefix}bans:{lab.b.server_name}"
        rule = {"entity": eva.id, "recommendation": "m.ban", "reason": "spam"}

        async def deny() -> list[str]:
            return list((await state(hearth, sleep, "m.room.server_acl")).get("deny", []))

        async def banned() -> set[str]:
            return await bans(hearth, rooms, eva.id)

        async with running(hearth):
            await moved_in(mira, eva, rooms)

            # It is entered over federation and read, with rules that were there before.
            await order(mira, hearth, staff, f"!rules watch {address} act", "I go and read")
            await mira.sees_from(hearth.me, staff, "0 rules about people, 1 about servers")
            await is_so(deny, ["evil.test"])

            # A rule appears, and its end evaluates again: a second one still means her.
            await warden.writes(USER, "1", rule)
            await is_so(banned, set(rooms))
            await warden.writes(USER, "2", {**rule, "entity": f"@{prefix}ev?:*"})
            await warden.writes(USER, "1", {})
            await mira.sees_from(hearth.me, staff, "took back 1 rule")
            assert await banned() == set(rooms)
            kind, key, hashed = written("user", eva.id, "spam", as_hash=True)
            await warden.writes(USER, "2", {})
            await is_so(banned, set())

            # Everybody, or our own server: it waits for people, and nobody is touched.
            await warden.writes(SERVER, "3", {"entity": "*", "recommendation": "m.ban", "reason": "x"})
            await warden.writes(USER, "4", {"entity": "*", "recommendation": "m.ban", "reason": "x"})
            await warden.writes(SERVER, "5", {"entity": lab.a.server_name, "recommendation": "m.ban", "reason": "x"})
            await mira.sees_from(hearth.me, staff, f"{lab.a.host} · x")
            question = await mira.sees_from(hearth.me, staff, "They mean us, our own server")
            await mira.react(staff, question.event, "👎")
            await mira.sees_from(hearth.me, staff, "No, said")

            # Hashed, it is known when she comes again: here she is asked in by somebody.
            await warden.writes(kind, key, hashed)
            parts = {"room": rooms["space"]}
            await eventually(lambda: mira.matrix.client.request("POST", "/rooms/{room}/invite", parts=parts, body={"user_id": eva.id}))  # fmt: skip
            await is_so(banned, set(rooms))
            assert await deny() == ["evil.test"]
            assert await bans(hearth, rooms, mira.id) == set()

            # Ours: made, readable over there, and emptied with the ban.
            await order(mira, hearth, staff, "!ban @spammer:far.test private words", "is banned from all")
            await order(mira, hearth, staff, "!rules publish", "I make the room")
            await mira.sees_from(hearth.me, staff, "our bans stand in")
            ours = f"#{prefix}home-bans:{lab.a.server_name}"
            entered = await eventually(lambda: warden.client.request("POST", "/join/{room}", parts={"room": ours}))
            room, name = str(entered["room_id"]), "rule:@spammer:far.test"

            async def there(content: dict[str, Any]) -> bool:
                return await eventually(lambda: warden.reads(room, USER, name)) == content

            wanted = {"entity": "@spammer:far.test", "recommendation": "m.ban", "reason": "banned in this community"}
            await until(lambda: there(wanted))
            await order(mira, hearth, staff, "!unban @spammer:far.test", "is lifted everywhere")
            await until(lambda: there({}))
            assert await banned() == set(rooms)
