"""While a member's digest waits for its moment nothing else of theirs waits with it: what they have is corrected, and what they ask for comes."""

import pytest
from test_digest import ANN, BEN, HOUR_MS, World, at
from world import on_a_file

from bridge.digest import due
from bridge.digest.tick import tick
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
    assert "and more" in world.digests(ANN)[1]

    world.now_ms += HOUR_MS
    before = len(world.events)
    await world.settle()
    assert len(world.digests(ANN)) == 3
    assert "and more" in world.digests(ANN)[2]
    assert [raw["edits"] for raw in list(world.events.values())[before:]] == [
        None
    ] * 5  # itself, and what can be touched
    assert not any("for tomorrow" in body for body in world.told(ANN))
