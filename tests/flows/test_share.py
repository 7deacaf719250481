"""Shared threads from the event to the common room, on a real database, with a homeserver of a few lines."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from bridge import answer, registry, speak, tags
from bridge.catalogues import spellings
from bridge.commands import Book
from bridge.config import Config
from bridge.effects import Effect, React, Redact, Say, Send, load
from bridge.errors import Refused
from bridge.events import COPY_MARK, AnyEvent, Content, Edited, MemberChanged, Message, Reacted, Redacted, StateChanged
from bridge.rooms import dispatch
from bridge.rooms.react import react
from bridge.scene import Desk, Scene
from bridge.store import claims, journal, people, queue, rooms
from bridge.store.db import Database
from bridge.store.rooms import Room
from bridge.store.tables import metadata

ME, ANN, BEN, CLEO = "@hearth:one.test", "@ann:one.test", "@ben:two.test", "@cleo:two.test"
SLEEP, COMMON, STAFF = "!sleep-circle-000000:one.test", "!common", "!staff"
START_MS = 1_767_340_800_000
COMMUNITY = {
    "space": {"name": "Space"},
    "common": {"name": "Common room"},
    "staff": {"name": "Staff"},
    "circles": [{"name": "Sleeping well", "tag": "sleep"}],
}
BOOK_OF_ALL = registry.load("bridge.rooms.commands")
MINE = {name: BOOK_OF_ALL.commands[name] for name in ("unshare", "consent", "tags")}
BOOK = Book(MINE, spellings(MINE, "command"))


def config(**more: Any) -> Config:
    matrix = {"homeserver": "https://one.test", "user_id": ME}
    return Config.model_validate({"matrix": matrix, "community": {**COMMUNITY, **more}})


class Names:
    def of(self, user: str) -> str:
        return {ANN: "Ann", BEN: "Ben", CLEO: "Cleo"}.get(user, user[1:].partition(":")[0])

    def find(self, _name: str) -> Sequence[str]:
        return []


@dataclass
class Homeserver:
    """Rooms of raw events, newest edits and redactions; every transaction id is done once."""

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    refuse: set[str] = field(default_factory=set)

    async def event(self, room: str, event: str) -> Mapping[str, Any] | None:
        raw = self.events.get(event)
        if raw is None or raw["room"] != room or raw["redacted"]:
            return None
        edits = [each for each in self.events.values() if each["edits"] == event and not each["redacted"]]
        content = edits[-1]["content"]["m.new_content"] if edits else raw["content"]
        return {"type": raw["type"], "sender": raw["sender"], "content": content}

    def add(self, room: str, sender: str, kind: str, content: Mapping[str, Any]) -> str:
        event = f"${len(self.events)}-of-the-homeserver"
        relation = content.get("m.relates_to", {})
        edits = relation.get("event_id") if relation.get("rel_type") == "m.replace" else None
        self.events[event] = {
            "room": room, "sender": sender, "type": kind, "content": content, "edits": edits, "redacted": False,
        }  # fmt: skip
        return event

    def perform(self, effect: Effect) -> str:
        if type(effect).__name__ in self.refuse:
            raise Refused(403, "M_FORBIDDEN")
        if effect.key not in self.done:
            if isinstance(effect, Redact):
                self.events[effect.event]["redacted"] = True
                self.done[effect.key] = f"$redaction-{len(self.done)}"
            elif isinstance(effect, React):
                relation = {"rel_type": "m.annotation", "event_id": effect.event, "key": effect.emoji}
                self.done[effect.key] = self.add(effect.room, ME, "m.reaction", {"m.relates_to": relation})
            else:
                assert isinstance(effect, Send)
                self.done[effect.key] = self.add(effect.room, ME, effect.type, effect.content)
        return self.done[effect.key]

    def shown(self, room: str) -> dict[str, str]:
        """What a member sees in a room: the newest words of what is not redacted, by event id."""
        found = {}
        for event, raw in self.events.items():
            if raw["room"] == room and raw["type"] == "m.room.message" and not raw["redacted"] and not raw["edits"]:
                edits = [one for one in self.events.values() if one["edits"] == event and not one["redacted"]]
                found[event] = (edits[-1]["content"]["m.new_content"] if edits else raw["content"])["body"]
        return found

    def held(self, room: str) -> str:
        """All words that a curious server still finds in a room."""
        return " ".join(
            str(raw["content"]) for raw in self.events.values() if raw["room"] == room and not raw["redacted"]
        )


@dataclass
class World:
    """The bot's shells around a real database; events come in by hand and the outbox is worked off by hand."""

    database: Database
    settings: Config = field(default_factory=config)
    server: Homeserver = field(default_factory=Homeserver)
    now_ms: int = START_MS
    fillers: dict[type[Effect], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        async def direct_room(user: str) -> str:
            return f"!direct-{user}"

        self.fillers = {**speak.fillers(direct_room), **dispatch.FILLERS}

    async def begin(self, *, circle_encrypted: bool = False, common_encrypted: bool = False) -> "World":
        async with self.database.writing() as db:
            for table in reversed(metadata.sorted_tables):
                await db.execute(delete(table))
            kinds = [(SLEEP, "circle/sleep", "circle", "sleep", circle_encrypted), (COMMON, "common", "common", None, common_encrypted), (STAFF, "staff", "staff", None, True)]  # fmt: skip
            for room, key, kind, tag, encrypted in kinds:
                await rooms.add(
                    db, Room(room=room, key=key, kind=kind, tag=tag, encrypted=encrypted, history="shared", made_ms=1)
                )
                for user in (ME,) if room == STAFF else (ME, ANN, BEN, CLEO):
                    joined = MemberChanged(f"$join/{room}/{user}", room, user, 1, user=user, membership="join")
                    await journal.remember(db, joined, frozenset(), 1)
        return self

    def scene(self, db: Any) -> Scene:
        return Scene(db, self.settings, ME, self.now_ms, Names())

    async def hear(self, event: AnyEvent) -> None:
        """One event reaches the bot, as a batch of its own."""
        self.now_ms += 1
        async with self.database.writing() as db:
            if not await claims.claim(db, event.id, self.now_ms):
                return
            found = tags.find(event.content) if isinstance(event, Message | Edited) else frozenset()
            await journal.remember(db, event, found, self.now_ms)
            scene = self.scene(db)
            await react(scene, event)
            if isinstance(event, Message):
                await answer.answer(scene, event, direct=event.room.startswith("!direct"), book=BOOK)
            await queue.put(db, scene.puts, self.now_ms)

    async def step(self, *, crash: bool = False) -> bool:
        """One effect; with `crash` we die after it was done and before we could write that down. False when there is none."""
        async with self.database.reading() as db:
            wishes = await queue.due(db, self.now_ms, 1)
        if not wishes:
            return False
        (wish,) = wishes
        async with self.database.writing() as db:
            await queue.mark_tried(db, [wish.id], self.now_ms)
        effect = load(wish.kind, wish.key, wish.payload or "")
        desk = Desk(
            self.database.reading,
            self.server,
            Names(),
            self.settings,
            ME,
            self.now_ms,
            again=wish.first_tried_ms is not None,
        )  # type: ignore[arg-type]
        filler = self.fillers.get(type(effect))
        wire = await filler(desk, effect) if filler else effect
        state, result, error = "skipped", None, None
        if wire is not None:
            try:
                state, result = "done", self.server.perform(wire)
            except Refused as refused:
                state, error = "dead", refused.errcode
        if crash:
            return True
        async with self.database.writing() as db:
            await queue.settle(db, [queue.Settled(wish.id, state, result, error)], self.now_ms)
            scene = self.scene(db)
            settler = {**speak.SETTLERS, **dispatch.SETTLERS}.get(type(effect))
            if settler:
                await settler(scene, effect, state, result)
            await queue.put(db, scene.puts, self.now_ms)
        return True

    async def settle(self) -> None:
        while await self.step():
            pass

    def say(self, sender: str, body: str, *, room: str = SLEEP, thread: str | None = None, reply_to: str | None = None, **more: Any) -> Message:  # fmt: skip
        raw = {"msgtype": "m.text", "body": body, **more}
        event = self.server.add(room, sender, "m.room.message", raw)
        content = Content(raw["msgtype"], body, None, raw=raw)
        return Message(event, room, sender, self.tick(), content, thread, reply_to)

    def change(self, message: Message, body: str) -> Edited:
        new = {"msgtype": "m.text", "body": body}
        relation = {"rel_type": "m.replace", "event_id": message.id}
        event = self.server.add(message.room, message.sender, "m.room.message", {"body": f"* {body}", "m.new_content": new, "m.relates_to": relation})  # fmt: skip
        return Edited(event, message.room, message.sender, self.tick(), message.id, Content("m.text", body, raw=new))

    def take(self, event: str, room: str = SLEEP, sender: str = ANN) -> Redacted:
        self.server.events[event]["redacted"] = True
        return Redacted(f"$redaction-of-{event}", room, sender, self.tick(), event)

    def tick(self) -> int:
        self.now_ms += 1
        return self.now_ms

    async def does(self, *events: AnyEvent) -> None:
        for event in events:
            await self.hear(event)
        await self.settle()

    async def echo(self) -> None:
        """What we sent comes back to us, as everything does that stands in a room."""
        for event, raw in list(self.server.events.items()):
            if raw["sender"] == ME and raw["type"] == "m.room.message" and not raw["edits"] and not raw["redacted"]:
                content = Content("m.text", raw["content"]["body"], None, raw=raw["content"])
                relation = raw["content"].get("m.relates_to", {})
                thread = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
                await self.hear(Message(event, raw["room"], ME, self.tick(), content, thread, marked=True))

    def copy_of(self, words: str, room: str = COMMON) -> str:
        """The event id of the one message of ours in a room that holds these words."""
        (found,) = (
            event
            for event, body in self.server.shown(room).items()
            if words in body and self.server.events[event]["sender"] == ME
        )
        return found

    def common(self) -> list[str]:
        """What stands in the common room, without its first lines."""
        return [body.partition("\n")[2] for body in self.server.shown(COMMON).values()]

    def told(self, user: str) -> list[str]:
        return list(self.server.shown(f"!direct-{user}").values())


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


async def test_a_tagged_message_stands_in_the_common_room_with_name_and_circle(world: World) -> None:
    hello = world.say(ANN, "I slept! #common")
    await world.does(hello)
    assert list(world.server.shown(COMMON).values()) == ["Ann in #sleep:\nI slept! #common"]
    (copy,) = world.server.shown(COMMON)
    content = world.server.events[copy]["content"]
    assert content["msgtype"] == "m.text"
    assert content["m.mentions"] == {}
    assert COPY_MARK in content
    everything = str(content)
    assert not any(secret in everything for secret in (SLEEP, hello.id, ANN, "one.test"))
    marks = [raw for raw in world.server.events.values() if raw["type"] == "m.reaction"]
    assert [(raw["room"], raw["content"]["m.relates_to"]["event_id"]) for raw in marks] == [(SLEEP, hello.id)]


async def test_an_untagged_message_stays_in_the_circle(world: World) -> None:
    await world.does(world.say(ANN, "I slept!"))
    assert world.common() == []


async def test_the_thread_keeps_its_shape(world: World) -> None:
    root = world.say(ANN, "root #common")
    first = world.say(ANN, "first", thread=root.id)
    second = world.say(ANN, "second", thread=root.id)
    answer_to_first = world.say(ANN, "to first", thread=root.id, reply_to=first.id)
    in_main = world.say(ANN, "from a client without threads", reply_to=second.id)
    await world.does(root, first, second, answer_to_first, in_main)
    copies = {body.partition("\n")[2]: event for event, body in world.server.shown(COMMON).items()}
    relations = {text: world.server.events[event]["content"].get("m.relates_to") for text, event in copies.items()}
    assert relations["root #common"] is None
    for text, falls_back, partner in [
        ("first", True, "root #common"),
        ("second", True, "first"),
        ("to first", False, "first"),
        ("from a client without threads", False, "second"),
    ]:
        assert relations[text] == {
            "rel_type": "m.thread", "event_id": copies["root #common"], "is_falling_back": falls_back,
            "m.in_reply_to": {"event_id": copies[partner]},
        }, text  # fmt: skip


async def test_edits_are_followed_and_a_dropped_tag_takes_everything_back(world: World) -> None:
    root = world.say(ANN, "root #common")
    reply = world.say(ANN, "tpyo", thread=root.id)
    await world.does(root, reply)
    await world.does(world.change(reply, "typo"))
    assert world.common() == ["root #common", "typo"]
    await world.does(world.change(root, "root"))
    assert world.common() == []
    held = world.server.held(COMMON)
    assert not any(word in held for word in ("tpyo", "typo", "root"))


async def test_a_tag_that_comes_with_an_edit_shares_and_can_come_again(world: World) -> None:
    root = world.say(ANN, "root")
    await world.does(root, world.say(ANN, "more", thread=root.id))
    for _ in range(2):
        await world.does(world.change(root, "root #common"))
        assert sorted(world.common()) == ["more", "root #common"]
        await world.does(world.change(root, "root"))
        assert world.common() == []


async def test_a_quick_change_of_mind_ends_with_what_was_said_last(world: World) -> None:
    root = world.say(ANN, "root #common")
    await world.hear(root)
    await world.hear(world.change(root, "root"))
    await world.hear(world.change(root, "root again #common"))
    await world.settle()
    assert world.common() == ["root again #common"]
    await world.hear(world.change(root, "root"))
    await world.hear(world.change(root, "and again #common"))
    await world.settle()
    assert world.common() == ["and again #common"]


async def test_a_redacted_reply_goes_alone_and_a_redacted_root_takes_all(world: World) -> None:
    root = world.say(ANN, "root #common")
    reply, other = world.say(ANN, "reply", thread=root.id), world.say(ANN, "other", thread=root.id)
    await world.does(root, reply, other)
    await world.does(world.take(reply.id))
    assert world.common() == ["root #common", "other"]
    await world.does(world.take(root.id))
    assert world.common() == []


async def test_a_redaction_before_the_copy_was_sent_leaves_no_trace(world: World) -> None:
    root = world.say(ANN, "root #common")
    await world.hear(root)
    await world.hear(world.take(root.id))
    await world.settle()
    assert [raw for raw in world.server.events.values() if raw["room"] == COMMON] == []


@pytest.mark.parametrize("lost", [False, True])
async def test_a_copy_of_which_we_do_not_know_whether_it_was_sent_is_taken_back_too(world: World, lost: bool) -> None:
    root = world.say(ANN, "root #common")
    await world.hear(root)
    assert await world.step(crash=True)
    if lost:
        world.server.done.clear()
        world.server.events = {root.id: world.server.events[root.id]}
    await world.does(world.change(root, "root"))
    assert world.common() == []
    assert "root" not in world.server.held(COMMON)


async def test_a_tag_whose_edit_came_before_the_message_counts(world: World) -> None:
    root = world.say(ANN, "root")
    edit = world.change(root, "root #common")
    await world.does(edit, root)
    assert world.common() == ["root #common"]


async def test_the_redaction_of_one_edit_reaches_the_copy(world: World) -> None:
    root = world.say(ANN, "before #common")
    await world.does(root)
    slip = world.change(root, "a slip #common")
    await world.does(slip)
    assert world.common() == ["a slip #common"]
    await world.does(world.take(slip.id))
    assert world.common() == ["before #common"]
    assert "a slip" not in world.server.held(COMMON)


async def test_a_redaction_in_another_room_touches_no_copy(world: World) -> None:
    hello = world.say(ANN, "one #common")
    await world.does(hello)
    edit = world.change(hello, "two #common")
    await world.does(edit)
    await world.hear(Redacted("$forged", "!elsewhere", CLEO, 1, edit.id))
    await world.hear(Redacted("$forged-too", "!elsewhere", CLEO, 1, hello.id))
    await world.settle()
    assert world.common() == ["two #common"]


async def test_others_are_asked_once_and_their_replies_follow_their_answer(world: World) -> None:
    root = world.say(ANN, "root #common")
    await world.does(root, world.say(BEN, "one", thread=root.id), world.say(BEN, "two", thread=root.id))
    assert world.common() == ["root #common"]
    (question,) = world.told(BEN)
    assert "3 people can read the common room" in question
    assert "one.test, two.test" in question
    (asked,) = world.server.shown(f"!direct-{BEN}")
    await world.does(Reacted("$no-answer", f"!direct-{BEN}", CLEO, world.tick(), asked, "👍"))
    await world.does(Reacted("$odd-answer", f"!direct-{BEN}", BEN, world.tick(), asked, "🎉"))
    assert world.common() == ["root #common"]
    await world.does(Reacted("$yes", f"!direct-{BEN}", BEN, world.tick(), asked, "👍🏽"))
    assert world.common() == ["root #common", "one", "two"]
    await world.does(world.say(BEN, "three", thread=root.id))
    assert world.common() == ["root #common", "one", "two", "three"]
    await world.does(Reacted("$no", f"!direct-{BEN}", BEN, world.tick(), asked, "👎"))
    assert world.common() == ["root #common"]
    await world.does(Reacted("$yes-again", f"!direct-{BEN}", BEN, world.tick(), asked, "✅"))
    assert world.common() == ["root #common", "one", "two", "three"]
    another = world.say(CLEO, "another #common")
    await world.does(another, world.say(BEN, "four", thread=another.id))
    assert "four" in world.common()
    assert len([text for text in world.told(BEN) if text == question]) == 1


async def test_somebody_elses_tag_is_explained_to_them_once(world: World) -> None:
    root = world.say(ANN, "root")
    await world.does(root, world.say(BEN, "#common please", thread=root.id), world.say(BEN, "#common!", thread=root.id))
    assert world.common() == []
    assert len(world.told(BEN)) == 1
    assert world.told(ANN) == []


async def test_an_authors_tag_in_their_own_thread_shares_it(world: World) -> None:
    root = world.say(ANN, "root")
    await world.does(root, world.say(BEN, "reply", thread=root.id))
    await world.does(world.say(ANN, "all of you #common", thread=root.id))
    assert world.common() == ["root", "all of you #common"]


async def test_a_thread_that_began_before_us_is_not_shared_and_its_author_hears_why(world: World) -> None:
    await world.does(world.say(ANN, "late #common", thread="$unknown"))
    assert world.common() == []
    assert len(world.told(ANN)) == 1


@pytest.mark.parametrize("room", [COMMON, STAFF, "!elsewhere", f"!direct-{ANN}"])
async def test_no_other_room_is_a_source(world: World, room: str) -> None:
    await world.does(world.say(ANN, "tagged #common", room=room))
    assert [raw for raw in world.server.events.values() if raw["sender"] == ME and raw["room"] == COMMON] == []


async def test_copies_and_our_own_words_never_feed_copies(world: World) -> None:
    ours = world.say(ME, "ours #common")
    marked = world.say(CLEO, "copied #common", **{COPY_MARK: "h123"})
    await world.does(ours, Message(marked.id, SLEEP, CLEO, 1, marked.content, marked=True))
    await world.does(world.say(CLEO, "a reply", thread=marked.id))
    assert world.common() == []


async def test_out_of_encryption_only_when_the_owner_said_so(database: Database) -> None:
    world = await World(database).begin(circle_encrypted=True)
    root = world.say(ANN, "secret #common")
    await world.does(root, world.change(root, "secret! #common"))
    assert world.common() == []
    assert len(world.told(ANN)) == 1
    allowed = await World(database, config(encrypted_to_open=True)).begin(circle_encrypted=True)
    await allowed.does(allowed.say(ANN, "not so secret #common"))
    assert allowed.common() == ["not so secret #common"]


async def test_a_circle_that_becomes_encrypted_keeps_its_words(world: World) -> None:
    root = world.say(ANN, "said openly #common")
    await world.does(root)
    waiting = world.say(ANN, "still on its way", thread=root.id)
    await world.hear(waiting)
    await world.hear(
        StateChanged("$lock", SLEEP, ANN, 1, "m.room.encryption", "", {"algorithm": "m.megolm.v1.aes-sha2"})
    )
    await world.settle()
    await world.does(world.say(ANN, "another thread #common"))
    assert world.common() == ["said openly #common"]
    await world.does(world.say(ANN, "secret", thread=root.id))
    assert world.common() == []
    assert "secret" not in world.server.held(COMMON)


async def test_unshare_takes_back_and_holds_back_until_the_tag_is_written_anew(world: World) -> None:
    root = world.say(ANN, "root #common")
    await world.does(root, world.say(ANN, "reply", thread=root.id))
    await world.does(world.say(BEN, "!unshare", thread=root.id))
    assert len(world.common()) == 2
    await world.does(world.say(ANN, "!unshare", thread=root.id))
    assert world.common() == []
    await world.does(world.change(root, "root, better said #common"), world.say(ANN, "reply two", thread=root.id))
    assert world.common() == []
    await world.does(world.say(ANN, "do hear it #common", thread=root.id))
    assert "root, better said #common" in world.common()
    assert not any("unshare" in body for body in world.common())


async def test_consent_and_tags_as_commands(world: World) -> None:
    root = world.say(ANN, "root #common #Sleep")
    await world.does(root, world.say(BEN, "reply #sleep", thread=root.id))
    async with world.database.writing() as db:
        await people.change(db, BEN, direct_room=f"!direct-{BEN}")
    await world.does(world.say(BEN, "consent yes", room=f"!direct-{BEN}"))
    assert len(world.common()) == 2
    await world.does(world.say(BEN, "consent no", room=f"!direct-{BEN}"))
    assert len(world.common()) == 1
    await world.does(world.say(BEN, "tags", room=f"!direct-{BEN}"))
    assert any("#sleep: 2 messages" in text for text in world.told(BEN))


async def test_staff_hears_once_of_what_could_not_be_shared_and_a_retry_brings_all(world: World) -> None:
    world.server.refuse = {"Send"}
    root = world.say(ANN, "root #common")
    await world.does(root, world.say(ANN, "reply", thread=root.id))
    async with world.database.reading() as db:
        dead = [wish for wish in await queue.dead(db) if wish.kind == "Copy"]
        said = [wish for wish in await queue.dead(db) if wish.kind == "Say"]
    assert len(dead) == 1
    assert len(said) == 1
    effect = load("Say", said[0].key, said[0].payload or "")
    assert isinstance(effect, Say)
    assert effect.room == STAFF
    assert effect.text.values["reason"] == {"code": "M_FORBIDDEN"}
    world.server.refuse = set()
    async with world.database.writing() as db:
        assert await queue.retry(db, dead[0].key)
    await world.settle()
    assert world.common() == ["root #common", "reply"]


async def test_a_moderators_redaction_of_a_copy_stays(world: World) -> None:
    root = world.say(ANN, "root #common")
    await world.does(root)
    await world.does(world.change(root, "changed #common"))
    (copy,) = world.server.shown(COMMON)
    await world.does(world.take(copy, COMMON, CLEO))
    await world.does(world.change(root, "once more #common"), world.say(ANN, "reply", thread=root.id))
    assert world.common() == []
    assert "changed" not in world.server.held(COMMON)


async def test_no_words_stay_in_the_database(world: World, where: Path | str) -> None:
    root = world.say(ANN, "xylophone #common")
    await world.does(root, world.say(BEN, "glockenspiel", thread=root.id), world.change(root, "marimba #common"))
    await world.database.tidy()
    if isinstance(where, Path):
        stored = b"".join(path.read_bytes() for path in where.parent.glob(where.name + "*"))
        assert not any(word in stored for word in (b"xylophone", b"glockenspiel", b"marimba", b"Ann"))


# --- whatever the order --------------------------------------------------------------------------------------------------------------

WHO = st.sampled_from([ANN, BEN, CLEO])
NUMBER = st.integers(0, 30)
OPS = st.lists(
    st.one_of(
        st.tuples(st.just("root"), WHO, st.booleans()),
        st.tuples(st.just("thread"), WHO, st.booleans(), NUMBER),
        st.tuples(st.just("reply"), WHO, st.booleans(), NUMBER),
        st.tuples(st.just("edit"), st.booleans(), NUMBER),
        st.tuples(st.just("redact"), NUMBER),
        st.tuples(st.just("consent"), WHO, st.booleans()),
        st.tuples(st.just("work"), st.integers(1, 3), st.booleans()),
        st.tuples(st.just("late"), st.booleans()),
    ),
    min_size=6,
    max_size=25,
)


@dataclass
class Story:
    """What members did, told plainly: the other way to know what should stand in the common room."""

    world: World
    messages: list[Message] = field(default_factory=list)
    parents: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    redacted: set[str] = field(default_factory=set)
    consents: dict[str, bool] = field(default_factory=dict)
    pending: list[AnyEvent] = field(default_factory=list)
    heard: list[AnyEvent] = field(default_factory=list)
    late: bool = False

    async def play(self, op: tuple[Any, ...]) -> None:
        match op:
            case ("late", late):
                self.late = late
                if not late:
                    await self.catch_up()
            case ("work", count, crash):
                for _ in range(count):
                    await self.world.step(crash=crash)
                for event in self.heard[-2:]:
                    await self.world.hear(event)
            case ("consent", who, given_):
                self.consents[who] = given_
                async with self.world.database.reading() as db:
                    asked = await people.prompt(db, f"$asked-{who}")
                if asked is None:
                    async with self.world.database.writing() as db:
                        await people.add_prompt(db, event=f"$asked-{who}", user=who, kind="consent")
                key = "👍" if given_ else "👎"
                at_ms = self.world.tick()
                await self.world.hear(Reacted(f"$consent-{at_ms}", f"!direct-{who}", who, at_ms, f"$asked-{who}", key))
            case _:
                event = self.event(op)
                if event is not None:
                    self.pending.append(event)
        if not self.late:
            await self.catch_up()

    def event(self, op: tuple[Any, ...]) -> AnyEvent | None:
        kind, *rest = op
        if kind == "root":
            return self.said(rest[0], rest[1])
        if not self.messages:
            return None
        target = self.messages[rest[-1] % len(self.messages)]
        if kind == "thread":
            root = target.thread or target.id
            return self.said(rest[0], rest[1], thread=root)
        if kind == "reply":
            return self.said(rest[0], rest[1], reply_to=target.id)
        if target.id in self.redacted:
            return None
        if kind == "edit":
            text = self.texts[target.id].partition(" ")[0] + f" v{self.world.now_ms}" + (" #common" if rest[0] else "")
            self.texts[target.id] = text
            return self.world.change(target, text)
        self.redacted.add(target.id)
        return self.world.take(target.id, sender=target.sender)

    def said(self, who: str, tagged: bool, **how: str) -> Message:
        text = f"word{len(self.messages)}" + (" #common" if tagged else "")
        message = self.world.say(who, text, **how)
        self.messages.append(message)
        self.texts[message.id] = text
        self.parents[message.id] = how.get("thread") or how.get("reply_to") or ""
        return message

    async def catch_up(self) -> None:
        # What is late arrives backwards: replies before roots, redactions and edits before their targets.
        for event in reversed(self.pending) if len(self.pending) > 1 else self.pending:
            await self.world.hear(event)
            self.heard.append(event)
        self.pending = []

    def root_of(self, event: str) -> str:
        while self.parents[event]:
            event = self.parents[event]
        return event

    def wanted(self) -> set[str]:
        """The words that should be readable in the common room."""
        authors = {message.id: message.sender for message in self.messages}
        found = set()
        for message in self.messages:
            root = self.root_of(message.id)
            by_author = [one for one in authors if self.root_of(one) == root and authors[one] == authors[root]]
            shared = root not in self.redacted and any("#common" in self.texts[one] and one not in self.redacted for one in by_author)  # fmt: skip
            agreed = message.sender == authors[root] or self.consents.get(message.sender, False)
            if shared and agreed and message.id not in self.redacted:
                found.add(self.texts[message.id])
        return found


async def tell(database: Database, ops: Sequence[tuple[Any, ...]]) -> None:
    world = await World(database).begin()
    story = Story(world)
    for op in ops:
        await story.play(op)
    await story.catch_up()
    await world.settle()
    assert sorted(world.common()) == sorted(story.wanted())
    readable = {text.partition(" ")[0] for text in story.wanted()}
    held = world.server.held(COMMON)
    for text in story.texts.values():
        word = text.partition(" ")[0]
        assert word in readable or not re.search(rf"\b{word}\b", held), "words stayed behind"
    before = len(world.server.events)
    for event in story.heard:
        await world.hear(event)
    await world.settle()
    assert len(world.server.events) == before


def test_the_common_room_always_equals_a_plain_recomputation(tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(tmp_path / "hearth.db"))

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(OPS)
        def story(ops: Sequence[tuple[Any, ...]]) -> None:
            runner.run(tell(database, ops))

        try:
            story()
        finally:
            runner.run(database.close())


# --- and back ------------------------------------------------------------------------------------------------------------------------


async def shared(world: World) -> tuple[Message, str]:
    """A thread that everybody reads: its root, and the copy of that in the common room."""
    root = world.say(ANN, "who is awake? #common")
    await world.does(root)
    await world.echo()
    return root, world.copy_of("awake")


def in_the_circle(world: World) -> list[str]:
    """What we carried into the circle."""
    shown = world.server.shown(SLEEP).items()
    return [body for event, body in shown if world.server.events[event]["sender"] == ME]


async def test_an_answer_in_the_common_room_stands_in_the_circles_own_thread(world: World) -> None:
    root, copy = await shared(world)
    await world.does(world.say(CLEO, "I am", room=COMMON, thread=copy))
    assert in_the_circle(world) == ["Cleo in the common room:\nI am"]
    content = world.server.events[world.copy_of("I am", SLEEP)]["content"]
    assert content["m.relates_to"]["rel_type"] == "m.thread"
    assert content["m.relates_to"]["event_id"] == root.id
    assert content["m.mentions"] == {}
    assert COPY_MARK in content
    assert not any(secret in str(content) for secret in (COMMON, copy, CLEO))


async def test_an_answer_keeps_its_partner_in_both_directions(world: World) -> None:
    _, copy = await shared(world)
    question = world.say(CLEO, "why?", room=COMMON, thread=copy)
    await world.does(question)
    await world.echo()
    carried = world.copy_of("why?", SLEEP)
    reason = world.say(ANN, "the moon", reply_to=carried)  # a client without threads
    await world.does(reason)
    await world.echo()
    back = world.server.events[world.copy_of("the moon")]["content"]["m.relates_to"]
    assert (back["event_id"], back["is_falling_back"], back["m.in_reply_to"]["event_id"]) == (copy, False, question.id)
    await world.does(world.say(BEN, "it is full", room=COMMON, reply_to=world.copy_of("the moon")))
    there = world.server.events[world.copy_of("it is full", SLEEP)]["content"]["m.relates_to"]
    assert (there["is_falling_back"], there["m.in_reply_to"]["event_id"]) == (False, reason.id)


async def test_an_answer_to_an_answer_comes_along_and_what_answers_nothing_does_not(world: World) -> None:
    _, copy = await shared(world)
    first = world.say(CLEO, "first", room=COMMON, reply_to=copy)
    await world.does(first, world.say(BEN, "second", room=COMMON, reply_to=first.id))
    await world.does(world.say(BEN, "something else", room=COMMON))
    assert in_the_circle(world) == ["Cleo in the common room:\nfirst", "Ben in the common room:\nsecond"]


async def test_copies_never_feed_copies(world: World) -> None:
    _, copy = await shared(world)
    await world.does(world.say(CLEO, "I am", room=COMMON, thread=copy))
    for _ in range(3):
        before = len(world.server.events)
        await world.echo()
        await world.settle()
        assert len(world.server.events) == before


async def test_edits_and_redactions_of_an_answer_reach_the_circle(world: World) -> None:
    _, copy = await shared(world)
    said = world.say(CLEO, "I amm", room=COMMON, thread=copy)
    await world.does(said)
    edit = world.change(said, "I am")
    await world.does(edit)
    assert in_the_circle(world) == ["Cleo in the common room:\nI am"]
    await world.does(world.take(edit.id, COMMON, CLEO))
    assert in_the_circle(world) == ["Cleo in the common room:\nI amm"]
    await world.does(world.take(said.id, COMMON, CLEO))
    assert in_the_circle(world) == []
    assert "I am" not in world.server.held(SLEEP)


async def test_who_said_no_to_travelling_stays_in_the_common_room_too(world: World) -> None:
    _, copy = await shared(world)
    await world.does(world.say(CLEO, "consent no", room=f"!direct-{CLEO}"))
    await world.does(world.say(CLEO, "only here", room=COMMON, thread=copy))
    assert in_the_circle(world) == []
    await world.does(world.say(CLEO, "consent yes", room=f"!direct-{CLEO}"))
    assert in_the_circle(world) == ["Cleo in the common room:\nonly here"]


async def test_answers_stay_with_whom_they_were_given_to_when_the_thread_is_taken_back(world: World) -> None:
    root, copy = await shared(world)
    said = world.say(CLEO, "drink water", room=COMMON, thread=copy)
    await world.does(said)
    await world.does(world.change(root, "who is awake?"))
    assert "awake" not in world.server.held(COMMON)
    assert in_the_circle(world) == ["Cleo in the common room:\ndrink water"]
    await world.does(world.take(said.id, COMMON, CLEO))
    assert in_the_circle(world) == []


async def test_an_answer_that_came_before_we_knew_our_copys_id_is_carried_too(world: World) -> None:
    root = world.say(ANN, "who is awake? #common")
    await world.hear(root)
    await world.step(crash=True)  # it stands there, and we do not know it yet
    await world.hear(world.say(CLEO, "I am", room=COMMON, thread=world.copy_of("awake")))
    await world.settle()
    assert in_the_circle(world) == ["Cleo in the common room:\nI am"]


async def test_words_of_an_encrypted_common_room_stay_out_of_an_open_circle(database: Database) -> None:
    world = await World(database).begin(common_encrypted=True)
    _, copy = await shared(world)
    await world.does(world.say(CLEO, "in confidence", room=COMMON, thread=copy))
    assert in_the_circle(world) == []
