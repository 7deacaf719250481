"""The fake homeserver behaves like the real one where the bot can notice; spoken to over HTTP as the bot does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import nio
import pytest

from tests.fake import FakeHomeserver, MatrixError

V3 = "/_matrix/client/v3"
V1 = "/_matrix/client/v1"


class Client:
    """A bare HTTP client: every answer is (status, body)."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str | None = None, query: str = "") -> None:
        self.http, self.url, self.token, self.query = http, url, token, query

    async def call(self, method: str, path: str, body: Any = None, **params: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        path += f"{'&' if '?' in path else '?'}{self.query}" if self.query else ""
        params = {name.rstrip("_"): str(value) for name, value in params.items()}
        async with self.http.request(method, self.url + path, json=body, headers=headers, params=params) as answer:
            return answer.status, await answer.json()

    async def ok(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        status, answer = await self.call(method, path, body, **params)
        assert status == 200, (method, path, status, answer)
        return answer

    async def refused(self, method: str, path: str, body: Any = None, **params: Any) -> tuple[int, str]:
        status, answer = await self.call(method, path, body, **params)
        assert status >= 400, (method, path, status, answer)
        return status, answer["errcode"]

    async def create(self, **fields: Any) -> str:
        return (await self.ok("POST", f"{V3}/createRoom", fields))["room_id"]

    async def say(self, room: str, text: str, txn: str, **content: Any) -> str:
        body = {"msgtype": "m.text", "body": text, **content}
        return (await self.ok("PUT", f"{V3}/rooms/{room}/send/m.room.message/{txn}", body))["event_id"]


@pytest.fixture
async def hs() -> AsyncIterator[FakeHomeserver]:
    async with FakeHomeserver() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def bot(hs: FakeHomeserver, http: aiohttp.ClientSession) -> Client:
    return Client(http, hs.url, (await hs.user("bot", password="pw")).token("BOT"))


async def test_logging_in_and_out(hs: FakeHomeserver, http: aiohttp.ClientSession) -> None:
    await hs.user("bot", password="pw")
    anyone = Client(http, hs.url)
    assert "v1.15" in (await anyone.ok("GET", "/_matrix/client/versions"))["versions"]
    body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "bot"}, "password": "no"}
    assert await anyone.refused("POST", f"{V3}/login", body) == (403, "M_FORBIDDEN")
    answer = await anyone.ok("POST", f"{V3}/login", body | {"password": "pw", "device_id": "D"})
    bot = Client(http, hs.url, answer["access_token"])
    assert await bot.ok("GET", f"{V3}/account/whoami") == {
        "user_id": "@bot:a.test",
        "is_guest": False,
        "device_id": "D",
    }
    assert (await bot.ok("GET", f"{V3}/capabilities"))["capabilities"]["m.room_versions"]["default"] == "12"
    await bot.ok("POST", f"{V3}/logout", {})
    assert await bot.refused("GET", f"{V3}/account/whoami") == (401, "M_UNKNOWN_TOKEN")
    assert await anyone.refused("GET", f"{V3}/sync") == (401, "M_MISSING_TOKEN")
    assert await anyone.refused("GET", f"{V3}/nowhere") == (404, "M_UNRECOGNIZED")


async def test_a_new_room_is_as_version_12_makes_it(hs: FakeHomeserver, bot: Client) -> None:
    room = await bot.create(
        name="Garden",
        topic="Green",
        room_alias_name="garden",
        preset="private_chat",
        creation_content={"type": "m.space"},
    )
    assert len(room) == 44
    assert ":" not in room
    state = await bot.ok("GET", f"{V3}/rooms/{room}/state")
    assert [event["type"] for event in state[:3]] == ["m.room.create", "m.room.member", "m.room.power_levels"]
    levels = await bot.ok("GET", f"{V3}/rooms/{room}/state/m.room.power_levels/")
    assert (levels["users"], levels["events"]["m.room.tombstone"], levels["invite"]) == ({}, 150, 0)
    assert (await bot.ok("GET", f"{V3}/rooms/{room}/state/m.room.name"))["name"] == "Garden"
    assert (await bot.ok("GET", f"{V3}/directory/room/{quote('#garden:a.test')}"))["room_id"] == room
    taken = await bot.refused("POST", f"{V3}/createRoom", {"room_alias_name": "garden"})
    assert taken == (400, "M_ROOM_IN_USE")
    listed = {"power_level_content_override": {"users": {"@bot:a.test": 100}}}
    assert (await bot.refused("POST", f"{V3}/createRoom", listed))[0] == 400
    old = await bot.create(room_version="10")
    assert old.endswith(":a.test")
    assert (await bot.ok("GET", f"{V3}/rooms/{old}/state/m.room.power_levels"))["users"] == {"@bot:a.test": 100}
    assert set((await bot.ok("GET", f"{V3}/joined_rooms"))["joined_rooms"]) == {room, old}


async def test_aliases_can_be_moved(hs: FakeHomeserver, bot: Client) -> None:
    one, two = await bot.create(), await bot.create()
    path = f"{V3}/directory/room/{quote('#x:a.test')}"
    assert await bot.refused("GET", path) == (404, "M_NOT_FOUND")
    await bot.ok("PUT", path, {"room_id": one})
    assert (await bot.refused("PUT", path, {"room_id": two}))[0] == 409
    await bot.ok("DELETE", path)
    await bot.ok("PUT", path, {"room_id": two})
    assert (await bot.ok("GET", path))["room_id"] == two


async def test_the_same_transaction_is_the_same_event(hs: FakeHomeserver, bot: Client) -> None:
    room = await bot.create()
    first = await bot.say(room, "hello", "t1")
    assert await bot.say(room, "hello", "t1") == first
    other_device = Client(bot.http, bot.url, (await hs.user("bot")).token("OTHER"))
    assert await other_device.say(room, "hello", "t1") != first
    redact = f"{V3}/rooms/{room}/redact/{first}/t2"
    assert await bot.ok("PUT", redact, {}) == await bot.ok("PUT", redact, {})
    assert len(hs.timeline(room, "m.room.redaction")) == 1


async def test_the_same_state_again_is_no_new_event(hs: FakeHomeserver, bot: Client) -> None:
    room = await bot.create()
    path = f"{V3}/rooms/{room}/state/m.room.topic/"
    first = await bot.ok("PUT", path, {"topic": "x"})
    assert await bot.ok("PUT", path, {"topic": "x"}) == first
    assert await bot.ok("PUT", path, {"topic": "y"}) != first


async def test_power_decides(hs: FakeHomeserver, bot: Client) -> None:
    ann, eve = await hs.user("ann"), await hs.user("@eve:b.test")
    room = await bot.create(preset="public_chat")
    await ann.join(room)
    await eve.join(room)
    for attempt in (
        ann.state(room, "m.room.name", {"name": "mine"}),
        ann.kick(room, eve.user_id),
        ann.ban(room, "@bot:a.test"),
        ann.invite(room, "@new:a.test"),
    ):
        with pytest.raises(MatrixError, match="403"):
            await attempt
    levels = hs.room(room).content("m.room.power_levels")
    path = f"{V3}/rooms/{room}/state/m.room.power_levels"
    assert (await bot.refused("PUT", path, levels | {"users": {"@bot:a.test": 100}}))[0] == 400
    assert (await bot.refused("PUT", path, levels | {"ban": "50"}))[0] == 400
    await bot.ok("PUT", path, levels | {"users": {ann.user_id: 50}})
    await ann.kick(room, eve.user_id)
    with pytest.raises(MatrixError, match="403"):
        await ann.kick(room, "@bot:a.test")
    with pytest.raises(MatrixError, match="403"):
        await ann.state(room, "m.room.power_levels", levels | {"users": {ann.user_id: 100}})


async def test_bans_hold_until_lifted(hs: FakeHomeserver, bot: Client) -> None:
    eve = await hs.user("@eve:b.test")
    room = await bot.create(preset="public_chat")
    await eve.join(room)
    await bot.ok("POST", f"{V3}/rooms/{room}/ban", {"user_id": eve.user_id, "reason": "spam"})
    assert hs.banned(eve.user_id) == {room}
    with pytest.raises(MatrixError, match="403"):
        await eve.join(room)
    with pytest.raises(MatrixError, match="403"):
        await eve.say(room, "still here")
    assert await bot.refused("POST", f"{V3}/rooms/{room}/invite", {"user_id": eve.user_id}) == (403, "M_BAD_STATE")
    await bot.ok("POST", f"{V3}/rooms/{room}/unban", {"user_id": eve.user_id})
    assert await bot.refused("POST", f"{V3}/rooms/{room}/unban", {"user_id": eve.user_id}) == (403, "M_BAD_STATE")
    await eve.join(room)
    assert hs.members(room) == {eve.user_id, "@bot:a.test"}


async def test_join_rules(hs: FakeHomeserver, bot: Client) -> None:
    ann = await hs.user("ann")
    space = await bot.create(preset="public_chat", creation_content={"type": "m.space"})
    allow = [{"type": "m.room_membership", "room_id": space}]

    async def with_rule(content: dict[str, Any]) -> str:
        return await bot.create(initial_state=[{"type": "m.room.join_rules", "content": content}])

    closed = await with_rule({"join_rule": "invite"})
    restricted = await with_rule({"join_rule": "restricted", "allow": allow})
    knockable = await with_rule({"join_rule": "knock"})
    for room in (closed, restricted, knockable):
        with pytest.raises(MatrixError, match="403"):
            await ann.join(room)
    await ann.join(space)
    await ann.join(restricted)
    assert (
        hs.room(restricted).content("m.room.member", ann.user_id)["join_authorised_via_users_server"] == "@bot:a.test"
    )
    await ann.knock(knockable, "please")
    await bot.ok("POST", f"{V3}/rooms/{knockable}/invite", {"user_id": ann.user_id})
    assert ann.invites() == [knockable]
    await ann.join(knockable)
    assert ann.rooms() == [space, restricted, knockable]
    await ann.leave(space)
    assert ann.user_id in hs.members(restricted)


async def test_server_acls_shut_other_servers_out(hs: FakeHomeserver, bot: Client) -> None:
    eve = await hs.user("@eve:b.test")
    room = await bot.create(preset="public_chat")
    await eve.join(room)
    path = f"{V3}/rooms/{room}/state/m.room.server_acl"
    assert (await bot.refused("PUT", path, {"allow": ["b.test"]}))[0] == 400
    await bot.ok("PUT", path, {"allow": ["*"], "deny": ["*.evil", "b.test"]})
    with pytest.raises(MatrixError, match="banned from room"):
        await eve.say(room, "hi")
    with pytest.raises(MatrixError, match="banned from room"):
        await (await hs.user("@x:b.test:8448")).join(room)
    await (await hs.user("@fine:c.test")).join(room)


async def test_sync_tells_each_thing_once(hs: FakeHomeserver, bot: Client) -> None:
    ann = await hs.user("@ann:b.test")
    room = await ann.create(preset="private_chat", name="Garden", invite=["@bot:a.test"], is_direct=True)
    first = await bot.ok("GET", f"{V3}/sync")
    invite = first["rooms"]["invite"][room]["invite_state"]["events"]
    assert invite[-1]["content"]["is_direct"] is True
    assert {"m.room.create", "m.room.name"} <= {event["type"] for event in invite}
    await bot.ok("POST", f"{V3}/join/{room}", {})
    second = await bot.ok("GET", f"{V3}/sync", since=first["next_batch"])
    joined = second["rooms"]["join"][room]
    assert joined["timeline"]["limited"] is True
    assert "m.room.create" in {event["type"] for event in joined["state"]["events"] + joined["timeline"]["events"]}
    await ann.say(room, "hello")
    third = await bot.ok("GET", f"{V3}/sync", since=second["next_batch"])
    timeline = third["rooms"]["join"][room]["timeline"]
    assert [event["content"]["body"] for event in timeline["events"]] == ["hello"]
    assert timeline["limited"] is False
    again = await bot.ok("GET", f"{V3}/sync", since=second["next_batch"])
    assert again["rooms"]["join"][room]["timeline"]["events"][0]["event_id"] == timeline["events"][0]["event_id"]
    await ann.kick(room, "@bot:a.test", "bye")
    await ann.say(room, "not for you")
    fourth = await bot.ok("GET", f"{V3}/sync", since=third["next_batch"])
    left = fourth["rooms"]["leave"][room]["timeline"]["events"]
    assert [event["type"] for event in left] == ["m.room.member"]
    assert (await bot.ok("GET", f"{V3}/sync", since=fourth["next_batch"])).keys() & {"rooms"} == set()


async def test_a_limited_timeline_is_filled_from_messages(hs: FakeHomeserver, bot: Client) -> None:
    ann = await hs.user("ann")
    room = await bot.create(preset="public_chat")
    await ann.join(room)
    since = (await bot.ok("GET", f"{V3}/sync"))["next_batch"]
    sent = [await ann.say(room, f"m{number}") for number in range(30)]
    wanted = '{"room":{"timeline":{"limit":5},"state":{"lazy_load_members":true}}}'
    filter_id = (await bot.ok("POST", f"{V3}/user/@bot:a.test/filter", {"room": {"timeline": {"limit": 5}}}))[
        "filter_id"
    ]
    assert await bot.ok("GET", f"{V3}/user/@bot:a.test/filter/{filter_id}") == {"room": {"timeline": {"limit": 5}}}
    by_id = (await bot.ok("GET", f"{V3}/sync", since=since, filter=filter_id))["rooms"]["join"][room]["timeline"]
    entry = (await bot.ok("GET", f"{V3}/sync", since=since, filter=wanted))["rooms"]["join"][room]
    timeline = entry["timeline"]
    assert [event["event_id"] for event in timeline["events"]] == sent[-5:]
    assert by_id["prev_batch"] == timeline["prev_batch"]
    assert timeline["limited"] is True
    assert [event["state_key"] for event in entry["state"]["events"]] == [ann.user_id]
    gap: list[str] = []
    token: str | None = timeline["prev_batch"]
    while token:
        page = await bot.ok("GET", f"{V3}/rooms/{room}/messages", dir="b", from_=token, to=since, limit=10)
        gap += [event["event_id"] for event in page["chunk"]]
        token = page.get("end")
    assert gap == sent[-6::-1]
    forwards = await bot.ok(
        "GET", f"{V3}/rooms/{room}/messages", dir="f", from_=since, limit=3, filter='{"types":["m.room.message"]}'
    )
    assert [event["event_id"] for event in forwards["chunk"]] == sent[:3]
    context = await bot.ok("GET", f"{V3}/rooms/{room}/context/{sent[10]}", limit=4)
    assert [event["event_id"] for event in context["events_before"]] == [sent[9], sent[8]]
    assert [event["event_id"] for event in context["events_after"]] == sent[11:13]


async def test_a_long_poll_wakes_at_once(hs: FakeHomeserver, bot: Client) -> None:
    ann = await hs.user("ann")
    room = await bot.create(preset="public_chat")
    await ann.join(room)
    since = (await bot.ok("GET", f"{V3}/sync"))["next_batch"]
    empty = await bot.ok("GET", f"{V3}/sync", since=since, timeout=20)
    assert "rooms" not in empty
    poll = asyncio.create_task(bot.ok("GET", f"{V3}/sync", since=since, timeout=30_000))
    await hs.until(lambda: hs.polling("bot"))
    await ann.say(room, "wake")
    started = time.monotonic()
    answer = await poll
    assert time.monotonic() - started < 2
    assert answer["rooms"]["join"][room]["timeline"]["events"][0]["content"]["body"] == "wake"


async def test_a_poll_ends_with_its_client(hs: FakeHomeserver, bot: Client) -> None:
    since = (await bot.ok("GET", f"{V3}/sync"))["next_batch"]
    poll = asyncio.create_task(bot.ok("GET", f"{V3}/sync", since=since, timeout=30_000))
    await hs.until(lambda: hs.polling("bot"))
    poll.cancel()
    await hs.until(lambda: not hs.polling("bot"))
    assert hs.requests[-1].status is None


async def test_redacted_events_are_empty(hs: FakeHomeserver, bot: Client) -> None:
    room = await bot.create()
    event = await bot.say(room, "secret", "t1")
    await bot.ok("PUT", f"{V3}/rooms/{room}/redact/{event}/t2", {"reason": "oops"})
    shown = await bot.ok("GET", f"{V3}/rooms/{room}/event/{event}")
    assert shown["content"] == {}
    because = shown["unsigned"]["redacted_because"]
    assert because["redacts"] == because["content"]["redacts"] == event
    assert because["content"]["reason"] == "oops"
    ann = await hs.user("ann")
    await ann.create(name="x")
    assert (await bot.refused("GET", f"{V3}/rooms/{ann.rooms()[0]}/event/$no"))[0] == 403


async def test_edits_and_threads_are_bundled(hs: FakeHomeserver, bot: Client) -> None:
    ann, ben = await hs.user("ann"), await hs.user("@ben:b.test")
    room = await bot.create(preset="public_chat")
    await ann.join(room)
    await ben.join(room)
    root = await ann.say(room, "old")
    edit = await ann.edit(room, root, "new")
    reply = await ben.thread(room, root, "answer")
    second = await ann.thread(room, root, "thanks")
    await ben.edit(room, reply, "better answer")
    await ben.react(room, root, "❤")
    shown = await bot.ok("GET", f"{V3}/rooms/{room}/event/{root}")
    assert shown["content"]["body"] == "old"
    bundled = shown["unsigned"]["m.relations"]
    assert bundled["m.replace"]["event_id"] == edit
    assert (bundled["m.thread"]["count"], bundled["m.thread"]["latest_event"]["event_id"]) == (2, second)
    one = await bot.ok("GET", f"{V1}/rooms/{room}/relations/{root}/m.thread", limit=1)
    assert [event["event_id"] for event in one["chunk"]] == [second]
    two = await bot.ok("GET", f"{V1}/rooms/{room}/relations/{root}/m.thread", limit=1, from_=one["next_batch"])
    assert [event["event_id"] for event in two["chunk"]] == [reply]
    every = await bot.ok("GET", f"{V1}/rooms/{room}/relations/{root}", recurse="true", limit=50, dir="f")
    assert [event["type"] for event in every["chunk"]].count("m.room.message") == 4
    assert [e["event_id"] for e in (await bot.ok("GET", f"{V1}/rooms/{room}/threads"))["chunk"]] == [root]
    seen = ben.sees(room)
    assert [(message.body, message.edited, message.thread) for message in seen] == [
        ("new", True, None),
        ("better answer", True, root),
        ("thanks", False, root),
    ]
    assert seen[0].reactions == {"❤": frozenset({ben.user_id})}
    await ann.redact(room, edit)
    assert ben.texts(room)[0] == "old"
    with pytest.raises(MatrixError, match="M_DUPLICATE_ANNOTATION"):
        await ben.react(room, root, "❤")
    with pytest.raises(MatrixError, match="unknown event"):
        await ben.react(room, "$nothing", "❤")
    with pytest.raises(MatrixError, match="with a relation"):
        await ben.thread(room, reply, "deeper")


async def test_history_visibility_hides_what_came_before(hs: FakeHomeserver, bot: Client) -> None:
    ann = await hs.user("ann")
    visibility = {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}
    room = await bot.create(preset="public_chat", initial_state=[visibility])
    before = await bot.say(room, "before", "t1")
    await ann.join(room)
    await bot.say(room, "during", "t2")
    await ann.leave(room)
    await bot.say(room, "after", "t3")
    assert ann.texts(room) == ["during"]
    assert not ann.can_see(room, before)
    shared = await bot.create(preset="public_chat")
    await bot.say(shared, "before", "t1")
    await ann.join(shared)
    assert ann.texts(shared) == ["before"]


async def test_an_application_service_acts_within_its_namespace(
    hs: FakeHomeserver, http: aiohttp.ClientSession
) -> None:
    hs.appservice("as", "hearth-as", r"@hearth.*:a\.test")
    await hs.user("hearth")
    await hs.user("ann")
    sender, ghost = Client(http, hs.url, "as"), Client(http, hs.url, "as", "user_id=@hearth:a.test")
    assert await sender.call("GET", f"{V3}/sync") == (500, {"errcode": "M_UNKNOWN", "error": "Internal server error"})
    assert (await ghost.ok("GET", f"{V3}/account/whoami"))["user_id"] == "@hearth:a.test"
    assert "next_batch" in await ghost.ok("GET", f"{V3}/sync")
    foreign = Client(http, hs.url, "as", "user_id=@ann:a.test")
    assert await foreign.refused("GET", f"{V3}/sync") == (403, "M_FORBIDDEN")
    assert (await ghost.call("PUT", f"{V3}/devices/BOT", {"display_name": "Hearth"}))[0] == 201
    device = Client(http, hs.url, "as", "user_id=@hearth:a.test&device_id=BOT")
    assert (await device.ok("GET", f"{V3}/account/whoami"))["device_id"] == "BOT"
    hs.limit("create", 0.01, 1)
    for _ in range(3):
        await ghost.create()
    login = {"type": "m.login.application_service", "identifier": {"type": "m.id.user", "user": "hearth"}}
    answer = await sender.ok("POST", f"{V3}/login", login)
    ordinary = Client(http, hs.url, answer["access_token"])
    await ordinary.create()
    assert await ordinary.refused("POST", f"{V3}/createRoom", {}) == (429, "M_LIMIT_EXCEEDED")


async def test_rate_limits_are_synapses(hs: FakeHomeserver, bot: Client) -> None:
    room = await bot.create()
    now = [0.0]
    hs._server.limits.clock = lambda: now[0]
    hs.limit("send", 0.5, 2)
    await bot.say(room, "1", "t1")
    await bot.say(room, "2", "t2")
    assert await bot.say(room, "2", "t2")  # a repeat costs nothing
    status, answer = await bot.call("PUT", f"{V3}/rooms/{room}/send/m.room.message/t3", {})
    assert (status, answer["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    assert 1990 <= answer["retry_after_ms"] <= 2010
    now[0] += 2.1
    await bot.say(room, "3", "t3")
    admin = Client(bot.http, bot.url, (await hs.user("root", admin=True)).token())
    path = "/_synapse/admin/v1/users/@bot:a.test/override_ratelimit"
    assert await admin.ok("GET", path) == {}
    assert (await bot.refused("GET", path))[0] == 403
    await admin.ok("POST", path, {"messages_per_second": 0, "burst_count": 0})
    for number in range(5):
        await bot.say(room, "x", f"u{number}")


async def test_faults_come_when_asked(hs: FakeHomeserver, bot: Client) -> None:
    room = await bot.create()
    path = f"{V3}/rooms/{room}/send/m.room.message/"
    hs.faults.add("status", path="/send/", status=429, retry_after_ms=1500)
    assert await bot.call("PUT", path + "a", {}) == (
        429,
        {"errcode": "M_LIMIT_EXCEEDED", "error": "planned fault", "retry_after_ms": 1500},
    )
    hs.faults.add("garbage", method="PUT", path="/send/")
    async with bot.http.put(bot.url + path + "a", headers={"Authorization": f"Bearer {bot.token}"}) as answer:
        assert (answer.status, await answer.text()) == (200, "<html>Bad gateway</html>")
    lost = hs.faults.add("drop_before", path="/send/", times=None)
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.say(room, "b", "b")
    assert lost.hits
    assert not hs.timeline(room, "m.room.message")
    hs.faults.clear()
    hs.faults.add("drop_after", path="/send/", times=None)
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.say(room, "b", "b")
    hs.faults.clear()
    assert await bot.say(room, "b", "b") == hs.timeline(room, "m.room.message")[0].event_id
    assert len(hs.timeline(room, "m.room.message")) == 1
    stuck = hs.faults.add("hang", path="/send/")
    task = asyncio.create_task(bot.say(room, "c", "c"))
    await hs.until(lambda: stuck.hits)
    assert not task.done()
    stuck.release()
    await task
    hs.faults.add("slow", path="/send/", seconds=0.05)
    started = time.monotonic()
    await bot.say(room, "d", "d")
    assert time.monotonic() - started >= 0.05


async def test_the_server_goes_down_and_comes_back(hs: FakeHomeserver, bot: Client) -> None:
    room = await bot.create()
    since = (await bot.ok("GET", f"{V3}/sync"))["next_batch"]
    poll = asyncio.create_task(bot.ok("GET", f"{V3}/sync", since=since, timeout=30_000))
    await hs.until(lambda: hs.polling("bot"))
    await hs.down()
    with pytest.raises(aiohttp.ClientConnectionError):
        await poll
    with pytest.raises(aiohttp.ClientConnectionError):
        await bot.say(room, "x", "x")
    await hs.up()
    await bot.say(room, "x", "x")


async def test_requests_since_the_mark(hs: FakeHomeserver, bot: Client) -> None:
    room = await bot.create()
    hs.mark()
    await bot.ok("GET", f"{V3}/sync")
    await bot.ok("POST", f"{V3}/user/@bot:a.test/filter", {})
    assert hs.requests_since_mark() == []
    await bot.say(room, "x", "x")
    assert [(request.method, request.status) for request in hs.requests_since_mark()] == [("PUT", 200)]
    assert len(hs.requests_since_mark(mutating=False)) == 3


async def test_waiting_for_a_condition(hs: FakeHomeserver) -> None:
    ann = await hs.user("ann")
    room = await ann.create()
    waiting = asyncio.create_task(hs.until(lambda: ann.texts(room), seconds=5))
    await asyncio.sleep(0)
    await ann.say(room, "now")
    assert await waiting == ["now"]
    with pytest.raises(AssertionError, match="two messages"):
        await hs.until(lambda: len(ann.texts(room)) == 2, seconds=0.05, what="two messages")


async def test_late_events_keep_their_old_time(hs: FakeHomeserver, bot: Client) -> None:
    ben = await hs.user("@ben:b.test")
    room = await bot.create(preset="public_chat")
    await ben.join(room)
    since = (await bot.ok("GET", f"{V3}/sync"))["next_batch"]
    hs.inject(room, ben.user_id, "m.room.message", {"msgtype": "m.text", "body": "late"}, ts=1_000)
    event = (await bot.ok("GET", f"{V3}/sync", since=since))["rooms"]["join"][room]["timeline"]["events"][0]
    assert (event["origin_server_ts"], event["content"]["body"]) == (1_000, "late")


async def test_account_data_profile_receipts_and_media(hs: FakeHomeserver, bot: Client) -> None:
    ann = await hs.user("ann")
    room = await bot.create(preset="public_chat")
    await ann.join(room)
    since = (await bot.ok("GET", f"{V3}/sync"))["next_batch"]
    direct = f"{V3}/user/@bot:a.test/account_data/m.direct"
    assert await bot.refused("GET", direct) == (404, "M_NOT_FOUND")
    await bot.ok("PUT", direct, {ann.user_id: [room]})
    assert await bot.ok("GET", direct) == {ann.user_id: [room]}
    event = await bot.say(room, "x", "x")
    await ann.read(room, event)
    await bot.ok("POST", f"{V3}/rooms/{room}/receipt/m.read/{event}", {})
    await bot.ok("PUT", f"{V3}/rooms/{room}/typing/@bot:a.test", {"typing": True})
    await bot.ok("PUT", f"{V3}/profile/@bot:a.test/displayname", {"displayname": "Hearth"})
    answer = await bot.ok("GET", f"{V3}/sync", since=since)
    assert answer["account_data"]["events"] == [{"type": "m.direct", "content": {ann.user_id: [room]}}]
    joined = answer["rooms"]["join"][room]
    assert set(joined["ephemeral"]["events"][0]["content"][event]["m.read"]) == {ann.user_id, "@bot:a.test"}
    assert joined["timeline"]["events"][-1]["content"]["displayname"] == "Hearth"
    assert joined["timeline"]["events"][0]["unsigned"]["transaction_id"] == "x"
    headers = {"Authorization": f"Bearer {bot.token}", "Content-Type": "image/png"}
    async with bot.http.post(f"{bot.url}/_matrix/media/v3/upload", data=b"png", headers=headers) as upload:
        mxc = (await upload.json())["content_uri"].removeprefix("mxc://")
    async with bot.http.get(f"{bot.url}{V1}/media/download/{mxc}", headers=headers) as download:
        assert (await download.read(), download.content_type) == (b"png", "image/png")
    assert (await bot.refused("GET", f"/_matrix/media/v3/download/{mxc}"))[0] == 404
    report = f"{V3}/rooms/{room}/report/{event}"
    await bot.ok("POST", report, {"reason": "bad"})
    assert hs.model.reports[0]["reason"] == "bad"
    members = await bot.ok("GET", f"{V3}/rooms/{room}/members", membership="join")
    assert {event["state_key"] for event in members["chunk"]} == {ann.user_id, "@bot:a.test"}
    assert set((await bot.ok("GET", f"{V3}/rooms/{room}/joined_members"))["joined"]) == {ann.user_id, "@bot:a.test"}


async def test_spaces_summaries_and_upgrades(hs: FakeHomeserver, bot: Client) -> None:
    space = await bot.create(preset="public_chat", creation_content={"type": "m.space"}, name="All")
    allow = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": space}]}
    rooms = [
        await bot.create(
            name=name, room_alias_name=name, initial_state=[{"type": "m.room.join_rules", "content": allow}]
        )
        for name in ("b", "a")
    ]
    for room, order in zip(rooms, "ba", strict=True):
        await bot.ok("PUT", f"{V3}/rooms/{space}/state/m.space.child/{room}", {"via": ["a.test"], "order": order})
    ann = await hs.user("ann")
    client = Client(bot.http, bot.url, ann.token())
    assert len((await client.ok("GET", f"{V1}/rooms/{space}/hierarchy"))["rooms"]) == 1
    await ann.join(space)
    found = (await client.ok("GET", f"{V1}/rooms/{space}/hierarchy"))["rooms"]
    assert [entry["name"] for entry in found] == ["All", "a", "b"]
    assert found[0]["room_type"] == "m.space"
    summary = await client.ok("GET", f"{V1}/room_summary/{rooms[0]}")
    assert (summary["join_rule"], summary["num_joined_members"]) == ("restricted", 1)
    answer = await bot.ok("POST", f"{V3}/rooms/{rooms[0]}/upgrade", {"new_version": "12"})
    new = answer["replacement_room"]
    assert hs.room("#b").room_id == new
    assert hs.room(rooms[0]).content("m.room.tombstone")["replacement_room"] == new
    assert hs.room(new).content("m.room.create")["predecessor"]["room_id"] == rooms[0]


async def test_cross_signing_keys_are_kept_with_their_signatures(hs: FakeHomeserver, bot: Client) -> None:
    device = {
        "user_id": "@bot:a.test",
        "device_id": "BOT",
        "algorithms": [],
        "keys": {"ed25519:BOT": "k"},
        "signatures": {},
    }
    await bot.ok("POST", f"{V3}/keys/upload", {"device_keys": device})
    master = {"user_id": "@bot:a.test", "usage": ["master"], "keys": {"ed25519:M": "M"}}
    await bot.ok("POST", f"{V3}/keys/device_signing/upload", {"master_key": master})
    other = {"master_key": master | {"keys": {"ed25519:N": "N"}}}
    assert (await bot.refused("POST", f"{V3}/keys/device_signing/upload", other))[0] == 401
    signed = device | {"signatures": {"@bot:a.test": {"ed25519:S": "sig"}}}
    await bot.ok("POST", f"{V3}/keys/signatures/upload", {"@bot:a.test": {"BOT": signed}})
    found = await bot.ok("POST", f"{V3}/keys/query", {"device_keys": {"@bot:a.test": []}})
    assert found["master_keys"]["@bot:a.test"]["keys"] == {"ed25519:M": "M"}
    assert found["device_keys"]["@bot:a.test"]["BOT"]["signatures"]["@bot:a.test"] == {"ed25519:S": "sig"}


async def test_one_time_keys_and_device_messages_are_given_once(hs: FakeHomeserver, bot: Client) -> None:
    ann = Client(bot.http, bot.url, (await hs.user("ann")).token("ANN"))
    keys = {f"signed_curve25519:{name}": {"key": name} for name in "AB"}
    await ann.ok("POST", f"{V3}/keys/upload", {"one_time_keys": keys})
    assert (await ann.ok("GET", f"{V3}/sync"))["device_one_time_keys_count"] == {"signed_curve25519": 2}
    wanted = {"one_time_keys": {"@ann:a.test": {"ANN": "signed_curve25519"}}}
    claimed = [(await bot.ok("POST", f"{V3}/keys/claim", wanted))["one_time_keys"] for _ in range(3)]
    assert [list(answer["@ann:a.test"]["ANN"]) for answer in claimed[:2]] == [[key] for key in keys]
    assert claimed[2] == {}
    for _ in range(2):
        await bot.ok("PUT", f"{V3}/sendToDevice/m.x/t", {"messages": {"@ann:a.test": {"*": {"n": 1}}}})
    answer = await ann.ok("GET", f"{V3}/sync")
    assert answer["to_device"]["events"] == [{"type": "m.x", "sender": "@bot:a.test", "content": {"n": 1}}]
    assert (await ann.ok("GET", f"{V3}/sync"))["to_device"] == answer["to_device"]
    assert "to_device" not in await ann.ok("GET", f"{V3}/sync", since=answer["next_batch"])
    assert "to_device" not in await ann.ok("GET", f"{V3}/sync")


async def test_thousands_of_events_go_through_quickly(hs: FakeHomeserver, bot: Client) -> None:
    ann = await hs.user("ann")
    room = await bot.create(preset="public_chat")
    await ann.join(room)
    since = (await bot.ok("GET", f"{V3}/sync"))["next_batch"]
    started = time.monotonic()
    seen = 0
    for _ in range(100):
        for number in range(50):
            await ann.say(room, f"m{number}")
        answer = await bot.ok("GET", f"{V3}/sync", since=since, filter='{"room":{"timeline":{"limit":100}}}')
        since = answer["next_batch"]
        seen += len(answer["rooms"]["join"][room]["timeline"]["events"])
    assert seen == 5_000
    assert time.monotonic() - started < 10


async def test_two_nio_clients_talk_encrypted(hs: FakeHomeserver, tmp_path: Any) -> None:
    clients = []
    for name, device in (("ann", "ANN"), ("@ben:b.test", "BEN")):  # nio takes an equal device id for its own
        member = await hs.user(name)
        store = tmp_path / member.user.displayname
        store.mkdir()
        config = nio.AsyncClientConfig(store_sync_tokens=False, encryption_enabled=True, pickle_key="k")
        client = nio.AsyncClient(hs.url, member.user_id, device, str(store), config)
        client.restore_login(member.user_id, device, member.token(device))
        clients.append(client)
    ann, ben = clients
    try:
        encryption = {"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
        room = (await ann.room_create(initial_state=[encryption], invite=[ben.user_id])).room_id
        await (await hs.user(ben.user_id)).join(room)
        for client in (ann, ben, ann, ben):
            assert isinstance(await client.sync(timeout=0, full_state=True), nio.SyncResponse)
            if client.should_upload_keys:
                await client.keys_upload()
            if client.should_query_keys:
                await client.keys_query()
        content = {"msgtype": "m.text", "body": "only for you"}
        sent = await ann.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
        assert isinstance(sent, nio.RoomSendResponse), sent
        answer = await ben.sync(timeout=0)
        events = answer.rooms.join[room].timeline.events
        assert [event.body for event in events if isinstance(event, nio.RoomMessageText)] == ["only for you"]
        raw = hs.timeline(room, "m.room.encrypted")
        assert len(raw) == 1
        assert "only for you" not in str(raw[0].content)
    finally:
        for client in clients:
            await client.close()
