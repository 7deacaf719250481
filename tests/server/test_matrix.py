"""Our side of Matrix against two real homeservers: nothing lost, nothing done twice, and every effect as it is meant."""

from pathlib import Path
from typing import Any

import pytest
from matrix_parties import Party, eventually, newcomer, party, settings_for, until
from pydantic import SecretStr

from bridge.demo.homeservers import Lab
from bridge.effects import (
    Ban,
    CreateRoom,
    Effect,
    Invite,
    Join,
    Kick,
    Leave,
    React,
    Redact,
    SetAlias,
    SetServerAcl,
    SetState,
    Unban,
)
from bridge.errors import Refused, TokenLost
from bridge.events import Invited, MemberChanged, Message, Reacted, Redacted
from bridge.matrix.client import Client
from bridge.matrix.problem import StartProblem
from bridge.power import CREATOR, powers


async def open_room(owner: Party, *guests: Party, **more: Any) -> str:
    """An unencrypted room with these people in it."""
    body = {"preset": "public_chat", "invite": [guest.user for guest in guests], **more}
    room = str((await owner.matrix.client.request("POST", "/createRoom", body=body))["room_id"])
    for guest in guests:
        await guest.listen(lambda guest=guest: [e for e in guest.events if isinstance(e, Invited) and e.room == room])  # type: ignore[misc]
        await guest.join(room)
        await guest.listen(lambda guest=guest: any(room in batch.joined for batch in guest.batches))  # type: ignore[misc]
    return room


async def perform(someone: Party, effect: Effect, **more: Any) -> str | None:
    return await someone.matrix.gateway.perform(effect, **more)


async def test_a_gap_of_hundreds_of_events_is_filled_in_order_and_nothing_is_lost(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    async with newcomer(lab.a, f"{prefix}alice", tmp_path) as alice, newcomer(lab.b, f"{prefix}bot", tmp_path) as bot:
        room = await open_room(alice, bot)
        other = await open_room(alice, bot)
        await alice.say(room, "begin")
        await bot.see("begin")
        said = [f"message {number}" for number in range(330)]
        for number, words in enumerate(said):
            await alice.say(room, words)
            if number % 100 == 0:
                await alice.say(other, f"other {number}")

        async def arrived() -> bool:
            newest = await bot.matrix.gateway.recent(room, 1)
            return newest[0]["content"].get("body") == said[-1]

        await until(arrived)
        seen = len(bot.batches)
        await bot.see(said[-1])
        assert [words for words in bot.messages(room) if words != "begin"] == said
        assert bot.messages(other) == [f"other {number}" for number in (0, 100, 200, 300)]
        fresh = bot.batches[seen:]
        assert [batch.final for batch in fresh].count(True) == 1
        assert fresh[-1].final
        assert all(len(batch.events) <= 100 for batch in fresh[:-1])
        # Each of the gap's pages may be stored before the cursor moves: they carry the old one.
        assert len({batch.cursor for batch in fresh[:-1]}) == 1
        assert fresh[-1].cursor != fresh[0].cursor


async def test_what_was_said_before_we_came_is_not_news(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}alice", tmp_path) as alice, newcomer(lab.b, f"{prefix}bot", tmp_path) as bot:
        room = await open_room(alice)
        for number in range(70):
            await alice.say(room, f"old {number}")
        await perform(alice, Invite(key="i", room=room, user=bot.user))
        await bot.listen(lambda: [e for e in bot.events if isinstance(e, Invited) and e.room == room])
        await bot.join(room)
        await alice.say(room, "new")
        await bot.see("new")
        assert bot.messages(room) == ["new"]
        members = {e.user for e in bot.events if isinstance(e, MemberChanged) and e.membership == "join"}
        assert members == {bot.user}  # who else is there is read, not listened to


async def test_a_first_sync_tells_rooms_and_invites_and_no_old_events(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}alice", tmp_path) as alice:
        account = await lab.a.register(f"{prefix}bot", "pw")
        settings = settings_for(lab.a, f"{prefix}bot", access_token=SecretStr(account.token))
        room = await open_room(alice)
        async with Client(
            lab.a.url, account.token
        ) as client:  # no sync yet: Synapse would repeat its first answer for minutes
            await client.request("POST", "/join/{room}", parts={"room": room})
        await alice.say(room, "old")
        invited = await open_room(alice)
        await perform(alice, Invite(key="i", room=invited, user=account.user_id))
        async with party(settings, tmp_path / "bot") as bot:
            assert bot.batches[0].joined == {room}
            assert [e.room for e in bot.events] == [invited]
            await alice.say(room, "new")
            await bot.see("new")
            assert bot.messages() == ["new"]


async def test_being_kicked_invited_again_and_rejoining_is_told(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}alice", tmp_path) as alice, newcomer(lab.b, f"{prefix}bot", tmp_path) as bot:
        room = await open_room(alice, bot)
        await perform(alice, Kick(key="k", room=room, user=bot.user, reason="a test"))
        await bot.listen(lambda: any(room in batch.left for batch in bot.batches))
        gone = [e for e in bot.events if isinstance(e, MemberChanged) and e.user == bot.user][-1]
        assert (gone.membership, gone.was, gone.sender, gone.reason) == ("leave", "join", alice.user, "a test")
        invites = [e.id for e in bot.events if isinstance(e, Invited)]
        await perform(alice, Invite(key="i", room=room, user=bot.user))
        await bot.listen(lambda: [e for e in bot.events if isinstance(e, Invited) and e.id not in invites])
        await bot.join(room)
        await alice.say(room, "welcome back")
        await bot.see("welcome back")


async def test_reactions_and_redactions_are_done_once(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}alice", tmp_path) as alice, newcomer(lab.b, f"{prefix}bot", tmp_path) as bot:
        room = await open_room(bot, alice)
        event = await alice.say(room, "look")
        await bot.see("look")
        react = React(key="r", room=room, event=event, emoji="👍")
        first = await perform(bot, react)
        assert await perform(bot, react) == first
        assert await perform(bot, React(key="another", room=room, event=event, emoji="👍")) is None
        redact = Redact(key="x", room=room, event=event, reason="spam")
        done = await perform(bot, redact)
        assert await perform(bot, redact) == done
        seen = await alice.listen(lambda: [e for e in alice.events if isinstance(e, Redacted)])
        assert (seen[0].target, seen[0].reason) == (event, "spam")
        assert [e.key for e in alice.events if isinstance(e, Reacted)] == ["👍"]
        assert await bot.matrix.gateway.event(room, event) is None
        assert await bot.matrix.gateway.event(room, "$unknown") is None


async def test_memberships_are_looked_at_before_they_are_changed(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot, newcomer(lab.b, f"{prefix}eve", tmp_path) as eve:
        room = await open_room(bot, eve)
        gateway = bot.matrix.gateway

        async def events() -> int:
            return len([raw for raw in await gateway.recent(room, 100) if raw.get("state_key") == eve.user])

        before = await events()
        for effect, membership, changes in (
            (Invite(key="1", room=room, user=eve.user), "join", 0),
            (Unban(key="2", room=room, user=eve.user), "join", 0),
            (Kick(key="3", room=room, user=eve.user), "leave", 1),
            (Kick(key="3", room=room, user=eve.user), "leave", 0),
            (Ban(key="4", room=room, user=eve.user, reason="spam"), "ban", 1),
            (Ban(key="4", room=room, user=eve.user, reason="spam"), "ban", 0),
            (Kick(key="5", room=room, user=eve.user), "ban", 0),
            (Unban(key="6", room=room, user=eve.user), "leave", 1),
            (Unban(key="6", room=room, user=eve.user), "leave", 0),
            (Invite(key="7", room=room, user=eve.user), "invite", 1),
            (Invite(key="7", room=room, user=eve.user), "invite", 0),
        ):
            await perform(bot, effect)
            assert await gateway.membership(room, eve.user) == membership, effect
            now = await events()
            assert now - before == changes, effect
            before = now
        await perform(bot, Ban(key="8", room=room, user="@never:was.here"), again=False)
        assert await gateway.membership(room, "@never:was.here") == "ban"
        with pytest.raises(Refused, match="M_FORBIDDEN") as refused:
            await perform(eve, Ban(key="9", room=room, user=bot.user))
        assert eve.user not in str(refused.value)
        assert room not in str(refused.value)


async def test_state_is_written_only_where_it_differs(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot:
        room = await open_room(bot)
        topic = SetState(key="t", room=room, type="m.room.topic", content={"topic": "sleep"})
        assert await perform(bot, topic)
        assert await perform(bot, topic) is None
        assert await bot.matrix.gateway.state_content(room, "m.room.topic") == {"topic": "sleep"}
        child = SetState(key="c", room=room, type="m.space.child", state_key="!x/y:z#?", content={"via": ["a"]})
        assert await perform(bot, child)
        assert await perform(bot, child) is None
        name = lab.a.server_name
        acl = SetServerAcl(key="a", room=room, type="m.room.server_acl",
                           content={"allow": ["*", name, name.partition(":")[0]], "deny": ["evil.test"], "allow_ip_literals": True})  # fmt: skip
        assert await perform(bot, acl)
        assert await perform(bot, acl) is None
        assert await bot.matrix.gateway.state_content(room, "org.example.none") is None
        state = await bot.matrix.gateway.state(room)
        held = powers(state)
        assert held.level(bot.user) == CREATOR
        assert held.level("@somebody:else") == 0


async def test_a_room_is_made_once_and_another_s_alias_is_not_taken_for_ours(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot, newcomer(lab.a, f"{prefix}eve", tmp_path) as eve:
        create = CreateRoom(
            key="c",
            room_key="circle/sleep",
            alias=f"{prefix}sleep",
            request={"name": "Sleep", "preset": "private_chat"},
        )
        room = await perform(bot, create)
        assert room
        assert await perform(bot, create) == room
        assert await perform(bot, create, again=False) == room
        assert await bot.matrix.gateway.resolve_alias(f"#{prefix}sleep:{lab.a.server_name}") == room
        assert await bot.matrix.gateway.resolve_alias(f"#{prefix}none:{lab.a.server_name}") is None
        for again in (True, False):
            with pytest.raises(Refused, match="M_ROOM_IN_USE"):
                await perform(eve, create, again=again)

        alias = f"#{prefix}more:{lab.a.server_name}"
        for _ in range(2):
            await perform(bot, SetAlias(key="a", room=room, alias=alias))
        assert await bot.matrix.gateway.resolve_alias(alias) == room
        with pytest.raises(Refused, match="M_ROOM_IN_USE"):
            await perform(bot, SetAlias(key="b", room=await open_room(bot), alias=alias))
        for _ in range(2):
            await perform(bot, Leave(key="l", room=room))
        assert room not in await bot.matrix.gateway.joined_rooms()


async def test_there_is_one_direct_room_for_each_person(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot, newcomer(lab.b, f"{prefix}ann", tmp_path) as ann:
        gateway = bot.matrix.gateway
        room = await gateway.direct_room(ann.user, None, encrypted=True)
        assert await gateway.direct_room(ann.user, room, encrypted=True) == room
        assert await gateway.direct_room(ann.user, None, encrypted=True) == room
        assert await gateway.is_encrypted(room)

        # A crash between making the room and writing it down.
        nothing: dict[str, Any] = {}
        parts = {"user": bot.user}
        await bot.matrix.client.request("PUT", "/user/{user}/account_data/m.direct", parts=parts, body=nothing)
        gateway._direct._direct = None
        assert await gateway.direct_room(ann.user, None, encrypted=True) == room
        held = await bot.matrix.client.request("GET", "/user/{user}/account_data/m.direct", parts=parts)
        assert held == {ann.user: [room]}

        await ann.listen(lambda: [e for e in ann.events if isinstance(e, Invited) and e.room == room and e.is_direct])
        await ann.join(room)
        await bot.listen(
            lambda: [
                e for e in bot.events if isinstance(e, MemberChanged) and e.user == ann.user and e.membership == "join"
            ]
        )
        with pytest.raises(Refused):
            await perform(ann, Invite(key="i", room=room, user=f"@{prefix}eve:{lab.b.server_name}"))
        await perform(ann, Leave(key="l", room=room))
        await bot.listen(
            lambda: [
                e for e in bot.events if isinstance(e, MemberChanged) and e.user == ann.user and e.membership == "leave"
            ]
        )
        second = await gateway.direct_room(ann.user, room, encrypted=False)
        assert second != room
        assert not await gateway.is_encrypted(second)


async def test_names_receipts_and_files(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot, newcomer(lab.b, f"{prefix}ann", tmp_path) as ann:
        parts = {"user": ann.user}
        await ann.matrix.client.request(
            "PUT", "/profile/{user}/displayname", parts=parts, body={"displayname": "Ann ☀"}
        )
        room = await open_room(bot, ann)
        await bot.listen(
            lambda: [
                e for e in bot.events if isinstance(e, MemberChanged) and e.user == ann.user and e.membership == "join"
            ]
        )
        assert (await bot.matrix.gateway.members(room))[ann.user] == "Ann ☀"
        file = bytes(range(256)) * 40
        address = await ann.matrix.client.upload(file, "image/png", "картинка.png")
        assert await eventually(lambda: bot.matrix.client.download(address, 1_000_000)) == (file, "image/png")
        with pytest.raises(Refused, match="M_TOO_LARGE"):
            await bot.matrix.client.download(address, 1000)
        with pytest.raises(Refused, match="M_INVALID_PARAM"):
            await bot.matrix.client.download("https://example.org/x", 1000)


async def test_the_newest_edit_is_what_an_event_says(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot, newcomer(lab.b, f"{prefix}ann", tmp_path) as ann:
        room = await open_room(bot, ann)
        root = await ann.say(room, "root")
        event = await ann.say(room, "one", **{"m.relates_to": {"rel_type": "m.thread", "event_id": root}})
        for author, words in ((ann, "two"), (ann, "three"), (bot, "forged")):
            if author is bot:
                await bot.see("one")
            new = {"msgtype": "m.text", "body": words}
            relation = {"rel_type": "m.replace", "event_id": event}
            await author.say(room, f"* {words}", **{"m.new_content": new, "m.relates_to": relation})

        async def newest() -> bool:
            raw = await bot.matrix.gateway.event(room, event)
            return bool(raw) and raw["content"]["body"] == "three"  # type: ignore[index]

        await until(newest)
        raw = await bot.matrix.gateway.event(room, event)
        assert raw
        assert raw["content"]["m.relates_to"]["event_id"] == root


async def test_a_token_that_is_gone_and_one_that_is_another_s(lab: Lab, prefix: str, tmp_path: Path) -> None:
    account = await lab.a.register(f"{prefix}bot", "pw")
    async with Client(lab.a.url, account.token) as client:
        await client.request("POST", "/logout")
        with pytest.raises(TokenLost) as lost:
            await client.request("GET", "/account/whoami")
        assert account.token not in str(lost.value)
    for localpart, more, words in (
        (f"{prefix}bot", {"access_token": SecretStr(account.token)}, "does not know"),
        (f"{prefix}bot", {"password": SecretStr("wrong")}, "refuses the password"),
        (f"{prefix}bot", {}, "no way to sign in"),
        (f"{prefix}bot", {"access_token_file": tmp_path / "none"}, "cannot read"),
    ):
        with pytest.raises(StartProblem, match=words):
            async with party(settings_for(lab.a, localpart, **more), tmp_path / "x"):
                pass
    other = await lab.a.register(f"{prefix}eve", "pw")
    with pytest.raises(StartProblem, match="does not belong"):
        async with party(settings_for(lab.a, f"{prefix}bot", access_token=SecretStr(other.token)), tmp_path / "x"):
            pass


async def test_joining_without_invitation_is_refused_and_repeating_a_join_is_not(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot, newcomer(lab.a, f"{prefix}ann", tmp_path) as ann:
        room = await open_room(ann, preset="private_chat")
        with pytest.raises(Refused):
            await perform(bot, Join(key="j", room=room))
        await perform(ann, Invite(key="i", room=room, user=bot.user))
        for _ in range(2):
            assert await perform(bot, Join(key="j", room=room)) == room
        assert [e for e in bot.events if isinstance(e, Message)] == []
