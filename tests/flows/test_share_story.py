"""Whatever people do, in whatever order it arrives, with crashes and replays: both rooms always equal a plain recomputation.

That is for threads on their own and in bundles, by whatever name, with what moderators take out and allow again; and out of an encrypted circle.

The recomputation knows nothing of Hearth: only who said what, and what they agreed to.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sharing import ANN, BEN, CLEO, COMMON, ME, SLEEP, STAFF, World, config
from sqlalchemy import select

from bridge.events import AnyEvent, Edited, MemberChanged, Message, Reacted, Redacted
from bridge.rooms import widening
from bridge.rooms.summary import PAUSE_MS
from bridge.store.db import Database
from bridge.store.tables import copies

MOD = "@mod:one.test"
TAG = {SLEEP: "#common", COMMON: "#sleep"}
OTHER = {SLEEP: COMMON, COMMON: SLEEP}

WHO, ROOM, NUMBER = st.sampled_from([ANN, BEN, CLEO]), st.sampled_from([SLEEP, COMMON]), st.integers(0, 30)
OPS = st.lists(
    st.one_of(
        st.tuples(st.just("root"), WHO, st.booleans(), ROOM),
        st.tuples(st.just("thread"), WHO, st.booleans(), NUMBER),
        st.tuples(st.just("reply"), WHO, st.booleans(), NUMBER),
        st.tuples(st.just("edit"), st.booleans(), NUMBER),
        st.tuples(st.just("unedit"), NUMBER),
        st.tuples(st.just("redact"), NUMBER),
        st.tuples(st.just("consent"), WHO, st.booleans()),
        st.tuples(st.just("offer"), st.booleans(), NUMBER),
        st.tuples(st.just("unshare"), NUMBER),
        st.tuples(st.just("answer"), WHO, NUMBER),
        st.tuples(st.just("named"), WHO, st.sampled_from(["name", "profile", "anonymous"])),
        st.tuples(st.just("strike"), NUMBER),
        st.tuples(st.just("lift"), NUMBER),
        st.tuples(st.just("notice")),
        st.tuples(st.just("work"), st.integers(1, 3), st.booleans()),
        st.tuples(st.just("late"), st.booleans()),
    ),
    min_size=6,
    max_size=24,
)


BEGINNING = (
    ("root", ANN, True, SLEEP),
    ("root", BEN, True, COMMON),
    ("root", CLEO, False, SLEEP),
    ("thread", BEN, True, 2),
)
"""A shared thread in each room, and one of which a reply was offered: what follows should meet something."""


@dataclass
class Plain:
    """What should be seen, by the rules as a person would tell them. `heard` are messages in the order in which they arrived."""

    heard: dict[str, Message] = field(default_factory=dict)
    texts: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    emptied: set[str] = field(default_factory=set)
    consents: dict[str, bool] = field(default_factory=dict)
    agreed: set[str] = field(default_factory=set)
    held: dict[str, int] = field(default_factory=dict)
    answers: dict[str, tuple[Message, str, str]] = field(default_factory=dict)
    carried: set[str] = field(default_factory=set)
    ever: set[str] = field(default_factory=set)
    named: dict[str, str] = field(default_factory=dict)
    struck: set[str] = field(default_factory=set)
    told: bool = True

    def text(self, message: str) -> str:
        return max(each for each in self.texts[message] if each[1] not in self.emptied)[2]

    def tagged(self, message: Message) -> bool:
        return message.id not in self.emptied and TAG[message.room] in self.text(message.id)

    def root(self, message: Message) -> str | None:
        parent = message.thread or message.reply_to
        if parent is None:
            return message.id
        return self.root(self.heard[parent]) if parent in self.heard else None

    def thread(self, root: str) -> list[Message]:
        return [each for each in self.heard.values() if self.root(each) == root and each.id not in self.emptied]

    def roots(self) -> list[str]:
        return [each for each, message in self.heard.items() if self.root(message) == each]

    def tags(self, root: str) -> list[str]:
        author = self.heard[root].sender
        own = [each.id for each in self.thread(root) if each.sender == author and self.tagged(each)]
        return own if root not in self.emptied else []

    def wanted(self, root: str) -> list[str]:
        """The messages of a thread that should be read in the other room."""
        if {root} & (self.emptied | self.struck) or (self.heard[root].room == SLEEP and not self.told):
            return []
        author, found = self.heard[root].sender, []
        whole = bool(self.tags(root)) and root not in self.held
        for each in self.thread(root):
            theirs = each.sender != author and self.tagged(each) and self.consents.get(each.sender) is not False
            if (whole and (each.sender == author or self.consents.get(each.sender) or theirs)) or (
                not whole and theirs and each.id in self.agreed
            ):
                found.append(each.id)
        left = [each for each in found if each != root and each not in self.struck]
        return [root, *left] if whole or left else []

    def recount(self, can_be_seen: Any) -> None:
        """After every arrival: what was held back may be free again, what was answered may travel."""
        order = list(self.heard)
        for root, since in list(self.held.items()):
            tags = self.tags(root)
            if not tags or any(order.index(each) >= since for each in tags):
                del self.held[root]
        for event, (message, root, copy) in self.answers.items():
            consent = self.consents.get(message.sender)
            fine = consent is not False and not {event} & (self.emptied | self.struck)
            if message.room == SLEEP:
                fine = fine and consent is True and self.told
            known = event in self.ever or can_be_seen(copy)
            if fine and (event in self.carried or (self.wanted(root) and known)):
                self.carried.add(event)
                self.ever.add(event)
            else:
                self.carried.discard(event)

    def seen(self, room: str) -> list[str]:
        """What should be readable in a room by our doing: by which name, and the words."""
        roots = [each for each in self.roots() if self.heard[each].room == OTHER[room]]
        found = [self.heard[each] for root in roots for each in self.wanted(root)]
        back = [self.answers[each][0] for each in self.carried if self.answers[each][0].room == OTHER[room]]
        return sorted(f"{self.heading(each)}\n{self.text(each.id)}" for each in (*found, *back))

    def heading(self, message: Message) -> str:
        name = message.sender[1:].partition(":")[0].capitalize()
        by = {"anonymous": "Somebody", "profile": f"{name} Profile"}.get(self.named.get(message.sender, ""), name)
        return f"{by} in {'the common room' if message.room == COMMON else '#sleep'}:"

    def staying(self, room: str) -> list[int]:
        """How many replies stay behind, for each thread that is carried into a room."""
        roots = [each for each in self.roots() if self.heard[each].room == OTHER[room] and self.wanted(each)]
        return sorted(n for each in roots if (n := len(self.thread(each)) - len(self.wanted(each))))


@dataclass
class Story:
    """Plays what people do, to Hearth and to the plain recomputation."""

    world: World
    plain: Plain = field(default_factory=Plain)
    said: list[Message] = field(default_factory=list)
    edits: list[Edited] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    words: dict[str, str] = field(default_factory=dict)
    pending: list[AnyEvent] = field(default_factory=list)
    told: list[AnyEvent] = field(default_factory=list)
    late: bool = False

    async def play(self, op: tuple[Any, ...]) -> None:
        match op:
            case ("late", late):
                self.late = late
            case ("work", count, crash):
                for _ in range(count):
                    await self.world.step(crash=crash)
                for event in self.told[-2:]:
                    await self.world.hear(event)
            case ("named" | "lift" | "unshare", *_):
                await self.catch_up()  # what is under way is met, too
                await self.decided(op)
            case ("consent" | "offer" | "strike" | "notice" | "answer", *_):
                await self.calm()
                await self.decided(op)
            case _:
                self.pending += [event for event in (self.event(op),) if event]
        if not self.late:
            await self.catch_up()

    async def decided(self, op: tuple[Any, ...]) -> None:
        """Somebody answers, agrees, takes back, wants another name; a moderator or the owner decides."""
        match op:
            case ("consent", who, yes):
                self.plain.consents[who] = yes
                await self.order(who, f"consent {'yes' if yes else 'no'}")
            case ("unshare", number) if roots := self.plain.roots():
                await self.unshare(roots[number % len(roots)])
            case ("offer", yes, number):
                await self.offer(yes=yes, number=number)
            case ("answer", who, number):
                await self.answer(who, number)
            case ("named", who, how):
                self.plain.named[who] = how
                await self.order(who, f"share as {how}")
            case ("strike", number):
                await self.strike(number)
            case ("lift", number) if self.plain.struck:
                await self.lift(sorted(self.plain.struck)[number % len(self.plain.struck)])
            case ("notice",):
                await self.world.look(widening.look)
                self.plain.told = True
                self.recount()

    async def calm(self) -> None:
        await self.catch_up()
        await self.world.settle()

    async def order(self, who: str, text: str) -> None:
        await self.world.hear(self.world.say(who, text, room=f"!direct-{who}"))
        self.recount()

    async def unshare(self, root: str) -> None:
        author, room = self.plain.heard[root].sender, self.plain.heard[root].room
        if self.plain.wanted(root):
            self.plain.held[root] = len(self.plain.heard)
            self.plain.agreed -= {each for each, m in self.plain.heard.items() if self.plain.root(m) == root}
        await self.order(author, f"unshare https://matrix.to/#/{room}/{root}")

    async def offer(self, *, yes: bool, number: int) -> None:
        questions = [(key, event) for key, event in self.world.server.done.items() if key.startswith("offer/ask/")]
        if not questions:
            return
        key, event = questions[number % len(questions)]
        reply = key.rpartition("/")[2]
        author = self.plain.heard[self.plain.root(self.plain.heard[reply]) or ""].sender
        (self.plain.agreed.add if yes else self.plain.agreed.discard)(reply)
        at_ms = self.world.tick()
        await self.world.hear(Reacted(f"$r-{at_ms}", f"!direct-{author}", author, at_ms, event, "👍" if yes else "👎"))
        self.recount()

    async def answer(self, who: str, number: int) -> None:
        shared = [
            root for root in self.plain.roots()
            if self.plain.wanted(root) and (self.plain.told or self.plain.heard[root].room == SLEEP)
        ]  # fmt: skip
        if not shared:
            return
        root = shared[number % len(shared)]
        async with self.world.database.reading() as db:
            copy = await copy_of(db, root)
        bundle = self.world.server.events[copy]["content"].get("m.relates_to", {}).get("event_id")
        how = {"thread": bundle, "reply_to": copy} if bundle else {"thread": copy}
        message = self.world.say(who, self.next_words(), room=OTHER[self.plain.heard[root].room], **how)
        self.words[message.id] = message.content.body.partition(" ")[0]
        self.said.append(message)
        self.plain.answers[message.id] = (message, root, copy)
        self.plain.texts[message.id] = [(message.at_ms, message.id, message.content.body)]
        self.told.append(message)
        await self.world.hear(message)
        self.recount()

    async def strike(self, number: int) -> None:
        """A moderator takes a copy away."""
        async with self.world.database.reading() as db:
            seen = select(copies.c.source, copies.c.room, copies.c.copy).where(copies.c.copy.is_not(None))
            there = (await db.execute(seen.order_by(copies.c.source, copies.c.room))).all()
        if there:
            found = there[number % len(there)]
            self.plain.struck.add(found.source)
            event = self.world.take(found.copy, found.room, MOD)
            self.told.append(event)
            await self.world.hear(event)
            self.recount()

    async def lift(self, source: str) -> None:
        """And allows it again."""
        self.plain.struck.discard(source)
        await self.world.hear(self.world.say(MOD, f"!share again https://matrix.to/#/{SLEEP}/{source}", room=STAFF))
        self.recount()

    def next_words(self) -> str:
        return f"word{len(self.said)} v0"

    def event(self, op: tuple[Any, ...]) -> AnyEvent | None:
        kind, *rest = op
        if kind == "root":
            return self.speak(rest[0], rest[2], tagged=rest[1])
        if kind == "unedit":
            left = [each for each in self.edits if each.id not in self.gone and each.target not in self.gone]
            if not left:
                return None
            edit = left[rest[0] % len(left)]
            self.gone.add(edit.id)
            return self.world.take(edit.id, edit.room, edit.sender)
        alive = [each for each in self.said if each.id not in self.gone]
        if not alive:
            return None
        target = alive[rest[-1] % len(alive)]
        if kind in ("thread", "reply"):
            if target.id in self.plain.answers:
                return None
            how = {"thread": target.thread or target.id} if kind == "thread" else {"reply_to": target.id}
            return self.speak(rest[0], target.room, tagged=rest[1], **how)
        if kind == "edit":
            words = f"{self.words[target.id]} v{self.world.now_ms}" + (f" {TAG[target.room]}" if rest[0] else "")
            edit = self.world.change(target, words)
            self.edits.append(edit)
            return edit
        self.gone.add(target.id)
        return self.world.take(target.id, target.room, target.sender)

    def speak(self, who: str, room: str, *, tagged: bool, **how: str) -> Message:
        message = self.world.say(who, self.next_words() + (f" {TAG[room]}" if tagged else ""), room=room, **how)
        self.words[message.id] = message.content.body.partition(" ")[0]
        self.said.append(message)
        return message

    async def catch_up(self) -> None:
        # What is late arrives backwards: replies before roots, redactions and edits before their targets.
        for event in reversed(self.pending):
            self.told.append(event)
            await self.world.hear(event)
            self.hears(event)
            self.recount()
        self.pending = []

    def hears(self, event: AnyEvent) -> None:
        if isinstance(event, Message):
            self.plain.heard[event.id] = event
            self.plain.texts.setdefault(event.id, []).append((0, event.id, event.content.body))
        elif isinstance(event, Edited):
            self.plain.texts.setdefault(event.target, []).append((event.at_ms, event.id, event.content.body))
        elif isinstance(event, Redacted):
            self.plain.emptied.add(event.target)

    def recount(self) -> None:
        self.plain.recount(lambda copy: not self.world.server.events[copy]["redacted"])


async def copy_of(db: Any, root: str) -> str:
    query = select(copies.c.copy).where(copies.c.source == root, copies.c.root == root)
    return str((await db.execute(query)).scalar_one())


def ours(world: World, room: str) -> Iterator[str]:
    """All that we ever said in a room and that a curious server still finds."""
    for raw in world.server.events.values():
        if raw["room"] == room and raw["sender"] == ME and not raw["redacted"]:
            yield str(raw["content"])


async def tell(database: Database, ops: Sequence[tuple[Any, ...]], **community: Any) -> None:
    allowed = bool(community.get("encrypted_to_open"))
    community["moderators"] = [MOD]
    world = await World(database, config(**community)).begin(circle_encrypted=allowed)
    await world.hear(MemberChanged("$mod", STAFF, MOD, 1, user=MOD, membership="join", was=None))
    story = Story(world, Plain(told=not allowed))
    for op in (*BEGINNING, *ops):
        await story.play(op)
    await story.catch_up()
    await equal(story)
    before = len(world.server.events)
    for event in story.told:
        await world.hear(event)
    await world.settle()
    assert len(world.server.events) == before
    if allowed:
        world.settings = config(**{**community, "encrypted_to_open": False})
        await world.look(widening.look)
        story.plain.told = False
        story.recount()
        await equal(story)


async def equal(story: Story) -> None:
    """When all is done, both rooms are as the plain recomputation says; and of all other words nothing is left."""
    world = story.world
    for _ in range(3):
        await world.settle()
        world.now_ms += PAUSE_MS
    await world.settle()
    for room in (SLEEP, COMMON):
        found = sorted(re.sub(r"^Somebody \(\d+\)", "Somebody", body) for body in world.copies(room))
        wanted = story.plain.seen(room)
        assert found == wanted, room
        lines = sorted(int(found[1]) for line in world.lines(room) if (found := re.match(r"(\d+) repl", line)))
        assert lines == story.plain.staying(room), room
        assert "…" not in world.lines(room), "something without words"
        readable = {text.partition("\n")[2].partition(" ")[0] for text in wanted}
        held = " ".join(ours(world, room))
        for word in set(story.words.values()) - readable:
            assert not re.search(rf"\b{word}\b", held), "words stayed behind"


@pytest.mark.parametrize(
    ("community", "examples"),
    [({"bundle_after": 1000}, 40), ({"bundle_after": 1}, 25), ({"encrypted_to_open": True}, 20)],
    ids=["alone", "bundled", "out of encryption"],
)
def test_both_rooms_always_equal_a_plain_recomputation(
    tmp_path: Path, community: dict[str, Any], examples: int
) -> None:
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(tmp_path / "hearth.db"))

        @settings(max_examples=examples, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(OPS)
        @example([("answer", ANN, 1), ("strike", 0), ("consent", ANN, True), ("named", ANN, "anonymous"), ("lift", 0)])
        def story(ops: Sequence[tuple[Any, ...]]) -> None:
            runner.run(tell(database, ops, **community))

        try:
            story()
        finally:
            runner.run(database.close())
