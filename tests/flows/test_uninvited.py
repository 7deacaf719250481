"""People who cannot be invited: staff hears of it once, and a server that is only away is asked again."""

from contextlib import suppress
from typing import Any

import pytest
from community import PEOPLE
from world import World, on_a_file

pytestmark = on_a_file
NEW = "@fay:c.test"


async def ask_in(world: World) -> None:
    """The file names somebody new, and what is missing is made."""
    await world.stop()
    data: dict[str, Any] = world.config.model_dump()
    data["community"]["circles"][0]["members"] = [*data["community"]["circles"][0]["members"], NEW]
    with suppress(AssertionError):  # the tests' `build` wants every step to go well
        await world.build(data)
    await world.start()
    await world.settle()
    await world.tick()


def in_staff(world: World) -> list[str]:
    return [seen.body for seen in world.from_hearth("#staff") if NEW in seen.body]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("M_INVITE_BLOCKED", "accepts no invitations"),
        ("M_FORBIDDEN", "it was forbidden"),
        ("M_UNKNOWN", "the homeserver refused it"),
    ],
)
async def test_who_cannot_be_invited_is_told_once_with_the_reason(world: World, code: str, said: str) -> None:
    await world.hs.user(NEW)
    refusal = world.hs.faults.add("status", path="/invite$", status=403, errcode=code, times=None)
    await ask_in(world)
    (told,) = in_staff(world)
    assert said in told
    await ask_in(world)
    assert in_staff(world) == [told]
    refusal.release()
    await ask_in(world)
    assert world.room("#space") in (await world.hs.user(NEW)).invites()


async def test_a_server_that_is_away_is_asked_again_and_nobody_is_bothered(world: World) -> None:
    fay = await world.hs.user(NEW)
    world.hs.faults.add("status", path="/invite$", status=502, times=2)
    await ask_in(world)
    await world.settle(hurrying=True)
    assert world.room("#space") in fay.invites()
    assert in_staff(world) == []
    assert PEOPLE["olga"] in world.hs.members(world.room("#staff"))
