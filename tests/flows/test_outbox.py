"""What is wanted is done: in order, once, important things first, through limits, outages, refusals, bugs and kills."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config import Config
from bridge.effects import (
    Ban,
    CreateRoom,
    Effect,
    Invite,
    Priority,
    Put,
    React,
    Say,
    SetServerAcl,
    SetState,
    WithdrawCopy,
)
from bridge.errors import Refused, TokenLost, Unavailable
from bridge.outbox import Outbox, Performed
from bridge.scene import Scene, Settler, State
from bridge.store import failures, ledger, queue
from bridge.store.db import Connection, Database
from bridge.store.errors import StoreFull
from bridge.words import words

START = 1_700_000_000_000
numbers = count(1)


def say(key: str, room: str = "!a", **more: Any) -> Say:
    return Say(key=key, room=room, text=words("Hello"), language="en", **more)


def ban(key: str, room: str = "!a") -> Ban:
    return Ban(key=key, room=room, user="@eve:y")


@dataclass
class Bench:
    """A database, an outbox, a clock that stands still, and a homeserver that does what a test says."""

    database: Database
    now_ms: int = START
    tried: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    under_way: set[str] = field(default_factory=set)
    most_at_once: int = 0
    first_tries: dict[str, int | None] = field(default_factory=dict)
    answer: Callable[[Effect], Awaitable[Performed | None]] | None = None
    settlers: dict[type[Effect], Settler] = field(default_factory=dict)
    intent_done: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.outbox = self.new_outbox()

    def new_outbox(self) -> Outbox:
        return Outbox(
            self.database, lambda: self.now_ms, self.perform,
            scene=self.scene, settlers=self.settlers, intent_done=self.intent_done, chance=lambda: 0.0,
        )  # fmt: skip

    def scene(self, db: Connection) -> Scene:
        return Scene(db, Mock(spec=Config), "@hearth:x", self.now_ms, Mock())

    async def perform(self, effect: Effect, first_tried_ms: int | None) -> Performed:
        assert effect.lane not in self.under_way, "two of one lane at the same time"
        self.under_way.add(effect.lane)
        self.most_at_once = max(self.most_at_once, len(self.under_way))
        self.tried.append(effect.key)
        self.first_tries[effect.key] = first_tried_ms
        try:
            await asyncio.sleep(0)
            performed = await self.answer(effect) if self.answer else None
        finally:
            self.under_way.discard(effect.lane)
        self.done.append(effect.key)
        return performed or Performed(f"${effect.key}")

    async def put(self, *effects: Effect | Put, intent: int | None = None) -> int:
        puts = [each if isinstance(each, Put) else Put(each, intent=intent) for each in effects]
        async with self.database.writing() as db:
            return await queue.put(db, puts, self.now_ms)

    async def row(self, key: str) -> queue.Wish:
        async with self.database.reading() as db:
            found = await queue.get(db, key)
        assert found is not None
        return found

    async def drain(self, **options: Any) -> None:
        async with asyncio.timeout(60):
            await self.outbox.drain(**options)

    async def later(self, ms: int) -> None:
        self.now_ms += ms
        await self.drain()


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    bench = Bench(database)
    yield bench
    assert not bench.under_way


def failing(times: dict[str, list[Exception]]) -> Callable[[Effect], Awaitable[Performed | None]]:
    """A homeserver that first answers each key with these errors."""

    async def answer(effect: Effect) -> None:
        if times.get(effect.key):
            raise times[effect.key].pop(0)

    return answer


async def test_a_wish_is_done_once_and_leaves_no_words(bench: Bench) -> None:
    assert await bench.put(say("k1"), say("k2")) == 2
    assert await bench.put(say("k1"), say("k3", "!b")) == 1
    await bench.drain()
    await bench.drain()
    assert sorted(bench.done) == ["k1", "k2", "k3"]
    row = await bench.row("k1")
    assert (row.state, row.result, row.payload, row.first_tried_ms) == ("done", "$k1", None, START)
    assert await bench.put(say("k1")) == 0


async def test_a_lane_keeps_its_order_and_lanes_go_side_by_side(bench: Bench) -> None:
    await bench.put(*(say(f"{room}{number}", f"!{room}") for number in range(5) for room in "abc"))
    await bench.drain()
    for room in "abc":
        assert [key for key in bench.done if key[0] == room] == [f"{room}{number}" for number in range(5)]
    assert bench.most_at_once == 3


async def test_no_more_than_sixteen_at_once(bench: Bench) -> None:
    await bench.put(*(say(f"k{number}", f"!{number}") for number in range(40)))
    await bench.drain()
    assert len(bench.done) == 40
    assert bench.most_at_once == 16


async def test_it_is_told_while_much_of_moderation_is_under_way_and_all_of_it_goes_out(bench: Bench) -> None:
    seen: list[tuple[str, bool]] = []

    async def answer(effect: Effect) -> None:
        await asyncio.sleep(0)
        seen.append((effect.key, bench.outbox.rushing))

    bench.answer = answer
    await bench.put(*(ban(f"b{number}", f"!{number}") for number in range(40)))
    await bench.drain()
    assert sum(rushing for _, rushing in seen) >= 32
    assert not bench.outbox.rushing
    seen.clear()
    await bench.put(*(say(f"s{number}", f"!{number}") for number in range(40)))
    await bench.drain()
    assert not any(rushing for _, rushing in seen)


async def test_important_things_go_first(bench: Bench) -> None:
    bench.outbox._at_once = 1
    copies = [WithdrawCopy(key=f"w{number}", room=f"!{number}", source="$s") for number in range(3)]
    await bench.put(*copies, say("answer", "!x"), ban("ban"))
    await bench.drain()
    assert bench.done == ["ban", "answer", "w0", "w1", "w2"]


async def test_what_is_for_later_waits_and_holds_its_lane(bench: Bench) -> None:
    await bench.put(Put(say("later"), not_before_ms=START + 1000), say("after"), say("other", "!b"))
    await bench.drain(wait=True)
    assert bench.done == ["other"]
    await bench.later(1000)
    assert bench.done == ["other", "later", "after"]


async def test_a_failure_is_tried_again_with_growing_pauses_before_anything_else_of_its_lane(bench: Bench) -> None:
    bench.answer = failing({"k1": [Unavailable("503"), Unavailable("503")]})
    await bench.put(say("k1"), say("k2"), say("other", "!b"))
    await bench.drain()
    assert bench.done == ["other"]
    assert (await bench.row("k1")).next_ms == START + 1000
    await bench.later(999)
    assert bench.tried.count("k1") == 1
    await bench.later(1)
    row = await bench.row("k1")
    assert (row.attempts, row.next_ms) == (2, bench.now_ms + 2000)
    await bench.later(2000)
    assert bench.done == ["other", "k1", "k2"]
    assert bench.first_tries["k1"] == START


async def test_what_the_server_says_about_waiting_is_obeyed(bench: Bench) -> None:
    bench.answer = failing({"k1": [Unavailable("503", retry_after_ms=70_000)]})
    await bench.put(say("k1"))
    await bench.drain()
    assert (await bench.row("k1")).next_ms == START + 70_000


async def test_a_limit_holds_back_all_that_draws_on_it_and_the_most_important_goes_first_afterwards(
    bench: Bench,
) -> None:
    bench.outbox._at_once = 1
    bench.answer = failing({"k1": [Unavailable("429", limited=True, retry_after_ms=5000)]})
    invite = Invite(key="invite", room="!a", user="@ann:x")
    await bench.put(say("k1", "!a"), say("k2", "!b"), invite)
    await bench.drain()
    assert bench.tried == ["k1", "invite"]
    await bench.put(ban("ban", "!c"))
    await bench.later(4999)
    assert bench.tried == ["k1", "invite"]
    await bench.later(1)
    assert bench.done == ["invite", "ban", "k1", "k2"]
    row = await bench.row("k1")
    assert (row.attempts, row.state) == (0, "done")


async def test_after_a_limit_it_is_approached_one_by_one(bench: Bench) -> None:
    budget = {"left": 4}

    async def answer(effect: Effect) -> None:
        if not budget["left"]:
            raise Unavailable("429", limited=True, retry_after_ms=1000)
        budget["left"] -= 1

    bench.answer = answer
    await bench.put(*(say(f"k{number}", f"!{number}") for number in range(20)))
    await bench.drain()
    while len(bench.done) < 20:
        budget["left"] = 1
        before = len(bench.tried)
        await bench.later(1000)
        assert len(bench.tried) - before <= 3
    assert sorted(Counter(bench.done).values()) == [1] * 20


async def test_while_the_homeserver_is_away_one_probe_goes_out_and_then_everything(bench: Bench) -> None:
    away = {"away": True}

    async def answer(effect: Effect) -> None:
        if away["away"]:
            raise Unavailable("connection refused")

    bench.answer = answer
    await bench.put(*(say(f"k{number}", f"!{number}") for number in range(100)))
    await bench.drain()
    assert len(bench.tried) == 16
    assert bench.outbox.trouble == "homeserver"
    for _ in range(60):
        await bench.later(10_000)
    assert 16 + 60 <= len(bench.tried) <= 16 + 62
    away["away"] = False
    await bench.later(10_000)
    await bench.later(10_000)
    assert len(bench.done) == 100
    assert bench.outbox.trouble is None


async def test_one_room_that_always_fails_does_not_keep_the_others(bench: Bench) -> None:
    async def answer(effect: Effect) -> None:
        if effect.key == "broken":
            raise Unavailable("500")

    bench.answer = answer
    await bench.put(ban("broken"))
    for _ in range(30):
        await bench.later(10_000)
    await bench.put(*(say(f"k{number}", f"!{number}") for number in range(20)))
    await bench.later(10_000)
    await bench.later(10_000)
    assert len(bench.done) == 20


async def test_a_refusal_is_dead_at_once_told_and_can_be_retried(bench: Bench) -> None:
    told: list[tuple[str, State, str | None]] = []

    async def settler(scene: Scene, effect: Ban, state: State, result: str | None) -> None:
        told.append((effect.key, state, result))

    bench.settlers[Ban] = settler
    bench.answer = failing({"ban": [Refused(403, "M_FORBIDDEN")]})
    await bench.put(ban("ban"), ban("next"))
    await bench.drain()
    row = await bench.row("ban")
    assert (row.state, row.error) == ("dead", "M_FORBIDDEN")
    assert row.payload is not None
    assert told == [("ban", "dead", None), ("next", "done", "$next")]
    async with bench.database.writing() as db:
        assert [each.key for each in await queue.dead(db)] == ["ban"]
        assert not await queue.retry(db, "next")
        assert await queue.retry(db, "ban")
    await bench.drain()
    assert (await bench.row("ban")).state == "done"
    assert told[-1] == ("ban", "done", "$ban")


async def test_several_are_refused_at_once_and_words_among_them_are_erased(bench: Bench) -> None:
    refused = failing({key: [Refused(403, "M_FORBIDDEN")] for key in ("b1", "b2", "s1", "s2")})
    bench.answer = refused
    await bench.put(ban("b1"), ban("b2"), say("s1"), say("s2"))
    await bench.drain()
    rows = [await bench.row(key) for key in ("b1", "b2", "s1", "s2")]
    assert {row.state for row in rows} == {"dead"}
    assert [row.payload is None for row in rows] == [False, False, True, True]
    async with bench.database.writing() as db:
        await queue.settle(db, [queue.Settled(row.id, "dead", error="M_FORBIDDEN") for row in rows], bench.now_ms)
        assert not await queue.retry(db, "s1")


async def test_nothing_to_do_is_skipped(bench: Bench) -> None:
    async def answer(effect: Effect) -> Performed:
        return Performed(skipped=True)

    bench.answer = answer
    await bench.put(say("k1"))
    await bench.drain()
    row = await bench.row("k1")
    assert (row.state, row.payload) == ("skipped", None)


async def test_a_bug_is_set_aside_without_its_words_and_the_loop_lives_on(bench: Bench) -> None:
    bench.answer = failing({"bug": [ValueError("what somebody wrote")]})
    await bench.put(say("bug"), say("k1"))
    await bench.drain()
    row = await bench.row("bug")
    assert (row.state, row.error) == ("dead", "ValueError")
    async with bench.database.reading() as db:
        (failure,) = await failures.newest(db, 10)
    assert (failure.outbox_key, failure.error) == ("bug", "ValueError")
    assert "wrote" not in repr(failure)
    assert bench.done == ["k1"]


async def test_a_settler_that_crashes_does_not_have_the_effect_done_again(bench: Bench) -> None:
    """Nor does it take along those that heard in the same moment."""

    async def settler(scene: Scene, effect: Say, state: State, result: str | None) -> None:
        if effect.key.startswith("then"):
            return
        scene.puts.append(Put(say(f"then {effect.key}", effect.room)))
        if effect.key == "k1":
            await failures.record(scene.db, "$never", None, KeyError(), 0)
            raise KeyError

    bench.settlers[Say] = settler
    await bench.put(say("k0", "!0"), say("k1", "!1"), say("k2", "!2"))
    await bench.drain()
    assert bench.done == ["k0", "k1", "k2", "then k0", "then k2"]
    assert (await bench.row("k1")).state == "done"
    async with bench.database.reading() as db:
        (failure,) = await failures.newest(db, 10)
    assert (failure.event, failure.outbox_key, failure.error) == (None, "k1", "KeyError")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0)


class Hand:
    """The outbox runs, each effect comes back when a test says so, and `turns` has what had come back before each turn."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("GATHER_SECONDS", "GATHER_AHEAD_SECONDS"):
            monkeypatch.setattr(f"bridge.outbox.{name}", 600)
        monkeypatch.setattr(bench.outbox, "_turn", self.counted(bench.outbox._turn))
        self.bench, self.running = bench, asyncio.create_task(bench.outbox.run())
        self.going: dict[str, asyncio.Future[None]] = {}
        self.turns: list[int] = []
        bench.answer = self.answer

    def counted(self, turn: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def counted(*, take: bool) -> None:
            self.turns.append(len(self.bench.outbox._back))
            await turn(take=take)

        return counted

    async def answer(self, effect: Effect) -> None:
        await self.going.setdefault(effect.key, asyncio.get_running_loop().create_future())

    async def back(self, *keys: str, error: Exception | None = None) -> None:
        for key in keys:
            if error:
                self.going[key].set_exception(error)
            else:
                self.going[key].set_result(None)
            await until(lambda key=key: key not in {load.partition(":")[2] for load in self.bench.under_way})  # type: ignore[misc]
            for _ in range(50):  # as many chances to begin with the one that is back
                await asyncio.sleep(0)

    async def let_go(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


async def test_while_much_is_under_way_several_outcomes_are_written_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quarter of what may be under way; or fewer, when somebody has something new."""
    await bench.put(*(say(f"s{number}", f"s{number}") for number in range(24)))
    hand = Hand(bench, monkeypatch)
    await until(lambda: len(hand.going) == 16)
    await hand.back(*(f"s{number}" for number in range(4)))
    await until(lambda: len(hand.going) == 20)
    assert hand.turns == [0, 4]
    await bench.put(say("new", "new"))
    await hand.back("s4")
    bench.outbox.wake()
    await until(lambda: len(hand.going) == 21)
    assert hand.turns == [0, 4, 1]
    await hand.let_go()


async def test_much_of_moderation_is_taken_before_there_is_room_and_goes_out_without_a_turn(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many again as may be under way, in their order; what is less important waits until there is room, and what is limited was not asked for."""
    await bench.put(*(say(f"s{number}", f"s{number}") for number in range(4)))
    await bench.put(*(ban(f"b{number}", f"b{number}") for number in range(44)))
    hand = Hand(bench, monkeypatch)
    await until(lambda: len(hand.going) == 16)
    assert (await bench.row("b31")).first_tried_ms == START
    assert (await bench.row("b32")).first_tried_ms is None
    await hand.back(*(f"b{number}" for number in range(11)))
    assert list(hand.going) == [f"b{number}" for number in range(27)]
    assert (hand.turns, bench.most_at_once) == ([0], 16)
    await hand.back("b11")
    await until(lambda: len(bench.outbox._ahead) == 16)
    assert hand.turns == [0, 12]
    await hand.back("b12", error=Unavailable("429", retry_after_ms=1000, limited=True))
    await until(lambda: bench.outbox.pace.at_once == {"rest": 1})
    rows = [await bench.row(key) for key in ("b12", "b27", "b28", "b43")]
    assert [row.first_tried_ms for row in rows] == [START, START, None, None]
    assert all(row.state == "due" and not row.attempts for row in rows)
    assert list(hand.going) == [f"b{number}" for number in range(28)]
    bench.now_ms += 1000
    bench.answer = None
    for key in list(hand.going)[13:]:
        await hand.back(key)
    await until(lambda: len(bench.done) == 48)
    assert max(Counter(bench.done).values()) == 1
    await hand.let_go()


async def test_a_settler_is_found_by_the_class_that_an_effect_is_made_of(bench: Bench) -> None:
    told: list[str] = []

    async def settler(scene: Scene, effect: SetState, state: State, result: str | None) -> None:
        told.append(effect.key)

    bench.settlers[SetState] = settler
    await bench.put(SetServerAcl(key="acl", room="!a", type="m.room.server_acl", content={}))
    await bench.drain()
    assert told == ["acl"]


async def test_an_intent_ends_once_after_its_last_row_and_what_followed_from_it(bench: Bench) -> None:
    ends: list[queue.Counts] = []

    async def settler(scene: Scene, effect: Ban, state: State, result: str | None) -> None:
        if effect.key == "b1":
            scene.puts.append(Put(React(key="follow", room="!z", event="$1", emoji="+"), intent=intent))

    async def end(scene: Scene, entry: ledger.Entry) -> None:
        counts = await queue.counts(scene.db, entry.id)
        ends.append(counts)
        await ledger.settle(scene.db, entry.id, {"done": counts.done, "dead": counts.dead}, scene.now_ms)
        scene.puts.append(Put(say("answer")))

    bench.settlers[Ban] = settler
    bench.intent_done["ban"] = end
    bench.answer = failing({"b2": [Refused(403, "M_FORBIDDEN")], "b3": [Unavailable("503")]})
    async with bench.database.writing() as db:
        intent = await ledger.write(db, "@mod:x", "ban", "@eve:y", None, None, None, "$c", START)
    await bench.put(*(ban(f"b{number}", f"!{number}") for number in range(4)), intent=intent)
    await bench.drain()
    assert ends == []
    await bench.later(1000)
    assert ends == [queue.Counts(done=4, dead=1)]
    assert bench.done[-1] == "answer"
    async with bench.database.writing() as db:
        entry = await ledger.get(db, intent)
        assert entry is not None
        assert entry.outcome == {"done": 4, "dead": 1}
        assert [each.key for each in await queue.of_intent(db, intent) if each.state == "dead"] == ["b2"]
        await queue.retry(db, "b2")
    await bench.drain()
    assert ends[1:] == [queue.Counts(done=5)]
    assert bench.done.count("answer") == 1


async def test_without_a_token_everything_waits_and_nothing_dies(bench: Bench) -> None:
    lost = {"lost": True}

    async def answer(effect: Effect) -> None:
        if lost["lost"]:
            raise TokenLost(401, "M_UNKNOWN_TOKEN")

    bench.answer = answer
    await bench.put(*(say(f"k{number}", f"!{number}") for number in range(20)))
    await bench.drain(wait=True)
    assert bench.outbox.trouble == "token"
    assert len(bench.tried) == 16
    await bench.later(60_000)
    assert len(bench.tried) == 17
    lost["lost"] = False
    await bench.later(60_000)
    assert len(bench.done) == 20
    assert bench.outbox.trouble is None


async def test_a_row_that_nobody_understands_is_set_aside(bench: Bench) -> None:
    await bench.put(say("k1"))
    async with bench.database.writing() as db:
        await db.exec_driver_sql("UPDATE outbox SET kind = 'FromTheFuture'")
    await bench.drain()
    row = await bench.row("k1")
    assert (row.state, row.error) == ("dead", "KeyError")


async def test_a_restart_tries_again_and_says_since_when(bench: Bench) -> None:
    hanging = asyncio.Event()

    async def answer(effect: Effect) -> None:
        hanging.set()
        await asyncio.Event().wait()

    bench.answer = answer
    await bench.put(say("k1"))
    running = asyncio.create_task(bench.outbox.run())
    await asyncio.wait_for(hanging.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (await bench.row("k1")).state == "due"
    bench.answer = None
    bench.now_ms += 10**9
    bench.outbox = bench.new_outbox()
    await bench.drain()
    assert bench.first_tries["k1"] == START
    assert bench.done == ["k1"]


async def test_the_loop_wakes_for_new_rows_and_stops_when_all_under_way_is_settled(bench: Bench) -> None:
    started, go = asyncio.Event(), asyncio.Event()

    async def answer(effect: Effect) -> None:
        started.set()
        await go.wait()

    bench.answer = answer
    stop = asyncio.Event()
    running = asyncio.create_task(bench.outbox.run(stop))
    await bench.put(say("k1"), say("k2"))
    bench.outbox.wake()
    await asyncio.wait_for(started.wait(), 60)
    stop.set()
    go.set()
    await asyncio.wait_for(running, 60)
    assert (await bench.row("k1")).state == "done"
    assert (await bench.row("k2")).state == "due"


async def test_who_answers_at_once_waits_until_it_is_written_down_what_they_answer(bench: Bench) -> None:
    started, go, written = asyncio.Event(), asyncio.Event(), []

    async def slow(effect: Effect) -> None:
        if isinstance(effect, Say):
            started.set()
            await go.wait()

    async def settler(_scene: Scene, effect: Effect, _state: State, _result: str | None) -> None:
        written.append(effect.key)

    bench.answer = slow
    bench.settlers = {Say: settler}
    bench.outbox = bench.new_outbox()
    stop = asyncio.Event()
    running = asyncio.create_task(bench.outbox.run(stop))
    await bench.put(say("question"))
    bench.outbox.wake()
    await asyncio.wait_for(started.wait(), 60)
    await bench.outbox.settled({"Ban"}, 600)  # nothing of that kind is under way
    await bench.outbox.settled({"Say"}, 0.01)  # a homeserver that hangs is not waited for
    assert written == []
    waiting = asyncio.create_task(bench.outbox.settled({"Say"}, 600))
    go.set()
    await asyncio.wait_for(waiting, 60)
    assert written == ["question"]
    assert (await bench.row("question")).state == "done"
    await bench.outbox.settled({"Say"}, 600)
    stop.set()
    bench.outbox.wake()
    await asyncio.wait_for(running, 60)


async def test_who_answered_while_we_were_killed_is_understood_after_the_restart(bench: Bench) -> None:
    hanging, written = asyncio.Event(), []

    async def hang(_effect: Effect) -> None:
        hanging.set()
        await asyncio.Event().wait()

    async def settler(_scene: Scene, effect: Effect, _state: State, _result: str | None) -> None:
        written.append(effect.key)

    bench.answer = hang
    await bench.put(say("question"))
    killed = asyncio.create_task(bench.outbox.run())
    await asyncio.wait_for(hanging.wait(), 60)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    bench.answer, bench.settlers = None, {Say: settler}
    bench.outbox = bench.new_outbox()
    waiting = asyncio.create_task(bench.outbox.settled({"Say"}, 600))
    await asyncio.sleep(0)  # the reaction comes before the outbox has begun
    running = asyncio.create_task(bench.outbox.run())
    await asyncio.wait_for(waiting, 60)
    assert written == ["question"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_full_disk_loses_no_outcome_and_repeats_no_effect(bench: Bench) -> None:
    real = bench.database.writing
    trouble = {"left": 3}
    seen = asyncio.Event()

    def writing() -> Any:
        if bench.done and trouble["left"]:
            trouble["left"] -= 1
            seen.set()
            raise StoreFull("full")
        return real()

    bench.database.writing = writing  # type: ignore[method-assign]
    await bench.put(say("k1"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.outbox.STORE_WAIT_SECONDS", 0.01)
        stop = asyncio.Event()
        running = asyncio.create_task(bench.outbox.run(stop))
        await asyncio.wait_for(seen.wait(), 60)
        stop.set()
        await asyncio.wait_for(running, 60)
    assert bench.tried == ["k1"]
    assert (await bench.row("k1")).state == "done"


async def test_progress_is_told(bench: Bench) -> None:
    told: list[tuple[int, int]] = []
    await bench.put(*(say(f"k{number}", f"!{number}") for number in range(20)))
    await bench.drain(progress=lambda done, left: told.append((done, left)))
    assert told[-1] == (20, 0)
    assert all(done + left == 20 for done, left in told)


def faulty(luck: random.Random) -> Callable[[Effect], Awaitable[None]]:
    """A homeserver that does what is asked in about half of all cases."""
    faults: list[Exception | None] = [
        None, None, None,
        Unavailable("down"), Unavailable("503", retry_after_ms=500),
        Unavailable("429", limited=True), Unavailable("429", limited=True, retry_after_ms=700),
        Refused(403, "M_FORBIDDEN"), ZeroDivisionError(),
    ]  # fmt: skip

    async def answer(effect: Effect) -> None:
        for _ in range(luck.randrange(3)):
            await asyncio.sleep(0)
        fault = luck.choice(faults)
        if fault:
            raise fault

    return answer


KINDS: dict[str, Callable[[str, str], Effect]] = {
    "say": say,
    "ban": ban,
    "invite": lambda key, room: Invite(key=key, room=room, user="@ann:x"),
    "create": lambda key, room: CreateRoom(key=key, room_key=room, alias=room, request={}),
}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    wishes=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(sorted(KINDS))), max_size=25),
    seed=st.integers(0, 10**6),
)
async def test_whatever_goes_wrong_each_lane_keeps_its_order_and_everything_is_settled_once(
    database: Database, wishes: list[tuple[str, str]], seed: int
) -> None:
    example = next(numbers)
    bench = Bench(database)
    effects = [KINDS[kind](f"{number}/{example}", f"!{room}") for number, (room, kind) in enumerate(wishes)]
    ended: list[str] = []

    async def settler(scene: Scene, effect: Effect, state: State, result: str | None) -> None:
        ended.append(effect.key)

    bench.settlers[Effect] = settler
    bench.answer = faulty(random.Random(seed))
    await bench.put(*effects)
    deadline = bench.now_ms + 10**8
    while len(ended) < len(effects) and bench.now_ms < deadline:
        await bench.later(60_000)
    assert Counter(ended) == Counter(effect.key for effect in effects)
    for lane in {effect.lane for effect in effects}:
        mine = [effect.key for effect in effects if effect.lane == lane]
        assert [key for key in ended if key in mine] == mine


async def test_priorities_are_those_of_the_kinds() -> None:
    assert [say("k").priority, ban("k").priority] == [Priority.ANSWER, Priority.MODERATION]


def lines_of(file: Path) -> list[str]:
    """The whole lines of a file that somebody is writing to."""
    return [line for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]


async def test_killed_at_any_moment_everything_is_done_and_nothing_under_another_name(
    where: str | Path, tmp_path: Path
) -> None:
    wanted = {f"k{number}" for number in range(150)}
    database = await Database.open(where)
    async with database.writing() as db:
        await queue.put(db, [Put(say(key, f"!{key[-1]}")) for key in sorted(wanted)], START)
    await database.close()
    told = tmp_path / "told"
    told.touch()
    luck = random.Random(7)
    deadline = time.monotonic() + 100
    code, kills = None, 0
    while code != 0 and time.monotonic() < deadline:
        enough = len(lines_of(told)) + luck.randint(1, 40)
        process = await asyncio.create_subprocess_exec(
            sys.executable, Path(__file__).with_name("killed_outbox.py"), str(where), told,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        ended = asyncio.create_task(process.wait())
        while not ended.done() and len(lines_of(told)) < enough:
            await asyncio.wait([ended], timeout=0.001)
        if not ended.done() and enough < 120:
            process.send_signal(signal.SIGKILL)
            kills += 1
        code = await ended
    assert code == 0
    assert kills >= 3
    lines = [line.split() for line in lines_of(told)]
    assert {key for key, _ in lines} == wanted
    # A homeserver makes one event of each transaction id.
    assert len({txn for _, txn in lines}) == len(wanted)
    database = await Database.open(where)
    async with database.reading() as db:
        assert await queue.counts(db) == queue.Counts(done=150)
    await database.close()
