"""A protection that mutes or holds does so, tells kindly, ends by itself or by a reaction of staff; and a cry for help beats it."""

from typing import Any

import pytest
from community import PEOPLE
from test_reports import private, said_to_staff
from world import World, on_a_file

from bridge.store.tables import cases, mutes
from tests.fake import Seen

pytestmark = on_a_file

EVE, MOD = PEOPLE["eve"], PEOPLE["mod"]
HOUR_MS = 3_600_000


async def set_up(world: World, **protections: Any) -> None:
    section = type(world.config.protections).model_validate(protections)
    await world.stop()
    world.config = world.config.model_copy(update={"protections": section})
    await world.start()
    await world.settle()


def silent(world: World, who: str = "eve") -> set[str]:
    """The rooms in which somebody can only read."""
    return {
        name for name in world.everywhere()
        if world.hs.room(world.room(name)).content("m.room.power_levels")["users"].get(PEOPLE[who], 0) < 0
    }  # fmt: skip


def case_of(world: World) -> Seen:
    (case,) = [seen for seen in world.from_hearth("#staff") if seen.body.startswith("Case")]
    return case


async def test_a_newcomer_is_held_after_the_first_message_until_staff_has_looked(world: World) -> None:
    await set_up(world, first_message={"enabled": True})
    event = await world.say("#sleep", "eve", "hello, I cannot sleep")
    await world.settle()
    assert silent(world) == {"#sleep", "#common"}
    assert not any(seen.redacted for seen in world.member("ann").sees(world.room("#sleep")))
    told = (await private(world, "eve", "A person of ours looks")).body
    for part in ("Welcome!", "everybody can read it", "Tue, Jan 6", "If you are in need, write to me"):
        assert part in told, told
    case = case_of(world)
    assert event in (case.html or "")
    assert case.content["m.mentions"] == {"user_ids": [MOD]}
    assert "cannot sleep" not in case.body
    await world.member("cleo").invite(world.room("#garden"), EVE)
    await world.member("eve").join(world.room("#garden"))  # a room that they come into meanwhile is no way around it
    await world.settle()
    assert silent(world) == {"#sleep", "#common", "#garden"}
    await world.restart()
    await world.react("#staff", "mod", case.event_id, "👍")
    await world.settle()
    assert silent(world) == set()
    assert "you can write now" in (await private(world, "eve", "Somebody has looked")).body
    await world.say("#sleep", "eve", "thank you")
    await world.settle()
    assert len(await world.rows(cases)) == 1
    await world.replay()
    assert world.changes() == []
    assert silent(world) == set()


async def test_what_staff_says_no_to_goes_and_the_newcomer_may_appeal(world: World) -> None:
    await set_up(world, first_message={"enabled": True})
    async with world.held():
        events = [await world.say("#sleep", "eve", text) for text in ("buy this", "buy that")]
    await world.settle()
    await world.say("#staff", "mod", "!refuse 1")
    await world.settle()
    seen = {seen.event_id: seen.redacted for seen in world.member("ann").sees(world.room("#sleep"))}
    assert [seen[event] for event in events] == [True, True]
    world.clock.forward(48 * HOUR_MS)
    await world.ring("sanctions end")
    await world.settle()
    assert silent(world) == {"#sleep", "#common"}
    assert "mute" in "".join(await world.ask("eve", "appeal it was a joke"))
    assert "somebody else has to look at it" in (await world.order("mod", "!accept 2")).body
    await world.say("#staff", "olga", "!accept 2")
    await world.settle()
    assert silent(world) == set()


async def test_when_nobody_looks_it_ends_by_itself_and_staff_was_reminded(world: World) -> None:
    await set_up(world, first_message={"enabled": True, "acts": ["redact", "hold"]}, hold_hours=4)
    event = await world.say("#common", "eve", "hello")
    await world.settle()
    assert "Once somebody has looked, please write it again" in (await private(world, "eve", "A person of ours")).body
    assert {one.event_id: one.redacted for one in world.member("ann").sees(world.room("#common"))}[event]
    # Whom staff lets write is not looked at again, though nothing of theirs stands there yet.
    await world.say("#sleep", "ben", "good evening")
    await world.settle()
    assert silent(world, "ben") == {"#sleep", "#common"}
    await world.say("#staff", "mod", "!accept 2")
    await world.settle()
    again = await world.say("#sleep", "ben", "good evening, again")
    await world.settle()
    assert not {one.event_id: one.redacted for one in world.member("ann").sees(world.room("#sleep"))}[again]
    assert (silent(world, "ben"), len(await world.rows(cases))) == (set(), 2)
    world.clock.forward(2 * HOUR_MS + 60_000)
    await world.ring("cases")
    await world.settle()
    assert len(said_to_staff(world, "nobody has answered")) == 1
    await world.stop()
    world.clock.forward(2 * HOUR_MS)
    await world.start()
    await world.ring("sanctions end")
    await world.settle()
    assert silent(world) == set()


async def test_a_cry_for_help_is_never_held_and_frees_who_is(world: World) -> None:
    await set_up(world, first_message={"enabled": True})
    await world.say("#sleep", "eve", "I don't want to live any more")
    await world.settle()
    assert silent(world) == set()
    await world.say("#common", "ben", "hello")
    await world.settle()
    assert silent(world, "ben") == {"#sleep", "#common"}
    await world.write_to_hearth("ben", "I want to kill myself")
    await world.settle()
    assert silent(world, "ben") == set()
    assert await world.rows(mutes) == []


async def test_a_flood_mutes_for_a_time_and_a_false_alarm_ends_it_with_a_word(world: World) -> None:
    await set_up(world, flood={"acts": ["mute"], "limit": 3}, mute_minutes=30)
    for number in range(5):
        await world.say("#sleep", "eve", f"number {number}")
    await world.settle()
    assert silent(world) == world.everywhere()
    assert "For now you can read in our rooms" in (await private(world, "eve", "more than 3 messages")).body
    await world.react("#staff", "mod", case_of(world).event_id, "👎")
    await world.settle()
    assert silent(world) == set()
    assert "That you could only read was a mistake" in (await private(world, "eve", "I am sorry")).body
    await world.say("#sleep", "eve", "thank you")  # not silenced for the same again
    await world.settle()
    assert silent(world) == set()
    # Another time nobody says anything, and it ends by itself; a moderator's own mute is not shortened by it.
    for number in range(5):
        await world.say("#common", "zed", f"number {number}")
    await world.order("mod", f"!mute {EVE} 3d")
    await world.settle()
    assert silent(world, "zed") == world.everywhere()
    world.clock.forward(31 * 60_000)
    await world.ring("sanctions end")
    await world.settle()
    assert silent(world, "zed") == set()
    assert silent(world) == world.everywhere()


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
async def test_a_kill_in_the_middle_holds_all_the_same(world: World, kind: Any) -> None:
    await set_up(world, first_message={"enabled": True})
    hanging = world.hs.faults.add(kind, path="/state/m.room.power_levels", times=None)
    await world.say("#sleep", "eve", "hello")
    await world.hs.until(lambda: hanging.hits > 0, what="a request in the middle")
    await world.stop()
    hanging.release()
    await world.start()
    await world.settle()
    assert silent(world) == {"#sleep", "#common"}
    assert len(await world.rows(cases)) == 1
