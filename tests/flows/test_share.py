"""Shared threads from the event to the common room, on a real database, with a homeserver of a few lines."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from databases import on_a_file, on_both
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sharing import ANN, BEN, CLEO, COMMON, ME, SLEEP, STAFF, World, config

from bridge.events import COPY_MARK, AnyEvent, Message, Reacted, Redacted, StateChanged
from bridge.rooms import widening
from bridge.store import people, queue
from bridge.store.db import Database

pytestmark = on_a_file


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
    assert len(world.told(ANN)) == 1


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
    await allowed.look(widening.look)
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


@on_both
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
    world.server.refuse = {COMMON}
    root = world.say(ANN, "root #common")
    await world.does(root, world.say(ANN, "reply", thread=root.id))
    async with world.database.reading() as db:
        dead = [wish for wish in await queue.dead(db) if wish.kind == "Copy"]
    assert len(dead) == 1
    (told,) = world.server.shown(STAFF).values()
    assert "A thread could not be shared" in told
    assert "M_FORBIDDEN" in told
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
            tagged = "#common" in self.texts[message.id]  # a replier's own tag is consent for that reply
            agreed = message.sender == authors[root] or self.consents.get(message.sender, tagged)
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
