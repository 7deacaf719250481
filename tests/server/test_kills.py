"""Hearth is killed again and again between two real homeservers; everything it owed comes once, in encrypted direct rooms too."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from killing import Nursery, nursery, seed_of_kills
from rich.console import Console

from bridge.demo.stage import Stage
from bridge.demo.theatre import Play, on_stage
from bridge.demo.week import everybody_comes_in

KILLS = 8
READERS = ("ann", "greta", "hugo")


async def killed_at_random(bots: Nursery, chance: random.Random) -> None:
    """Let it live for a moment, kill it, start it again."""
    # Not a wait for something to happen: the moment of the kill is what is random here.
    await asyncio.sleep(chance.uniform(0, 0.4))
    await bots.kill()
    await listening(bots)


async def listening(bots: Nursery) -> None:
    """Start Hearth and wait until it listens."""
    await bots.start()
    async with asyncio.timeout(60):
        await bots.listens.wait()


@asynccontextmanager
async def killable(play: Play) -> AsyncIterator[Nursery]:
    """From here on Hearth is forked from a process that has imported everything already: a start costs a tenth."""
    await play.kill_bot()
    async with nursery(play.config_file, play.clock.file, play.directory / "hearth" / "hearth.log") as bots:
        await listening(bots)
        yield bots


@pytest.mark.timeout(240)
async def test_what_was_owed_comes_once(synapse_venv: Path) -> None:
    chance = random.Random(seed_of_kills())
    async with on_stage(Stage(Console(quiet=True), 2), synapse_venv) as play, killable(play) as bots:
        await everybody_comes_in(play)
        dan, jonas, ann = (play.cast[name] for name in ("dan", "jonas", "ann"))
        sleep, common = play.rooms["circle/sleep"], play.rooms["common"]
        rooms = {name: await in_private(play, name) for name in READERS}
        direct = rooms["ann"]
        for name in READERS:
            await play.cast[name].say(rooms[name], f"follow {dan.id}")
            await play.cast[name].sees_from(play.hearth, rooms[name], "follow")
        for number in range(KILLS):
            root = await dan.say(sleep, f"Thought {number} of the night. #common")
            await dan.answer(sleep, root, f"And more of thought {number}.")
            await ann.say(direct, f"follow #tag{number}")
            await killed_at_random(bots, chance)
        for number in range(KILLS):
            await jonas.sees(common, f"Thought {number} of the night")
            await jonas.sees(common, f"And more of thought {number}")
            await ann.sees_from(play.hearth, direct, f"#tag{number}")
        await ann.say(direct, "follows")  # whatever was still to come has come before this answer
        await ann.until(
            "follows", lambda: [line for line in ann.lines(direct) if "#tag0" in line.text and "#tag7" in line.text]
        )
        for number in range(KILLS):
            copies = [line.text for line in jonas.lines(common)]
            assert sum(f"Thought {number} of the night" in text for text in copies) == 1
            assert sum(f"And more of thought {number}" in text for text in copies) == 1
            answers = [line.text for line in ann.lines(direct) if line.sender == play.hearth]
            assert sum(f"You now follow #tag{number}" in text for text in answers) == 1
        await digests_come_once(play, bots, chance, rooms)
        assert all(line.encrypted for line in ann.lines(direct))


async def in_private(play: Play, name: str) -> str:
    """A person's encrypted direct room with Hearth."""
    member = play.cast[name]
    room = await member.talk_to(play.hearth)
    await member.until("Hearth", lambda: member.hears(play.hearth, room))
    return room


async def digests_come_once(play: Play, bots: Nursery, chance: random.Random, rooms: dict[str, str]) -> None:
    """It is eight in the morning, and Hearth is killed while it delivers: everybody gets one digest, after all."""
    play.clock.turn_to("Europe/Berlin", 1, 8)
    for _ in range(KILLS // 2):
        await killed_at_random(bots, chance)
    for name, room in rooms.items():
        member = play.cast[name]
        await member.sees_from(play.hearth, room, "🛑")
        before = {line.event for line in member.lines(room)}
        await member.say(room, "follows")
        await member.until(
            "follows",
            lambda member=member, room=room, before=before: [
                line for line in member.lines(room) if line.event not in before and "1:" in line.text
            ],
        )
    for name, room in rooms.items():
        assert sum("🛑" in line.text for line in play.cast[name].lines(room)) == 1
