"""People of another homeserver come in: by a code with one invitation, and by knocking, as staff decides."""

import re
from contextlib import AsyncExitStack
from pathlib import Path

from matrix_parties import until
from test_hearth import ask, running

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member, logged_in
from bridge.hearth import Hearth
from bridge.store import belongs


async def person(stack: AsyncExitStack, lab: Lab, name: str, place: str, directory: Path) -> Member:
    servers = [lab.a.server_name, lab.b.server_name]
    return await stack.enter_async_context(logged_in(name, lab[place], directory / "people", servers))


async def settings(lab: Lab, prefix: str, moderator: str, directory: Path) -> Config:
    account = await lab.a.register(f"{prefix}hearth", "pw")
    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "access_token": account.token},
            "data_dir": str(directory / "data"),
            "community": {
                "space": {"name": "Home", "alias": f"{prefix}home", "entry": "knock"},
                "common": {"name": "Common", "alias": f"{prefix}common", "encrypted": False},
                "staff": {"name": "Staff", "alias": f"{prefix}staff", "encrypted": False},
                "circles": [{"name": "Sleep", "tag": "sleep", "alias": f"{prefix}sleep"}],
                "moderators": [moderator],
                "onboarding": False,
            },
        }
    )


async def knock(member: Member, alias: str, server: str) -> None:
    await member.matrix.client.request(
        "POST", "/knock/{room}", parts={"room": alias}, query={"server_name": server}, body={}
    )


async def decides(mira: Member, staff: str, who: Member, emoji: str, words: str) -> None:
    """Mira reacts on the case about this person, and its message then says these words."""
    case = await mira.sees(staff, who.id)
    await mira.react(staff, case.event, emoji)
    await mira.until("the decision", lambda: case.edited and words in case.text)


async def membership(hearth: Hearth, room: str, who: Member) -> tuple[str, str]:
    held = await hearth.matrix.gateway.state_content(room, "m.room.member", who.id) or {}
    return str(held.get("membership")), str(held.get("reason", ""))


async def test_people_of_another_homeserver_come_in_by_a_code_and_by_knocking(
    lab: Lab, prefix: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        nora, kira, kuno = [
            await person(stack, lab, f"{prefix}{name}", "b", tmp_path) for name in ("nora", "kira", "kuno")
        ]
        config = await settings(lab, prefix, mira.id, tmp_path)
        hearth = await stack.enter_async_context(opened(config))
        outcome = await hearth.apply(lambda _: None)
        assert not outcome.failures
        rooms = await hearth.rooms()
        async with running(hearth):
            await mira.accept(rooms["space"])
            await mira.accept(rooms["staff"])
            told = await ask(mira, hearth, rooms["staff"], "!invite code #sleep")
            (code,) = set(re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b", told))

            direct = await nora.talk_to(hearth.me)
            await nora.until("Hearth", lambda: nora.hears(hearth.me, direct))
            await ask(nora, hearth, direct, f"my code is {code}", "Welcome")
            await nora.until("the invitation", lambda: rooms["space"] in nora.invites)
            assert nora.invites == {rooms["space"]}
            await nora.accept(rooms["space"])
            await nora.join(rooms["circle/sleep"])
            await nora.join(rooms["common"])
            assert nora.invites == set()
            async with hearth.database.reading() as db:
                assert await belongs.circles_of(db, nora.id) == ("circle/sleep",)
            await ask(nora, hearth, direct, "AAAA-AAAA-AAA2", "do not know")

            door = f"#{prefix}home:{lab.a.server_name}"
            await knock(kira, door, lab.a.server_name)
            await decides(mira, rooms["staff"], kira, "👍", "Yes, said")
            await kira.accept(rooms["space"])
            await kira.join(rooms["common"])

            await knock(kuno, door, lab.a.server_name)
            await decides(mira, rooms["staff"], kuno, "👎", "No, said")

            async def reason() -> str | None:
                now, why = await membership(hearth, rooms["space"], kuno)
                return why if now == "leave" else None

            assert "Thank you" in await until(reason)
