"""While a member's digest waits for its moment nothing else of theirs waits with it: what they have is corrected, and what they ask for comes."""

import pytest
from test_digest import ANN, BEN, CLEO, HOUR_MS, SLEEP, World, at
from world import on_a_file

from bridge.digest import due
from bridge.digest.tick import tick
from bridge.events import Reacted
from bridge.store.db import Database

pytestmark = on_a_file


async def test_while_one_waits_an_earlier_one_is_corrected_and_another_is_given_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await World(database).begin()
    await world.tell(ANN, "follow #sleep")
    slip = await world.say(BEN, "a slip")
    await world.say(BEN, "a word that stays")
    assert await world.until("2026-01-12T08:00") == 1
    later = await world.say(BEN, "for tomorrow")
    await world.say(BEN, "and more")
    await world.join(CLEO, SLEEP)
    await world.say(CLEO, "a night shift #night")
    rung = await world.say(CLEO, "a long story")
    monkeypatch.setattr(due, "AT_ONCE", 0)
    monkeypatch.setattr(due, "EACH_MS", due.SPREAD_MS)
    world.now_ms = at("2026-01-13T08:00")
    assert await tick(world.database, world.now_ms, world.settings) == 1
    await world.settle()
    assert len(world.digests(ANN)) == 1

    await world.redact(slip)
    assert not any("a slip" in body for body in world.told(ANN))
    await world.redact(later)  # of the one that waits nothing was read yet: there is nothing to correct
    await world.tell(ANN, "digest now")
    assert len(world.digests(ANN)) == 2
    assert all(words in world.digests(ANN)[1] for words in ("and more", "a night shift", "a long story"))

    # What she does not want to hear of by now is not in it either.
    await world.tell(ANN, "mute #night")
    await world.hear(Reacted("$bell", SLEEP, ANN, world.now_ms, rung, "🔕"))
    await world.settle()
    world.now_ms += HOUR_MS
    before = len(world.events)
    await world.settle()
    assert len(world.digests(ANN)) == 3
    assert "1. Ben in #sleep: “and more”" in world.digests(ANN)[2]
    assert not any(words in world.digests(ANN)[2] for words in ("a night shift", "a long story", "more conversation"))
    # Itself and what can be touched, and no correction.
    assert [raw["edits"] for raw in list(world.events.values())[before:]] == [None] * 5
    assert not any("for tomorrow" in body for body in world.told(ANN))


async def test_one_that_comes_a_little_after_midnight_is_still_yesterdays(database: Database) -> None:
    world = await World(database).begin()
    await world.tell(ANN, "follow #sleep")
    await world.tell(ANN, "digest at 23:50")
    for day in (12, 13, 14):
        await world.say(BEN, f"on the {day}th")
        world.now_ms = at(f"2026-01-{day}T23:50")
        assert await tick(world.database, world.now_ms, world.settings) == 1
        world.now_ms += HOUR_MS // 2  # the homeserver is slow, or many others get theirs, too
        await world.settle()
        assert f"on the {day}th" in world.digests(ANN)[-1]


async def test_who_has_switched_it_off_is_given_the_last_day_and_not_all_since_then(database: Database) -> None:
    world = await World(database).begin()
    await world.tell(ANN, "follow #sleep")
    await world.say(BEN, "one")
    assert await world.until("2026-01-12T08:00") == 1
    await world.tell(ANN, "digest off")
    await world.say(BEN, "long ago")
    world.now_ms = at("2026-03-12T08:00")
    await world.say(BEN, "today")
    await world.tell(ANN, "digest now")
    assert "today" in world.digests(ANN)[-1]
    assert "long ago" not in world.digests(ANN)[-1]
