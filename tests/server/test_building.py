"""`hearth apply` on real homeservers when things go wrong: killed in the middle, an address taken, no power, a server that is down."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest_asyncio

from bridge.demo.homeservers import Lab
from bridge.matrix.client import Client


class Owner:
    """The file, Hearth's account and an owner of rooms of her own."""

    def __init__(self, lab: Lab, prefix: str, bot: Client, ann: Client, file: Path, settings: dict[str, Any]) -> None:
        self.lab, self.prefix, self.bot, self.ann, self.file, self.settings = lab, prefix, bot, ann, file, settings

    def write(self, *circles: dict[str, Any]) -> None:
        self.settings["community"]["circles"] = [
            {"alias": f"{self.prefix}{circle['tag']}", **circle} for circle in circles
        ]
        self.file.write_text(json.dumps(self.settings), encoding="utf-8")

    async def start(self, *more: str) -> asyncio.subprocess.Process:
        arguments = ("-m", "bridge", "apply", "--config", str(self.file), *more)
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=pipe, stderr=asyncio.subprocess.STDOUT)  # fmt: skip

    async def apply(self, *more: str) -> tuple[int, str]:
        process = await self.start(*more)
        async with asyncio.timeout(90):
            said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    async def state_of(self, room: str) -> set[str]:
        return {event["event_id"] for event in await self.ann.request_list("/rooms/{room}/state", parts={"room": room})}

    async def rooms(self) -> list[str]:
        return list((await self.bot.request("GET", "/joined_rooms"))["joined_rooms"])


@pytest_asyncio.fixture(loop_scope="session")
async def owner(lab: Lab, prefix: str, tmp_path: Path) -> AsyncIterator[Owner]:
    async with AsyncExitStack() as stack:
        bot, ann = await lab.a.register(f"{prefix}bot", "pw"), await lab.a.register(f"{prefix}ann", "pw")
        clients = [await stack.enter_async_context(Client(lab.a.url, account.token)) for account in (bot, ann)]
        rooms = {room: {"name": room, "alias": f"{prefix}{room}"} for room in ("space", "common", "staff")}
        matrix = {"homeserver": lab.a.url, "user_id": bot.user_id, "access_token": bot.token, "encryption": False}
        settings: dict[str, Any] = {"matrix": matrix, "data_dir": str(tmp_path / "data"), "community": dict(rooms)}
        yield Owner(lab, prefix, *clients, tmp_path / "config.yaml", settings)


async def test_a_kill_in_the_middle_is_finished_by_the_next_apply(owner: Owner) -> None:
    owner.write(*({"name": f"Circle {number}", "tag": f"c{number}"} for number in range(16)))
    process = await owner.start()
    while process.returncode is None and not await owner.rooms():  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.02)
    process.kill()
    await process.communicate()
    assert len(await owner.rooms()) < 19, "it was killed too late to mean anything"
    code, said = await owner.apply()
    assert (code, "done." in said) == (0, True), said
    assert len(await owner.rooms()) == 19
    assert await owner.apply() == (0, "Nothing to change.\n")


async def test_a_taken_address_and_a_room_without_power_are_told_and_the_rest_is_done(owner: Owner) -> None:
    body = {"room_alias_name": f"{owner.prefix}taken", "name": "Somebody else's"}
    theirs = (await owner.ann.request("POST", "/createRoom", body=body))["room_id"]
    me = owner.settings["matrix"]["user_id"]
    weak = (await owner.ann.request("POST", "/createRoom", body={"name": "Lounge", "invite": [me]}))["room_id"]
    before = await owner.state_of(theirs)
    owner.write(
        {"name": "Taken", "tag": "taken"}, {"name": "Lounge", "tag": "lounge", "room": weak}, {"name": "Good", "tag": "good"}
    )  # fmt: skip
    code, said = await owner.apply()
    assert "The address for circle/taken already leads to another room." in said
    assert f"Hearth has power 0 in {weak} and needs 100." in said
    assert len(await owner.rooms()) == 5, (
        "the space, the common room, the staff room, the good circle, and where it is a guest"
    )
    assert await owner.state_of(theirs) == before
    assert code == 0, said
    content = await owner.ann.request("GET", "/rooms/{room}/state/m.room.name", parts={"room": weak})
    assert content["name"] == "Lounge"


async def test_invites_to_a_server_that_is_down_are_told_and_go_out_later(owner: Owner) -> None:
    far = await owner.lab.b.register(f"{owner.prefix}cleo", "pw")
    near = await owner.lab.a.register(f"{owner.prefix}ben", "pw")
    owner.write({"name": "Sleep", "tag": "sleep", "members": [far.user_id, near.user_id]})
    await owner.lab.b.stop()
    try:
        code, said = await owner.apply()
    finally:
        await owner.lab.b.start()
    assert code == 1, said
    assert "Invites that wait for a server that does not answer: 1." in said
    async with Client(owner.lab.a.url, near.token) as ben:
        assert len((await ben.request("GET", "/sync"))["rooms"]["invite"]) == 1, "nobody else waits"
    async with asyncio.timeout(60):
        while (await owner.apply())[0] != 0:
            pass
    async with Client(owner.lab.b.url, far.token) as cleo:
        assert len((await cleo.request("GET", "/sync"))["rooms"]["invite"]) == 1
