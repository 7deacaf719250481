"""Decisions, memberships and watched rules against random lives: once all is settled every room is as it was decided, and asking again asks for nothing.

The shells, the store and the outbox are the real ones; the rooms are a few dictionaries that refuse now and then.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge import handle
from bridge.config import Config
from bridge.effects import Ban, Effect, SetServerAcl, Unban
from bridge.errors import Unavailable
from bridge.events import Batch, MemberChanged, StateChanged
from bridge.globs import server_matches, server_of
from bridge.moderation import dispatch, lists, measures, publishing, react, store
from bridge.moderation.book import means
from bridge.moderation.enforce import HERE, hits
from bridge.moderation.model import BAN
from bridge.moderation.policies import Rule
from bridge.outbox import Outbox, Performed
from bridge.scene import Scene
from bridge.store import ledger, policies, queue, rooms
from bridge.store.db import Database
from bridge.store.settings import Overlay
from bridge.store.watched import Watched

ME, MOD = "@hearth:a.test", "@mod:a.test"
USERS = ("@ann:a.test", "@eve:b.test", "@spam1:b.test", "@spam2:c.test", MOD, *(f"@p{number}:d.test" for number in range(25)))  # fmt: skip
MOVING = USERS[:5]
LIST = "!list:e.test"
CONFIG = Config.model_validate(
    {
        "matrix": {"homeserver": "https://a.test", "user_id": ME, "access_token": "t"},
        "data_dir": tempfile.gettempdir(),
        "community": {"space": {"name": "S"}, "common": {"name": "C"}, "staff": {"name": "T"}, "moderators": [MOD]},
    }
)

targets = st.sampled_from(
    [("user", user) for user in (*MOVING, "@spam*", "@*:b.test", "@spam?:*")] + [("server", name) for name in ("b.test", "?.test", "c.*")]
)  # fmt: skip
steps = st.lists(
    st.one_of(
        st.tuples(st.just("rule"), st.integers(0, 3), targets),
        st.tuples(st.just("rule"), st.integers(0, 3), st.none()),
        st.tuples(st.just("decide"), st.none(), targets),
        st.tuples(st.just("lift"), st.integers(0, 3), st.none()),
        st.tuples(st.just("move"), st.sampled_from(MOVING), st.sampled_from(["join", "leave", "invite"])),
        st.tuples(st.just("room"), st.none(), st.none()),
        st.tuples(st.just("absorb"), st.none(), st.none()),
    ),
    min_size=3,
    max_size=14,
)


@dataclass
class Place:
    """A few rooms, and Hearth's side of them."""

    database: Database
    fails: list[bool]
    members: dict[tuple[str, str], str] = field(default_factory=dict)
    acls: dict[str, list[str]] = field(default_factory=dict)
    rules: dict[int, Rule] = field(default_factory=dict)
    watched: Watched = field(default_factory=Watched)
    heard: list[Any] = field(default_factory=list)
    done: int = 0
    now_ms: int = 1_800_000_000_000
    number: int = 0

    def __post_init__(self) -> None:
        self.outbox = Outbox(
            self.database, lambda: self.now_ms, self.perform, scene=self.scene,
            settlers=dispatch.SETTLERS, intent_done={**dispatch.INTENT_DONE, **publishing.INTENT_DONE}, chance=lambda: 0.0,
        )  # fmt: skip

    def scene(self, db: Any) -> Scene:
        return Scene(db, CONFIG, ME, self.now_ms, Mock(**{"of.return_value": "x"}), watched=self.watched)

    async def perform(self, effect: Effect, _first: int | None) -> Performed:
        if self.fails and self.fails.pop():
            raise Unavailable("not now")
        if isinstance(effect, Ban | Unban):
            before = self.members.get((effect.room, effect.user))
            after = "ban" if isinstance(effect, Ban) else "leave" if before == "ban" else before
            if after != before:
                self.done += 1
                self.moved(effect.room, effect.user, str(after))
        elif isinstance(effect, SetServerAcl) and self.acls.get(effect.room) != effect.content["deny"]:
            self.done += 1
            self.acls[effect.room] = list(effect.content["deny"])
        return Performed("$x")

    def moved(self, room: str, user: str, membership: str) -> None:
        self.members[room, user] = membership
        self.heard.append(MemberChanged(self.id(), room, ME, self.now_ms, user=user, membership=membership))

    def id(self) -> str:
        self.number += 1
        return f"${self.number}"

    async def listen(self) -> None:
        heard, self.heard = self.heard, []
        batch = Batch(str(self.number), tuple(heard))
        await handle.handle(self.database, batch, overlay=Overlay(CONFIG), me=ME, names=Mock(), now_ms=self.now_ms, watched=self.watched)  # fmt: skip

    async def settle(self) -> None:
        """Until there is nothing to hear and nothing to do; an hour passes, so that nobody is too many within it."""
        for _ in range(40):
            self.now_ms += 60_000
            await self.listen()
            async with self.database.writing() as db:
                scene = self.scene(db)
                await publishing.servers(scene)
                await queue.put(db, scene.puts, self.now_ms)
            await self.outbox.drain()
            async with self.database.reading() as db:
                left = await queue.counts(db)
            if not self.heard and not left.due:
                return
        raise AssertionError("it never comes to rest")

    def tells(self, which: int, value: tuple[Any, str] | None) -> None:
        """The list says this under that key from now on, or nothing. One key is one rule."""
        old = self.rules.pop(which, None)
        if old:
            self.heard.append(StateChanged(self.id(), LIST, "@w:e.test", 1, f"m.policy.rule.{old.entity}", str(which), {}))  # fmt: skip
        if value:
            self.rules[which] = Rule(*value)
            content = {"entity": value[1], "recommendation": "m.ban"}
            self.heard.append(StateChanged(self.id(), LIST, "@w:e.test", 1, f"m.policy.rule.{value[0]}", str(which), content))  # fmt: skip

    async def live(self, what: str, which: Any, value: Any) -> None:
        match what:
            case "rule":
                self.tells(which, value)
            case "decide" if value[1] not in (MOD, "?.test"):
                await self.decide(*value)
            case "lift":
                await self.lift(which)
            case "move" if self.members.get(("!common", which)) != "ban":
                self.moved("!common", which, value)
            case "room":
                await self.room("!new", "circle/new")
            case "absorb":
                async with self.database.reading() as db:
                    await self.watched.absorb(db)

    async def decide(self, entity: str, target: str) -> None:
        async with self.database.writing() as db:
            scene = self.scene(db)
            entry = await ledger.write(db, MOD, "ban", target, None, None, "!staff", self.id(), self.now_ms)
            await measures.take(scene, BAN, entity, target, None, entry)
            await queue.put(db, scene.puts, self.now_ms)

    async def lift(self, which: int) -> None:
        async with self.database.writing() as db:
            scene = self.scene(db)
            mine = [each for each in await store.standing(db, BAN) if each.rule == 0]
            if mine:
                entry = await ledger.write(db, MOD, "unban", "x", None, None, "!staff", self.id(), self.now_ms)
                await measures.lift(scene, [mine[which % len(mine)]], entry)
                await queue.put(db, scene.puts, self.now_ms)

    async def room(self, room: str, key: str) -> None:
        async with self.database.writing() as db:
            if await rooms.by_id(db, room) is None:
                kind = key.partition("/")[0]
                await rooms.add(db, rooms.Room(room=room, key=key, kind=kind, encrypted=False, history="shared", made_ms=self.number))  # fmt: skip
                scene = self.scene(db)
                await react.room_made(scene, room)
                await queue.put(db, scene.puts, self.now_ms)


def places() -> Iterator[tuple[str, str]]:
    yield from (("!space", "space"), ("!common", "common"), ("!staff", "staff"), ("!garden", "circle/garden"))


async def check(place: Place) -> None:
    async with place.database.reading() as db:
        ours = [room.room for room in await rooms.all_rooms(db)]
        standing = await store.standing(db, BAN)
        states = {each.rule: each.state for each in await policies.of_list(db, 1, "on", "asked", "held", "shown", "refused", "new")}  # fmt: skip
        bans = {(each.room, each.user) for each in await store.our_bans(db, [each.id for each in standing])}
    followed = [rule for rule, state in states.items() if state == "on"]
    assert {Rule(each.entity, each.target) for each in place.rules.values()} == set(states)
    dangerous = [rule for rule in states if means(rule, ME) or means(rule, MOD)]
    assert all(states[rule] == "held" for rule in dangerous), states
    for (room, user), membership in place.members.items():
        asked = [each for each in standing if hits(each, user)] or [rule for rule in followed if means(rule, user)]
        if user in (MOD, ME):
            assert membership != "ban"
        elif membership in HERE:
            assert not asked, (room, user, asked)
        elif membership == "ban":
            assert [each for each in standing if hits(each, user)], (room, user)
            assert (room, user) in bans
    denied = [each.target for each in standing if each.entity == "server"]
    denied += [rule.target for rule in followed if rule.entity == "server"]
    for room in ours:
        assert set(place.acls.get(room, [])) == {each for each in denied if not server_matches(each, server_of(ME))}, room  # fmt: skip


async def began(folder: Path) -> Path:
    """A database in which everybody is here and a list is watched: what every life begins with."""
    file = folder / "began.db"
    if file.exists():
        return file
    database = await Database.open(folder / "hearth.db")
    await database.migrate()
    place = Place(database, [])
    for room, key in places():
        await place.room(room, key)
    for user in USERS:
        place.moved("!common", user, "join")
    place.moved("!staff", MOD, "join")
    async with database.writing() as db:
        cause = await ledger.write(db, MOD, "rules watch", "l", None, None, None, None, 1)
        await policies.add(db, "#l:e.test", (), cause, room=LIST, stance="act", read_ms=1)
    await place.settle()
    await database.tidy()
    await database.close()
    shutil.copy(folder / "hearth.db", file)
    return file


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.lists(st.booleans(), max_size=25))
async def test_after_settling_every_room_is_as_decisions_and_followed_rules_ask(
    tmp_path_factory: pytest.TempPathFactory, life: list[Any], fails: list[bool]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    file = folder / f"life-{uuid4().hex}.db"
    shutil.copy(await began(folder), file)
    database = await Database.open(file)
    try:
        place = Place(database, fails)
        place.number = 1000
        place.members = {("!common", user): "join" for user in USERS} | {("!staff", MOD): "join"}
        for step in life:
            await place.live(*step)
            place.now_ms += 3_600_000
            await place.listen()
            await place.outbox.drain()
        await place.settle()
        await check(place)
        done = place.done
        async with database.writing() as db:
            scene = place.scene(db)
            await react.sweep(scene)
            watched = await policies.get(db, 1)
            assert watched is not None
            await lists.judge_new(scene, watched)
            await queue.put(db, scene.puts, place.now_ms)
        await place.settle()
        assert place.done == done
    finally:
        await database.close()
