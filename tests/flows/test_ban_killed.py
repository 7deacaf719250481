"""A ban in a hundred rooms, whose Hearth is killed twice in the middle as by a power cut: finished in time, nothing done twice, one answer, the ledger true."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import yaml
from community import HEARTH, PEOPLE, settings
from killing import FileClock, Play, nursery

from bridge.config import Config
from tests.fake import FakeHomeserver

EVE = PEOPLE["eve"]
MORE, SECONDS = 95, 15


async def more_rooms(play: Play) -> None:
    """Rooms that Hearth made at some time; nobody but Hearth is in them."""
    hearth = await play.hs.user(HEARTH)
    rows = [(await hearth.create(), f"room/more{number}") for number in range(MORE)]
    with closing(sqlite3.connect(play.database)) as db, db:
        db.executemany(
            "INSERT INTO rooms (room, key, kind, encrypted, history, made_ms) VALUES (?, ?, 'room', 0, 'shared', 1)",
            rows,
        )
    play.rooms |= {f"#{key.rpartition('/')[2]}": room for room, key in rows}


async def test_a_ban_in_a_hundred_rooms_is_finished_after_each_kill_and_nothing_twice(tmp_path: Path) -> None:
    config, clock = tmp_path / "config.yaml", FileClock(tmp_path / "clock")
    async with FakeHomeserver() as hs:
        play = Play(hs, clock, tmp_path / "data" / "hearth.db", range(1), 0)
        raw = settings(hs.url, await play.arrive(), tmp_path / "data")
        await asyncio.to_thread(config.write_text, yaml.safe_dump(raw), "utf-8")
        await play.move_in(Config.model_validate(raw))
        await more_rooms(play)
        everywhere = {name for name in play.rooms if name.startswith("#")}
        assert len(everywhere) == 100
        async with nursery(config, clock.file, tmp_path / "log") as made:
            await made.start()
            await asyncio.wait_for(made.listens.wait(), 60)
            for kind in ("hang_after", "hang"):  # done and not known to be; asked for and not done
                held = hs.faults.add(kind, path="/ban$", skip=25, times=None)
                if kind == "hang_after":
                    await play.say("#staff", "mod", f"!ban {EVE} spam")
                else:
                    await made.start()
                await hs.until(lambda held=held: held.hits, 60)
                assert 20 <= len(play.banned("@eve")) < 100
                await made.kill()
                hs.faults.clear()
            await made.start()
            loop = asyncio.get_running_loop()
            began = loop.time()
            await hs.until(lambda: play.banned("@eve") == everywhere, 2 * SECONDS)
            assert loop.time() - began < SECONDS
            await play.settle()
            for name in everywhere:
                told = [each for each in hs.timeline(play.room(name), "m.room.member") if each.state_key == EVE]
                assert [each.content["membership"] for each in told].count("ban") == 1, name
            answers = [seen.body for seen in play.from_hearth("#staff") if "is banned from all 100 rooms" in seen.body]
            assert len(answers) == 1
            ((outcome,),) = play.query("SELECT outcome FROM ledger WHERE action = 'ban'")
            assert json.loads(outcome) == {"done": 100, "refused": {}}
