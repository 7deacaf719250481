"""Whom the configuration names no more has no say from that moment on, loses the power that it gave in every room, and leaves the staff room."""

from typing import Any

import pytest
from community import PEOPLE
from test_asked import answered
from test_reports import said_to_staff
from world import World, on_a_file

from bridge.config import Config
from bridge.store.tables import named

pytestmark = on_a_file

ANN, BEN, EVE, MOD = (PEOPLE[name] for name in ("ann", "ben", "eve", "mod"))


def without(world: World, moderators: list[str], curators: list[str]) -> Config:
    data = world.config.model_dump()
    data["matrix"] = world.config.matrix.model_dump() | {"access_token": world.config.matrix.access_token}
    data["community"]["moderators"] = moderators
    data["community"]["circles"] = [
        {**one, "curators": curators} if one["tag"] == "sleep" else one for one in data["community"]["circles"]
    ]
    return Config.model_validate(data)


def power(world: World, who: str) -> dict[str, int]:
    """What somebody has in the rooms where they have more or less than others."""
    found = {}
    for name in world.everywhere():
        levels = world.hs.room(world.room(name)).content("m.room.power_levels")
        if levels["users"].get(who, 0) != 0:
            found[name] = levels["users"][who]
    return found


async def test_a_moderator_taken_off_the_file_has_no_say_at_once_and_no_power_soon(world: World) -> None:
    await world.ring("named")
    assert set(power(world, MOD).values()) == {60}
    assert power(world, ANN) == {"#sleep": 50}
    question = await world.order("mod", f"!redact {EVE} 3h spam")  # asks first
    assert world.hearth
    later = without(world, [], [])
    world.hearth.read_again = lambda: later
    await answered(world, await world.say("#staff", "olga", "!apply"))
    # Their commands and what waits for their reaction are nothing from that moment on, though they still sit in the staff room.
    await world.react("#staff", "mod", question.event_id, "👍")
    await world.say("#common", "mod", f"!ban {BEN} revenge")
    await world.settle()
    assert [one.action for one in await world.ledger() if one.actor == MOD] == []
    assert world.banned("ben") == set()
    await world.ring("named")
    await world.settle()
    assert power(world, MOD) == power(world, ANN) == {}
    assert MOD not in world.hs.members(world.room("#staff"))
    (mine,) = [one for one in await world.ledger() if one.action == "demote" and one.target == MOD]
    assert mine.outcome == {"done": 6, "refused": 0}
    await world.ring("named")
    await world.settle()
    assert not [row for row in await world.rows(named) if row["user"] in (MOD, ANN)]
    # Whoever is invited into the staff room by hand later is one of staff again, as anybody is.
    await world.member("olga").invite(world.room("#staff"), MOD)
    await world.member("mod").join(world.room("#staff"))
    await world.settle()
    assert "Nothing waits" in (await world.order("mod", "!cases")).body
    await world.ring("named")
    await world.settle()
    assert MOD in world.hs.members(world.room("#staff"))


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
async def test_it_is_noticed_after_a_pause_and_a_kill_in_the_middle_loses_nothing(world: World, kind: Any) -> None:
    await world.ring("named")
    await world.stop()
    world.config = without(world, [], ["ann"][:0])
    hanging = world.hs.faults.add(kind, path="/state/m.room.power_levels", times=None)
    await world.start()
    await world.ring("named")
    await world.hs.until(lambda: hanging.hits > 0, what="a request in the middle")
    await world.stop()
    hanging.release()
    await world.start()
    await world.settle()
    assert power(world, MOD) == power(world, ANN) == {}
    await world.replay()
    assert world.changes() == []


async def test_a_new_moderator_and_a_curator_elsewhere_keep_theirs_and_what_cannot_be_is_told(world: World) -> None:
    await world.ring("named")
    await world.stop()
    world.config = without(world, [BEN], [MOD])
    garden = world.room("#garden")[1:]
    world.hs.faults.add("status", path=f"{garden}/state/m.room.power_levels", method="PUT", status=403, times=1)
    await world.start()
    await world.ring("named")
    await world.settle()
    assert power(world, MOD) == {"#sleep": 50, "#garden": 60}
    assert power(world, ANN) == {}
    (told,) = said_to_staff(world, "does not name Mod")
    assert "could not take their power there" in told.body
    assert BEN not in world.hs.members(world.room("#staff"))  # who is new is made one by `apply`
