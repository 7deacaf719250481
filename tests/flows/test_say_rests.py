"""Whose membership has ended has no say: they are not shown, told, suggested or spared as curator or moderator, whatever the configuration names them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from community import PEOPLE
from test_assign import comes_in
from world import World, a_world, on_a_file

from bridge.config import Config

pytestmark = on_a_file
ANN, BEN, CLEO, DAN, EVE = (PEOPLE[name] for name in ("ann", "ben", "cleo", "dan", "eve"))


@pytest.fixture
async def world(where: str | Path, tmp_path: Path) -> AsyncIterator[World]:
    """Ann, curator of #sleep, and Cleo, a moderator, are no longer members; Ben stands in for Ann. It is March."""
    async with a_world(where, tmp_path) as made:
        for name in ("ann", "ben"):
            await made.direct(name)
        await made.stop()
        data = made.config.model_dump()
        data["membership"] = {"reminders": [3]}
        community = data["community"]
        community |= {"moderators": [CLEO, PEOPLE["mod"]], "assign": True, "onboarding": False}
        community["circles"][0].update({"substitutes": [BEN], "size": 10})
        community["circles"][1].update({"curators": [CLEO], "size": 2})
        made.config = Config.model_validate(data)
        await made.start()
        await made.settle()
        for user in (ANN, CLEO):
            await made.order("mod", f"!member expire {user} 2026-01-10")
        await made.turn_to("2026-02-20 10:00")
        await made.turn_to("2026-03-01 10:00")
        assert not {ANN, CLEO} & set(made.hs.members(made.room("#common")))
        yield made


async def shown(world: World, command: str) -> str:
    return (await world.order("mod", command)).body


async def test_they_are_shown_as_what_they_are_and_told_nothing(world: World) -> None:
    assert "is not in the community" in await shown(world, f"!member show {ANN}")
    assert "is not in the community" in await shown(world, f"!member show {CLEO}")
    assert "is a curator: #sleep" in await shown(world, f"!member show {BEN}")
    circles = (await shown(world, "!circles")).splitlines()
    sleep, garden = [next(line for line in circles if tag in line) for tag in ("#sleep", "#garden")]
    assert "looked after by Ben" in sleep
    assert "Ann" not in sleep
    assert "nobody looks after it" in garden
    assert "Nobody looks after" in await shown(world, "!circle curators #garden")
    before = world.told("ann")
    await comes_in(world)
    assert any("is new" in told and "#sleep" in told for told in world.told("ben"))
    assert world.told("ann") == before


async def test_they_are_named_to_nobody_as_who_can_help_and_no_ban_spares_them(world: World) -> None:
    await world.direct("eve")
    await world.order("mod", f"!member expire {EVE} 2026-03-04")
    await world.turn_to("2026-03-01 12:01")
    (reminder,) = [told for told in world.told("eve") if "in good time" in told]
    assert "write to Mod:" in reminder
    await world.order("mod", f"!ban {CLEO} spam")
    assert world.banned("@cleo") == world.everywhere()
