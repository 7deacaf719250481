"""Following, the tick, delivery, correction: digests on a real database, with a homeserver of a few lines."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from databases import on_a_file, on_both
from sqlalchemy import delete, func, insert, select, text, update

from bridge import handle, speak
from bridge.config import Choosing, Config
from bridge.digest import dispatch, store
from bridge.digest.board import board
from bridge.digest.compose import compose
from bridge.digest.model import Copied, Link, Member, Post, Reason
from bridge.digest.tick import tick
from bridge.effects import Correct, Deliver, Effect, React, Redact, Send, load
from bridge.errors import NotYet, Unavailable
from bridge.events import AnyEvent, Batch, Content, Edited, MemberChanged, Message, Reacted, Redacted, StateChanged
from bridge.rooms import dispatch as rooms_dispatch
from bridge.scene import Desk, Scene
from bridge.settling import registered
from bridge.store import happened, people, queue, rooms, tables
from bridge.store.db import Database
from bridge.store.rooms import Room
from bridge.store.settings import Overlay
from bridge.store.tables import digests, outbox
from bridge.store.window import window

pytestmark = on_a_file

ME, ANN, BEN, CLEO, EVE = "@hearth:one.test", "@ann:one.test", "@ben:two.test", "@cleo:two.test", "@eve:far.test"
SLEEP, WORK, COMMON, STAFF = "!sleep", "!work", "!common", "!staff"
HOUR_MS = 3600 * 1000
BERLIN = ZoneInfo("Europe/Berlin")


def at(wall: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(wall).replace(tzinfo=zone).timestamp()) * 1000


def config(**more: Any) -> Config:
    circles = [{"name": "Sleep", "tag": "sleep"}, {"name": "Work", "tag": "work"}]
    community = {"space": {"name": "S"}, "common": {"name": "C"}, "staff": {"name": "T"}, "circles": circles}
    matrix = {"homeserver": "https://one.test", "user_id": ME}
    return Config.model_validate({"matrix": matrix, "zone": "Europe/Berlin", "community": {**community, **more}})


class Names:
    def of(self, user: str) -> str:
        return user[1:].partition(":")[0].title()

    def find(self, name: str) -> Sequence[str]:
        return []

    def like(self, _name: str) -> frozenset[str]:
        return frozenset()

    def seal(self, name: str) -> str:
        return f"sealed {hash(name)}"

    def fingerprint(self, text: str) -> str:
        return text.casefold()


@dataclass
class World:
    """The whole bot but its sockets: events come in by hand, the outbox is worked off by hand, the clock stands until it is moved."""

    database: Database
    settings: Config = field(default_factory=config)
    now_ms: int = at("2026-01-12T06:00")
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    before_delivery: list[Any] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    inside: dict[str, list[str]] = field(default_factory=dict)

    async def direct_room(self, user: str, *, insist: bool = False) -> str:
        async with self.database.writing() as db:
            await people.change(db, user, direct_room=f"!direct-{user}", direct_encrypted=True)
        return f"!direct-{user}"

    # --- the homeserver ---------------------------------------------------------------------------------------------------------------

    async def event(self, room: str, event: str) -> Mapping[str, Any] | None:
        if event in self.unread:
            raise Unavailable("GET /event")
        raw = self.events.get(event)
        if raw is None or raw["room"] != room or raw["redacted"]:
            return None
        edits = [each for each in self.events.values() if each["edits"] == event and not each["redacted"]]
        content = edits[-1]["content"]["m.new_content"] if edits else raw["content"]
        return {"type": raw["type"], "sender": raw["sender"], "content": content}

    async def state(self, room: str) -> Sequence[Mapping[str, Any]]:
        there = self.inside.get(room, [ME, room.removeprefix("!direct-")])
        return [{"type": "m.room.member", "state_key": user, "content": {"membership": "join"}} for user in there]

    def add(self, room: str, sender: str, kind: str, content: Mapping[str, Any]) -> str:
        event = f"$event{len(self.events)}"
        relation = content.get("m.relates_to", {})
        edits = relation.get("event_id") if relation.get("rel_type") == "m.replace" else None
        self.events[event] = {
            "room": room, "sender": sender, "type": kind, "content": content, "edits": edits, "redacted": False,
        }  # fmt: skip
        return event

    async def perform(self, effect: Effect) -> str:
        if effect.key not in self.done:
            if isinstance(effect, Redact):
                self.events[effect.event]["redacted"] = True
                self.done[effect.key] = "$redaction"
                await self.hear(Redacted(f"$red-{effect.event}", effect.room, ME, self.now_ms, effect.event))
            elif isinstance(effect, React):
                relation = {"rel_type": "m.annotation", "event_id": effect.event, "key": effect.emoji}
                self.done[effect.key] = self.add(effect.room, ME, "m.reaction", {"m.relates_to": relation})
            else:
                assert isinstance(effect, Send)
                event = self.add(effect.room, ME, effect.type, effect.content)
                self.done[effect.key] = event
                await self.echo(event)
        return self.done[effect.key]

    async def echo(self, event: str) -> None:
        """What we sent comes back to us by sync."""
        raw = self.events[event]
        if raw["type"] == "m.room.message" and raw["room"] in (SLEEP, WORK, COMMON):
            relation = raw["content"].get("m.relates_to", {})
            thread = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
            said = Content("m.text", raw["content"]["body"], raw=raw["content"])
            if raw["edits"]:
                await self.hear(Edited(event, raw["room"], ME, self.now_ms, raw["edits"], said, marked=True))
            else:
                await self.hear(Message(event, raw["room"], ME, self.now_ms, said, thread, marked=True))

    # --- the bot ----------------------------------------------------------------------------------------------------------------------

    async def begin(self, history: str = "shared", *, encrypted: bool = False) -> "World":
        async with self.database.writing() as db:
            for room, key, kind, tag in [
                (SLEEP, "circle/sleep", "circle", "sleep"), (WORK, "circle/work", "circle", "work"),
                (COMMON, "common", "common", None), (STAFF, "staff", "staff", None),
            ]:  # fmt: skip
                await rooms.add(
                    db, Room(room=room, key=key, kind=kind, tag=tag, encrypted=encrypted, history=history, made_ms=1)
                )
        for user in (ANN, BEN, CLEO):
            await self.direct_room(user)
            await self.join(user, COMMON)
        await self.join(ANN, SLEEP)
        await self.join(BEN, SLEEP)
        await self.join(BEN, WORK)
        return self

    async def hear(self, *events: AnyEvent) -> None:
        await handle.handle(
            self.database, Batch("c", events), overlay=Overlay(self.settings), me=ME, names=Names(), now_ms=self.now_ms
        )

    async def step(self, *, crash: bool = False) -> bool:
        async with self.database.reading() as db:
            wishes = await queue.due(db, self.now_ms, 1)
        if not wishes:
            return False
        (wish,) = wishes
        async with self.database.writing() as db:
            await queue.mark_tried(db, [wish.id], self.now_ms)
        effect = load(wish.kind, wish.key, wish.payload or "")
        fillers = {
            **speak.fillers(self.direct_room), **rooms_dispatch.FILLERS, **dispatch.fillers(self.direct_room)
        }  # fmt: skip
        if isinstance(effect, Deliver):
            for act in self.before_delivery:
                await act
            self.before_delivery.clear()
        desk = Desk(self.database.reading, self, Names(), self.settings, ME, self.now_ms)  # type: ignore[arg-type]
        try:
            wire = await fillers[type(effect)](desk, effect) if type(effect) in fillers else effect
        except NotYet as later:
            async with self.database.writing() as db:
                untried = wish.first_tried_ms is None
                await queue.postpone(db, [queue.Postponed(wish.id, later.until_ms, failed=False, untried=untried)])
            return True
        state, result = ("done", await self.perform(wire)) if wire is not None else ("skipped", None)
        if crash:
            return True
        async with self.database.writing() as db:
            await queue.settle(db, [queue.Settled(wish.id, state, result, None)], self.now_ms)  # type: ignore[arg-type]
            scene = Scene(db, self.settings, ME, self.now_ms, Names())
            settlers = {**speak.SETTLERS, **rooms_dispatch.SETTLERS, **dispatch.SETTLERS}
            if (settler := registered(settlers, effect)) is not None:
                await settler(scene, effect, state, result)
            await queue.put(db, scene.puts, self.now_ms)
        return True

    async def settle(self) -> None:
        while await self.step():
            pass

    async def until(self, wall: str, zone: ZoneInfo = BERLIN) -> int:
        """The clock moves on, the tick runs, everything is sent; how many digests were made."""
        self.now_ms = at(wall, zone)
        made = await tick(self.database, self.now_ms, self.settings)
        await self.settle()
        return made

    # --- the people -------------------------------------------------------------------------------------------------------------------

    async def join(self, user: str, room: str, membership: str = "join") -> None:
        event = f"$member{len(self.events)}"
        self.events[event] = {"room": room, "sender": user, "type": "m.room.member", "content": {}, "edits": None, "redacted": False}  # fmt: skip
        await self.hear(MemberChanged(event, room, user, self.now_ms, user=user, membership=membership))

    async def say(self, sender: str, body: str, room: str = SLEEP, thread: str | None = None, **more: Any) -> str:
        raw = {"msgtype": "m.text", "body": body, **more}
        event = self.add(room, sender, "m.room.message", raw)
        content = Content(raw["msgtype"], body, raw.get("formatted_body"), raw=raw)
        await self.hear(Message(event, room, sender, self.now_ms, content, thread))
        await self.settle()
        return event

    async def edit(self, sender: str, target: str, body: str, room: str = SLEEP) -> None:
        new = {"msgtype": "m.text", "body": body}
        relation = {"rel_type": "m.replace", "event_id": target}
        content = {"body": f"* {body}", "m.new_content": new, "m.relates_to": relation}
        event = self.add(room, sender, "m.room.message", content)
        await self.hear(Edited(event, room, sender, self.now_ms, target, Content("m.text", body, raw=new)))
        await self.settle()

    async def redact(self, target: str, room: str = SLEEP) -> None:
        self.events[target]["redacted"] = True
        await self.hear(Redacted(f"$red-{target}", room, ANN, self.now_ms, target))
        await self.settle()

    async def tell(self, user: str, body: str, room: str | None = None) -> str:
        """A command; what came back in the direct room."""
        before = len(self.told(user))
        await self.say(user, body, room or f"!direct-{user}")
        return "\n".join(one for one in self.told(user)[before:])

    def told(self, user: str) -> list[str]:
        """What stands in a member's direct room by us, in its newest words."""
        found = []
        for event, raw in self.events.items():
            if raw["room"] == f"!direct-{user}" and raw["sender"] == ME and raw["type"] == "m.room.message":
                edits = [each for each in self.events.values() if each["edits"] == event]
                if not raw["edits"]:
                    found.append((edits[-1]["content"]["m.new_content"] if edits else raw["content"])["body"])
        return found

    def digests(self, user: str) -> list[str]:
        return [body for body in self.told(user) if "\nYour digest, " in body]

    def digest_event(self, user: str) -> tuple[str, dict[str, Any]]:
        for event, raw in reversed(self.events.items()):
            if raw["room"] == f"!direct-{user}" and "\nYour digest, " in str(raw["content"].get("body", "")):
                return event, raw
        raise AssertionError("no digest")


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


async def test_the_first_follow_brings_a_digest_every_morning(world: World) -> None:
    answer = await world.tell(ANN, "follow @ben:two.test")
    assert "You now follow Ben." in answer
    assert "the first one: Mon, Jan 12, 08:00" in answer
    assert "digest every day" not in await world.tell(ANN, "follow #night")
    ben = await world.say(BEN, "I slept for six hours, the first time in weeks.")
    assert await world.until("2026-01-12T07:59") == 0
    assert await world.until("2026-01-12T08:00") == 1
    (digest,) = world.digests(ANN)
    assert "Nobody has answered them yet" in digest
    assert ". Ben in #sleep: “I slept for six hours, the first time in weeks.”" in digest
    assert "Because you follow Ben." in digest
    assert f"https://matrix.to/#/{SLEEP}/{ben}?via=one.test" in digest
    _, raw = world.digest_event(ANN)
    assert raw["content"]["m.mentions"] == {}
    assert raw["content"]["msgtype"] == "m.text"


async def test_nothing_new_is_no_message_and_nothing_is_told_twice(world: World) -> None:
    await world.tell(ANN, "follow @ben:two.test")
    await world.say(BEN, "one")
    await world.until("2026-01-12T08:00")
    assert await world.until("2026-01-13T08:00") == 0
    await world.say(BEN, "two")
    assert await world.until("2026-01-14T08:00") == 1
    first, second = world.digests(ANN)
    assert "“one”" in first
    assert "“two”" in second
    assert "“one”" not in second


async def test_a_digest_asked_for_moves_no_mark(world: World) -> None:
    await world.tell(ANN, "follow @ben:two.test")
    await world.say(BEN, "one")
    assert "“one”" in await world.tell(ANN, "digest now")
    await world.until("2026-01-12T08:00")
    assert len(world.digests(ANN)) == 2
    assert "Nothing new" in await world.tell(ANN, "digest now")


async def test_a_member_who_left_before_delivery_is_told_nothing(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "only for the circle")
    world.before_delivery.append(world.join(ANN, SLEEP, "leave"))
    assert await world.until("2026-01-12T08:00") == 1
    assert world.digests(ANN) == []


async def test_a_message_redacted_before_delivery_is_left_out(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    gone = await world.say(BEN, "gone")
    await world.say(BEN, "stays")
    world.events[gone]["redacted"] = True  # the homeserver knows, we have not heard of it yet
    await world.until("2026-01-12T08:00")
    (digest,) = world.digests(ANN)
    assert "gone" not in digest
    assert "stays" in digest


async def test_a_delivered_digest_is_corrected_in_place(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    slip = await world.say(BEN, "my number is 555")
    await world.say(BEN, "good night")
    await world.until("2026-01-12T08:00")
    assert "555" in world.digests(ANN)[0]
    await world.edit(BEN, slip, "call me")
    assert "555" not in world.digests(ANN)[0]
    assert "“call me”" in world.digests(ANN)[0]
    await world.redact(slip)
    (digest,) = world.digests(ANN)
    assert "call me" not in digest
    assert "good night" in digest
    newest = [raw["content"] for raw in world.events.values() if raw["room"] == f"!direct-{ANN}"][-1]
    assert "555" not in str(newest)
    assert "call me" not in str(newest)


async def test_a_redaction_on_the_way_corrects_what_was_just_delivered(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    slip = await world.say(BEN, "a slip")
    world.now_ms = at("2026-01-12T08:00")
    await tick(world.database, world.now_ms, world.settings)
    await world.step(crash=True)  # sent, and we died before we could write down where it stands
    world.now_ms += 5_000
    await world.redact(slip)
    world.now_ms += 5_000
    await world.settle()
    assert not any("a slip" in body for body in world.told(ANN))


async def test_leaving_a_circle_takes_its_words_out_of_recent_digests(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "for the circle")
    await world.until("2026-01-12T08:00")
    await world.join(ANN, SLEEP, "leave")
    await world.settle()
    assert not any("for the circle" in body for body in world.told(ANN))
    assert "Your digest is empty now" in world.told(ANN)[-1]


@on_both
async def test_what_was_readable_stays_where_newcomers_read_less_and_where_a_room_is_replaced(world: World) -> None:
    """Who could read something when it was written and is still there may go on doing so (client-server API, "Room history visibility")."""
    await world.tell(ANN, "follow #sleep")
    mine = await world.say(BEN, "one")
    await world.until("2026-01-12T08:00")
    less = StateChanged("$less", SLEEP, BEN, 1, "m.room.history_visibility", "", {"history_visibility": "joined"})
    await world.hear(less)
    await world.edit(BEN, mine, "two")
    assert "“two”" in world.digests(ANN)[0]
    async with world.database.writing() as db:
        await db.execute(update(tables.rooms).where(tables.rooms.c.room == SLEEP).values(replaced_by=WORK))
    await world.edit(BEN, mine, "three")
    world.now_ms += 20_000
    await world.settle()
    assert "“three”" in world.digests(ANN)[0]
    await world.redact(mine)
    assert world.digests(ANN) == []


async def test_an_edit_by_somebody_else_changes_nothing(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    mine = await world.say(BEN, "mine")
    await world.until("2026-01-12T08:00")
    before = len(world.events)
    await world.edit(CLEO, mine, "forged")
    assert len(world.events) == before + 1


async def test_a_shared_thread_is_opened_in_the_common_room(world: World) -> None:
    await world.tell(CLEO, "follow @ben:two.test")
    root = await world.say(BEN, "I slept! #common")
    await world.say(BEN, "not tagged, stays in the circle")
    await world.say(CLEO, "so glad", COMMON, thread=next(e for k, e in world.done.items() if k.startswith("share/")))
    await world.until("2026-01-12T08:00")
    (digest,) = world.digests(CLEO)
    assert ". Ben in the common room: “I slept! #common”" in digest
    assert "stays in the circle" not in digest
    assert root not in digest
    assert SLEEP not in digest
    await world.edit(BEN, root, "I slept!")
    assert not any("I slept" in body for body in world.told(CLEO))


async def test_a_copy_that_is_taken_back_is_not_quoted_even_while_it_still_stands(world: World) -> None:
    await world.tell(CLEO, "follow @ben:two.test")
    root = await world.say(BEN, "I slept! #common")
    await world.until("2026-01-12T08:00")
    new = Content("m.text", "I slept!")
    await world.hear(Edited("$untagged", SLEEP, BEN, world.now_ms, root, new))
    desk = Desk(world.database.reading, world, Names(), world.settings, ME, world.now_ms)  # type: ignore[arg-type]
    digest = f"{CLEO}/2026-01-12"
    wire = await dispatch.correct(desk, Correct(key="k", user=CLEO, digest=digest, cause="$untagged"))
    assert wire is not None
    assert "Your digest is empty now" in wire.content["body"]
    assert "I slept" not in str(wire.content)


@on_both
async def test_an_encrypted_circle_is_not_quoted_in_an_open_direct_room(database: Database) -> None:
    world = await World(database).begin(encrypted=True)
    await world.tell(ANN, "follow #sleep")
    async with database.writing() as db:
        await people.change(db, ANN, direct_encrypted=False)
    world.direct_room = _room  # type: ignore[method-assign]
    await world.say(BEN, "only encrypted")
    await world.until("2026-01-12T08:00")
    (digest,) = world.digests(ANN)
    assert "Ben wrote in #sleep." in digest
    assert "only encrypted" not in digest


async def test_a_digest_in_a_former_direct_room_is_corrected_without_quoting_what_is_encrypted(
    database: Database,
) -> None:
    world = await World(database).begin(encrypted=True)
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "only encrypted")
    await world.until("2026-01-12T08:00")
    async with database.writing() as db:
        await people.change(db, ANN, direct_room="!another", direct_encrypted=True)
    desk = Desk(database.reading, world, Names(), world.settings, ME, world.now_ms)  # type: ignore[arg-type]
    wire = await dispatch.correct(desk, Correct(key="k", user=ANN, digest=f"{ANN}/2026-01-12", cause="$any"))
    assert wire is not None
    assert wire.room != "!another"
    assert "only encrypted" not in str(wire.content)


async def _room(user: str) -> str:
    return f"!direct-{user}"


async def test_one_reaction_ends_it(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "one")
    await world.until("2026-01-12T08:00")
    digest, _ = world.digest_event(ANN)
    await world.hear(Reacted("$other", f"!direct-{ANN}", BEN, 1, digest, "🛑"))
    await world.hear(Reacted("$liked", f"!direct-{ANN}", ANN, 1, digest, "👍"))
    async with world.database.reading() as db:
        assert (await people.get(db, ANN)).digest == "daily"
    await world.hear(Reacted("$stop", f"!direct-{ANN}", ANN, 1, digest, "⏹️"))
    await world.settle()
    assert "No more digests" in world.told(ANN)[-1]
    await world.say(BEN, "two")
    assert await world.until("2026-01-13T08:00") == 0
    await world.tell(ANN, "follow @ben:two.test")
    assert "Your digest is off." in await world.tell(ANN, "digest")


async def test_days_of_outage_bring_one_digest_that_says_so(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.until("2026-01-12T08:00")
    world.now_ms = at("2026-01-12T12:00")
    await world.say(BEN, "before the outage")
    assert await world.until("2026-01-16T03:00") == 0
    assert await world.until("2026-01-16T08:00") == 1
    assert await world.until("2026-01-16T20:00") == 0
    (digest,) = world.digests(ANN)
    assert "this one covers everything from Mon, Jan 12, 08:00 to Fri, Jan 16, 08:00" in digest


async def test_a_missed_digest_comes_by_day_and_is_todays(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "one")
    assert await world.until("2026-01-14T07:30") == 1
    await world.say(BEN, "two")
    assert await world.until("2026-01-14T09:00") == 0
    assert await world.until("2026-01-15T08:00") == 1


async def test_a_kill_between_delivery_and_writing_it_down_sends_it_once(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "one")
    world.now_ms = at("2026-01-12T08:00")
    for _ in range(2):
        await tick(world.database, world.now_ms, world.settings)
    await world.step(crash=True)
    await world.settle()
    assert len(world.digests(ANN)) == 1
    await world.redact(next(e for e, raw in world.events.items() if raw["content"].get("body") == "one"))
    assert world.digests(ANN) == []


@on_both
async def test_a_tick_that_dies_has_done_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "one")

    async def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "set_pending", die)
        with pytest.raises(KeyboardInterrupt):
            await tick(world.database, at("2026-01-12T08:00"), world.settings)
    async with world.database.reading() as db:
        assert await db.scalar(select(func.count()).select_from(digests)) == 0
        assert await db.scalar(select(func.count()).select_from(outbox).where(outbox.c.kind == "Deliver")) == 0
    assert await world.until("2026-01-12T08:00") == 1
    assert len(world.digests(ANN)) == 1


async def test_one_members_crash_costs_the_others_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.tell(BEN, "follow @ann:one.test")
    await world.say(ANN, "from ann")
    await world.say(BEN, "from ben")
    from bridge.digest import make  # noqa: PLC0415

    compose = make.compose

    def sometimes(member: Any, *args: Any, **more: Any) -> Any:
        if member.user == ANN:
            raise RuntimeError
        return compose(member, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(make, "compose", sometimes)
        assert await world.until("2026-01-12T08:00") == 1
    assert (len(world.digests(ANN)), len(world.digests(BEN))) == (0, 1)
    assert await world.until("2026-01-12T08:30") == 1
    assert (len(world.digests(ANN)), len(world.digests(BEN))) == (1, 1)


async def test_a_homeserver_that_is_away_delays_and_loses_nothing(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    world.unread.add(await world.say(BEN, "one"))
    with pytest.raises(Unavailable):
        await world.until("2026-01-12T08:00")
    world.unread.clear()
    await world.settle()
    assert len(world.digests(ANN)) == 1


async def test_moving_west_and_east(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.tell(ANN, "timezone America/New_York")
    await world.say(BEN, "one")
    assert await world.until("2026-01-12T08:00") == 0
    assert await world.until("2026-01-12T08:00", ZoneInfo("America/New_York")) == 1
    await world.say(BEN, "two")
    await world.tell(ANN, "timezone Asia/Tokyo")  # Mon 22:00 there; Tuesday's is not sent yet
    assert await world.until("2026-01-13T07:59", ZoneInfo("Asia/Tokyo")) == 0
    assert await world.until("2026-01-13T08:00", ZoneInfo("Asia/Tokyo")) == 1
    await world.say(BEN, "three")
    assert await world.until("2026-01-13T23:00", ZoneInfo("Asia/Tokyo")) == 0


async def test_moving_past_todays_hour_brings_it_at_once(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "one")
    world.now_ms = at("2026-01-12T06:30")
    await world.tell(ANN, "timezone Asia/Dubai")  # 09:30 there
    assert await world.until("2026-01-12T06:31") == 1
    assert await world.until("2026-01-12T23:00") == 0


@on_both
async def test_how_often_and_when(world: World) -> None:
    assert "Your digest is off." in await world.tell(ANN, "digest")
    answer = await world.tell(ANN, "digest weekly wednesday 18:30")
    assert "every Wednesday at 18:30 (Europe/Berlin)" in answer
    assert "Wed, Jan 14, 18:30" in answer
    assert "every Wednesday at 07:15" in await world.tell(ANN, "digest at 7:15")
    assert "every day at 07:15" in await world.tell(ANN, "digest daily")
    assert "every day at 07:15" in await world.tell(ANN, "digest")
    assert "No more digests" in await world.tell(ANN, "digest off")
    assert "off already" in await world.tell(ANN, "digest off")


async def test_a_new_hour_after_todays_digest_begins_tomorrow(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "one")
    await world.until("2026-01-12T08:00")
    assert "Tue, Jan 13, 18:00" in await world.tell(ANN, "digest at 18:00")


async def test_weekly(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.tell(ANN, "digest weekly wednesday")
    await world.say(BEN, "one")
    for day in (12, 13):
        assert await world.until(f"2026-01-{day}T08:00") == 0
    assert await world.until("2026-01-14T08:00") == 1
    world.now_ms = at("2026-01-14T09:00")
    await world.say(BEN, "two")
    assert await world.until("2026-01-20T08:00") == 0
    assert await world.until("2026-01-21T08:00") == 1
    assert "I was away" not in world.digests(ANN)[1]


async def test_follows_are_listed_and_ended_by_number(world: World) -> None:
    thread = await world.say(BEN, "root")
    reply = await world.say(ANN, "reply", thread=thread)
    for what in ("@ben:two.test", "#night", "#sleep", "@cleo:two.test #night", f"https://matrix.to/#/{SLEEP}/{reply}"):
        assert "You now follow" in await world.tell(ANN, f"follow {what}")
    assert "already" in await world.tell(ANN, "follow #night")
    listed = await world.tell(ANN, "follows")
    assert listed.split("\n")[1:] == [
        "- 1: Ben", "- 2: #night", "- 3: #sleep", "- 4: Cleo on #night",
        "- 5: a thread in #sleep", f"  https://matrix.to/#/{SLEEP}/{thread}?via=one.test",
    ]  # fmt: skip
    assert "no longer follow #night" in await world.tell(ANN, "unfollow 2")
    assert "no longer follow Cleo on #night" in await world.tell(ANN, "unfollow @cleo:two.test #night")
    assert "no number 9" in await world.tell(ANN, "unfollow 9")
    assert "You do not follow #night" in await world.tell(ANN, "unfollow #night")
    assert "- 3: a thread" in await world.tell(ANN, "follows")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("follow @ann:one.test", "You know yourself"),
        ("follow @hearth:one.test", "I only carry"),
        ("follow @eve:far.test", "not in this community"),
        ("follow #sleep #night", "Only a person"),
        ("follow https://matrix.to/#/!nowhere/$nothing", "do not know that message"),
    ],
)
async def test_what_cannot_be_followed(world: World, command: str, answer: str) -> None:
    assert answer in await world.tell(ANN, command)
    async with world.database.reading() as db:
        assert await store.follows_of(db, [ANN]) == {}
        assert (await people.get(db, ANN)).digest == "off"


@on_both
async def test_a_thread_that_one_cannot_read_cannot_be_followed(world: World) -> None:
    hidden = await world.say(BEN, "in the circle")
    assert "cannot open it" in await world.tell(CLEO, f"follow https://matrix.to/#/{SLEEP}/{hidden}")
    root = await world.say(BEN, "shared #common")
    copy = next(event for key, event in world.done.items() if key.startswith("share/"))
    assert "a thread" in await world.tell(CLEO, f"follow https://matrix.to/#/{COMMON}/{copy}")
    async with world.database.reading() as db:
        assert [one.reason for one in (await store.follows_of(db, [CLEO]))[CLEO]] == [Reason("thread", root)]


@on_both
async def test_whatever_people_write_nothing_of_it_works_and_all_fits(world: World) -> None:
    await world.tell(ANN, "digest daily")
    for n in range(8):
        room = f"!extra{n}"
        async with world.database.writing() as db:
            await rooms.add(
                db, Room(room=room, key=f"circle/x{n}", kind="circle", tag=f"x{n}", encrypted=False, history="shared", made_ms=9)
            )  # fmt: skip
            await store.follow(db, ANN, Reason("circle", room), 1)
        await world.join(ANN, room)
        for k in range(2):
            user = f"@p{n}{k}:two.test"
            await world.join(user, room)
            await world.say(user, "**x** <b>[a](https://evil.test) @room @ann:one.test 🎈" * 300 + f"{n}{k}", room)
    await world.until("2026-01-12T08:00")
    _, raw = world.digest_event(ANN)
    size = len(str(raw["content"]).encode())
    assert size < 16_384
    assert "And 6 more conversations." in raw["content"]["body"]
    assert "<b>" not in raw["content"]["formatted_body"]
    assert 'href="https://evil.test"' not in raw["content"]["formatted_body"]
    assert raw["content"]["m.mentions"] == {}


async def test_what_its_author_covered_stays_covered(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "the secret", formatted_body='<span data-mx-spoiler="x">the secret</span>')
    await world.say(BEN, "IMG_2041.jpg", msgtype="m.image")
    await world.until("2026-01-12T08:00")
    (digest,) = world.digests(ANN)
    assert "secret" not in digest
    assert "IMG_2041" not in digest
    assert "Ben sent a picture in #sleep." in digest


@on_both
async def test_no_text_is_in_the_tables(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "an unmistakable sentence")
    await world.until("2026-01-12T08:00")
    async with world.database.reading() as db:
        for table in ("digests", "digest_items", "outbox", "posts"):
            rows = (await db.execute(text(f"SELECT * FROM {table}"))).all()
            assert "unmistakable" not in str(rows)


@on_both
async def test_what_the_queries_leave_out_matters_to_nobody(database: Database) -> None:  # noqa: C901
    """Digests chosen from what the queries find are those chosen from everything there is."""
    async with database.writing() as db:
        for room in ("!a", "!b", "!c"):
            await rooms.add(db, Room(room=room, key=f"circle/{room}", kind="circle", encrypted=False, history="shared", made_ms=1))  # fmt: skip
    found = most_tags = 0
    for seed in range(40):
        dice = random.Random(seed)
        seqs, rows, all_copies = iter(range(1, 999)), [], []
        for n in range(25):
            target = f"$p{dice.randrange(n)}" if n and dice.random() < 0.6 else None
            kind = dice.choice(["thread", "reply_to"])
            rows.append(
                {
                    "seq": next(seqs), "event": f"$p{n}", "room": dice.choice("abc"), "author": dice.choice([ANN, BEN, CLEO]),
                    "at_ms": n, "seen_ms": n, "thread": None, "reply_to": None, "redacted": dice.random() < 0.1, kind: target,
                }
            )  # fmt: skip
            rows[-1]["room"] = f"!{rows[-1]['room']}"
            if dice.random() < 0.3:
                copied = rows[dice.randrange(len(rows))]
                room = dice.choice([one for one in ("!a", "!b", "!c") if one != copied["room"]])
                if not any(one["source"] == copied["event"] for one in all_copies):
                    rows.append({**copied, "seq": next(seqs), "event": f"$c{n}", "room": room, "author": ME, "thread": None, "reply_to": None})  # fmt: skip
                    all_copies.append({"source": copied["event"], "room": room, "root": "$r", "author": ANN, "copy": f"$c{n}", "live": True})  # fmt: skip
                    if dice.random() < 0.5:
                        rows.append({**rows[-1], "seq": next(seqs), "event": f"$a{n}", "author": BEN, "thread": f"$c{n}"})  # fmt: skip
        tagged = [{"event": one["event"], "tag": tag} for one in rows for tag in "tu" if dice.random() < 0.2]
        where = [room for room in ("!a", "!b", "!c") if dice.random() < 0.7]
        above = {one["event"]: one["thread"] or one["reply_to"] for one in rows if one["author"] != ME}
        above |= {one["copy"]: one["source"] for one in all_copies}

        def top(event: str, above: dict[str, Any] = above) -> str:
            return top(above[event]) if above.get(event) else event

        reasons = dice.sample(
            [
                Reason("person", BEN), Reason("person_tag", CLEO, "t"), Reason("tag", "t"), Reason("circle", "!a"),
                Reason("thread", "$p0"), Reason("thread", top("$p9")),
            ],
            2,
        )  # fmt: skip
        async with database.writing() as db:
            for table in (tables.posts, tables.post_tags, tables.copies, tables.memberships, tables.follows):
                await db.execute(delete(table))
            await db.execute(insert(tables.posts), rows)
            for table, values in ((tables.post_tags, tagged), (tables.copies, all_copies)):
                if values:
                    await db.execute(insert(table), values)
            for room in where:
                await db.execute(insert(tables.memberships).values(room=room, user=ANN, membership="join", since_ms=1, since_seq=0))  # fmt: skip
            for reason in reasons:
                await store.follow(db, ANN, reason, 1)
            since, until = dice.choice([0, 0, 8]), rows[-1]["seq"]
            some = await window(db, since_seq=since, until_seq=until, me=ME)
            spans = (await happened.spans_of(db, [ANN])).get(ANN, ())
            member = Member(ANN, (await store.follows_of(db, [ANN]))[ANN], spans)
            places = await happened.places(db, ME)
        tags_of = {
            row["event"]: frozenset(one["tag"] for one in tagged if one["event"] == row["event"]) for row in rows
        }
        assert all(link.tags == tags_of[link.event] for link in some.links), seed
        most_tags = max([most_tags, *(len(link.tags) for link in some.links)])
        every = [
            Post(one["seq"], one["event"], one["room"], one["author"], one["at_ms"], one["thread"],
                 tags_of[one["event"]], one["redacted"], one["reply_to"])
            for one in rows if one["author"] != ME
        ]  # fmt: skip
        gone = {one["event"] for one in rows if one["redacted"]}
        seq_of = {one["event"]: one["seq"] for one in rows}
        every_copy = [
            Copied(one["source"], one["room"], one["copy"], seq_of[one["copy"]]) for one in all_copies if one["copy"] not in gone
        ]  # fmt: skip
        lost = [
            Link(one["event"], one["thread"] or one["reply_to"], one["author"], one["room"])
            for one in rows if one["redacted"] and one["author"] != ME
        ]  # fmt: skip
        given: dict[str, Any] = {"since_seq": since, "until_seq": until, "now_ms": 100, "weights": Choosing()}
        expected = compose(
            member, board(every, places, every_copy, links=lost, **given), since_seq=since, most_items=10
        )
        seen = board(some.posts, places, some.copies, links=some.links, parts=some.parts, **given)
        assert compose(member, seen, since_seq=since, most_items=10) == expected, seed
        found += expected is not None
    assert found > 20
    assert most_tags == 2
