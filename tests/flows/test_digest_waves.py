"""Waves of digests: killed at every step, cut off by outages, spread over the hour, made by two processes at once; everybody has theirs, once."""

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select, update
from test_costs import counted
from test_digest import ANN, BEN, CLEO, HOUR_MS, ME, SLEEP, Names, World, at
from world import on_a_file

from bridge.digest import dispatch, store
from bridge.digest.model import Reason
from bridge.digest.tick import set_clocks, tick
from bridge.effects import Ban, Put, Send
from bridge.errors import NotYet
from bridge.events import Content, Message
from bridge.pacing import Pace
from bridge.scene import Scene
from bridge.settling import Areas, Back, settle, verdict
from bridge.store import due, people, queue
from bridge.store.db import Database
from bridge.store.tables import digests, memberships, outbox
from bridge.store.tables import due as due_table
from bridge.store.tables import people as people_table


class Killed(BaseException):
    """The process is gone: nothing of what it had open is committed."""


@pytest.fixture
async def world(database: Database) -> World:
    return await World(database).begin()


class Deadly:
    """Counts the steps of a wave (a transaction before it ends, one after it, what the homeserver accepted) and dies at one of them."""

    def __init__(self, world: World, patch: pytest.MonkeyPatch) -> None:
        self.left = 10**6
        writing, perform = world.database.writing, world.perform

        @asynccontextmanager
        async def watched() -> AsyncIterator[Any]:
            async with writing() as db:
                yield db
                self.step()  # all is written, and nothing committed
            self.step()  # committed, and nobody knows

        async def performed(effect: Any) -> str:
            self.step()  # about to be sent
            result = await perform(effect)
            self.step()  # accepted, and never written down
            return result

        patch.setattr(world.database, "writing", watched)
        patch.setattr(world, "perform", performed)

    def step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed


@on_a_file
async def test_a_wave_that_is_killed_at_any_step_reaches_everybody_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (ANN, BEN):
        await world.tell(user, "follow @ann:one.test" if user != ANN else "follow @ben:two.test")
    await world.until("2026-01-12T08:00")
    monkeypatch.setattr(
        dispatch.letter, "OFFERED", ()
    )  # what can be touched below a digest comes after it, as all else that waits
    deadly = Deadly(world, monkeypatch)
    steps, day = 1, at("2026-01-13T06:00")
    while True:
        world.now_ms = day
        await world.say(ANN, f"ann {steps}", "!common")
        await world.say(BEN, f"ben {steps}", "!common")
        world.now_ms = day + 2 * HOUR_MS
        before = {user: len(world.digests(user)) for user in (ANN, BEN)}
        deadly.left = steps
        died = False
        for _ in range(2):
            try:
                await tick(world.database, world.now_ms, world.settings)
                await world.settle()
            except Killed:
                died = True
                world.now_ms += 5_000
            finally:
                deadly.left = 10**6
        for user, count in before.items():
            assert len(world.digests(user)) == count + 1, (steps, user)
            assert f" {steps}”" in world.digests(user)[-1]
            assert f" {steps - 1}”" not in world.digests(user)[-1]  # the day before has had its own
        if not died:
            break
        steps += 1
        day += 24 * HOUR_MS
    assert steps > 12  # of two digests, each with a transaction before and after it
    async with world.database.reading() as db:
        made = Counter((await db.execute(select(digests.c.user))).scalars())
    assert set(made.values()) == {steps}


async def test_two_processes_at_once_make_each_digest_once(world: World, where: str | Path) -> None:
    """Even if nothing kept them apart: the lead does, and here neither has it."""
    for user in (ANN, BEN):
        await world.tell(user, "follow #sleep")
    other = await Database.open(where)
    try:
        for day in range(12, 16):
            await world.say(CLEO, f"on the {day}th", "!common")
            await world.say(BEN, f"ben on the {day}th")
            await world.say(ANN, f"ann on the {day}th")
            world.now_ms = at(f"2026-01-{day}T08:00")
            made = await asyncio.gather(
                *(tick(each, world.now_ms, world.settings) for each in (world.database, other, world.database, other))
            )
            assert sum(made) == 2
            await world.settle()
            assert [len(world.digests(user)) for user in (ANN, BEN)] == [day - 11] * 2
    finally:
        await other.close()
    async with world.database.reading() as db:
        assert await db.scalar(select(func.count()).select_from(outbox).where(outbox.c.kind == "Deliver")) == 8


@on_a_file
async def test_a_large_wave_is_spread_over_the_hour_with_few_queries(world: World) -> None:
    number = 1_100
    users = [f"@u{n}:two.test" for n in range(number)]
    await _members(world, users)
    await world.say(BEN, "for all of you")
    world.now_ms = at("2026-01-12T08:00")
    with counted(world.database) as seen:
        assert await tick(world.database, world.now_ms, world.settings) == number
    assert gc.get_freeze_count() == 0  # what stood still for the wave is looked over again
    reads = [one for one in seen if one.startswith(("SELECT", "WITH"))]
    writes = [one for one in seen if one not in reads]
    batches = -(-number // 500)
    assert len(reads) <= 10 + 6 * batches, reads
    assert len(writes) <= 6 * batches, writes
    async with world.database.reading() as db:
        starts = sorted(await db.scalars(select(outbox.c.next_ms).where(outbox.c.kind == "Deliver")))
    assert world.now_ms <= starts[0]
    assert world.now_ms + number * 500 < starts[-1] < world.now_ms + min(number * 1000, HOUR_MS)
    each_minute = Counter((start - world.now_ms) // 60_000 for start in starts)
    assert max(each_minute.values()) < 4 * min(each_minute[n] for n in range(18))
    async with world.database.writing() as db:
        await queue.put(db, [Put(Ban(key="ban", room=SLEEP, user="@eve:far.test"))], world.now_ms)
    async with world.database.reading() as db:
        (first,) = await queue.due(db, starts[-1], 1)
    assert first.kind == "Ban"  # before all of them, however long they have been due


async def _members(world: World, users: list[str]) -> None:
    async with world.database.writing() as db:
        there = {"room": SLEEP, "membership": "join", "since_ms": 1, "since_seq": 0}
        await db.execute(insert(memberships), [{**there, "user": user} for user in users])
        wish = {"digest": "daily", "digest_minute": 480, "direct_encrypted": True}
        await db.execute(insert(people_table), [{**wish, "user": user} for user in users])
        occasion = {"kind": "digest", "next_ms": at("2026-01-12T08:00"), "slot": "2026-01-12"}
        await db.execute(insert(due_table), [{**occasion, "subject": user} for user in users])


@on_a_file
async def test_an_outage_of_weeks_brings_one_digest_that_says_from_when(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "in time")
    await world.until("2026-01-12T08:00")
    world.now_ms = at("2026-02-03T15:00")  # it is heard of when all is over, in one go
    for day in (13, 20, 31):
        await world.say(BEN, f"said on the {day}th")
    assert await world.until("2026-02-03T15:00") == 1
    digest = world.digests(ANN)[-1]
    assert "It has been longer than usual, so this one covers everything from Mon, Jan 12, 08:00 to Tue, Feb 3, 15:00." in digest  # fmt: skip
    assert "in time" not in digest
    await world.say(BEN, "again")
    assert await world.until("2026-02-04T08:00") == 1
    assert "covers" not in world.digests(ANN)[-1]
    # Longer ago than a month is nobody's news.
    await world.until("2026-02-05T08:00")
    world.now_ms = at("2026-02-06T12:00")
    await world.say(BEN, "long ago")
    assert await world.until("2026-04-20T12:00") == 0
    await world.say(BEN, "today")
    assert await world.until("2026-04-21T08:00") == 1
    assert "long ago" not in world.digests(ANN)[-1]


@on_a_file
async def test_what_comes_late_over_federation_is_told_once_and_marked(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "in time")
    await world.until("2026-01-12T08:00")
    written = at("2026-01-11T21:30")
    event = world.add(SLEEP, BEN, "m.room.message", {"msgtype": "m.text", "body": "stuck on its way"})
    world.now_ms = at("2026-01-12T15:00")
    await world.hear(_message(event, written, "stuck on its way"))
    await world.say(BEN, "and this is new")
    await world.until("2026-01-13T08:00")
    digest = world.digests(ANN)[-1]
    late = "It was written on Sun, Jan 11, 21:30 and came late."
    shown = [line for line in digest.split("\n") if "stuck" in line or "new”" in line or "late" in line]
    assert digest.count(late) == 1
    assert "stuck" in shown[[late in line for line in shown].index(True) - 1]
    await world.say(BEN, "more")
    await world.until("2026-01-14T08:00")
    assert "stuck" not in world.digests(ANN)[-1]
    assert "late" not in world.digests(ANN)[-1]


def _message(event: str, at_ms: int, body: str) -> Any:
    return Message(event, SLEEP, BEN, at_ms, Content("m.text", body, raw={"msgtype": "m.text", "body": body}))


@on_a_file
async def test_quiet_hours_and_a_pause(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    assert "no quiet hours: from 22:00 to 07:00" in await world.tell(ANN, "quiet")
    assert "which looks like this: 22:00 7:30" in await world.tell(ANN, "quiet 22:00")
    assert "From when until when?" in await world.tell(ANN, "quiet 22:00 22:00")
    answer = await world.tell(ANN, "quiet 22-9:30")
    assert "from 22:00 to 09:30 (Europe/Berlin)" in answer
    assert "when they end, at 09:30" in answer
    assert "every day at 09:30" in await world.tell(ANN, "digest")
    await world.say(BEN, "one")
    assert await world.until("2026-01-12T08:00") == 0
    assert await world.until("2026-01-12T09:30") == 1
    assert "no quiet hours now" in await world.tell(ANN, "quiet off")
    assert "every day at 08:00" in await world.tell(ANN, "digest")

    assert "until tomorrow at least" in await world.tell(ANN, "digest pause 2026-01-12")
    assert "Thu, Jan 15, 08:00" in await world.tell(ANN, "digest pause 3 days")
    assert "Wed, Jan 14, 08:00" in await world.tell(ANN, "digest pause until Wednesday")
    assert "Mon, Jan 19, 08:00" in await world.tell(ANN, "digest pause until Monday")  # which it is today
    assert "Thu, Jan 15, 08:00" in await world.tell(ANN, "digest pause for 3 days")
    assert "It pauses until then" in await world.tell(ANN, "digest")
    answer = await world.tell(ANN, "digest at 18:00")
    assert "every day at 18:00" in answer
    assert "Thu, Jan 15, 18:00" in answer
    await world.tell(ANN, "timezone Asia/Tokyo")
    await world.tell(ANN, "timezone Europe/Berlin")
    for day in (12, 13, 14):
        await world.say(BEN, f"on the {day}th")
        assert await world.until(f"2026-01-{day}T18:00") == 0
    assert await world.until("2026-01-15T18:00") == 1
    assert "After your pause, this one covers everything from Mon, Jan 12, 09:30" in world.digests(ANN)[-1]
    await world.tell(ANN, "digest pause 2 weeks")
    answer = await world.tell(ANN, "digest daily")
    assert "Fri, Jan 16, 18:00" in answer
    assert "pauses" not in answer
    await world.tell(ANN, "digest off")
    assert "off already" in await world.tell(ANN, "digest pause 2 weeks")


async def _send_now(world: World) -> queue.Wish:
    """One try of what is due, with the outbox's own verdict."""
    async with world.database.reading() as db:
        (wish,) = await queue.due(db, world.now_ms, 1)
    async with world.database.writing() as db:
        await queue.mark_tried(db, [wish.id], world.now_ms)
    desk = dispatch.Desk(world.database.reading, world, Names(), world.settings, ME, world.now_ms)  # type: ignore[arg-type]
    effect = dispatch.Deliver(key=wish.key, user=ANN, digest=wish.key.removeprefix("digest/"))
    try:
        wire = await dispatch.fillers(world.direct_room)[dispatch.Deliver](desk, effect)
        assert isinstance(wire, Send)
        back = Back(wish, effect, queue.Settled(wish.id, "done", await world.perform(wire)))
    except NotYet as later:
        back = Back(wish, effect, error=later)
    async with world.database.writing() as db:
        areas = Areas(lambda it: Scene(it, world.settings, ME, world.now_ms, Names()), dispatch.SETTLERS, {})
        await settle(db, areas, [back], [verdict(back, Pace(), world.now_ms, 0.5)], world.now_ms)
        found = await queue.get(db, wish.key)
    assert found is not None
    return found


@on_a_file
async def test_one_that_is_long_under_way_waits_for_the_morning_and_is_that_days(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.tell(ANN, "quiet 21:00 7:30")
    await world.say(BEN, "one")
    world.now_ms = at("2026-01-12T08:00")
    await tick(world.database, world.now_ms, world.settings)
    world.now_ms = at("2026-01-12T21:15")  # nothing could be sent all day
    waits = await _send_now(world)
    assert (waits.state, waits.next_ms) == ("due", at("2026-01-13T07:30"))
    assert waits.first_tried_ms is None  # nobody was asked, so nothing is in doubt
    await world.say(BEN, "two")
    assert await world.until("2026-01-13T07:31") == 0
    assert len(world.digests(ANN)) == 1
    # It came on the 13th, and is that day's.
    assert await world.until("2026-01-13T08:00") == 0
    assert await world.until("2026-01-14T08:00") == 1
    assert "two" in world.digests(ANN)[-1]


@on_a_file
async def test_whoever_has_not_got_the_last_one_gets_no_second(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    world.unread.add(await world.say(BEN, "one"))
    world.now_ms = at("2026-01-12T08:00")
    await tick(world.database, world.now_ms, world.settings)
    world.now_ms = at("2026-01-12T12:00")
    async with world.database.writing() as db:  # the homeserver does not get to it for a day
        await db.execute(update(outbox).where(outbox.c.kind == "Deliver").values(next_ms=at("2026-01-13T09:00")))
    await world.say(BEN, "two")
    assert await world.until("2026-01-13T08:00") == 0
    world.unread.clear()
    assert await world.until("2026-01-13T09:00") == 0
    assert len(world.digests(ANN)) == 1
    assert await world.until("2026-01-14T08:00") == 1
    assert "two" in world.digests(ANN)[-1]


@on_a_file
async def test_clocks_that_changed_while_we_were_gone_are_put_right_at_the_start(world: World) -> None:
    await world.tell(ANN, "follow #sleep")
    await world.tell(BEN, "follow #sleep")
    await world.tell(BEN, "timezone America/New_York")
    await tick(world.database, world.now_ms, world.settings)
    async with world.database.writing() as db:
        await due.set_next(db, store.DUE, ANN, at("2026-01-12T09:00"), "2026-01-12")  # as old rules had it
        await people.change(db, CLEO, zone="Europe/Atlantis", digest="daily", digest_minute=480)
        await store.follow(db, CLEO, Reason("person", BEN), 1)
        await due.set_next(db, store.DUE, CLEO, at("2026-01-12T08:00"), "2026-01-12")
    assert await set_clocks(world.database, world.now_ms, world.settings) == 1
    assert await set_clocks(world.database, world.now_ms, world.settings) == 0
    async with world.database.reading() as db:
        ann, ben = await due.get(db, store.DUE, ANN), await due.get(db, store.DUE, BEN)
    assert ann is not None
    assert ben is not None
    assert ann.next_ms == at("2026-01-12T08:00")
    assert ben.next_ms == at("2026-01-12T08:00", ZoneInfo("America/New_York"))
    for room in (SLEEP, "!common"):
        await world.say(BEN, "for everybody", room)
    # A zone that is in no database any more costs nobody their digest; it comes by the community's own.
    assert await world.until("2026-01-12T08:00") == 2
    assert len(world.digests(CLEO)) == 1
