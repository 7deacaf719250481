"""Digests in real encrypted direct rooms, over federation: made at opting in, not repeated after a restored backup, offered once more to who left, and then no more."""

import shutil
from contextlib import AsyncExitStack, closing
from datetime import datetime
from pathlib import Path
from sqlite3 import connect as open_file
from zoneinfo import ZoneInfo

from due_digests import settled
from matrix_parties import until
from sqlalchemy import func, select
from test_hearth import person, running
from test_replacing import is_so

from bridge.app import opened
from bridge.clock import now_ms
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.hearth import Hearth
from bridge.store.tables import posts

BERLIN = ZoneInfo("Europe/Berlin")
FEBRUARY = f"{datetime.now(BERLIN).year + 1}-02"
"""The next one that is yet to come: far from any change of clocks."""


class Wall:
    """The machine's clock, turned to some moment on a wall in Berlin."""

    def __init__(self) -> None:
        self.offset_ms = 0
        self.turn_to(f"{FEBRUARY}-01 07:00")

    def __call__(self) -> int:
        return now_ms() + self.offset_ms

    def turn_to(self, moment: str) -> None:
        self.offset_ms = int(datetime.fromisoformat(moment).replace(tzinfo=BERLIN).timestamp() * 1000) - now_ms()


async def settings(lab: Lab, prefix: str, curator: str, member: str, directory: Path) -> Config:
    account = await lab.a.register(f"{prefix}hearth", "pw")
    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "password": "pw"},
            "data_dir": str(directory / "data"),
            "zone": "Europe/Berlin",
            "community": {
                "space": {"name": "Home", "alias": f"{prefix}home"},
                "common": {"name": "Common", "alias": f"{prefix}common"},
                "staff": {"name": "Staff", "alias": f"{prefix}staff"},
                "circles": [
                    {"name": "Sleep", "tag": "sleep", "alias": f"{prefix}sleep", "curators": [curator], "members": [member], "encrypted": False}
                ],
                "onboarding": False,
                "assign": False,
            },
        }
    )  # fmt: skip


async def found(member: Member, room: str, text: str) -> list[str]:
    """The ids of the messages with these words that somebody can read in a room, also of what came before they did; all of it is encrypted."""
    gateway = member.matrix.gateway
    there = [raw for raw in await gateway.recent(room, 50) if text in str(raw["content"].get("body", ""))]
    sealed = {raw["event_id"] for raw in await gateway.raw_recent(room, 50) if raw["type"] == "m.room.encrypted"}
    assert {raw["event_id"] for raw in there} <= sealed
    return [str(raw["event_id"]) for raw in there]


async def reads(member: Member, room: str, text: str) -> str:
    """Wait until somebody can read these words; the message's id."""
    return str((await until(lambda: found(member, room, text)))[0])


async def invited(member: Member, before: set[str]) -> str:
    """The room to which somebody is newly invited."""
    return await member.until("an invitation", lambda: next(iter(member.invites - before), None))


async def test_a_digest_comes_in_a_chat_of_its_own_once_and_stays_away_from_who_left_twice(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    clock = Wall()
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        config = await settings(lab, prefix, mira.id, eva.id, tmp_path)
        file, backup = config.data_dir / "hearth.db", tmp_path / "backup.db"
        async with opened(config, clock=clock) as hearth:
            assert not (await hearth.apply(lambda _: None)).failures
            rooms = await hearth.rooms()
            sleep = rooms["circle/sleep"]
            async with running(hearth):
                for member in (mira, eva):
                    await member.accept(rooms["space"])
                    await member.join(sleep)

                # Opting in, in the circle, brings the room where the digest will come; nothing of that is left for the morning.
                await eva.say(sleep, "!follow #sleep")
                first = await invited(eva, set())
                await eva.accept(first)
                await reads(eva, first, "You now follow")
                assert eva.memberships[first] == "join"
                await mira.say(sleep, "Awake since three.")
                await hearth_heard(hearth, 2)
                with closing(open_file(file)) as db:
                    db.execute(f"VACUUM INTO '{backup}'")
                clock.turn_to(f"{FEBRUARY}-01 08:00")
                digest = await reads(eva, first, "Awake since three.")
                assert await settled(hearth, eva.id, f"{FEBRUARY}-01") == digest
                assert not eva.invites

        # All is lost but an old backup of the database: another device, other keys, and no idea of what was said since.
        for old in (*config.data_dir.glob("hearth.db*"), *config.data_dir.glob("session*")):
            old.unlink()
        shutil.rmtree(config.data_dir / "crypto")
        shutil.copy(backup, file)
        clock.turn_to(f"{FEBRUARY}-01 08:30")
        async with opened(config, clock=clock) as hearth, running(hearth):
            assert await settled(hearth, eva.id, f"{FEBRUARY}-01") == digest
            assert await found(eva, first, "\nYour digest, ") == [digest]

            # Who leaves the chat is invited to another one, once.
            await leaves(eva, hearth, first)
            await mira.say(sleep, "A better night.")
            await hearth_heard(hearth, 3)
            clock.turn_to(f"{FEBRUARY}-02 08:00")
            second = await invited(eva, set())
            assert second != first
            await eva.accept(second)
            await reads(eva, second, "A better night.")
            await settled(hearth, eva.id, f"{FEBRUARY}-02")
            await leaves(eva, hearth, second)

            # The second time their curator hears of it, and nobody is invited any more.
            before = set(mira.invites)
            await mira.say(sleep, "And one more.")
            await hearth_heard(hearth, 4)
            clock.turn_to(f"{FEBRUARY}-03 08:00")
            hers = await invited(mira, before)
            await mira.accept(hers)
            await reads(mira, hers, "left the chat in which I bring them their digest")
            assert await settled(hearth, eva.id, f"{FEBRUARY}-03") is None
            assert eva.invites == set()
            await mira.say(sleep, "Still here.")
            await hearth_heard(hearth, 5)
            clock.turn_to(f"{FEBRUARY}-04 08:00")
            for each in hearth.ticks():
                if each.name == "digests":
                    await each.run()
            await mira.say(hers, "digest")
            await reads(mira, hers, "Your digest is off")
            assert eva.invites == set()


async def leaves(member: Member, hearth: Hearth, room: str) -> None:
    """Somebody leaves, and Hearth's homeserver has heard of it."""
    await member.matrix.client.request("POST", "/rooms/{room}/leave", parts={"room": room})
    await is_so(lambda: hearth.matrix.gateway.membership(room, member.id), "leave")


async def hearth_heard(hearth: Hearth, number: int) -> None:
    """Wait until Hearth knows of so many messages of people."""

    async def look() -> bool:
        async with hearth.database.reading() as db:
            count = await db.scalar(select(func.count()).select_from(posts).where(posts.c.author != hearth.me))
        return bool(count and count >= number)

    await until(look)
