"""Nobody is ever given a word that they may not read: the promise of digests, on the whole way from what is heard to what is sent, corrected and still standing.

What may be read is worked out here by a plain recomputation, which knows who was where when something was said, and nothing of Hearth.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from test_digest import ANN, BEN, CLEO, COMMON, ME, SLEEP, WORK, World, at, config

from bridge.config import Choosing, Digest
from bridge.digest import store
from bridge.digest.model import Reason
from bridge.digest.tick import tick
from bridge.events import Content, MemberChanged, Message, Redacted, StateChanged
from bridge.store.db import Database
from bridge.store.tables import metadata

DAY_MS = 24 * 3600 * 1000
ROOMS, OPEN = (SLEEP, WORK, COMMON), ("shared", "world_readable")
ROOM, NUMBER = st.sampled_from(ROOMS), st.integers(0, 30)
MOVE = st.tuples(st.just("move"), st.sampled_from(["join", "join", "join", "leave", "invite", "ban"]), ROOM)
SAY = st.tuples(st.just("say"), st.sampled_from([BEN, CLEO]), ROOM, st.booleans(), NUMBER)
EDIT, REDACT = st.tuples(st.just("edit"), NUMBER), st.tuples(st.just("redact"), NUMBER)
RULE = st.tuples(st.just("rule"), ROOM, st.sampled_from(["joined", "invited", "shared", "world_readable"]))
ASK = st.tuples(st.sampled_from(["ring", "now"]), st.none() | MOVE | REDACT)
STEPS = st.lists(st.one_of(SAY, SAY, SAY, SAY, SAY, MOVE, EDIT, REDACT, RULE, ASK, ASK), min_size=20, max_size=36)
AWAY = [
    ("say", BEN, SLEEP, False, 30), ("move", "leave", SLEEP), ("edit", 0), ("say", BEN, SLEEP, False, 30), ("move", "join", SLEEP),
    ("say", BEN, SLEEP, False, 30), ("ring", None), ("edit", 2),
]  # fmt: skip


@dataclass
class Word:
    """A word that nobody else ever says: whose, where, and in which rooms Ann could read it when it was said."""

    event: str
    room: str
    tagged: bool
    seen: frozenset[str]


@dataclass
class Story:
    world: World
    where: dict[str, str] = field(default_factory=lambda: {SLEEP: "join", COMMON: "join"})
    rules: dict[str, str] = field(default_factory=lambda: dict.fromkeys(ROOMS, "joined"))
    said: list[tuple[str, str, str, bool]] = field(default_factory=list)
    words: dict[str, Word] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    checked: int = 0
    day: int = 0
    given: set[str] = field(default_factory=set)

    def new_word(self, event: str, room: str, *, tagged: bool) -> str:
        """The next word; a word with the tag is carried into the common room, too."""
        enough = {"joined": {"join"}, "invited": {"join", "invite"}}
        there = [room, COMMON] if tagged else [room]
        seen = {one for one in there if self.rules[one] in OPEN or self.where.get(one) in enough[self.rules[one]]}
        word = f"word{len(self.words)}x"
        self.words[word] = Word(event, room, tagged, frozenset(seen))
        return word

    def readable(self) -> set[str]:
        """What Ann may read at this moment."""
        now = {room for room, membership in self.where.items() if membership == "join"}
        return {word for word, one in self.words.items() if one.seen & now and one.event not in self.gone}

    def does(self, what: tuple[Any, ...]) -> Any:
        """What happens besides, as something to wait for; what may be read changes at this moment."""
        match what:
            case ("move", membership, room):
                self.where[room] = membership
                return self.world.join(ANN, room, membership)
            case ("redact", number) if number < len(self.said):
                _, room, event, _ = self.said[number]
                self.gone.add(event)
                self.world.events[event]["redacted"] = True
                return self.world.hear(Redacted(f"$red-{event}", room, ANN, self.world.now_ms, event))
        return asyncio.sleep(0)

    async def play(self, what: tuple[Any, ...]) -> None:
        match what:
            case ("say", who, room, tagged, number):
                tagged = tagged and room != COMMON
                # Whoever puts the tag on a word within a thread shares all of the thread; here each word is shared by itself.
                told = self.said[number : number + 1] if not tagged else []
                root = next((e for _, r, e, shared in told if r == room and not shared), None)
                event = f"$event{len(self.world.events)}"
                body = self.new_word(event, room, tagged=tagged) + (" #common" if tagged else "")
                assert await self.world.say(who, body, room, root) == event
                self.said.append((who, room, event, tagged))
            case ("edit", number) if number < len(self.said) and self.said[number][2] not in self.gone:
                who, room, event, tagged = self.said[number]
                body = self.new_word(event, room, tagged=tagged) + (" #common" if tagged else "")
                await self.world.edit(who, event, body, room)
            case ("rule", room, history):
                self.rules[room] = history
                content = {"history_visibility": history}
                name = f"$rule{len(self.world.events)}-{self.day}"
                await self.world.hear(StateChanged(name, room, BEN, 1, "m.room.history_visibility", "", content))
            case ("ring" | "now" as how, meanwhile):
                await self.give(how, meanwhile)
            case _:
                await self.does(what)
        await self.world.settle()
        self.check()

    async def give(self, how: str, meanwhile: tuple[Any, ...] | None) -> None:
        """A digest; between choosing and sending something happens."""
        if meanwhile is not None:

            async def happens() -> None:
                await self.does(meanwhile)

            self.world.before_delivery = [happens()]
        if how == "now":
            await self.world.say(ANN, "digest now", f"!direct-{ANN}")
        else:
            self.day += 1
            self.world.now_ms = at("2026-01-12T08:00") + self.day * DAY_MS
            await tick(self.world.database, self.world.now_ms, self.world.settings)
            await self.world.settle()
        for left in self.world.before_delivery:
            await left
        self.world.before_delivery = []

    def check(self) -> None:
        """What was sent since the last look, with all that a curious reader finds in it, and what stands there now."""
        raw = list(self.world.events.values())
        mine = [
            one["content"] for one in raw[self.checked :] if one["room"] == f"!direct-{ANN}" and one["sender"] == ME
        ]
        self.checked = len(raw)
        words = set(re.findall(r"word\d+x", f"{mine} {self.world.told(ANN)}"))
        assert words <= self.readable()
        self.given |= words


async def tell(database: Database, steps: Sequence[tuple[Any, ...]]) -> set[str]:
    async with database.writing() as db:
        for table in reversed(metadata.sorted_tables):
            await db.execute(delete(table))
    roomy = config().model_copy(update={"digest": Digest(choosing=Choosing(per_circle=9, per_author=9))})
    world = await World(database, roomy).begin(history="joined")
    for who, room in ((CLEO, SLEEP), (CLEO, WORK)):
        await world.join(who, room)
    for what in ("@ben:two.test", "@cleo:two.test"):
        await world.tell(ANN, f"follow {what}")
    story = Story(world)
    for step in (*steps, ("ring", None)):
        await story.play(step)
    # An edit may wait a moment: at the end only newest words stand there.
    world.now_ms += 20_000
    await world.settle()
    story.check()
    newest = {one.event: word for word, one in story.words.items()}
    assert set(re.findall(r"word\d+x", str(world.told(ANN)))) <= set(newest.values())
    return story.given


async def test_what_was_worded_anew_while_somebody_was_away_and_what_a_forged_date_would_open_is_not_quoted(
    tmp_path: Path,
) -> None:
    database = await Database.open(tmp_path / "hearth.db")
    world = await World(database).begin(history="joined")
    await world.tell(ANN, "digest daily 8:00")
    asked = await world.say(BEN, "a harmless question")
    await world.say(BEN, "another one")
    await world.join(ANN, SLEEP, "leave")
    world.now_ms += 3_600_000
    await world.edit(BEN, asked, "she is gone, so listen")
    # Her server says that she came back before all of that; and what another server held back was written before she came.
    written_ms = world.now_ms - 1_800_000
    await world.say(BEN, "as long as she is away")
    await world.hear(MemberChanged("$back", SLEEP, ANN, 1, user=ANN, membership="join"))
    late = world.add(SLEEP, CLEO, "m.room.message", {"msgtype": "m.text", "body": "held back"})
    await world.hear(Message(late, SLEEP, CLEO, written_ms, Content("m.text", "held back")))
    await world.say(BEN, "welcome back")
    assert await world.until("2026-01-12T08:00") == 1
    (digest,) = world.digests(ANN)
    assert "Ben wrote in #sleep." in digest
    assert "welcome back" in digest
    assert "another one" in digest
    for word in ("listen", "harmless", "away", "held back"):
        assert word not in digest

    # Somebody else has come into her chat since: nothing is said anew there.
    answer = await world.say(BEN, "mine")
    assert await world.until("2026-01-13T08:00") == 1
    room = f"!direct-{ANN}"
    world.inside[room] = [ME, ANN, CLEO]
    await world.edit(BEN, answer, "not for Cleo")
    assert "Ben wrote in #sleep." in world.digests(ANN)[-1]
    assert "not for Cleo" not in str([raw for raw in world.events.values() if raw["room"] == room])
    world.inside[room] = [ME, ANN]
    world.now_ms += 20_000
    await world.edit(BEN, answer, "hers alone")
    assert "“hers alone”" in world.digests(ANN)[-1]

    # And whom she blocks: in what was chosen and is still to be sent, and in what she has.
    async def block() -> None:
        async with database.writing() as db:
            await store.follow(db, ANN, Reason("person", BEN), world.now_ms, "block")

    await world.say(BEN, "chosen before")
    world.before_delivery.append(block())
    assert await world.until("2026-01-14T08:00") == 1
    assert not any("chosen before" in body for body in world.told(ANN))
    async with database.writing() as db:
        await store.unfollow(db, ANN, Reason("person", BEN), "block")
    assert any("welcome back" in body for body in world.told(ANN))
    await world.tell(ANN, "block @ben:two.test")
    assert not any(word in str(world.told(ANN)) for word in ("welcome back", "hers alone"))
    await database.close()


async def test_of_a_room_that_hearth_is_out_of_nothing_is_told_until_it_is_back(tmp_path: Path) -> None:
    """It does not hear who has left it since, and its homeserver may still show it what was said before."""
    database = await Database.open(tmp_path / "hearth.db")
    world = await World(database).begin()
    await world.join(ME, SLEEP)
    await world.tell(ANN, "follow #sleep")
    await world.tell(ANN, "follow @cleo:two.test")
    said = await world.say(BEN, "for the circle alone")
    await world.say(CLEO, "for all", COMMON)
    await world.join(ME, SLEEP, "leave")
    assert await world.until("2026-01-12T08:00") == 1
    assert "for all" in world.digests(ANN)[0]
    assert "for the circle alone" not in world.digests(ANN)[0]
    assert "cannot open it" in await world.tell(ANN, f"follow https://matrix.to/#/{SLEEP}/{said}")
    await world.join(ME, SLEEP)
    await world.say(BEN, "and I am still here")

    async def thrown_out() -> None:
        await world.join(ME, SLEEP, "ban")

    world.before_delivery.append(thrown_out())
    assert await world.until("2026-01-13T08:00") == 1
    assert len(world.digests(ANN)) == 1
    await world.join(ME, SLEEP)
    await world.say(BEN, "and now?")
    assert await world.until("2026-01-14T08:00") == 1
    assert "and now?" in world.digests(ANN)[1]
    await database.close()


def test_nobody_is_given_a_word_that_they_may_not_read(tmp_path: Path) -> None:
    given_at_all: list[int] = []
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(tmp_path / "hearth.db"))

        @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
        @given(STEPS)
        @example(AWAY)
        def story(steps: Sequence[tuple[Any, ...]]) -> None:
            given_at_all.append(len(runner.run(tell(database, steps))))

        try:
            story()
        finally:
            runner.run(database.close())
    assert 2 * sum(given_at_all) > len(given_at_all)  # most of these lives are not without a word
