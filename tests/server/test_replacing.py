"""Rooms are replaced, and who leaves the space leaves its rooms, between two real homeservers."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from matrix_parties import until
from test_hearth import ask, person, running

from bridge.app import opened
from bridge.config import Config
from bridge.demo.homeservers import Lab
from bridge.demo.member import Member
from bridge.effects import Kick
from bridge.hearth import Hearth


async def settings(lab: Lab, prefix: str, directory: Path, version: str) -> Config:
    account = await lab.a.register(f"{prefix}hearth", "pw")
    here, there = lab.a.server_name, lab.b.server_name
    return Config.model_validate(
        {
            "matrix": {"homeserver": lab.a.url, "user_id": account.user_id, "access_token": account.token},
            "data_dir": str(directory / "data"),
            "community": {
                "space": {"name": "Home", "alias": f"{prefix}home"},
                "common": {"name": "Common", "alias": f"{prefix}common", "encrypted": False},
                "staff": {"name": "Staff", "alias": f"{prefix}staff", "encrypted": False},
                "circles": [
                    {
                        "name": "Sleep",
                        "tag": "sleep",
                        "alias": f"{prefix}sleep",
                        "encrypted": False,
                        "members": [f"@{prefix}eva:{there}"],
                    }
                ],
                "moderators": [f"@{prefix}mira:{here}"],
                "room_version": version,
                "onboarding": False,
            },
        }
    )


async def state(hearth: Hearth, room: str, kind: str, key: str = "") -> dict[str, Any]:
    return dict(await hearth.matrix.gateway.state_content(room, kind, key) or {})


async def replaced(hearth: Hearth, key: str, old: str) -> str:
    """The room that goes on, once all is done."""

    async def found() -> str | None:
        room = (await hearth.rooms()).get(key)
        return room if room != old else None

    return str(await until(found))


async def is_so(look: Callable[[], Any], wanted: Any) -> None:
    async def same() -> bool:
        return bool(await look() == wanted)

    await until(same)


async def moved_in(mira: Member, eva: Member, rooms: dict[str, str]) -> None:
    for member in (mira, eva):
        await member.accept(rooms["space"])
        await member.join(rooms["common"])
        await member.join(rooms["circle/sleep"])
    await mira.accept(rooms["staff"])


@pytest.mark.parametrize("version", ["10", "12"])
async def test_a_circle_with_a_remote_member_and_an_open_share_goes_on(
    lab: Lab, prefix: str, tmp_path: Path, version: str
) -> None:
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        hearth = await stack.enter_async_context(opened(await settings(lab, prefix, tmp_path, version)))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        old, space, common = rooms["circle/sleep"], rooms["space"], rooms["common"]
        async with running(hearth):
            await moved_in(mira, eva, rooms)
            root = await eva.say(old, "A bad night #common")
            await mira.sees(common, "A bad night")

            assert "cannot be undone" in await ask(mira, hearth, rooms["staff"], "!room replace #sleep 12")
            question = await mira.sees(rooms["staff"], "cannot be undone")
            await mira.react(rooms["staff"], question.event, "👍")
            await mira.sees(rooms["staff"], "goes on in a new room, of version 12")
            new = await replaced(hearth, "circle/sleep", old)
            assert (await state(hearth, new, "m.room.create"))["predecessor"]["room_id"] == old
            assert (await state(hearth, new, "m.room.create"))["room_version"] == "12"
            assert (await state(hearth, old, "m.room.tombstone"))["replacement_room"] == new
            assert await hearth.matrix.gateway.resolve_alias(f"#{prefix}sleep:{lab.a.server_name}") == new
            assert await state(hearth, space, "m.space.child", old) == {}
            assert (await state(hearth, space, "m.space.child", new))["via"] == [lab.a.server_name]
            assert (await state(hearth, new, "m.space.parent", space))["via"] == [lab.a.server_name]
            assert (await state(hearth, new, "m.room.join_rules"))["allow"][0]["room_id"] == space

            await eva.sees(old, "goes on in a new one")
            await is_so(lambda: eva.can_write(old), False)
            await eva.join(new)
            await eva.say(new, "Here I am #common")
            await mira.sees(common, "Here I am")
            await eva.redact(old, root)
            await mira.no_longer_sees(common, "A bad night")


async def test_who_leaves_the_space_of_another_homeserver_leaves_its_rooms(
    lab: Lab, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.rooms.cascade.GRACE_MS", 0)
    async with AsyncExitStack() as stack:
        mira = await person(stack, lab, f"{prefix}mira", "a", tmp_path)
        eva = await person(stack, lab, f"{prefix}eva", "b", tmp_path)
        hearth = await stack.enter_async_context(opened(await settings(lab, prefix, tmp_path, "12")))
        assert not (await hearth.apply(lambda _: None)).failures
        rooms = await hearth.rooms()
        async with running(hearth):
            await moved_in(mira, eva, rooms)
            await eva.matrix.client.request("POST", "/rooms/{room}/leave", parts={"room": rooms["space"]})
            for key in ("common", "circle/sleep"):
                await eva.until(key, lambda key=key: eva.memberships.get(rooms[key]) == "leave")
            reason = (await state(hearth, rooms["common"], "m.room.member", eva.id))["reason"]
            assert "welcome back" in reason
            assert mira.memberships[rooms["common"]] == "join"

            kick = Kick(key=f"test/{prefix}", room=rooms["space"], user=mira.id)
            await hearth.matrix.gateway.perform(kick)
            await mira.until("the door", lambda: mira.memberships.get(rooms["circle/sleep"]) == "leave")
