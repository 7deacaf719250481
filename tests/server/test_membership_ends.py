"""A membership of somebody on the other homeserver ends by the clock: they read for some days, are out of every room, and come back by one invitation."""

from contextlib import AsyncExitStack
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from matrix_parties import until
from test_hearth import ask, person, running
from test_replacing import is_so

from bridge.app import opened
from bridge.clock import now_ms
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.times import DAY_MS

BERLIN = ZoneInfo("Europe/Berlin")
HINT = "https://example.org/stay"
GRACE_DAYS = 3


class Later:
    """The machine's clock, which can be put forward; it begins at noon in Berlin, so that no day ends while one looks."""

    def __init__(self) -> None:
        self.days = 0
        tomorrow = datetime.now(BERLIN).date() + timedelta(days=1)
        noon = datetime.combine(tomorrow, time(12), BERLIN)
        self.ahead_ms = int(noon.timestamp() * 1000) - now_ms()

    def __call__(self) -> int:
        return now_ms() + self.ahead_ms + self.days * DAY_MS


async def settings(lab: Lab, prefix: str, moderator: str, directory: Path) -> Config:
    account = await lab.a.register(f"{prefix}hearth", "pw")
    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "access_token": account.token},
            "data_dir": str(directory / "data"),
            "zone": "Europe/Berlin",
            "membership": {"grace_days": GRACE_DAYS, "reminders": [], "renew_hint": HINT},
            "community": {
                "space": {"name": "Home", "alias": f"{prefix}home"},
                "common": {"name": "Common", "alias": f"{prefix}common", "encrypted": False},
                "staff": {"name": "Staff", "alias": f"{prefix}staff", "encrypted": False},
                "circles": [{"name": "Sleep", "tag": "sleep", "alias": f"{prefix}sleep", "encrypted": False}],
                "moderators": [moderator],
                "onboarding": False,
            },
        }
    )


async def level(member: Member, room: str) -> int:
    """What somebody's own homeserver says that they may in a room."""
    content = await member.matrix.gateway.state_content(room, "m.room.power_levels") or {}
    found: int = content.get("users", {}).get(member.id, content.get("users_default", 0))
    return found


async def test_a_remote_membership_ends_and_a_renewal_brings_everything_back(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    clock = Later()
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        config = await settings(lab, prefix, mira.id, tmp_path)
        hearth = await stack.enter_async_context(opened(config, clock=clock))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        hers = [rooms[key] for key in ("space", "common", "circle/sleep")]

        async def silent() -> bool:
            return max([await level(eva, room) for room in hers]) < 0

        async with running(hearth):
            await mira.accept(rooms["space"])
            await mira.accept(rooms["staff"])
            await ask(mira, hearth, rooms["staff"], f"!invite {eva.id} #sleep")
            await eva.accept(rooms["space"])
            await eva.join(rooms["common"])
            await eva.join(rooms["circle/sleep"])
            direct = await eva.talk_to(hearth.me)
            await eva.until("Hearth", lambda: eva.hears(hearth.me, direct))
            await ask(eva, hearth, direct, "help", "For everybody")
            assert "lasts until" in await ask(mira, hearth, rooms["staff"], f"!member expire {eva.id} 10d")
            await eva.sees_from(hearth.me, direct, "that day included")

            clock.days = 11
            await eva.sees_from(hearth.me, direct, "you can still read everything")
            await until(silent)
            await mira.join(rooms["circle/sleep"])
            await mira.say(rooms["circle/sleep"], "Still among us.")
            await eva.sees(rooms["circle/sleep"], "Still among us.")
            for room in hers:
                assert not await eva.can_write(room)

            clock.days = 11 + GRACE_DAYS + 1
            end = await eva.sees_from(hearth.me, direct, "come to its end")
            assert HINT in end.text
            for room in hers:
                await eva.until("the way out", lambda room=room: eva.memberships.get(room) == "leave")
            refused = await ask(mira, hearth, rooms["staff"], f"!invite {eva.id} #sleep")
            assert "member renew" in refused
            assert eva.invites == set()

            assert "lasts until" in await ask(mira, hearth, rooms["staff"], f"!member renew {eva.id} 30d")
            await eva.sees_from(hearth.me, direct, "Welcome back")
            for room in hers:
                await eva.until("one invitation", lambda room=room: room in eva.invites)
                assert eva.invites == {room}
                await eva.accept(room)

            async def levels() -> list[int]:
                return [await level(eva, room) for room in hers]

            await is_so(lambda: eva.can_write(rooms["circle/sleep"]), True)
            await is_so(levels, [0, 0, 0])
