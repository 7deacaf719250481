"""A community is built on real homeservers, and its members see it through the client API, also from another server."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bridge.clock import now_ms
from bridge.config import Config
from bridge.demo.homeservers import Homeserver, Lab
from bridge.errors import Refused
from bridge.matrix.client import Client
from bridge.matrix.gateway import Gateway
from bridge.matrix.rooms import Rooms
from bridge.rooms.build import Outcome, Site, build, look
from bridge.rooms.forecast import forecast
from bridge.rooms.plan import desired
from bridge.rooms.tell import line
from bridge.store import rooms
from bridge.store.db import Database
from tests.builder import Worker

DEADLINE_SECONDS = 60


class Person:
    """Somebody with a client of their own."""

    def __init__(self, client: Client, user: str) -> None:
        self.client, self.user = client, user

    async def join(self, room: str) -> str:
        return str((await self.client.request("POST", "/join/{room}", parts={"room": room}))["room_id"])

    async def state(self, room: str, kind: str, key: str = "") -> dict[str, Any]:
        parts = {"room": room, "kind": kind, "key": key}
        return await self.client.request("GET", "/rooms/{room}/state/{kind}/{key}", parts=parts)

    async def put(self, room: str, kind: str, content: dict[str, Any]) -> None:
        parts = {"room": room, "kind": kind}
        await self.client.request("PUT", "/rooms/{room}/state/{kind}", parts=parts, body=content)

    async def invited_to(self) -> set[str]:
        return set((await self.client.request("GET", "/sync")).get("rooms", {}).get("invite", {}))

    async def room(self, alias: str) -> str:
        return str((await self.client.request("GET", "/directory/room/{alias}", parts={"alias": alias}))["room_id"])

    async def sees_in(self, space: str) -> set[str]:
        path = "/_matrix/client/v1/rooms/{room}/hierarchy"
        return {room["name"] for room in (await self.client.request("GET", path, parts={"room": space}))["rooms"]}


class Town:
    """Two homeservers, five people, and the file."""

    def __init__(self, lab: Lab, prefix: str, people: dict[str, Person], version: str, where: Path) -> None:
        self.lab, self.prefix, self.people, self.version = lab, prefix, people, version
        self.database = Database(where)
        names = {name: person.user for name, person in people.items()}
        self.community: dict[str, Any] = {
            "space": {"name": "Home", "topic": "Come in", "alias": f"{prefix}home"},
            "common": {"name": "Common room", "alias": f"{prefix}common", "history": "invited"},
            "staff": {"name": "Staff", "alias": f"{prefix}staff"},
            "circles": [
                {
                    "name": "Sleep",
                    "tag": "sleep",
                    "alias": f"{prefix}sleep",
                    "topic": "Bad nights",
                    "curators": [names["ben"]],
                    "members": [names["cleo"]],
                },
                {"name": "Тревога", "tag": "тревога", "alias": f"{prefix}тревога", "encrypted": False},
                {"name": "Food", "tag": "food", "alias": f"{prefix}food", "history": "joined"},
            ],
            "owners": [names["ann"]],
            "moderators": [names["mod"]],
            "room_version": version,
        }

    @property
    def config(self) -> Config:
        bot = self.people["bot"]
        return Config.model_validate(
            {"matrix": {"homeserver": self.lab.a.url, "user_id": bot.user}, "community": self.community}
        )

    def alias(self, local: str) -> str:
        return f"#{self.prefix}{local}:{self.lab.a.server_name}"

    def site(self) -> tuple[Site, Gateway]:
        bot = self.people["bot"]
        gateway = Gateway(bot.client, bot.user, Rooms(bot.client, None), None)
        return Site(self.database, gateway, now_ms, lambda: None, self.version), gateway

    async def build(self) -> Outcome:
        site, gateway = self.site()
        worker = asyncio.create_task(Worker(self.database, gateway, self.config, -1, after=False).run())
        building = asyncio.create_task(build(site, desired(self.config, self.people["bot"].user)))
        try:
            await asyncio.wait({worker, building}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
            return building.result() if building.done() else worker.result()  # type: ignore[func-returns-value]
        finally:
            worker.cancel()
            building.cancel()
            await asyncio.gather(worker, building, return_exceptions=True)

    async def plan(self) -> list[str]:
        wanted = desired(self.config, self.people["bot"].user)
        found = await look(self.site()[0], wanted)
        return [line(change) for change in forecast(wanted, found.actual)]


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        await asyncio.sleep(0.05)


async def can_join(person: Person, room: str) -> bool:
    try:
        await person.join(room)
    except Refused:
        return False
    return True


@pytest_asyncio.fixture(loop_scope="session", params=["10", "12"])
async def town(lab: Lab, prefix: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    async with AsyncExitStack() as stack:
        people = {}
        homes: dict[str, Homeserver] = {"bot": lab.a, "ann": lab.a, "ben": lab.a, "cleo": lab.b, "mod": lab.b}
        for name, server in homes.items():
            account = await server.register(f"{prefix}{name}", "pw")
            people[name] = Person(await stack.enter_async_context(Client(server.url, account.token)), account.user_id)
        where = tmp_path / "hearth.db"
        where.touch()
        town = Town(lab, prefix, people, request.param, where)
        stack.push_async_callback(town.database.close)
        await town.database.migrate()
        yield town


async def test_a_community_on_real_homeservers(town: Town) -> None:
    ann, ben, cleo, mod = (town.people[name] for name in ("ann", "ben", "cleo", "mod"))
    outcome = await town.build()
    assert outcome.failures == outcome.left == outcome.notes == ()
    async with town.database.reading() as db:
        made = {row.key: row.room for row in await rooms.all_rooms(db)}
    assert len(made) == 6
    assert await town.plan() == []
    assert (await town.build()).done == 0

    # The way in: one invite to the space, and from there everywhere but into the staff room; from the other server too.
    await until(lambda: _equal(cleo.invited_to, {made["space"]}), "cleo has exactly one invite, to the space")
    assert not await can_join(cleo, town.alias("sleep"))
    assert await cleo.join(town.alias("home")) == made["space"]
    await until(lambda: can_join(cleo, town.alias("sleep")), "cleo may enter a circle")
    await until(lambda: can_join(cleo, town.alias("common")), "cleo may enter the common room")
    assert not await can_join(cleo, town.alias("staff"))
    expected = {"Home", "Common room", "Sleep", "Тревога", "Food"}
    await until(lambda: _equal(lambda: cleo.sees_in(made["space"]), expected), "cleo sees the rooms of the space")

    # What a room is like, as a member of the other server sees it.
    sleep = made["circle/sleep"]
    assert (await cleo.state(sleep, "m.room.topic"))["topic"] == "Bad nights"
    assert (await cleo.state(sleep, "m.room.encryption"))["algorithm"] == "m.megolm.v1.aes-sha2"
    assert (await cleo.state(made["common"], "m.room.history_visibility"))["history_visibility"] == "invited"
    assert (await cleo.state(sleep, "m.room.guest_access"))["guest_access"] == "forbidden"
    assert (await cleo.state(sleep, "m.room.canonical_alias"))["alias"] == town.alias("sleep")
    assert (await cleo.state(sleep, "m.space.parent", made["space"]))["via"] == [town.lab.a.server_name]
    create = await cleo.state(sleep, "m.room.create")
    levels = await cleo.state(sleep, "m.room.power_levels")
    assert create["room_version"] == town.version
    assert create.get("additional_creators") == ([ann.user] if town.version == "12" else None)
    owners = {} if town.version == "12" else {ann.user: 100, town.people["bot"].user: 100}
    assert levels["users"] == {**owners, ben.user: 50, mod.user: 60}
    with pytest.raises(Refused):
        await cleo.client.request("POST", "/rooms/{room}/invite", parts={"room": sleep}, body={"user_id": ben.user})
    parts, message = {"room": made["space"], "txn": "1"}, {"body": "x", "msgtype": "m.text"}
    with pytest.raises(Refused):
        await cleo.client.request("PUT", "/rooms/{room}/send/m.room.message/{txn}", parts=parts, body=message)

    # The staff room calls its people once they are in the space.
    await until(lambda: can_join(mod, town.alias("home")), "mod is in the space")
    await until(lambda: _equal(town.plan, [f"+ staff: invite {mod.user}"]), "the plan invites mod")
    await town.build()
    await until(lambda: _equal(mod.invited_to, {made["staff"]}), "mod is invited to the staff room")
    assert await mod.join(made["staff"]) == made["staff"]


async def test_what_was_changed_by_hand_is_shown_and_put_right(town: Town) -> None:
    ann, ben = town.people["ann"], town.people["ben"]
    await town.build()
    await ann.join(town.alias("home"))
    sleep = await ann.join(town.alias("sleep"))
    await town.build()
    levels = await ann.state(sleep, "m.room.power_levels")
    await ann.put(sleep, "m.room.topic", {"topic": "Taken over"})
    await ann.put(sleep, "m.room.power_levels", {**levels, "invite": 0, "users": {**levels["users"], ben.user: 0}})
    told = await town.plan()
    assert told[0] == "~ circle/sleep: m.room.topic topic: 'Taken over' -> 'Bad nights'"
    assert sorted(told[1].split("\n")) == [
        "~ circle/sleep: m.room.power_levels invite: 0 -> 50",
        f"~ circle/sleep: m.room.power_levels users {ben.user}: 0 -> 50",
    ]
    assert len(told) == 2
    outcome = await town.build()
    assert (outcome.done, outcome.failures, outcome.left) == (2, (), ())
    assert (await ann.state(sleep, "m.room.topic"))["topic"] == "Bad nights"
    assert await ann.state(sleep, "m.room.power_levels") == levels
    assert await town.plan() == []


async def _equal(ask: Callable[[], Awaitable[Any]], expected: Any) -> bool:
    return bool(await ask() == expected)
