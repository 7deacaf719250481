"""The direct rooms in which digests come: made at opting in, found again whatever was lost, offered once more to who left, and then no more."""

import asyncio
import shutil
from contextlib import closing
from pathlib import Path
from sqlite3 import connect as open_file

import pytest
from community import HEARTH, PEOPLE
from databases import kinds
from world import World, a_world, on_a_file

from bridge.app import opened
from bridge.digest import tick as digest_tick
from bridge.store import people
from bridge.store.errors import AlreadyRunning
from bridge.store.tables import digests, outbox

BEN = PEOPLE["ben"]


def digests_of(world: World, who: str) -> list[str]:
    """The digests that this person has, in whatever room they are in."""
    return [body for body in world.told(who) if "\nYour digest, " in body]


def rooms_made(world: World) -> list[str]:
    return [request.path for request in world.changes() if request.path.endswith("/createRoom")]


def alone_with(world: World, who: str) -> list[str]:
    """The rooms in which this person and Hearth are, or are invited."""
    member = world.member(who)
    ours = {room for name, room in world.rooms.items() if name.startswith("#")}
    return [room for room in (*member.rooms(), *member.invites()) if room not in ours]


def forget_m_direct(world: World) -> None:
    """What the homeserver keeps for Hearth of its direct rooms is gone."""
    held = world.hs.model.accounts.users[HEARTH].account_data
    for at in [at for at in held if at[1] == "m.direct"]:
        del held[at]


async def day(world: World, moment: str, said: str) -> None:
    """Somebody says something in the circle, and then it is that time."""
    await world.say("#sleep", "ann", said)
    await world.settle()
    await world.turn_to(moment)


@on_a_file
async def test_the_room_is_there_from_the_beginning_and_is_found_whatever_is_lost(world: World) -> None:
    assert world.hearth
    await world.say("#sleep", "ben", f"!follow {PEOPLE['ann']}")
    await world.settle()
    (room,) = alone_with(world, "ben")  # the answer came there, and nothing waits for the morning
    assert await world.direct("ben") == room
    world.hs.mark()
    await day(world, "2026-01-06 08:00", "one")
    assert len(digests_of(world, "ben")) == 1
    assert rooms_made(world) == []

    async def lost(*, ours: bool, theirs: bool) -> None:
        """As after an old backup: what we wrote down of the room, and what the homeserver keeps of it for us."""
        await world.stop()
        async with world.writing() as db:
            await people.change(db, BEN, **({"direct_room": None} if ours else {}), direct_encrypted=None)
        if theirs:
            forget_m_direct(world)
        await world.start()
        await world.settle()

    for number, (ours, theirs) in enumerate(((True, False), (False, True), (True, True)), start=7):
        await lost(ours=ours, theirs=theirs)
        world.hs.mark()
        await day(world, f"2026-01-0{number} 08:00", f"said on the {number}th")
        assert rooms_made(world) == []
        assert alone_with(world, "ben") == [room]
        assert f"said on the {number}th" in digests_of(world, "ben")[-1]
    assert len(digests_of(world, "ben")) == 4

    # A room that its member made is kept for them, too.
    theirs_to_keep = await world.direct("eve")
    await world.ask("eve", "follow #sleep")
    await world.stop()
    async with world.writing() as db:
        await people.change(db, PEOPLE["eve"], direct_room=None)
    await world.start()
    world.hs.mark()
    await day(world, "2026-01-10 08:00", "for both")
    assert rooms_made(world) == []
    assert alone_with(world, "eve") == [theirs_to_keep]
    assert "for both" in digests_of(world, "eve")[-1]

    # In one that they replaced they would not see it.
    await world.member("eve").upgrade(theirs_to_keep, "11")
    await world.settle()
    for number in (11, 12):
        world.hs.mark()
        await day(world, f"2026-01-{number} 08:00", f"after the upgrade, on the {number}th")
        assert len(rooms_made(world)) == (number == 11)
        for room in world.member("eve").invites():
            await world.member("eve").join(room)
        assert f"on the {number}th" in digests_of(world, "eve")[-1]
        assert not any("after the upgrade" in seen.body for seen in world.from_hearth(theirs_to_keep, "eve"))


@on_a_file
async def test_who_leaves_is_invited_once_more_and_then_their_curator_hears(world: World) -> None:
    await world.ask("ben", "follow #sleep")
    ann_before = len(world.told("ann"))
    first = await world.direct("ben")
    await world.member("ben").leave(first)
    await world.settle()
    assert alone_with(world, "ben") == []
    await day(world, "2026-01-06 08:00", "one")
    (second,) = world.member("ben").invites()
    assert second != first
    await world.member("ben").join(second)
    assert any("\nYour digest, " in seen.body for seen in world.from_hearth(second, "ben"))
    await world.member("ben").leave(second)
    await world.settle()
    for date in ("07", "08"):
        await day(world, f"2026-01-{date} 08:00", "two")
    assert alone_with(world, "ben") == []
    told = world.told("ann")[ann_before:] if await world.direct("ann") else []
    assert ["Ben left the chat" in body for body in told] == [True]
    assert "do not invite them again" in told[0]
    assert "Ben left" not in "".join(seen.body for seen in world.from_hearth("#staff"))
    await world.say("#sleep", "ben", "!h digest")  # whoever asks in a room is told where the answer is
    await world.settle()
    assert "Please open a chat with me, and ask me there." in world.from_hearth("#sleep")[-1].body
    assert alone_with(world, "ben") == []
    await world.replay()
    assert rooms_made(world) == []
    assert len([body for body in world.told("ann") if "Ben left the chat" in body]) == 1

    # Everything else that they follow and chose is kept. They open a chat, are told so once, and have their digests back when they want them.
    del world.rooms["@ben"]
    assert "Your digest is off, though" in "".join(await world.ask("ben", "follow #garden"))
    told = [body for body in world.told("ben") if "Nothing that you follow is lost" in body]
    assert ["digest daily brings your digests back" in body for body in told] == [True]
    assert "Your digest is off" in (await world.ask("ben", "digest"))[0]
    await world.replay()
    assert len([body for body in world.told("ben") if "Nothing that you follow is lost" in body]) == 1
    assert "Thu, Jan 8" not in (await world.ask("ben", "digest daily"))[0]
    await day(world, "2026-01-09 08:00", "three")
    assert "three" in digests_of(world, "ben")[-1]
    assert len(alone_with(world, "ben")) == 1


@on_a_file
async def test_leaving_twice_counts_also_when_all_that_was_written_down_is_lost(world: World) -> None:
    await world.ask("zed", "follow #garden")  # their own room, which is not one that we made
    await world.member("zed").leave(await world.direct("zed"))
    await world.settle()
    for date, left in (("06", False), ("07", True)):
        await world.say("#garden", "cleo", f"on the {date}th")
        await world.settle()
        await world.turn_to(f"2026-01-{date} 08:00")
        for room in world.member("zed").invites():
            await world.member("zed").join(room)
            await world.member("zed").leave(room)
        await world.settle()
        if not left:
            await world.stop()
            forget_m_direct(world)
            await world.start()
    world.hs.mark()
    await world.say("#garden", "cleo", "once more")
    await world.settle()
    await world.turn_to("2026-01-08 08:00")
    assert world.member("zed").invites() == []


@on_a_file
async def test_what_a_backup_forgot_is_not_said_again(world: World, tmp_path: Path) -> None:
    """A database from before some digests comes back, with a device that the homeserver knows nothing of: its transaction ids are worth nothing."""
    await world.say("#sleep", "ben", "!follow #sleep")
    await world.say("#sleep", "eve", "!follow #sleep")
    await world.settle()
    await world.direct("ben")
    await world.direct("eve")
    await world.say("#sleep", "ann", "from before the backup")
    await world.settle()
    await world.stop()
    file = world.config.data_dir / "hearth.db"
    with closing(open_file(file)) as db:
        db.execute(f"VACUUM INTO '{tmp_path / 'backup.db'}'")
    await world.start()
    await world.turn_to("2026-01-06 08:00")
    await day(world, "2026-01-07 08:00", "from after it")

    def in_their_rooms() -> int:
        """Messages of Hearth that stand where it speaks to one of them."""
        rooms = [room for who in ("ben", "eve") for room in alone_with(world, who)]
        return sum(event.sender == HEARTH for room in rooms for event in world.hs.timeline(room, "m.room.message"))

    before = in_their_rooms()
    await world.stop()
    for old in world.config.data_dir.glob("hearth.db*"):
        old.unlink()
    shutil.copy(tmp_path / "backup.db", file)
    for data in world.config.data_dir.glob("session*"):
        data.unlink()
    matrix = world.config.matrix.model_copy(update={"access_token": type(world.config.matrix.access_token)((await world.hs.user(HEARTH)).token("ANEW"))})  # fmt: skip
    world.config = world.config.model_copy(update={"matrix": matrix})
    world.clock.turn_to("2026-01-07 09:30")
    await world.start()
    await world.settle()
    await world.tick()
    assert in_their_rooms() == before
    made = [row for row in await world.rows(digests) if row["user"] == BEN]
    assert [row["id"].rpartition("/")[2] for row in made] == ["2026-01-07"]
    assert made[0]["event"] is not None  # it is known where it stands, and can be corrected
    await day(world, "2026-01-08 08:00", "the next day")
    assert in_their_rooms() == before + 2


@on_a_file
async def test_moderation_and_answers_go_ahead_of_a_wave(world: World) -> None:
    assert world.hearth
    for who in ("ben", "eve", "dan", "zed"):
        await world.ask(who, f"follow {PEOPLE['ann']}")
    await world.say("#common", "ann", "good night")
    await world.settle()
    world.hearth.outbox._at_once = 1
    stuck = world.hs.faults.add("hang", path="/send/")
    await world.say(await world.direct("zed"), "zed", "follows")
    await world.hs.until(lambda: stuck.hits)
    world.clock.turn_to("2026-01-06 08:00")
    await world.ring("digests")
    await world.say("#staff", "mod", f"!ban {PEOPLE['eve']} spam")
    await world.say(await world.direct("dan"), "dan", "help")

    async def all_wait() -> bool:
        kinds = [row["kind"] for row in await world.rows(outbox) if row["state"] == "due"]
        return kinds.count("Deliver") == 4 and "Ban" in kinds and "Say" in kinds

    await world.until(all_wait)
    stuck.release()
    await world.settle()
    done = sorted((row for row in await world.rows(outbox) if row["kind"] in ("Ban", "Deliver")), key=lambda row: row["settled_ms"])  # fmt: skip
    kinds = [row["kind"] for row in done]
    assert kinds == sorted(kinds)
    assert kinds.count("Deliver") == 4
    assert "Ban" in kinds
    dan = [seen.body for seen in world.from_hearth(await world.direct("dan"), "dan")]
    assert "\nYour digest, " in dan[-1]
    assert "\nYour digest, " not in dan[-2]


@on_a_file
async def test_after_an_outage_all_of_it_is_heard_before_anything_is_chosen(world: World) -> None:
    await world.ask("ben", "follow #sleep")
    await day(world, "2026-01-06 08:00", "in time")
    await world.stop()  # Hearth itself is gone for days
    for number in (6, 7, 8):
        world.clock.turn_to(f"2026-01-0{number} 12:00")
        await world.say("#sleep", "ann", f"on the {number}th")
    world.clock.turn_to("2026-01-09 08:00")
    world.hs.faults.add("slow", path="/sync$", seconds=1)
    await world.start()
    await world.until(lambda: _has(world, 2))
    (_, after) = digests_of(world, "ben")
    assert "covers everything from Tue, Jan 6, 08:00 to Fri, Jan 9, 08:00" in after
    assert all(f"on the {number}th" in after for number in (6, 7, 8))

    held = world.hs.faults.add("status", path="/sync$", status=502, times=None)  # now the homeserver is
    world.hs.model.changed({HEARTH})
    assert world.hearth
    await world.until(lambda: _away(world))
    for number in (10, 11):
        world.clock.turn_to(f"2026-01-{number} 08:30")
        await world.say("#sleep", "ann", f"on the {number}th")
    ringing = [asyncio.create_task(world.ring("digests"))]
    await asyncio.sleep(0)
    assert len(digests_of(world, "ben")) == 2
    held.release()
    await asyncio.gather(*ringing)
    await world.until(lambda: _has(world, 3))
    await world.settle()
    last = digests_of(world, "ben")[-1]
    assert len(digests_of(world, "ben")) == 3
    assert all(f"on the {number}th" in last for number in (10, 11))


@on_a_file
async def test_who_left_while_a_digest_waited_and_hearth_was_gone_is_given_nothing(world: World) -> None:
    """A wave that a restart cuts in two goes on only when all is known that happened meanwhile."""
    await world.ask("ben", "follow #sleep")
    await world.ask("eve", "follow #sleep")
    await world.say("#sleep", "ann", "for the circle alone")
    await world.settle()
    await world.stop()
    world.clock.turn_to("2026-01-06 08:00")
    async with opened(world.config, clock=world.clock) as hearth:
        assert await digest_tick.tick(hearth.database, world.clock(), hearth.config) == 2
    await world.member("ben").leave(world.rooms["#sleep"])
    world.hs.faults.add("slow", path="/sync$", seconds=1)
    await world.start()
    await world.settle()
    assert "for the circle alone" in digests_of(world, "eve")[-1]
    assert [row["user"] for row in await world.rows(digests) if row["event"]] == [PEOPLE["eve"]]


async def _has(world: World, number: int) -> bool:
    return len(digests_of(world, "ben")) >= number


async def _away(world: World) -> bool:
    assert world.hearth
    return not world.hearth.caught_up.is_set()


@pytest.mark.parametrize("where", kinds()[-1:], indirect=True)
async def test_a_second_process_takes_over_in_the_middle_of_a_wave(where: str | Path, tmp_path: Path) -> None:
    """On a file there is no second one; on PostgreSQL it stands by, and goes on where the first one was killed."""
    async with a_world(where, tmp_path) as world:
        for who in ("ben", "eve", "dan"):
            await world.ask(who, f"follow {PEOPLE['ann']}")
        await world.say("#common", "ann", "good morning")
        await world.settle()
        if isinstance(where, Path):
            with pytest.raises(AlreadyRunning):
                async with opened(world.config, clock=world.clock):
                    raise AssertionError("two at once")
            return
        listening = asyncio.Event()

        async def stand_by() -> None:
            async with opened(world.config, clock=world.clock) as hearth:
                world.hearth = hearth
                await hearth.run(ready=listening.set)

        second = asyncio.create_task(stand_by())
        accepted = world.hs.faults.add("hang_after", path="/send/", skip=1, times=None)
        world.clock.turn_to("2026-01-06 08:00")
        await world.ring("digests")
        await world.hs.until(lambda: accepted.hits)
        assert not listening.is_set()
        await world.stop()  # one is settled, another was accepted and nobody wrote it down
        accepted.release()
        try:
            async with asyncio.timeout(20):
                await listening.wait()

            await world.settle()
            rows = [row for row in await world.rows(outbox) if row["kind"] == "Deliver"]
            assert [row["state"] for row in rows] == ["done"] * 3
            for who in ("ben", "eve", "dan"):
                assert len(digests_of(world, who)) == 1
        finally:
            world.hearth = None
            second.cancel()
            await asyncio.gather(second, return_exceptions=True)
