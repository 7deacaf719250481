"""Copies never feed copies: two Hearths in the same rooms, and a relay bot in both that says everything again without a mark."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sharing import ANN, BEN, CLEO, COMMON, ME, SLEEP, World

from bridge.events import COPY_MARK, AnyEvent, Content, Edited, MemberChanged, Message, Reacted, Redacted
from bridge.rooms import echoes
from bridge.store import echoes as store
from bridge.store import journal
from bridge.store.db import Database

OTHER, RELAY = "@second:one.test", "@relay:three.test"
MOST_ROUNDS = 12
"""A loop would go on for ever."""

Says = Callable[[str, str], str]


def as_heard(world: World, event: str) -> AnyEvent:
    """An event of the homeserver, as every client hears it."""
    raw = world.server.events[event]
    content, relation = raw["content"], raw["content"].get("m.relates_to", {})
    at, marked = world.tick(), COPY_MARK in content
    if raw["type"] == "m.reaction":
        return Reacted(event, raw["room"], raw["sender"], at, relation["event_id"], relation["key"], marked)
    if raw["edits"]:
        new = content["m.new_content"]
        return Edited(event, raw["room"], raw["sender"], at, raw["edits"], Content("m.text", new["body"], raw=new), marked=marked)  # fmt: skip
    thread = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
    answered = relation.get("m.in_reply_to", {}).get("event_id")
    reply_to = answered if thread is None or not relation.get("is_falling_back") else None
    said = Content(content["msgtype"], content["body"], raw=content)
    return Message(event, raw["room"], raw["sender"], at, said, thread, reply_to, marked=marked)


class Rooms:
    """The same rooms for several Hearths, and for a relay, if there is one; `rounds` until nobody had anything to say any more."""

    def __init__(self, *worlds: World, relay: Says | None = None) -> None:
        self.worlds = worlds
        self.server = worlds[0].server
        self.relay = relay
        self.heard = len(self.server.events)
        self.redacted: set[str] = set()

    async def until_quiet(self) -> None:
        for _ in range(MOST_ROUNDS):
            fresh = list(self.server.events)[self.heard :]
            self.heard = len(self.server.events)
            gone = {event for event, raw in self.server.events.items() if raw["redacted"]} - self.redacted
            self.redacted |= gone
            if not fresh and not gone:
                return
            for event in fresh:
                if self.relay and self.server.events[event]["type"] == "m.room.message":
                    self._relayed(event)
            for world in self.worlds:
                for event in fresh:
                    await world.hear(as_heard(world, event))
                for event in gone:
                    raw = self.server.events[event]
                    await world.hear(Redacted(f"$of-{event}", raw["room"], raw["sender"], world.tick(), event))
                await world.settle()
        raise AssertionError("they never stop")

    def _relayed(self, event: str) -> None:
        raw = self.server.events[event]
        if raw["sender"] == RELAY or raw["room"] not in (SLEEP, COMMON) or not self.relay:
            return
        content = raw["content"].get("m.new_content", raw["content"])
        to = COMMON if raw["room"] == SLEEP else SLEEP
        text = self.relay(raw["sender"][1:].partition(":")[0], content["body"])
        relation = {}
        roots = [each for each, other in self.server.events.items() if other["room"] == to and not other["edits"] and not other["redacted"]]  # fmt: skip
        if "m.relates_to" in content and roots:  # a relay that knows threads puts it into the newest one there
            relation = {"m.relates_to": {"rel_type": "m.thread", "event_id": roots[0], "is_falling_back": True, "m.in_reply_to": {"event_id": roots[0]}}}  # fmt: skip
        self.server.add(to, RELAY, "m.room.message", {"msgtype": "m.text", "body": text, **relation})

    def of(self, sender: str, room: str) -> list[str]:
        shown = self.server.shown(room).items()
        return [body for event, body in shown if self.server.events[event]["sender"] == sender]


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


@pytest.fixture
async def second(world: World, tmp_path: Path) -> AsyncIterator[World]:
    """Another Hearth, with its own account and database, that looks after the same rooms."""
    database = await Database.open(tmp_path / "second.db")
    try:
        made = World(database, server=world.server, me=OTHER)
        yield await made.begin()
    finally:
        await database.close()


async def test_two_hearths_in_the_same_rooms_carry_each_word_once_each(world: World, second: World) -> None:
    rooms = Rooms(world, second)
    root = world.say(ANN, "who is awake? #common")
    await rooms.until_quiet()
    for me in (ME, OTHER):
        assert len(rooms.of(me, COMMON)) == 1
    copy = next(e for e, raw in world.server.events.items() if raw["sender"] == ME and raw["room"] == COMMON)
    relation = {"rel_type": "m.thread", "event_id": copy, "is_falling_back": True, "m.in_reply_to": {"event_id": copy}}
    world.server.add(COMMON, CLEO, "m.room.message", {"msgtype": "m.text", "body": "I am #sleep", "m.relates_to": relation})  # fmt: skip
    relation = {"rel_type": "m.thread", "event_id": root.id, "is_falling_back": True, "m.in_reply_to": {"event_id": root.id}}  # fmt: skip
    world.server.add(SLEEP, ANN, "m.room.message", {"msgtype": "m.text", "body": "so am I #common", "m.relates_to": relation})  # fmt: skip
    await rooms.until_quiet()
    world.change(root, "who is still awake? #common")
    await rooms.until_quiet()
    said = rooms.of(ME, COMMON) + rooms.of(OTHER, COMMON)
    assert sum("still awake" in each for each in said) == 2
    assert sum("so am I" in each for each in said) == 2
    assert (
        sum("I am #sleep" in each for each in rooms.of(ME, SLEEP) + rooms.of(OTHER, SLEEP)) == 1
    )  # the copy's own Hearth
    assert not [each for user in (ME, OTHER) for each in world.told(user)]  # nor do they ask each other
    world.take(root.id)
    await rooms.until_quiet()
    assert "awake" not in world.server.held(COMMON)


RELAYS: dict[str, Says] = {
    "as it is": lambda _name, body: body,
    "with a name": lambda name, body: f"{name}: {body}",
    "with a line": lambda name, body: f"**{name}** (matrix)\n{body}",
    "cut short": lambda name, body: f"<{name}> {body[:100]} #common",
    "with the tag behind": lambda name, body: f"{name}: {body} #common #sleep",
}


@pytest.mark.parametrize("how", RELAYS)
async def test_a_relay_in_both_rooms_makes_no_copy_of_a_copy(world: World, how: str) -> None:
    async with world.database.writing() as db:
        for room in (SLEEP, COMMON):
            joined = MemberChanged(f"$relay/{room}", room, RELAY, 1, user=RELAY, membership="join")
            await journal.remember(db, joined, frozenset(), 1)
    rooms = Rooms(world, relay=RELAYS[how])
    root = world.say(ANN, "who is awake at this hour? #common")
    await rooms.until_quiet()
    copy = world.copy_of("Ann in #sleep")
    relation = {"rel_type": "m.thread", "event_id": copy, "is_falling_back": True, "m.in_reply_to": {"event_id": copy}}
    world.server.add(COMMON, CLEO, "m.room.message", {"msgtype": "m.text", "body": "I am, and have been for long", "m.relates_to": relation})  # fmt: skip
    await rooms.until_quiet()
    world.change(root, "who is awake at this late hour? #common")
    await rooms.until_quiet()
    for room in (COMMON, SLEEP):
        for body in rooms.of(ME, room):
            assert body.count(" in #sleep:") + body.count(" in the common room:") <= 1, body
    assert len([body for body in rooms.of(ME, COMMON) if "Ann in #sleep" in body]) == 1


async def test_the_memory_of_copies_is_a_keyed_hash_and_short(world: World) -> None:
    rooms = Rooms(world)
    world.say(ANN, "who is awake at this hour? #common")
    await rooms.until_quiet()
    async with world.database.writing() as db:
        assert await echoes.said_again(db, world.scene(db).names, "x: Ann in #sleep: who is awake at this hour? #common", world.now_ms)  # fmt: skip
        assert not await echoes.said_again(db, world.scene(db).names, "who is awake at this hour?", world.now_ms)
        later = world.now_ms + echoes.FRESH_MS + 1
        assert not await echoes.said_again(db, world.scene(db).names, "Ann in #sleep: who is awake at this hour? #common", later)  # fmt: skip
        world.now_ms = later
        await echoes.forget(world.scene(db))
        assert await store.lengths(db, 0) == ()


async def test_what_a_relay_says_in_its_own_words_can_be_shared_as_anybodys(world: World) -> None:
    rooms = Rooms(world)
    world.say(BEN, "Ann in #sleep said something fine #common")
    await rooms.until_quiet()
    assert len(rooms.of(ME, COMMON)) == 1
