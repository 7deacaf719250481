"""Whatever goes wrong between Hearth and its homeserver: nothing is lost, nothing comes twice, and what cannot be is told."""

import re
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from community import HEARTH, PEOPLE
from world import World, on_a_file

from bridge.config import Config
from bridge.errors import Unavailable
from bridge.store import queue
from bridge.store.tables import outbox, posts

pytestmark = on_a_file

SEND = "/send/"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses of the sync loop, which are real ones, become short."""
    monkeypatch.setattr("bridge.matrix.sync.random", SimpleNamespace(uniform=lambda _low, _high: 0.02))


def said_by_hearth(world: World, room: str) -> list[str]:
    """The last lines of what Hearth said there: of a copy, the words of its author."""
    return [seen.body.splitlines()[-1] for seen in world.from_hearth(room)]


async def share_three(world: World) -> list[str]:
    """Three threads to be carried into the common room; their words."""
    texts = [f"thought {n} #common" for n in range(3)]
    for text in texts:
        await world.say("#sleep", "ann", text)
    return texts


FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 429, "retry_after_ms": 300},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502, "times": 2},
    {"kind": "garbage"},
    {"kind": "garbage_after"},
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "slow_after", "seconds": 0.3},
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_send_that_goes_wrong_is_done_once_and_in_its_place(world: World, fault: dict[str, Any]) -> None:
    planned = world.hs.faults.add(path=SEND, **fault)
    texts = await share_three(world)
    await world.hs.until(lambda: planned.hits)
    await world.settle(hurrying=True)
    assert said_by_hearth(world, "#common") == texts
    await world.replay()
    assert world.changes() == []


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_sync_that_goes_wrong_loses_nothing(world: World, fault: dict[str, Any]) -> None:
    planned = world.hs.faults.add(path="/sync$", **fault)
    texts = await share_three(world)
    await world.hs.until(lambda: planned.hits)
    await world.settle(hurrying=True)
    assert said_by_hearth(world, "#common") == texts


async def test_one_room_that_hangs_does_not_hold_up_the_others(world: World) -> None:
    hanging = world.hs.faults.add("hang", path=f"{re.escape(world.room('#common'))}{SEND}", times=None)
    texts = await share_three(world)
    await world.hs.until(lambda: hanging.hits)
    command = await world.say("#staff", "mod", "!help")
    await world.hs.until(lambda: [seen for seen in world.from_hearth("#staff") if seen.reply_to == command])
    assert said_by_hearth(world, "#common") == []
    hanging.release()
    await world.settle(hurrying=True)
    assert said_by_hearth(world, "#common") == texts


async def test_the_homeserver_goes_away_and_comes_back(world: World) -> None:
    first = await share_three(world)
    await world.hs.down()
    late = [f"while nobody listens {n} #common" for n in range(3)]
    for text in late:
        await world.say("#sleep", "ann", text)
    command = await world.say("#staff", "mod", f"!ban {PEOPLE['eve']} spam")
    await world.hs.up()
    await world.settle(hurrying=True)
    assert Counter(said_by_hearth(world, "#common")) == Counter(first + late)
    assert world.banned("@eve") == world.everywhere()
    world.answer_to("#staff", command)
    await world.replay()
    assert world.changes() == []


async def test_without_a_homeserver_hearth_does_not_start_and_nothing_is_lost(world: World) -> None:
    await world.stop()
    await world.hs.down()
    texts = await share_three(world)
    with pytest.raises(Unavailable):
        await world.start()
    await world.hs.up()
    await world.start()
    await world.settle(hurrying=True)
    assert said_by_hearth(world, "#common") == texts


async def test_a_lost_token_loses_nothing(world: World) -> None:
    world.hs.faults.add(path=SEND, status=401, errcode="M_UNKNOWN_TOKEN", times=None)
    texts = await share_three(world)
    await world.until(lambda: waits(world, 1), what="a copy that waits")
    world.hs.sign_out(HEARTH)
    await world.say("#garden", "dan", "nobody hears this #common")
    await world.stop()
    world.hs.faults.clear()
    assert not [row for row in await world.rows(outbox) if row["state"] == "dead"]
    token = (await world.hs.user(HEARTH)).token("HEARTH")
    data = world.config.model_dump()
    data["matrix"]["access_token"] = token
    world.config = Config.model_validate(data)
    await world.start()
    await world.settle(hurrying=True)
    said = said_by_hearth(world, "#common")  # circles take turns there, and each one's words keep their order
    assert Counter(said) == Counter([*texts, "nobody hears this #common"])
    assert [text for text in said if text in texts] == texts


async def waits(world: World, number: int) -> bool:
    return len([row for row in await world.rows(outbox) if row["state"] == "due" and row["first_tried_ms"]]) >= number


async def test_what_is_refused_is_told_and_can_be_tried_again(world: World) -> None:
    path = f"{re.escape(world.room('#common'))}{SEND}"
    fault = world.hs.faults.add(path=path, status=403, errcode="M_FORBIDDEN", times=None)
    await world.say("#sleep", "ann", "held back #common")
    command = await world.say("#staff", "mod", "!help")
    await world.settle(hurrying=True)
    world.answer_to("#staff", command)
    (dead,) = [row for row in await world.rows(outbox) if row["state"] == "dead"]
    assert (dead["kind"], dead["error"]) == ("Copy", "M_FORBIDDEN")
    assert sum("could not be shared" in seen.body for seen in world.from_hearth("#staff")) == 1
    fault.release()
    assert world.hearth
    async with world.hearth.database.writing() as db:
        assert await queue.retry(db, dead["key"])
    world.hearth.outbox.wake()
    await world.settle(hurrying=True)
    assert said_by_hearth(world, "#common") == ["held back #common"]
    await world.replay()
    assert world.changes() == []


async def test_words_that_are_taken_back_during_a_long_outage_are_gone_after_it(world: World) -> None:
    """A day later a homeserver does not know our transaction ids any more."""
    planned = world.hs.faults.add("hang_after", path=f"{re.escape(world.room('#common'))}{SEND}")
    root = await world.say("#sleep", "ann", "too much said #common")
    await world.hs.until(lambda: planned.hits)
    await world.stop()
    world.hs.faults.clear()
    assert len(world.from_hearth("#common")) == 1
    world.hs.model.transactions.clear()
    await world.redact("#sleep", "ann", root)
    world.clock.forward(25 * 3600 * 1000)
    await world.start()
    await world.settle(hurrying=True)
    assert [seen for seen in world.from_hearth("#common") if not seen.redacted] == []


@pytest.mark.parametrize("kind", ["drop_after", "garbage_after", "hang_after"])
async def test_a_direct_room_is_made_once(world: World, kind: Any) -> None:
    planned = world.hs.faults.add(kind, path="/createRoom$")
    await world.say("#common", "ben", "!language de")
    await world.hs.until(lambda: planned.hits)
    if kind == "hang_after":
        await world.stop()
        world.hs.faults.clear()
        await world.start()
    await world.settle(hurrying=True)
    mine = [room for room in world.member("ben").invites() if HEARTH in world.hs.members(room)]
    assert len(mine) == 1
    await world.member("ben").join(mine[0])
    assert len(world.told("ben")) == 1


async def test_everything_at_once(world: World) -> None:
    """Every kind of fault on every path, again and again, while people go on."""
    for path in (SEND, "/sync$", "/event/", "/messages$", "/ban$", "/state/", "/members$", "/joined_members$"):
        for skip, fault in enumerate(FAULTS):
            world.hs.faults.add(path=path, skip=skip, **fault)
    texts = []
    for n in range(8):
        texts.append(f"worry {n} #common")
        await world.say("#sleep", "ann", texts[-1])
        command = await world.say("#staff", "mod", f"!ban @nobody{n}:c.test")
    await world.settle(60, hurrying=True)
    assert Counter(said_by_hearth(world, "#common")) == Counter(texts)
    world.answer_to("#staff", command)
    assert len(await world.ledger()) == 8
    assert all(entry.settled_ms for entry in await world.ledger())
    heard = {row["event"] for row in await world.rows(posts)}
    world.hs.faults.clear()
    assert {seen.event_id for seen in world.sees("#sleep", "ann")} <= heard
    await world.replay()
    assert world.changes() == []
