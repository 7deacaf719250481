"""Rooms are built from the file, on a homeserver that fails and under kills: never one twice, never anything left undone."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from databases import Templates
from sqlalchemy import event as listening
from sqlalchemy import select

from bridge.clock import now_ms
from bridge.config import Config
from bridge.errors import Unavailable
from bridge.events import MemberChanged
from bridge.matrix.client import Client
from bridge.matrix.gateway import Gateway
from bridge.matrix.rooms import Rooms
from bridge.rooms.apply import record, seed
from bridge.rooms.build import Outcome, Progress, Site, build, look
from bridge.rooms.forecast import forecast
from bridge.rooms.model import Desired, Remember
from bridge.rooms.plan import desired, plan
from bridge.rooms.tell import line
from bridge.store import people, rooms
from bridge.store.db import Database
from bridge.store.tables import memberships
from tests.builder import Killed, Worker
from tests.fake import FakeHomeserver
from tests.fake.faults import Kind

ME = "@hearth:a.test"
COMMUNITY: dict[str, Any] = {
    "space": {"name": "Home", "topic": "Come in"},
    "common": {"name": "Common room"},
    "staff": {"name": "Staff"},
    "circles": [
        {"name": "Sleep", "tag": "sleep", "topic": "Bad nights", "curators": ["@ben:a.test"], "members": ["@cleo:b.test"]},
        {"name": "Тревога", "tag": "тревога", "encrypted": False, "history": "joined"},
    ],
    "owners": ["@ann:a.test"],
    "moderators": ["@mod:b.test"],
}  # fmt: skip
KEYS = ["space", "common", "staff", "circle/sleep", "circle/тревога"]


class House:
    """A homeserver, a database and a file; each `life` is one process."""

    def __init__(self, hs: FakeHomeserver, token: str, where: Path | str) -> None:
        self.hs, self.token, self.where = hs, token, where
        self.version = "12"
        self.community = COMMUNITY

    @property
    def config(self) -> Config:
        matrix = {"homeserver": self.hs.url, "user_id": ME}
        return Config.model_validate({"matrix": matrix, "community": self.community})

    @property
    def wanted(self) -> Desired:
        return desired(self.config, ME)

    @asynccontextmanager
    async def life(self, lives: int = -1, *, after: bool = False) -> AsyncIterator[tuple[Site, Worker]]:
        database = await Database.open(self.where)
        async with Client(self.hs.url, self.token) as client:
            gateway = Gateway(client, ME, Rooms(client, None), None)
            worker = Worker(database, gateway, self.config, lives, after=after)
            try:
                yield Site(database, gateway, now_ms, lambda: None, self.version), worker
            finally:
                await database.close()

    async def build(
        self,
        tell: Callable[[Progress], None] = lambda _: None,
        lives: int = -1,
        *,
        after: bool = False,
        force: bool = False,
    ) -> Outcome | None:
        """Build until done; None when killed on the way."""
        async with self.life(lives, after=after) as (site, worker):
            building = asyncio.create_task(
                build(site, self.wanted, tell, force=force, pause=lambda: asyncio.sleep(0.001))
            )
            working = asyncio.create_task(worker.run())
            try:
                await asyncio.wait({building, working}, return_when=asyncio.FIRST_COMPLETED)
                if building.done():
                    return building.result()
                with suppress(Killed):
                    working.result()
                return None
            finally:
                for task in (building, working):
                    task.cancel()
                await asyncio.gather(building, working, return_exceptions=True)

    async def plan(self) -> list[str]:
        async with self.life() as (site, _):
            found = await look(site, self.wanted)
            return [line(change) for change in forecast(self.wanted, found.actual)]

    async def rows(self) -> dict[str, rooms.Room]:
        async with self.life() as (site, _), site.database.reading() as db:
            return {row.key: row for row in await rooms.all_rooms(db)}

    def room(self, local: str) -> Any:
        return self.hs.room(f"#{local}")

    def all_is_built_once(self) -> None:
        assert len(self.hs.model.rooms) == len(KEYS)
        space = self.room("home")
        assert {key for kind, key in space.state if kind == "m.space.child"} == {
            self.room(local).room_id for local in ("common-room", "sleep", "тревога")
        }
        assert space.membership("@cleo:b.test") == "invite"
        invites = [e for e in space.timeline if e.type == "m.room.member" and e.content["membership"] == "invite"]
        assert sorted(event.state_key for event in invites) == [
            "@ann:a.test",
            "@ben:a.test",
            "@cleo:b.test",
            "@mod:b.test",
        ]


@pytest.fixture
async def where(templates: Templates, tmp_path: Path) -> Path:
    """On a file only: every world on PostgreSQL is built by the same means."""
    shutil.copy(await templates.on_file(), tmp_path)
    return tmp_path / "hearth.db"


@pytest.fixture
async def house(where: Path | str) -> AsyncIterator[House]:
    async with FakeHomeserver() as hs:
        bot = await hs.user("hearth")
        yield House(hs, bot.token(), where)


async def built(house: House, **more: Any) -> Outcome:
    outcome = await house.build(**more)
    assert outcome is not None
    assert outcome.failures == ()
    assert outcome.left == ()
    return outcome


async def test_a_community_is_built_and_a_second_run_changes_nothing(house: House) -> None:
    told: list[Progress] = []
    outcome = await built(house, tell=told.append)
    house.all_is_built_once()
    assert outcome.done == len(KEYS) + 3 + 4
    assert told[-1] == Progress(outcome.done, outcome.done, len(KEYS), len(KEYS), 0)
    assert {progress.total for progress in told} == {outcome.done}
    rows = await house.rows()
    assert sorted(rows) == sorted(KEYS)
    assert (rows["circle/тревога"].encrypted, rows["circle/тревога"].history) == (False, "joined")
    assert rows["circle/sleep"].encrypted
    house.hs.mark()
    assert (await built(house)).done == 0
    assert house.hs.requests_since_mark() == []
    assert await house.plan() == []


async def test_a_member_finds_the_way_in(house: House) -> None:
    await built(house)
    cleo = await house.hs.user("@cleo:b.test")
    with pytest.raises(Exception, match=r"M_FORBIDDEN|required rooms"):
        await cleo.join("#sleep:a.test")
    await cleo.join("#home:a.test")
    await cleo.join("#sleep:a.test")
    await cleo.join("#common-room:a.test")
    with pytest.raises(Exception, match=r"M_FORBIDDEN|not invited"):
        await cleo.join("#staff:a.test")


async def test_the_staff_room_calls_who_has_come_into_the_space(house: House) -> None:
    await built(house)
    mod = await house.hs.user("@mod:b.test")
    assert len(mod.invites()) == 1
    await mod.join("#home:a.test")
    assert await house.plan() == ["+ staff: invite @mod:b.test"]
    await built(house)
    assert mod.invites() == [house.room("staff").room_id]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("lives", range(12))
async def test_a_kill_at_any_step_makes_nothing_twice(house: House, lives: int, after: bool) -> None:
    assert await house.build(lives=lives, after=after) is None
    await built(house)
    house.all_is_built_once()
    assert sorted(await house.rows()) == sorted(KEYS)


async def test_kills_one_after_the_other(house: House) -> None:
    while await house.build(lives=1, after=True) is None:
        pass
    house.all_is_built_once()


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "garbage_after", "status"])
async def test_a_homeserver_that_fails_makes_nothing_twice(house: House, fault: Any) -> None:
    for path in ("createRoom", "/state/", "/invite", "/joined_rooms", "/directory/room"):
        house.hs.faults.add(fault, method=None, path=path, times=2, skip=1, status=502)
    outcome = None
    while outcome is None:
        with suppress(Unavailable):
            outcome = await house.build()
    assert outcome.left == ()
    house.all_is_built_once()


async def test_a_database_that_was_lost_takes_up_its_rooms_again(house: House, tmp_path: Path) -> None:
    await built(house)
    house.hs.mark()
    house.where = tmp_path / "fresh" / "hearth.db"
    async with house.life() as (site, _):
        found = await look(site, house.wanted)
        changes = plan(house.wanted, found.actual)
        assert {type(change) for change in changes} == {Remember}
        async with site.database.writing() as db:
            await record(db, found, changes, now_ms())
    assert sorted(await house.rows()) == sorted(KEYS)
    await built(house)
    assert house.hs.requests_since_mark() == []
    house.all_is_built_once()


async def test_an_address_of_somebody_else_is_left_to_them_and_told(house: House) -> None:
    eve = await house.hs.user("eve")
    theirs = await eve.create(room_alias_name="sleep", preset="public_chat")
    outcome = await house.build()
    assert outcome is not None
    assert [(note.key, note.about) for note in outcome.notes] == [("circle/sleep", "alias")]
    assert outcome.failures == outcome.left == ()
    assert house.room("sleep").room_id == theirs
    assert len(house.room("sleep").timeline) == len(
        [e for e in house.room("sleep").timeline if e.sender == eve.user_id]
    )
    assert "circle/sleep" not in await house.rows()
    house.community = {
        **COMMUNITY,
        "circles": [{**COMMUNITY["circles"][0], "alias": "nights"}, COMMUNITY["circles"][1]],
    }
    await built(house)
    assert sorted(await house.rows()) == sorted(KEYS)


async def test_drift_is_shown_and_put_right_each_time(house: House) -> None:
    await built(house)
    ann = await house.hs.user("@ann:a.test")
    await ann.join("#home:a.test")
    await ann.join("#sleep:a.test")
    await built(house)
    for _ in range(2):
        await ann.state("#sleep:a.test", "m.room.topic", {"topic": "Taken over"})
        assert await house.plan() == ["~ circle/sleep: m.room.topic topic: 'Taken over' -> 'Bad nights'"]
        await built(house)
        assert house.room("sleep").content("m.room.topic")["topic"] == "Bad nights"


@pytest.mark.parametrize("version", ["10", "12"])
async def test_powers_changed_by_hand_are_put_right_in_every_version(house: House, version: str) -> None:
    house.version = version
    await built(house)
    room = house.room("sleep")
    assert room.version == version
    owner = await house.hs.user("@ann:a.test")
    await owner.join("#home:a.test")
    await owner.join("#sleep:a.test")
    levels = dict(room.content("m.room.power_levels"))
    await owner.state(
        "#sleep:a.test",
        "m.room.power_levels",
        {**levels, "users": {**levels["users"], "@ben:a.test": 0}, "ban": 60, "x": 1},
    )
    assert (await house.plan())[0] == (
        "~ circle/sleep: m.room.power_levels users @ben:a.test: 0 -> 50\n~ circle/sleep: m.room.power_levels ban: 60 -> 50"
    )
    await built(house)
    assert room.content("m.room.power_levels") == {**levels, "x": 1}


async def test_a_refused_step_is_told_and_tried_again_by_the_next_run(house: House) -> None:
    house.hs.faults.add("status", path="/invite", times=1, status=403, errcode="M_FORBIDDEN")
    outcome = await house.build()
    assert outcome is not None
    assert [failure.error for failure in outcome.failures] == ["M_FORBIDDEN"]
    assert len(outcome.left) == 1
    await built(house)
    house.all_is_built_once()


async def test_rate_limits_are_waited_for(house: House) -> None:
    house.hs.limit("create", 20.0, 1)
    house.hs.limit("send", 50.0, 3)
    await built(house)
    house.all_is_built_once()
    assert any(request.status == 429 for request in house.hs.requests)


async def test_memberships_are_known_from_the_room_itself(house: House) -> None:
    await built(house)
    cleo = await house.hs.user("@cleo:b.test")
    await cleo.join("#home:a.test")
    await built(house)
    space = house.room("home").room_id
    async with house.life() as (site, _):
        async with site.database.reading() as db:
            assert ME in await people.members(db, space)
            # Her joining will be heard as an event, among what was said before and after it.
            assert await people.membership(db, space, "@cleo:b.test") is None
        found = await look(site, house.wanted)
        async with site.database.writing() as db:
            await seed(db, found.members, 1, everywhere=True)
            assert await people.membership(db, space, "@cleo:b.test") == "join"


async def test_who_is_in_a_large_room_is_written_down_in_a_few_statements(house: House) -> None:
    """The same as one by one, in whatever state the people were known."""
    await built(house)
    space = house.room("home").room_id

    def now(user: int, membership: str, at_ms: int) -> MemberChanged:
        return MemberChanged(id=f"${user}{membership}", room=space, sender=ME, at_ms=at_ms, user=f"@p{user}:b.test", membership=membership)  # fmt: skip

    async with house.life() as (site, _):
        async with site.database.writing() as db:
            assert await seed(db, [now(user, "invite", 5) for user in range(2)], 10, everywhere=True) == 2
            everybody = [now(user, "join", 20 - user % 2) for user in range(3000)]
            statements: list[str] = []
            connection = db.sync_connection
            assert connection is not None
            listening.listen(connection, "before_cursor_execute", lambda *given: statements.append(given[2]))
            assert await seed(db, everybody, 10, everywhere=True) == 3000
            assert len(statements) <= 10
            assert await seed(db, everybody, 10, everywhere=True) == 0
        async with site.database.reading() as db:
            there = await people.members(db, space)
            assert len([user for user in there if user.startswith("@p")]) == 3000
            rows = (await db.execute(select(memberships).where(memberships.c.user == "@p1:b.test"))).all()
            told = [(row.membership, row.since_ms, row.until_ms) for row in rows]
            assert told == [("invite", 5, 10), ("join", 10, None)]


async def test_a_room_that_we_were_put_out_of_is_told_and_left(house: House) -> None:
    await built(house)
    room = house.room("common-room")
    bot = await house.hs.user("hearth")
    await bot.leave(room.room_id)
    outcome = await house.build()
    assert outcome is not None
    assert [(note.key, note.about) for note in outcome.notes] == [("common", "away")]
    assert outcome.left == outcome.failures == ()


async def test_the_command_is_killed_in_the_middle_and_goes_on(tmp_path: Path) -> None:
    async with FakeHomeserver() as hs:
        bot = await hs.user("hearth")
        house = House(hs, bot.token(), tmp_path / "hearth-data" / "hearth.db")
        matrix = {"homeserver": hs.url, "user_id": ME, "access_token": bot.token("DEVICE")}
        (tmp_path / "config.yaml").write_text(json.dumps({"matrix": matrix, "community": COMMUNITY}), encoding="utf-8")

        async def apply() -> asyncio.subprocess.Process:
            arguments = (sys.executable, "-m", "bridge", "apply", "--config", str(tmp_path / "config.yaml"))
            return await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)

        points: tuple[tuple[Kind, str], ...] = (
            ("hang", "createRoom"),
            ("hang_after", "createRoom"),
            ("hang_after", "m.space.child"),
            ("hang", "m.space.child"),
        )
        for kind, path in points:
            fault = hs.faults.add(kind, path=path, method="POST" if path == "createRoom" else "PUT")
            process = await apply()
            await hs.until(lambda fault=fault: fault.hits, 30, path)  # type: ignore[misc]
            process.kill()
            await process.communicate()
            fault.release()
        process = await apply()
        assert process.stdout is not None
        assert b"done" in await process.stdout.read()
        assert await process.wait() == 0
        house.all_is_built_once()
        assert sorted(await house.rows()) == sorted(KEYS)
