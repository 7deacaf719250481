"""Hearth is killed again and again between two real homeservers; everything it owed comes once, in encrypted direct rooms too."""

import asyncio
import random
from pathlib import Path

import pytest
from rich.console import Console

from bridge.demo.stage import Stage
from bridge.demo.theatre import Play, on_stage
from bridge.demo.week import everybody_comes_in

KILLS = 8


async def killed_at_random(play: Play, chance: random.Random) -> None:
    """Let it live for a moment, kill it, start it again."""
    # Not a wait for something to happen: the moment of the kill is what is random here.
    await asyncio.sleep(chance.uniform(0, 0.4))
    await play.kill_bot()
    await play.start_bot()


@pytest.mark.timeout(240)
async def test_what_was_owed_comes_once(synapse_venv: Path) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    async with on_stage(Stage(Console(quiet=True), 2), synapse_venv) as play:
        await everybody_comes_in(play)
        dan, jonas, ann = (play.cast[name] for name in ("dan", "jonas", "ann"))
        sleep, common = play.rooms["circle/sleep"], play.rooms["common"]
        direct = await ann.talk_to(play.hearth)
        await ann.until("Hearth", lambda: ann.hears(play.hearth, direct))
        for number in range(KILLS):
            root = await dan.say(sleep, f"Thought {number} of the night. #common")
            await dan.answer(sleep, root, f"And more of thought {number}.")
            await ann.say(direct, f"follow #tag{number}")
            await killed_at_random(play, chance)
        for number in range(KILLS):
            await jonas.sees(common, f"Thought {number} of the night", seconds=60)
            await jonas.sees(common, f"And more of thought {number}", seconds=60)
            await ann.sees_from(play.hearth, direct, f"#tag{number}", seconds=60)
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
        assert all(line.encrypted for line in ann.lines(direct))
