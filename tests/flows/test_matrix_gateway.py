"""Effects whose answer got lost are done again, and are done once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bridge.config import Matrix as Settings
from bridge.effects import Ban, CreateRoom, Effect, Invite, Join, Leave, React, Redact, Send, SetAlias, SetState
from bridge.errors import TURNED_AWAY, Refused, TokenLost, Unavailable
from bridge.matrix.connect import Matrix, connect
from bridge.matrix.gateway import Gateway
from tests.fake import FakeHomeserver, Member


@pytest.fixture
async def hs() -> AsyncIterator[FakeHomeserver]:
    async with FakeHomeserver() as running:
        yield running


@pytest.fixture
async def bot(hs: FakeHomeserver) -> Member:
    return await hs.user("@bot")


@pytest.fixture
async def matrix(hs: FakeHomeserver, bot: Member, tmp_path: Path) -> AsyncIterator[Matrix]:
    settings = Settings(homeserver=hs.url, user_id=bot.user_id, access_token=SecretStr(bot.token("DEV")))
    async with connect(settings, tmp_path) as held:
        yield held


@pytest.fixture
def gateway(matrix: Matrix) -> Gateway:
    return matrix.gateway


async def twice(hs: FakeHomeserver, gateway: Gateway, effect: Effect, path: str) -> str | None:
    """Perform it with the answer lost (as often as the HTTP library itself asks), then again."""
    fault = hs.faults.add("drop_after", path=path, times=None)
    with pytest.raises(Unavailable):
        await gateway.perform(effect, again=False)
    assert fault.hits
    fault.release()
    return await gateway.perform(effect)


@pytest.mark.parametrize("encrypted", [False, True])
async def test_nothing_is_said_twice(hs: FakeHomeserver, gateway: Gateway, bot: Member, encrypted: bool) -> None:
    room = await bot.create(preset="private_chat")
    if encrypted:
        await bot.state(room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    kind = "m.room.encrypted" if encrypted else "m.room.message"
    effect = Send(key="k", room=room, type="m.room.message", content={"msgtype": "m.notice", "body": "once"})
    event = await twice(hs, gateway, effect, "/send/")
    assert [held.event_id for held in hs.timeline(room, kind)] == [event]
    assert await gateway.already_sent(effect) == event
    assert ("once" in str(hs.timeline(room, kind)[0].content)) != encrypted


async def test_letters_of_any_script_fit_into_an_encrypted_event(
    hs: FakeHomeserver, gateway: Gateway, bot: Member
) -> None:
    room = await bot.create(preset="private_chat")
    await bot.state(room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    body = "ё" * 22_000 + "\ud83d"
    await gateway.perform(
        Send(key="k", room=room, type="m.room.message", content={"msgtype": "m.notice", "body": body})
    )
    (event,) = hs.timeline(room, "m.room.encrypted")
    assert len(event.content["ciphertext"]) < 60_000
    (raw,) = await gateway.recent(room, 1)
    assert raw["content"]["body"] == body.replace("\ud83d", "?")


async def test_reactions_redactions_and_state_are_done_once(hs: FakeHomeserver, gateway: Gateway, bot: Member) -> None:
    room = await bot.create(preset="public_chat")
    event = await bot.say(room, "x")
    await twice(hs, gateway, React(key="r", room=room, event=event, emoji="✅"), "m.reaction")
    assert len(hs.timeline(room, "m.reaction")) == 1
    await twice(hs, gateway, SetState(key="s", room=room, type="m.room.topic", content={"topic": "t"}), "m.room.topic")
    assert len(hs.timeline(room, "m.room.topic")) == 1
    await twice(hs, gateway, Redact(key="x", room=room, event=event), "/redact/")
    assert len(hs.timeline(room, "m.room.redaction")) == 1


async def test_memberships_are_changed_once(hs: FakeHomeserver, gateway: Gateway, bot: Member) -> None:
    room = await bot.create(preset="public_chat")
    eve, ann = await hs.user("@eve:b.test"), await hs.user("@ann:b.test")
    await eve.join(room)

    def changes(user: Member) -> list[str]:
        return [e.content["membership"] for e in hs.timeline(room, "m.room.member") if e.state_key == user.user_id]

    await twice(hs, gateway, Ban(key="b", room=room, user=eve.user_id), "/ban")
    assert changes(eve) == ["join", "ban"]
    await twice(hs, gateway, Invite(key="i", room=room, user=ann.user_id), "/invite")
    assert changes(ann) == ["invite"]
    await gateway.perform(Invite(key="i", room=room, user=ann.user_id), again=False)
    assert changes(ann) == ["invite"]


async def test_joining_and_leaving_twice_is_fine(hs: FakeHomeserver, gateway: Gateway, bot: Member) -> None:
    ann = await hs.user("@ann")
    room = await ann.create(preset="private_chat", invite=[bot.user_id])
    assert await twice(hs, gateway, Join(key="j", room=room), "/join/") == room
    await twice(hs, gateway, Leave(key="l", room=room), "/leave")
    assert bot.user_id not in hs.members(room)


async def test_a_room_whose_making_was_not_answered_is_found_by_its_alias(
    hs: FakeHomeserver, gateway: Gateway, bot: Member
) -> None:
    effect = CreateRoom(key="c", room_key="circle/sleep", alias="sleep", request={"preset": "private_chat"})
    room = await twice(hs, gateway, effect, "/createRoom")
    assert room == hs.room("#sleep").room_id
    assert bot.rooms() == [room]
    await twice(hs, gateway, SetAlias(key="a", room=str(room), alias="#slumber:a.test"), "/directory/room/")


async def test_another_room_of_ours_with_that_alias_is_not_taken_for_it(
    hs: FakeHomeserver, gateway: Gateway, bot: Member
) -> None:
    old = CreateRoom(key="old", room_key="circle/sleep", alias="sleep", request={"preset": "private_chat"})
    await gateway.perform(old, again=False)
    new = CreateRoom(key="new", room_key="circle/slumber", alias="sleep", request={"preset": "private_chat"})
    for again in (False, True):
        with pytest.raises(Refused, match="M_ROOM_IN_USE"):
            await gateway.perform(new, again=again)


async def test_a_direct_room_whose_making_was_not_answered_is_found_again(
    hs: FakeHomeserver, gateway: Gateway, bot: Member
) -> None:
    await bot.create(preset="private_chat")  # one of ours that is nobody's direct room
    ann = await hs.user("@ann:b.test")
    for path in ("/createRoom", "/account_data/m.direct"):
        fault = hs.faults.add("drop_after", method=None if path == "/createRoom" else "PUT", path=path, times=None)
        with pytest.raises(Unavailable):
            await gateway.direct_room(ann.user_id, None, encrypted=True)
        fault.release()
    room = await gateway.direct_room(ann.user_id, None, encrypted=True)
    assert len(bot.rooms()) == 2
    assert ann.invites() == [room]


async def test_a_direct_room_is_for_two(hs: FakeHomeserver, gateway: Gateway, bot: Member) -> None:
    ann, eve = await hs.user("@ann"), await hs.user("@eve:b.test")
    group = await ann.create(preset="trusted_private_chat", is_direct=True, invite=[bot.user_id, eve.user_id])
    await bot.join(group)
    alone = await gateway.direct_room(ann.user_id, group, encrypted=False)
    assert alone != group
    assert hs.members(alone) == {bot.user_id}
    assert ann.invites() == [alone]


async def test_who_leaves_twice_is_left_alone_until_they_come_themselves(
    hs: FakeHomeserver, gateway: Gateway, bot: Member
) -> None:
    ann = await hs.user("@ann")
    for _ in range(2):
        room = await gateway.direct_room(ann.user_id, None, encrypted=False)
        await ann.join(room)
        await ann.leave(room)
    for _ in range(2):
        with pytest.raises(Refused, match=TURNED_AWAY):
            await gateway.direct_room(ann.user_id, None, encrypted=False)
    assert ann.invites() == []
    urgent = await gateway.direct_room(ann.user_id, None, encrypted=False, insist=True)
    assert ann.invites() == [urgent]
    await ann.leave(urgent)
    theirs = await ann.create(preset="trusted_private_chat", is_direct=True, invite=[bot.user_id])
    await bot.join(theirs)
    assert await gateway.direct_room(ann.user_id, theirs, encrypted=False) == theirs


async def test_without_encryption_nothing_is_said_openly_where_it_is_needed(
    hs: FakeHomeserver, bot: Member, tmp_path: Path
) -> None:
    room = await bot.create(preset="private_chat")
    await bot.state(room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    settings = Settings(
        homeserver=hs.url, user_id=bot.user_id, access_token=SecretStr(bot.token("DEV2")), encryption=False
    )
    async with connect(settings, tmp_path / "open") as matrix:
        assert matrix.crypto is None
        with pytest.raises(Refused, match="M_HEARTH_NO_ENCRYPTION"):
            await matrix.gateway.perform(Send(key="k", room=room, type="m.room.message", content={"body": "x"}))
    assert hs.timeline(room, "m.room.message") == []


async def test_a_room_once_seen_encrypted_never_is_open_again(
    hs: FakeHomeserver, bot: Member, tmp_path: Path, matrix: Matrix
) -> None:
    room = await bot.create(preset="private_chat")
    await bot.state(room, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    assert await matrix.gateway.is_encrypted(room)
    assert matrix.crypto
    matrix.rooms.__init__(matrix.client, matrix.crypto)  # type: ignore[misc]  # as after a restart
    hs.faults.add("status", path="m.room.encryption", status=404, errcode="M_NOT_FOUND", times=None)
    assert await matrix.gateway.is_encrypted(room)


async def test_a_lost_token_is_not_taken_for_a_no(hs: FakeHomeserver, gateway: Gateway, bot: Member) -> None:
    room = await bot.create(preset="private_chat")
    hs.sign_out("@bot")
    for effect in (Leave(key="l", room=room), Ban(key="b", room=room, user="@eve:b.test"), Join(key="j", room=room)):
        with pytest.raises(TokenLost):
            await gateway.perform(effect, again=False)
    with pytest.raises(TokenLost):
        await gateway.event(room, "$x")


async def test_a_state_that_may_not_be_read_is_none_and_trouble_is_trouble(
    hs: FakeHomeserver, gateway: Gateway, bot: Member
) -> None:
    ann = await hs.user("@ann")
    hidden = await ann.create(preset="private_chat")
    event = await ann.say(hidden, "secret")
    assert await gateway.event(hidden, event) is None
    assert await gateway.state_content(hidden, "m.room.name") is None
    hs.faults.add("status", path="/event/", status=502)
    with pytest.raises(Unavailable):
        await gateway.event(hidden, event)
