"""Encrypted rooms on two real homeservers: read, written, restarted, signed, and nothing readable on the way."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from matrix_parties import Party, newcomer, party, settings_for, until
from pydantic import SecretStr

from bridge.demo.homeservers import Homeserver, Lab, homeservers
from bridge.effects import Kick, Send
from bridge.errors import Unavailable
from bridge.events import Edited, Invited, Message, Reacted, Undecryptable
from bridge.matrix import signing
from bridge.matrix.crypto import KeysLost
from bridge.matrix.private_file import read_private
from bridge.matrix.problem import StartProblem
from bridge.matrix.sync import batches


async def raw_event(someone: Party, room: str, event: str) -> dict[str, Any]:
    parts = {"room": room, "event": event}
    return await someone.matrix.client.request("GET", "/rooms/{room}/event/{event}", parts=parts)


async def signed_by_owner(asker: Party, user: str, device: str) -> bool:
    """Whether everybody can see that the owner has signed the device, as a client checks it; another homeserver knows the keys a little later."""

    async def published() -> dict[str, Any] | None:
        answer = await asker.matrix.client.request("POST", "/keys/query", body={"device_keys": {user: []}})
        there = all(user in answer[kind] for kind in ("master_keys", "self_signing_keys"))
        return answer if there and device in answer["device_keys"][user] else None

    known = await until(published)
    master = next(iter(known["master_keys"][user]["keys"].values()))
    signer = known["self_signing_keys"][user]
    key = next(iter(signer["keys"].values()))
    return signing.is_signed(signer, user, master) and signing.is_signed(known["device_keys"][user][device], user, key)


async def direct(lab: Lab, alice: Party, bot: Party, words: str = "") -> str:
    """The direct room that alice opens, with the first words as clients do, and the bot enters."""
    room = await alice.matrix.gateway.direct_room(bot.user, None, encrypted=True)
    if words:
        await alice.say(room, words)
    invite = await bot.listen(lambda: next((e for e in bot.events if isinstance(e, Invited) and e.room == room), None))
    assert invite.is_direct
    assert invite.encrypted
    await bot.join(room)
    return room


async def test_an_encrypted_direct_room_across_servers_both_ways_and_over_a_restart(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    account = await lab.b.register(f"{prefix}bot", "pw")
    settings = settings_for(lab.b, f"{prefix}bot", access_token=SecretStr(account.token))
    async with newcomer(lab.a, f"{prefix}alice", tmp_path) as alice:
        async with party(settings, tmp_path / "bot") as bot:
            assert bot.matrix.notes == ()
            room = await direct(lab, alice, bot, "with the invite")
            create = await bot.matrix.gateway.state_content(room, "m.room.create")
            assert create
            assert create["room_version"] == "12"
            assert (await bot.see("with the invite")).encrypted
            await alice.say(room, "hello secret")
            heard = await bot.see("hello secret")
            assert heard.encrypted
            relation = {"rel_type": "m.thread", "event_id": heard.id, "is_falling_back": True}
            relation["m.in_reply_to"] = {"event_id": heard.id}
            answer = await bot.say(room, "secret answer", **{"m.relates_to": relation})
            seen = await alice.see("secret answer")
            assert seen.encrypted
            assert (seen.thread, seen.reply_to) == (heard.id, None)

            wire = await raw_event(alice, room, answer)
            assert wire["type"] == "m.room.encrypted"
            assert wire["content"]["m.relates_to"]["rel_type"] == "m.thread"
            assert "secret" not in str(wire)
            assert await signed_by_owner(alice, bot.user, bot.matrix.device)
            assert await signed_by_owner(bot, alice.user, alice.matrix.device)
            cursor = bot.cursor
        await alice.say(room, "while you were away")
        async with party(settings, tmp_path / "bot", cursor) as bot:
            assert bot.matrix.device == account.device
            assert (await bot.see("while you were away")).encrypted
            assert (await bot.matrix.gateway.event(room, heard.id) or {})["content"]["body"] == "hello secret"
            assert (await bot.matrix.gateway.event(room, answer) or {})["content"]["body"] == "secret answer"
            await bot.say(room, "back again")
            assert (await alice.see("back again")).encrypted
            # Where a key comes a moment after the message, the message has been read since.
            read = {e.id for p in (alice, bot) for e in p.events if isinstance(e, Message)}
            assert {e.event for p in (alice, bot) for e in p.events if isinstance(e, Undecryptable)} <= read


async def test_edits_redactions_and_reactions_of_encrypted_messages(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}alice", tmp_path) as alice, newcomer(lab.b, f"{prefix}bot", tmp_path) as bot:
        room = await direct(lab, alice, bot)
        first = await alice.say(room, "one")
        await bot.see("one")
        for words in ("two", "three"):
            new = {"msgtype": "m.text", "body": words}
            await alice.say(
                room,
                f"* {words}",
                **{"m.new_content": new, "m.relates_to": {"rel_type": "m.replace", "event_id": first}},
            )
        edits = await bot.listen(lambda: [e for e in bot.events if isinstance(e, Edited) and e.content.body == "three"])
        assert edits[0].target == first
        assert edits[0].encrypted
        assert (await bot.matrix.gateway.event(room, first) or {})["content"]["body"] == "three"

        reaction = {"m.relates_to": {"rel_type": "m.annotation", "event_id": first, "key": "👍"}}
        parts = {"room": room, "transaction": "r1"}
        await alice.matrix.client.request(
            "PUT", "/rooms/{room}/send/m.reaction/{transaction}", parts=parts, body=reaction
        )
        await bot.listen(
            lambda: [e for e in bot.events if isinstance(e, Reacted) and (e.target, e.key) == (first, "👍")]
        )

        parts = {"room": room, "event": first, "transaction": "x1"}
        await alice.matrix.client.request("PUT", "/rooms/{room}/redact/{event}/{transaction}", parts=parts, body={})

        async def gone() -> bool:
            return await bot.matrix.gateway.event(room, first) is None

        await until(gone)


async def test_who_comes_reads_from_then_on_and_who_leaves_reads_no_more(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with (
        newcomer(lab.a, f"{prefix}alice", tmp_path) as alice,
        newcomer(lab.b, f"{prefix}ben", tmp_path) as ben,
        newcomer(lab.a, f"{prefix}bot", tmp_path) as bot,
    ):
        body = {
            "preset": "private_chat",
            "invite": [alice.user],
            "initial_state": [
                {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
            ],
        }
        room = (await bot.matrix.client.request("POST", "/createRoom", body=body))["room_id"]
        await bot.listen(lambda: any(room in batch.joined for batch in bot.batches))
        await bot.say(room, "before anybody came in")
        await alice.listen(lambda: [e for e in alice.events if isinstance(e, Invited) and e.room == room])
        await alice.join(room)
        await alice.listen(lambda: any(room in batch.joined for batch in alice.batches))
        await bot.say(room, "to alice")
        first = await alice.see("to alice")
        messages = await alice.matrix.gateway.recent(room, 20)
        assert "before anybody came in" in [raw["content"].get("body") for raw in messages], (
            "an invited person may read it later"
        )

        await bot.matrix.client.request(
            "POST", "/rooms/{room}/invite", parts={"room": room}, body={"user_id": ben.user}
        )
        await ben.listen(lambda: [e for e in ben.events if isinstance(e, Invited) and e.room == room])
        await ben.join(room)
        await bot.listen(
            lambda: [
                e for e in bot.events if getattr(e, "user", "") == ben.user and getattr(e, "membership", "") == "join"
            ]
        )
        await bot.say(room, "to both")
        assert (await ben.see("to both")).encrypted
        early = await raw_event(alice, room, first.id)
        assert ben.matrix.crypto
        assert alice.matrix.crypto
        assert alice.matrix.crypto.decrypt(early, room)
        assert ben.matrix.crypto.decrypt(early, room) is None, "what was said before he was invited is not for him"

        await bot.matrix.gateway.perform(Kick(key="k", room=room, user=ben.user))
        await bot.listen(
            lambda: [
                e for e in bot.events if getattr(e, "user", "") == ben.user and getattr(e, "membership", "") == "leave"
            ]
        )
        secret = await bot.say(room, "without ben")
        await alice.see("without ben")
        session = (await raw_event(bot, room, secret))["content"]["session_id"]
        assert bot.matrix.crypto
        assert bot.matrix.crypto.has_key(room, session)
        await ben.listen(lambda: any(room in batch.left for batch in ben.batches))
        between = await bot.matrix.gateway.direct_room(ben.user, None, encrypted=True)
        await bot.say(between, "goodbye")  # a key that was on its way to him came before this one
        await ben.listen(lambda: [e for e in ben.events if isinstance(e, Invited) and e.room == between])
        await ben.join(between)
        assert (await ben.see("goodbye")).encrypted
        assert not ben.matrix.crypto.has_key(room, session)


async def test_a_key_that_comes_late_lets_the_event_come_late_also_over_a_restart(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    account = await lab.b.register(f"{prefix}bot", "pw")
    settings = settings_for(lab.b, f"{prefix}bot", access_token=SecretStr(account.token))
    async with newcomer(lab.a, f"{prefix}alice", tmp_path) as alice:
        async with party(settings, tmp_path / "bot") as bot:
            room = await direct(lab, alice, bot)
            crypto = alice.matrix.crypto
            assert crypto
            real, held = crypto._to_devices, []

            async def hold(body: Any) -> None:
                held.append(body)

            crypto._to_devices = hold  # type: ignore[method-assign]
            event = await alice.say(room, "early words")
            unread = await bot.listen(lambda: next((e for e in bot.events if isinstance(e, Undecryptable)), None))
            assert unread.id != event
            assert unread.id.startswith(event)
            assert held
            cursor = bot.cursor
        for body in held:
            await real(body)
        async with party(settings, tmp_path / "bot", cursor) as bot:
            late = await bot.see("early words")
            assert (late.id, late.encrypted) == (event, True)
            assert not [batch for batch in bot.batches if batch.final and event in {e.id for e in batch.events}]
            # It is forgotten only when the batch was taken: then it comes no more.
            await alice.say(room, "next")
            await bot.see("next")
            assert [e.id for e in bot.events].count(event) == 1


async def test_people_of_an_unreachable_server_get_the_key_when_it_is_back(
    synapse_venv: Path, prefix: str, tmp_path: Path
) -> None:
    async with (
        homeservers(["a", "b"], synapse_venv, workdir=tmp_path) as own,
        newcomer(own.a, "bot", tmp_path) as bot,
        newcomer(own.b, "ben", tmp_path) as ben,
    ):
        room = await bot.matrix.gateway.direct_room(ben.user, None, encrypted=True)
        await ben.listen(lambda: [e for e in ben.events if isinstance(e, Invited) and e.room == room])
        await ben.join(room)
        await bot.listen(
            lambda: [
                e for e in bot.events if getattr(e, "user", "") == ben.user and getattr(e, "membership", "") == "join"
            ]
        )
        await own.b.stop()
        await bot.say(room, "are you there?")
        await own.b.start()
        crypto = bot.matrix.crypto
        assert crypto
        crypto._devices.waits._until = dict.fromkeys(crypto._devices.waits._until, (0.0, 15.0))

        async def come() -> bool:
            await crypto.tend()
            return not crypto._devices.waits.any

        await until(come)
        assert (await ben.see("are you there?")).encrypted


async def test_without_its_keys_a_device_says_so_and_with_a_password_begins_as_a_new_one(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    account = await lab.a.register(f"{prefix}bot", "pw")
    by_token = settings_for(lab.a, f"{prefix}bot", access_token=SecretStr(account.token))
    async with party(by_token, tmp_path / "one"):
        pass
    with pytest.raises(KeysLost, match="new access token"):
        async with party(by_token, tmp_path / "two"):
            pass
    by_password = settings_for(lab.a, f"{prefix}bot", password=SecretStr("pw"))
    async with party(by_password, tmp_path / "one") as bot:
        first = bot.matrix.device
        assert first != account.device
        assert bot.matrix.notes == ()
    async with party(by_password, tmp_path / "one") as bot:
        assert bot.matrix.device == first
    for file in (tmp_path / "one" / "crypto").glob("*.db*"):
        file.unlink()
    async with party(by_password, tmp_path / "one") as bot:
        assert bot.matrix.device != first
        assert bot.matrix.notes == ()
        assert await signed_by_owner(bot, bot.user, bot.matrix.device)


async def test_signing_is_done_once_and_lost_seeds_are_explained(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot:
        client, user, device = bot.matrix.client, bot.user, bot.matrix.device
        file = tmp_path / f"{prefix}bot" / "cross-signing.json"
        before = read_private(file)
        sent: list[str] = []
        real = client.request

        async def watched(method: str, path: str, **more: Any) -> dict[str, Any]:
            sent.append(path)
            return await real(method, path, **more)

        client.request = watched  # type: ignore[method-assign]
        await signing.sign_own_device(client, user, device, file)
        assert sent == ["/keys/query"]
        assert read_private(file) == before
        with pytest.raises(StartProblem, match="backup"):
            await signing.sign_own_device(client, user, device, tmp_path / "nothing.json")
        other = tmp_path / "other.json"
        other.write_text(signing.Seeds.new().dump())
        with pytest.raises(StartProblem, match="backup"):
            await signing.sign_own_device(client, user, device, other)
        other.write_text("{}")
        with pytest.raises(StartProblem, match="damaged"):
            await signing.sign_own_device(client, user, device, other)


async def test_one_device_is_used_by_one_process(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot:
        assert bot.matrix.crypto
        settings = settings_for(lab.a, f"{prefix}bot", password=SecretStr("pw"))
        with pytest.raises(StartProblem, match="Another Hearth"):
            async with party(settings, tmp_path / f"{prefix}bot"):
                pass


async def test_an_application_service_s_user_reads_and_writes_encrypted_and_no_limit_slows_it(
    synapse_venv: Path, tmp_path: Path
) -> None:
    def prepare(home: Homeserver) -> None:
        home.registrations.append(
            {
                "id": "hearth", "url": None, "as_token": "as-secret", "hs_token": "hs-secret", "sender_localpart": "hearth-service",
                "rate_limited": False, "io.element.msc4190": True,
                "namespaces": {"users": [{"regex": f"@hearth:{home.server_name}", "exclusive": True}]},
            }
        )  # fmt: skip

    service = {"as_token": SecretStr("as-secret")}
    async with homeservers(["s"], synapse_venv, workdir=tmp_path, limits="default", prepare=prepare) as own:
        home = own["s"]
        settings = settings_for(home, "hearth", application_service=service)
        async with newcomer(home, "alice", tmp_path) as alice:
            async with party(settings, tmp_path / "bot") as bot:
                assert bot.matrix.notes == ()
                room = await direct(own, alice, bot)
                await alice.say(room, "hello service")
                assert (await bot.see("hello service")).encrypted
                for number in range(25):
                    await bot.say(room, f"answer {number}")
                assert (await alice.see("answer 24")).encrypted
                assert await signed_by_owner(alice, bot.user, bot.matrix.device)
                device, cursor = bot.matrix.device, bot.cursor
            await alice.say(room, "still there?")
            async with party(settings, tmp_path / "bot", cursor) as bot:
                assert bot.matrix.device == device
                assert (await bot.see("still there?")).encrypted
        for wrong, words in (
            (settings_for(home, "hearth", application_service={"as_token": SecretStr("nonsense")}), "restarted"),
            (settings_for(home, "carl", application_service=service), "namespaces.users"),
            (settings_for(home, "hearth-service", application_service=service), "sender_localpart"),
        ):
            with pytest.raises(StartProblem, match=words):
                async with party(wrong, tmp_path / "wrong"):
                    pass


async def test_whoever_speaks_with_another_s_key_is_not_believed(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with (
        newcomer(lab.a, f"{prefix}alice", tmp_path) as alice,
        newcomer(lab.a, f"{prefix}eve", tmp_path) as eve,
        newcomer(lab.b, f"{prefix}bot", tmp_path) as bot,
    ):
        room = await direct(lab, alice, bot)
        await alice.matrix.client.request(
            "POST", "/rooms/{room}/invite", parts={"room": room}, body={"user_id": eve.user}
        )
        await eve.listen(lambda: [e for e in eve.events if isinstance(e, Invited) and e.room == room])
        await eve.join(room)
        await bot.listen(
            lambda: [
                e for e in bot.events if getattr(e, "user", "") == eve.user and getattr(e, "membership", "") == "join"
            ]
        )
        await bot.say(room, "hello both")  # by this the bot knows everybody's devices
        await eve.say(room, "mine")
        heard = await bot.see("mine")
        crypto = bot.matrix.crypto
        assert crypto
        raw = await raw_event(bot, room, heard.id)
        assert crypto.decrypt(raw, room)
        assert crypto.decrypt({**raw, "sender": alice.user}, room) is None
        assert crypto.decrypt({**raw, "event_id": "$another"}, room) is None, "the same words again under another id"
        assert crypto.decrypt(raw, "!elsewhere") is None


async def test_nonsense_to_our_device_costs_nothing(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}bot", tmp_path) as bot:
        crypto = bot.matrix.crypto
        assert crypto
        olm = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": "x"}
        own = crypto._machine.olm.account.identity_keys["curve25519"]
        contents = [None, 5, {}, {"algorithm": 5}, olm, {**olm, "ciphertext": {own: {"type": 0, "body": "AAAA"}}},
                    {**olm, "ciphertext": {own: {"type": 1, "body": "AAAA"}}}, {**olm, "ciphertext": {own: {"type": "0", "body": 1}}}]  # fmt: skip
        kinds = ["m.room.encrypted", "m.room_key_request", "m.key.verification.start", "org.x", 5]
        events = [{"type": kind, "sender": bot.user, "content": content} for kind in kinds for content in contents]
        crypto.receive({"to_device": {"events": [*events, None, "x"]}, "device_lists": {"changed": [5, None]}})
        crypto.receive(
            {"to_device": 5, "device_lists": [], "device_one_time_keys_count": {"signed_curve25519": "many"}}
        )
        await crypto.tend()
        for content in contents:
            assert (
                crypto.decrypt(
                    {"type": "m.room.encrypted", "sender": bot.user, "event_id": "$e", "content": content}, "!r"
                )
                is None
            )


async def test_the_loop_outlives_a_homeserver_that_restarts(synapse_venv: Path, tmp_path: Path) -> None:
    async with (
        homeservers(["a"], synapse_venv, workdir=tmp_path) as own,
        newcomer(own.a, "bot", tmp_path) as bot,
        newcomer(own.a, "alice", tmp_path) as alice,
    ):
        room = await direct(own, alice, bot)
        await alice.say(room, "before")
        await bot.see("before")
        await own.a.stop()
        loop = batches(bot.matrix, bot.cursor, trouble=bot.troubles.append, timeout_ms=1000)
        got: list[str] = []

        async def follow() -> None:
            async for batch in loop:
                got.extend(e.content.body for e in batch.events if isinstance(e, Message))

        task = asyncio.create_task(follow())

        async def troubled() -> bool:
            return bool(bot.troubles)

        await until(troubled)
        with pytest.raises(Unavailable):
            await bot.say(room, "into the void")
        await own.a.start()
        await alice.say(room, "after")

        async def heard() -> bool:
            return "after" in got

        await until(heard)
        assert bot.troubles[-1] is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_send_that_is_repeated_is_one_event(lab: Lab, prefix: str, tmp_path: Path) -> None:
    async with newcomer(lab.a, f"{prefix}alice", tmp_path) as alice, newcomer(lab.b, f"{prefix}bot", tmp_path) as bot:
        room = await direct(lab, alice, bot)
        effect = Send(key="share/x/y", room=room, type="m.room.message", content={"msgtype": "m.text", "body": "once"})
        first = await bot.matrix.gateway.perform(effect)
        assert await bot.matrix.gateway.perform(effect) == first
        assert await bot.matrix.gateway.already_sent(effect) == first
        assert await bot.matrix.gateway.already_sent(Send(key="other", room=room, type="x", content={})) is None
        assert (await alice.see("once")).marked
