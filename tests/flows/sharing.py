"""The shells of shared threads around a real database, with a homeserver of a few lines: what their tests are played in."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete

from bridge import answer, registry, speak, tags
from bridge.catalogues import spellings
from bridge.commands import Book
from bridge.config import Config
from bridge.effects import Effect, Kick, React, Redact, Send, load
from bridge.errors import Refused
from bridge.events import COPY_MARK, AnyEvent, Content, Edited, MemberChanged, Message, Redacted
from bridge.hearth import together
from bridge.rooms import dispatch, untold, widening
from bridge.rooms.react import react
from bridge.scene import Desk, Scene
from bridge.store import claims, journal, queue, rooms
from bridge.store.db import Database
from bridge.store.rooms import Room
from bridge.store.tables import metadata
from bridge.unsay import left_by

ME, ANN, BEN, CLEO = "@hearth:one.test", "@ann:one.test", "@ben:two.test", "@cleo:two.test"
SLEEP, COMMON, STAFF = "!sleep-circle-000000:one.test", "!common", "!staff"
GRIEF = "!grief-circle-000000:one.test"
"""A second circle, for worlds that begin with it."""
START_MS = 1_767_340_800_000
COMMUNITY = {
    "space": {"name": "Space"},
    "common": {"name": "Common room"},
    "staff": {"name": "Staff"},
    "circles": [{"name": "Sleeping well", "tag": "sleep"}],
}
BOOK_OF_ALL = registry.load("bridge.rooms.commands")
MINE = {name: BOOK_OF_ALL.commands[name] for name in ("share", "share as", "share again", "unshare", "consent", "tags")}
BOOK = Book(MINE, spellings(MINE, "command"))


def config(**more: Any) -> Config:
    matrix = {"homeserver": "https://one.test", "user_id": ME}
    return Config.model_validate({"matrix": matrix, "community": {**COMMUNITY, **more}})


class Names:
    def of(self, user: str) -> str:
        return {ANN: "Ann", BEN: "Ben", CLEO: "Cleo"}.get(user, user[1:].partition(":")[0])

    def profile(self, user: str) -> str:
        return f"{self.of(user)} Profile"

    def find(self, _name: str) -> Sequence[str]:
        return []

    def seal(self, name: str) -> str:
        return hashlib.sha256(f"a key/{name}".encode()).hexdigest()

    def like(self, _name: str) -> frozenset[str]:
        return frozenset()

    def fingerprint(self, text: str) -> str:
        return text.casefold()


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

    def perform(self, effect: Effect, me: str = ME) -> str:
        if getattr(effect, "room", None) in self.refuse:
            raise Refused(403, "M_FORBIDDEN")
        key = effect.key if me == ME else f"{me}|{effect.key}"  # each account has its own
        if key not in self.done:
            if isinstance(effect, Redact):
                self.events[effect.event]["redacted"] = True
                self.done[key] = f"$redaction-{len(self.done)}"
            elif isinstance(effect, React):
                relation = {"rel_type": "m.annotation", "event_id": effect.event, "key": effect.emoji}
                self.done[key] = self.add(effect.room, me, "m.reaction", {"m.relates_to": relation, COPY_MARK: "h"})
            elif isinstance(effect, Kick):
                self.done[key] = f"$kick-{len(self.done)}"
            else:
                assert isinstance(effect, Send)
                self.done[key] = self.add(effect.room, me, effect.type, effect.content)
        return self.done[key]

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


@dataclass(frozen=True)
class Tried:
    """One try of an effect, and what came of it."""

    wish: queue.Wish
    effect: Effect
    end: queue.Settled


@dataclass
class World:
    """The bot's shells around a real database; events come in by hand and the outbox is worked off by hand."""

    database: Database
    settings: Config = field(default_factory=config)
    server: Homeserver = field(default_factory=Homeserver)
    now_ms: int = START_MS
    me: str = ME
    fillers: dict[type[Effect], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        async def direct_room(user: str, *, insist: bool = False) -> str:
            return f"!direct-{user}"

        self.fillers = {**speak.fillers(direct_room), **dispatch.FILLERS}

    async def begin(
        self, *, circle_encrypted: bool = False, common_encrypted: bool = False, two_circles: bool = False
    ) -> "World":
        async with self.database.writing() as db:
            for table in reversed(metadata.sorted_tables):
                await db.execute(delete(table))
            kinds = [(SLEEP, "circle/sleep", "circle", "sleep", circle_encrypted), (COMMON, "common", "common", None, common_encrypted), (STAFF, "staff", "staff", None, True)]  # fmt: skip
            if two_circles:
                kinds.append((GRIEF, "circle/grief", "circle", "grief", circle_encrypted))
            for room, key, kind, tag, encrypted in kinds:
                await rooms.add(
                    db, Room(room=room, key=key, kind=kind, tag=tag, encrypted=encrypted, history="shared", made_ms=1)
                )
                for user in (ME,) if room == STAFF else (ME, ANN, BEN, CLEO):
                    joined = MemberChanged(f"$join/{room}/{user}", room, user, 1, user=user, membership="join")
                    await journal.remember(db, joined, frozenset(), 1)
        return self

    def scene(self, db: Any) -> Scene:
        return Scene(db, self.settings, self.me, self.now_ms, Names())

    async def hear(self, event: AnyEvent) -> None:
        """One event reaches the bot, as a batch of its own."""
        self.now_ms += 1
        async with self.database.writing() as db:
            if not await claims.claim(db, event.id, self.now_ms):
                return
            found = tags.find(event.content) if isinstance(event, Message | Edited) else frozenset()
            heard = await journal.remember(db, event, found, self.now_ms)
            scene = self.scene(db)
            scene.liked, scene.here = heard.liked, heard.here
            await react(scene, event)
            if isinstance(event, Message):
                await answer.answer(scene, event, direct=event.room.startswith("!direct"), book=BOOK)
            await queue.put(db, scene.puts, self.now_ms)

    async def step(self, *, crash: bool = False) -> bool:
        """One effect; with `crash` we die after it was done and before we could write that down. False when there is none."""
        tried = await self.tried()
        if tried is not None and not crash:
            await self.record(tried)
        return tried is not None

    async def tried(self, *busy_lanes: str) -> "Tried | None":
        """One effect done, of which nothing is written down yet; None when there is none. Nothing in these lanes."""
        async with self.database.reading() as db:
            wishes = await queue.due(db, self.now_ms, 1, busy_lanes)
        if not wishes:
            return None
        (wish,) = wishes
        async with self.database.writing() as db:
            await queue.mark_tried(db, [wish.id], self.now_ms)
        effect = load(wish.kind, wish.key, wish.payload or "")
        desk = Desk(
            self.database.reading,
            self.server,
            Names(),
            self.settings,
            self.me,
            self.now_ms,
            again=wish.first_tried_ms is not None,
        )  # type: ignore[arg-type]
        filler = self.fillers.get(type(effect))
        wire = await filler(desk, effect) if filler else effect
        end = queue.Settled(wish.id, "skipped")
        if wire is not None:
            try:
                end = queue.Settled(wish.id, "done", self.server.perform(wire, self.me))
            except Refused as refused:
                end = queue.Settled(wish.id, "dead", error=refused.errcode)
        return Tried(wish, effect, end)

    async def record(self, tried: "Tried") -> None:
        """What came of it is written down, with all that follows from it."""
        wish, effect, end = tried.wish, tried.effect, tried.end
        async with self.database.writing() as db:
            await queue.settle(db, [end], self.now_ms)
            scene = self.scene(db)
            if end.state == "skipped":
                scene.puts += left_by(effect, wish.first_tried_ms)
            settler = together(speak.SETTLERS, dispatch.SETTLERS, widening.SETTLERS, untold.SETTLERS).get(type(effect))
            if settler:
                await settler(scene, effect, end.state, end.result)
            await queue.put(db, scene.puts, self.now_ms)

    async def look(self, *looks: Callable[[Scene], Awaitable[None]]) -> None:
        """What is done by the clock, and all that follows from it."""
        self.now_ms += 1
        for look in looks:
            async with self.database.writing() as db:
                scene = self.scene(db)
                await look(scene)
                await queue.put(db, scene.puts, self.now_ms)
        await self.settle()

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
        return [body.partition("\n")[2] for body in self.copies(COMMON)]

    def copies(self, room: str) -> list[str]:
        """What we carried into a room: no words of our own."""
        shown = self.server.shown(room).items()
        ours = {event: body for event, body in shown if self.server.events[event]["sender"] == ME}
        return [body for event, body in ours.items() if self.server.events[event]["content"]["msgtype"] != "m.notice"]

    def lines(self, room: str = COMMON) -> list[str]:
        """Our own words in a room: what stays elsewhere, in numbers."""
        notices = {event for event, raw in self.server.events.items() if raw["content"].get("msgtype") == "m.notice"}
        return [body for event, body in self.server.shown(room).items() if event in notices]

    def told(self, user: str) -> list[str]:
        return list(self.server.shown(f"!direct-{user}").values())
